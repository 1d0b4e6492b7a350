"""A variant of Mask R-CNN that learns from recorded pictures: for `ablations.py`."""

import keras
import numpy as np
from ablation_pictures import CHUNK, MAPS, PYRAMID, targets_of
from ablation_variants import build, streets

from helpers.models import transfer
from helpers.training.schedule import Schedule

BATCH = 4  # pictures per step
RATE = {"masks": 2e-3, "whole": 5e-4}  # of learning, at its peak


class Learner:
    """A network that learns from recorded pictures; its graphs are made once for all seeds.

    Args:
        variant: Variant.
        pictures: from `prepare`, to learn from.
        group: "masks", where only the mask head learns, or "whole".
        num_steps: batches.
        is_new: whether the last layer of the mask head begins with random weights.
    """

    def __init__(self, variant, pictures, group, num_steps, is_new=True):
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # it warns of so many networks in one process
        self.variant = variant
        self.pictures = pictures
        self.group = group
        self.num_steps = num_steps
        self.is_new = is_new
        self.names = PYRAMID if group == "masks" else MAPS
        self.model = self._begin()
        self.start = self.model.get_weights()
        rise = num_steps // 10
        schedule = Schedule(RATE[group], rise, rise, num_steps)
        self.optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-4, clipnorm=5.0)
        learner = self.model.mask_head if group == "masks" else self.model
        self.learning = learner.trainable_variables
        self.optimizer.build(self.learning)

        def step(*batch):
            with tf.GradientTape() as tape:
                loss = self._loss(self.model, *batch)
            self.optimizer.apply(tape.gradient(loss, self.learning), self.learning)
            return loss

        self.step = tf.function(step)
        self.draw, self.find = tf.function(self._draw), tf.function(self._find)

    def _loss(self, model, targets, proposals, valid):
        """The sum of the losses, or that of the masks."""
        if self.group == "whole":
            return sum(model(targets, training=True).values())
        sampled = model.sample_proposals(proposals, valid, targets)
        return model.mask_losses(model.features(targets.images), sampled, targets)

    def _begin(self):
        """The network before its first step."""
        keras.utils.set_random_seed(0)
        model = build(self.variant)
        model(self._batch(np.arange(1))[0].images)  # builds the layers
        left = transfer(streets(), model, same_classes=True)
        print(f"  not from streets: {', '.join(left) or 'nothing'}")
        return model

    def _batch(self, numbers):
        """Recorded pictures by their numbers: Targets, proposals, and which of these are real."""
        targets = targets_of(self.pictures, numbers, self.names)
        return targets, self.pictures["proposals"][numbers], self.pictures["valid"][numbers]

    def learn(self, seed):
        """Begin anew with a seed, and learn."""
        self.model.set_weights(self.start)
        self.model.noise.state.assign([seed, 0])
        if self.is_new:
            last = self.model.mask_head.logits
            last.kernel.assign(keras.initializers.GlorotUniform(seed)(last.kernel.shape))
            last.bias.assign(keras.ops.zeros_like(last.bias))
        for variable in self.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        order = np.random.default_rng(seed)
        num = len(self.pictures["valid"])
        size = BATCH
        losses = []
        queue = np.zeros(0, int)
        for _ in range(self.num_steps):
            if len(queue) < size:
                queue = np.concatenate([queue, order.permutation(num)])
            numbers = np.sort(queue[:size])
            queue = queue[size:]
            losses.append(float(self.step(*self._batch(numbers))))
        print(f"  loss {np.mean(losses[:10]):.3f} -> {np.mean(losses[-10:]):.3f}")

    def _draw(self, pyramid, boxes, labels):
        """Masks in given boxes."""
        mask_features = self.model.mask_features(self.model.features(pyramid), boxes)
        return self.model.mask_scores(self.model.mask_head(mask_features), labels)

    def _find(self, maps):
        """All that is detected."""
        stages = self.model.compute_stages(maps)
        return stages.boxes, stages.labels, stages.scores, stages.mask_scores

    def look(self, pictures):
        """What it says of recorded pictures: {name: array, a row per picture}.

        In "masks" boxes, labels and scores are those of `streets`.
        """
        said = []
        for start in range(0, len(pictures["labels"]), CHUNK):
            rows = slice(start, start + CHUNK)
            maps = tuple(pictures[name][rows].astype(np.float32) for name in self.names)
            if self.group == "masks":
                found = [pictures[name][rows] for name in ("boxes", "labels", "scores")]
                found.append(self.draw(maps, *found[:2]))
            else:
                found = self.find(maps)
            said.append([np.asarray(leaf) for leaf in found])
        leaves = [np.concatenate(leaf) for leaf in zip(*said, strict=True)]
        leaves[3] = np.round(255 * leaves[3]).astype(np.uint8)
        return dict(zip(("boxes", "labels", "scores", "masks"), leaves, strict=True))
