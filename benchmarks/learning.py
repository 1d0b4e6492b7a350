"""How many pictures a second learn here, beside a plain Keras loop of the same model?

    python benchmarks/learning.py [--epochs 4] [--steps 8]

"plain Keras" is `compile` and `fit` on batches that lie in memory, ready made: no reading, no
variation, no averaged weights, no clipping of gradients, no AP, no checkpoint. "ours" is what
`fine_tune` runs: each picture is varied anew while the network learns. Both learn in turn, an epoch
each, in one process, from weights as bundled: read the ratios. The first epoch warms up.
"""

import argparse
import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from measure import spread, table

from helpers import DATA
from helpers.evaluation import score
from helpers.mask_rcnn.partial_labels import PartialMaskRCNN
from helpers.models import from_model, load_model, transfer
from helpers.streets import draw_scene
from helpers.training import to_targets
from helpers.training.batches import Batches
from helpers.training.engine import Run
from helpers.training.pictures import Shuffled
from helpers.training.streets import TRAINING_SEEDS

BATCH = 8


class Timed(Run):
    """A training that notes how long its epochs take, and calls `between` after each one."""

    def __init__(self, *args, between, **options):
        super().__init__(*args, **options)
        self.between = between
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        learnt = time.perf_counter()
        super().on_epoch_end(epoch, logs)
        self.seconds.append((learnt - self.begun, time.perf_counter() - self.begun))
        self.between()


def plain(pictures):
    """A function that runs one epoch of the plain loop over (image, truth) pairs."""
    model, _ = load_model(DATA / "streets.json")
    model.compile(keras.optimizers.AdamW(1e-4), jit_compile=False)
    most = max(len(truth) for _, truth in pictures)
    ready = to_targets(pictures, num_slots=most)
    return lambda: model.fit(ready, batch_size=BATCH, verbose=0)


def main():
    """Print a table: way, pictures a second, middle 80 % of the epochs, ratio to plain Keras."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=4, help="timed, of each way")
    parser.add_argument("--steps", type=int, default=8, help=f"batches of {BATCH} in an epoch")
    args = parser.parse_args()
    bundled, card = load_model(DATA / "streets.json")
    num = args.steps * BATCH
    size = bundled.config.image_size
    model = PartialMaskRCNN(bundled.config)
    model(np.zeros((1, *size, 3), np.uint8))  # builds the layers
    transfer(bundled, model, same_classes=True)
    pictures = [draw_scene(TRAINING_SEEDS + k, size) for k in range(num)]
    judged = pictures[:BATCH]
    turn = plain(pictures)
    alone = []

    def between():
        start = time.perf_counter()
        turn()
        alone.append(time.perf_counter() - start)

    detector = from_model(model, card)

    def judge():
        return score(detector, judged)

    with tempfile.TemporaryDirectory() as folder:
        batches = Batches(Shuffled(pictures, size), args.steps, BATCH)
        run = Timed(model, batches, judge, folder, card, args.epochs + 1, say=None, between=between)
        run.train(rate=1e-4)
    learnt, whole = zip(*run.seconds, strict=True)
    ways = {"plain Keras": alone, "ours, learning": learnt, "ours, with AP and checkpoint": whole}
    rates = {way: [num / seconds for seconds in took[1:]] for way, took in ways.items()}
    base = statistics.median(rates["plain Keras"])
    print(f"AP on {len(judged)} pictures and a checkpoint after each epoch of {num} pictures.")
    table(
        ("way", "pictures/s", "10–90 %", "ratio"),
        [
            (
                way,
                f"{statistics.median(r):.1f}",
                spread(r, ".1f"),
                f"{statistics.median(r) / base:.2f}",
            )
            for way, r in rates.items()
        ],
    )


if __name__ == "__main__":
    main()
