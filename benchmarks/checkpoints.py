"""Records a training for notebook 04b: losses, proposals and masks at a few of its steps.

    python benchmarks/checkpoints.py [--steps 1000] [--pictures 600]

It is the training of the notebook, five times as long: the backbone of `streets`, frozen; all else
from random weights; batches of four. Here the pictures are drawn once, the backbone is asked once,
and each picture comes again and again: that makes it cheap. Called again after a stop it goes on.

What the network says of two other streets goes into data/checkpoints.npz; the last look is
`streets` itself.
"""

import argparse
import pathlib
import time

import keras
import numpy as np
from ablation_pictures import MAPS, targets_of
from ablation_variants import WHOLE, build, streets

from helpers import DATA
from helpers.lessons.learning import BUNDLED, NUM_PROPOSALS
from helpers.lessons.recorded import write_recorded
from helpers.mask_rcnn.inference import Candidates, candidates_of
from helpers.pictures import replacing
from helpers.streets import CATEGORIES, draw_scene
from helpers.training import to_targets

FIRST_SEED = 1_600_000
SHOWN = (600_014, 600_021)  # the streets that are looked at; the first is that of the notebook
LOOKS = (0, 10, 40, 100, 300, 1000)  # steps
BATCH = 4
CHUNK = 8  # pictures that the backbone is asked about together
EVERY = 50  # steps from one saved state to the next


def prepare(path, num):
    """The maps of the backbone and the truth of `num` streets: arrays by name, kept in a file."""
    if not path.exists():
        rows = []
        for start in range(0, num, CHUNK):
            seeds = range(FIRST_SEED + start, FIRST_SEED + min(start + CHUNK, num))
            targets = to_targets([draw_scene(seed) for seed in seeds])
            maps = [np.asarray(one, np.float16) for one in streets().backbone(targets.images)]
            masks = np.packbits(targets.masks, axis=-1)
            rows.append([*maps, targets.boxes, targets.labels, masks])
        names = (*MAPS, "true_boxes", "true_labels", "true_masks")
        columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            np.savez(part, **dict(zip(names, columns, strict=True)))
    with np.load(path) as archive:
        return dict(archive)


class Training:
    """The network, its optimizer, and what was seen of them so far.

    Args:
        pictures: from `prepare`.
        num_steps: of the whole training.
        path: of the file that keeps the state.
    """

    def __init__(self, pictures, num_steps, path):
        import tensorflow as tf

        keras.utils.set_random_seed(0)
        self.pictures, self.path = pictures, path
        self.model = build(WHOLE["whole"])
        self.model(self.batch(0).images)  # builds the layers
        rise = num_steps // 10
        rate = keras.optimizers.schedules.CosineDecay(
            1e-5, num_steps, warmup_target=1.5e-3, warmup_steps=rise
        )
        self.optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-4, clipnorm=5.0)
        learning = self.model.trainable_variables
        self.optimizer.build(learning)
        self.variables = [*self.model.variables, *self.optimizer.variables]
        self.curve = []
        self.said = {}

        def step(targets):
            with tf.GradientTape() as tape:
                losses = self.model(targets, training=True)
                total = sum(losses.values())
            self.optimizer.apply(tape.gradient(total, learning), learning)
            return losses

        self.step = tf.function(step)
        self.detect = tf.function(self.model.compute_stages)
        if path.exists():
            self.go_on()

    def batch(self, number):
        """The pictures of a step, in an order that the number of the step decides."""
        num = len(self.pictures["true_labels"])
        turn, place = divmod(number * BATCH, num)
        order = np.random.default_rng(turn).permutation(num)
        return targets_of(self.pictures, np.sort(order[place : place + BATCH]), MAPS)

    def learn(self):
        """One step."""
        losses = self.step(self.batch(len(self.curve)))
        self.curve.append([float(loss) for loss in losses.values()])

    def look(self, num_steps, shown):
        """Keep what is said of the streets that are shown: {seed: maps}."""
        for seed, maps in shown.items():
            self.said |= said_of(self.detect(maps), f"{num_steps}/{seed}")

    def save(self):
        """Write the state."""
        arrays = {f"v{i}": np.asarray(v) for i, v in enumerate(self.variables)}
        arrays |= {f"s/{name}": value for name, value in self.said.items()}
        with replacing(self.path) as part:
            np.savez(part, curve=self.curve, **arrays)

    def go_on(self):
        """Read the state."""
        with np.load(self.path) as archive:
            for i, variable in enumerate(self.variables):
                variable.assign(archive[f"v{i}"])
            self.curve = archive["curve"].tolist()
            self.said = {k[2:]: archive[k] for k in archive.files if k.startswith("s/")}


def said_of(stages, name):
    """The arrays of one picture that are kept, by name."""
    parts = (stages.boxes, stages.labels, stages.scores, stages.mask_scores)
    found = candidates_of(*(np.asarray(part)[0] for part in parts), 1, CATEGORIES)
    said = {f"{name}/{key}": getattr(found, key) for key in found._fields[:4]}
    return said | {f"{name}/proposals": np.asarray(stages.proposals)[0, :NUM_PROPOSALS]}


def main():
    """Train what is left to train, then write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/checkpoints"))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--pictures", type=int, default=600, help="to learn from")
    args = parser.parse_args()
    pictures = prepare(args.out / f"pictures-{args.pictures}.npz", args.pictures)
    images = {seed: draw_scene(seed)[0][None] for seed in SHOWN}
    shown = {seed: tuple(streets().backbone(image)) for seed, image in images.items()}
    training = Training(pictures, args.steps, args.out / f"state-{args.steps}.npz")
    looks = [step for step in LOOKS if step <= args.steps]
    while True:
        done = len(training.curve)
        if done in looks:
            training.look(done, shown)
        if done == args.steps:
            break
        training.learn()
        if len(training.curve) % EVERY == 0:
            training.save()
            told = np.mean(training.curve[-EVERY:], axis=0).round(2).tolist()
            print(len(training.curve), told, f"{time.process_time():.0f} s", flush=True)

    curve = np.array(training.curve)
    losses = [curve[0]]  # computed before the first step moved anything
    losses += [curve[max(step - 10, 0) : step].mean(axis=0) for step in looks[1:]]
    seeds = range(FIRST_SEED, FIRST_SEED + BATCH)
    losses.append(list(streets()(to_targets([draw_scene(seed) for seed in seeds])).values()))
    said = dict(training.said)
    for seed, image in images.items():
        said |= said_of(streets()(image), f"{BUNDLED}/{seed}")
    names = [f"{step}/{seed}" for step in (*looks, BUNDLED) for seed in SHOWN]
    fields = Candidates._fields[:4]
    found = {name: Candidates(*(said[f"{name}/{key}"] for key in fields)) for name in names}
    keys = [f"{name}/proposals" for name in names]
    proposals = {key: said[key].astype(np.float16) for key in keys}
    write_recorded(
        DATA / "checkpoints.npz", found, seeds=np.array(SHOWN), steps=np.array(looks),
        losses=np.array(losses, np.float32), **proposals,
    )  # fmt: skip


if __name__ == "__main__":
    main()
