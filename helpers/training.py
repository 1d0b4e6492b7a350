"""Train Mask R-CNN on the street world: `python -m helpers.training` makes the bundled weights.

Every picture is drawn for its training step and never seen again, so there is no data set to
store and nothing to learn by heart. Stopped at any time, the same command goes on.
"""

import argparse
import csv
import datetime
import json
import pathlib
import sys

import keras
import numpy as np

from helpers import scenes, zoo
from helpers.evaluation import error_kinds, evaluate, rounded
from helpers.mask_rcnn.model import LOSS_NAMES, Config, MaskRCNN, Targets
from helpers.structures import require
from helpers.weights import save_model

MAX_OBJECTS = 16  # G: slots for objects in a training picture
TRAINING_SEEDS = 1_000_000  # training pictures have this seed and above, held-out ones lower
HELD_OUT_SEED = 500_000  # the first held-out picture that AP is measured on
PEAK_RATE = 1.5e-3
CURVES = (("mask", "AP50"), ("mask", "AP"), ("box", "AP50"), ("box", "AP"))
CATEGORIES = scenes.CATEGORIES


def to_targets(pictures):
    """A padded batch from pictures and their truth.

    Args:
        pictures: list of (image (H, W, 3) uint8, Detections with masks), all of one size.

    Returns:
        Targets, NumPy. Objects beyond the first `MAX_OBJECTS` are left out.

    Raises:
        ValueError: there is no picture, or they differ in size.
    """
    sizes = {image.shape[:2] for image, _ in pictures}
    require(len(sizes) == 1, f"a batch needs pictures, all of one size; got sizes {sorted(sizes)}")
    (height, width), batch = sizes.pop(), len(pictures)
    boxes = np.zeros((batch, MAX_OBJECTS, 4), np.float32)
    labels = np.zeros((batch, MAX_OBJECTS), np.int32)
    masks = np.zeros((batch, MAX_OBJECTS, height, width), np.uint8)
    for i, (_, truth) in enumerate(pictures):
        truth = truth[:MAX_OBJECTS]
        index = {category: k for k, category in enumerate(truth.categories, 1)}
        boxes[i, : len(truth)] = truth.boxes
        labels[i, : len(truth)] = [index[label] for label in truth.labels.tolist()]
        masks[i, : len(truth)] = truth.masks
    return Targets(np.stack([image for image, _ in pictures]), boxes, labels, masks)


class SceneBatches(keras.utils.PyDataset):
    """Training batches of the street world: the same step gives the same batch, always.

    Args:
        num_steps: batches per epoch.
        batch_size: pictures per batch.
        image_size: (height, width), pixels.

    Attributes:
        epoch: which epoch's pictures to draw.
    """

    def __init__(self, num_steps, batch_size, image_size):
        super().__init__(workers=1, max_queue_size=6)
        self.num_steps, self.batch_size, self.image_size = num_steps, batch_size, image_size
        self.epoch = 0

    def __len__(self):
        return self.num_steps

    def __getitem__(self, step):
        first = TRAINING_SEEDS + (self.epoch * self.num_steps + step) * self.batch_size
        seeds = range(first, first + self.batch_size)
        return (to_targets([scenes.draw_scene(seed, self.image_size) for seed in seeds]),)


def held_out(num, image_size, first=HELD_OUT_SEED):
    """`num` pictures that training never sees: images and their truth."""
    pictures = [scenes.draw_scene(seed, image_size) for seed in range(first, first + num)]
    return [image for image, _ in pictures], [truth for _, truth in pictures]


def score(model, num, first=HELD_OUT_SEED):
    """AP and kinds of error of a model on `num` held-out pictures: see `evaluation`."""
    from tqdm.auto import tqdm

    images, truth = held_out(num, model.config.image_size, first)
    detector = zoo.from_model(model, {"name": "", "categories": CATEGORIES}, score_threshold=0.0)
    found = [detector(image) for image in tqdm(images, desc="scoring", unit="picture", delay=2)]
    result = rounded(evaluate(truth, found))
    return {**result, "errors": error_kinds(truth, found), "images": num}


class Score(keras.callbacks.Callback):
    """After each epoch: losses and held-out AP into `curve.csv`, weights and card into `folder`."""

    def __init__(self, folder, num_images, images_per_epoch):
        super().__init__()
        self.folder, self.num_images = folder, num_images
        self.images_per_epoch = images_per_epoch

    def on_epoch_end(self, epoch, logs=None):
        result = score(self.model, self.num_images, first=HELD_OUT_SEED - self.num_images)
        seen = (epoch + 1) * self.images_per_epoch
        row = {"images": seen, **{name: round(float(logs[name]), 4) for name in LOSS_NAMES}}
        row |= {f"{kind}_{name}": result[kind][name] for kind, name in CURVES}
        logs.update(row)
        rows = [old for old in read_curve(self.folder) if int(old["images"]) < seen] + [row]
        with open(self.folder / "curve.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, row)
            writer.writeheader()
            writer.writerows(rows)
        save_model(self.model, make_card(result, seen), self.folder)


def read_curve(folder):
    """The rows of `curve.csv` as dicts of str; none if there is no such file yet."""
    path = pathlib.Path(folder) / "curve.csv"
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def make_card(result, images_seen):
    """The card of `streets`: what it is, how it was made, how good it is, what it cannot do."""
    return {
        "name": "streets",
        "about": "A compact Mask R-CNN, trained from random weights on drawn street scenes.",
        "note": "streets knows drawings, not photographs: expect little from it on your own.",
        "categories": CATEGORIES,
        "data": f"helpers/scenes.py, seeds from {TRAINING_SEEDS}: each picture seen once",
        "images_seen": images_seen,
        "recipe": "python3 run.py weights: random weights, batches of 8, AdamW, cosine to 0, EMA",
        "date": datetime.date.today().isoformat(),
        "licence": "Apache-2.0",
        "held_out": {"first_seed": HELD_OUT_SEED, **result},
        "limits": [
            "photographs, other drawing styles and other classes",
            "objects of less than about 12 px in the 256 x 320 input",
            "holes and spokes: a mask has 28 x 28 cells",
        ],
    }


def train(folder, num_epochs=12, steps_per_epoch=500, batch_size=8, num_images=100, config=None):
    """Train `streets` from random weights; called again after a stop, it goes on.

    Args:
        folder: for checkpoint, curve and weights.
        num_epochs: of `steps_per_epoch` batches each; the learning rate falls to 0 at the end.
        steps_per_epoch: batches between two measurements of AP and two checkpoints.
        batch_size: pictures per batch.
        num_images: held-out pictures that AP is measured on.
        config: Config, the default one if None.

    Returns:
        The trained MaskRCNN, with the averaged weights.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    model = MaskRCNN(config or Config(num_classes=len(CATEGORIES)))
    data = SceneBatches(steps_per_epoch, batch_size, model.config.image_size)
    model(data[0][0].images[:1])  # builds the layers
    num_steps = num_epochs * steps_per_epoch
    warmup = min(200, num_steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, num_steps - warmup, warmup_target=PEAK_RATE, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=1e-4, clipnorm=5.0, use_ema=True, ema_momentum=0.998
    )
    # XLA is slower than plain TensorFlow on a CPU, and JAX cannot do without it.
    model.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
    optimizer.build(model.trainable_variables)

    def begin(epoch, logs):  # pictures and lots depend on the epoch alone: a stop changes nothing
        data.epoch = epoch
        model.noise.state.assign([epoch, 0])

    callbacks = [
        keras.callbacks.LambdaCallback(on_epoch_begin=begin),
        keras.callbacks.BackupAndRestore(
            folder / "backup", double_checkpoint=True, delete_checkpoint=False
        ),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
        Score(folder, num_images, steps_per_epoch * batch_size),
    ]
    verbose = 1 if sys.stdout.isatty() else 2  # a bar, or a line per epoch
    model.fit(data, epochs=num_epochs, callbacks=callbacks, shuffle=False, verbose=verbose)
    return model


def plot_curve(rows, path):
    """Draw the learning curve, rows of `curve.csv` as dicts of str, into a PNG."""
    from matplotlib.figure import Figure

    images = [float(row["images"]) / 1000 for row in rows]
    figure = Figure((9, 3.4), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)
    for name in LOSS_NAMES:
        left.plot(images, [float(row[name]) for row in rows], label=name)
    for kind, name in CURVES:
        values = [float(row[f"{kind}_{name}"] or 0) for row in rows]
        right.plot(images, values, label=f"{kind} {name}", linestyle="--" if kind == "box" else "-")
    left.set(title="The five losses fall", xlabel="thousand pictures seen", yscale="log")
    right.set(title="Average precision rises", xlabel="thousand pictures seen", ylim=(0, 1))
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=8)
        axes.grid(alpha=0.3)
    figure.savefig(path)


def main(argv=None):
    """The command: train, score on 500 held-out pictures, write weights, card and curve."""
    parser = argparse.ArgumentParser(prog="run.py weights", description=__doc__)
    parser.add_argument("--epochs", type=int, default=12, help="of 500 batches of 8 (default 12)")
    parser.add_argument("--steps", type=int, default=500, help="batches per epoch (default 500)")
    parser.add_argument("--out", type=pathlib.Path, default=zoo.DATA.parent / "runs" / "streets")
    parser.add_argument("--ship", action="store_true", help="also put the result into data/")
    args = parser.parse_args(argv)
    model = train(args.out, args.epochs, args.steps)
    card = make_card(score(model, 500), args.epochs * args.steps * 8)
    for folder in [args.out, zoo.DATA] if args.ship else [args.out]:
        save_model(model, card, folder)
        plot_curve(read_curve(args.out), folder / "streets-curve.png")
    print(json.dumps(card["held_out"], indent=1))


if __name__ == "__main__":
    main()
