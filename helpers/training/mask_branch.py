"""Train the mask branch on a detector that stays as it is; stopped at any time, it goes on."""

import json
import math
import os
import pathlib
import time

import keras
import numpy as np
from keras import ops

from helpers.alone import alone_in
from helpers.mask_rcnn.mask_head import paste_masks
from helpers.pictures import remove_halves, replacing
from helpers.structures import InputError
from helpers.training.checkpoints import save_checkpoint
from helpers.training.fitting import fit
from helpers.training.mosaics import to_mask_targets
from helpers.training.schedule import Schedule


class MaskBatches(keras.utils.PyDataset):
    """Training batches: the same epoch and step give the same batch, always.

    Args:
        draw: number of a picture, counted from the start of training -> see `Mosaics`.
        collate: list of such pictures -> what the model is called with.
        num_steps: batches per epoch.
        batch_size: pictures per batch.
        workers: threads that draw; None for all cores but one.

    Attributes:
        epoch: which epoch's pictures to draw.
    """

    def __init__(self, draw, num_steps, batch_size, workers=None, collate=to_mask_targets):
        workers = workers or max(1, (os.cpu_count() or 1) - 1)
        super().__init__(workers=workers, max_queue_size=workers + 3)
        self.draw = draw
        self.collate = collate
        self.num_steps = num_steps
        self.batch_size = batch_size
        self.epoch = 0

    def __len__(self):
        return self.num_steps

    def __getitem__(self, step):
        first = (self.epoch * self.num_steps + step) * self.batch_size
        return (self.collate([self.draw(first + i) for i in range(self.batch_size)]),)


def learn_only(model, part):
    """Of a model's layers only `part` shall learn."""
    for layer in model.layers:
        layer.trainable = layer is part


def mask_quality(model, photos, indices):
    """How good masks are in true boxes, on photographs as the detector sees them.

    Args:
        model: OneStageMaskRCNN, built.
        photos: Photos.
        indices: those of them to judge.

    Returns:
        {"objects", "IoU" (mean), "IoU50", "IoU75" (shares of objects at or above)}.
    """
    size = model.config.image_size
    overlaps = []

    def masks_of(images, boxes):
        levels = model.backbone(images)
        return ops.sigmoid(model.mask_branch(levels, model.neck(levels), boxes)[..., 0])

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        images = tf.TensorSpec((1, *size, 3), tf.uint8)
        masks_of = tf.function(masks_of, [images, tf.TensorSpec((1, 32, 4), tf.float32)])
    for index in indices:
        image, truth = fit(*photos[index], size)
        truth = truth[(truth.scores > 0) & truth.masks.any((1, 2))][:32]
        boxes = np.zeros((1, 32, 4), np.float32)
        boxes[0, : len(truth)] = truth.boxes
        scores = np.asarray(masks_of(image[None], boxes))[0, : len(truth)]
        masks = paste_masks(scores, truth.boxes, size)
        both = (masks & truth.masks).sum((1, 2))
        overlaps += (both / (masks | truth.masks).sum((1, 2))).tolist()
    overlaps = np.array(overlaps)
    shares = {f"IoU{int(100 * at)}": float((overlaps >= at).mean()) for at in (0.5, 0.75)}
    return {"objects": len(overlaps), "IoU": float(overlaps.mean()), **shares}


class MaskRun(keras.callbacks.Callback):
    """One training: after each epoch a measurement, a line in a curve, and a checkpoint.

    An epoch is done when its checkpoint is, the last file that it writes.

    Args:
        model: OneStageMaskRCNN, built; what shall learn is trainable, see `learn_only`.
        batches: MaskBatches.
        score: () -> dict of numbers about the model as it is at that moment.
        folder: for the checkpoint and the curve.
        num_epochs: how long.
        say: gets a line for each epoch.
        names: of the checkpoint and the curve.
    """

    def __init__(
        self, model, batches, score, folder, num_epochs, say=print, names=("masks", "curve")
    ):
        super().__init__()
        self.batches = batches
        self.score = score
        self.folder = pathlib.Path(folder)
        self.network = model
        self.num_epochs = num_epochs
        self.say = say
        self.checkpoint = self.folder / "checkpoint" / f"{names[0]}.weights.h5"
        self.curve = self.folder / f"{names[1]}.jsonl"
        self.average = keras.callbacks.SwapEMAWeights()
        self.average.set_model(model)

    def train(self, rate, hold=0.6):
        """Train to the end, from the checkpoint on if there is one; the averaged weights are kept.

        Args:
            rate: of learning, at its peak, see `Schedule`.
            hold: share of the steps before the rate begins to fall.

        Raises:
            InputError: another run is at work in the folder.
        """
        with alone_in(self.folder):
            remove_halves(self.folder)
            self._train(rate, hold)

    def _train(self, rate, hold):
        model = self.network
        steps = len(self.batches)
        num_steps = self.num_epochs * steps
        warmup = min(60, num_steps // 10)
        schedule = Schedule(rate, warmup, max(warmup, hold * num_steps), num_steps)
        memory = max(0.0, 1 - 12 / num_steps)  # the average looks back on a twelfth of the steps
        optimizer = keras.optimizers.AdamW(
            schedule, weight_decay=1e-4, clipnorm=5.0, use_ema=True, ema_momentum=memory
        )
        # XLA is slower than plain TensorFlow on a CPU, and JAX cannot do without it.
        model.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
        optimizer.build(model.trainable_variables)
        if self.checkpoint.exists():
            model.load_weights(self.checkpoint)
        done = int(ops.convert_to_numpy(optimizer.iterations)) // steps
        if done < self.num_epochs:
            epochs = {"initial_epoch": done, "epochs": self.num_epochs}
            model.fit(self.batches, **epochs, callbacks=[self], shuffle=False, verbose=0)
        else:
            optimizer.finalize_variable_values(model.trainable_variables)  # as `fit` ends, too

    def on_epoch_begin(self, epoch, logs=None):
        """Pictures and jitter depend on the epoch alone: a stop changes nothing."""
        self.start = time.monotonic()
        self.batches.epoch = epoch
        self.network.noise.state.assign([epoch, 0])

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(float(logs["loss"])):
            raise InputError(
                f"the loss is no number after batch {batch + 1} of epoch {self.batches.epoch + 1}: "
                "start again in a new folder with half the rate"
            )

    def on_epoch_end(self, epoch, logs=None):
        """Measure the averaged weights; then the checkpoint, of those that learn."""
        seconds = round(time.monotonic() - self.start)
        self.average.on_test_begin()
        losses = {mean.name: float(logs[mean.name]) for mean in self.network.loss_means}
        row = {"epoch": epoch + 1, **losses, **self.score()}
        row = {key: round(value, 4) for key, value in row.items()} | {"seconds": seconds}
        self.average.on_test_end()
        path = self.curve
        rows = path.read_text().splitlines() if path.exists() else []
        rows = [line for line in rows if json.loads(line)["epoch"] <= epoch]
        with replacing(path) as part:
            part.write_text("\n".join([*rows, json.dumps(row)]) + "\n")
        save_checkpoint(self.network, self.checkpoint)
        self.say(json.dumps(row))
