"""Does our training take longer than a plain Keras loop over the same network?

    python benchmarks/engine.py [--batches 10] [--rounds 3]

"plain" is `train_on_batch` with AdamW on batches that were made beforehand and lie in memory;
"ours" is `engine.Run`: pictures drawn and varied meanwhile, averaged weights, checked losses. Both
train a network of the size of `streets` on its scenes, batches of 8, in turn, in one process: read
the ratio. Scoring and checkpoints, once an epoch, are left out: they are as long as one makes them.
"""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import keras
import numpy as np

from helpers.curves import CURVES
from helpers.evaluation import METRICS
from helpers.mask_rcnn.engine import Batches, Run
from helpers.mask_rcnn.model import Config, MaskRCNN
from helpers.scenes import CATEGORIES, draw_scene

SIZE, BATCH = (256, 320), 8


def network():
    model = MaskRCNN(Config(num_classes=len(CATEGORIES), image_size=SIZE))
    model(np.zeros((1, *SIZE, 3), np.uint8))
    return model


def gaps(times):
    """Seconds from one batch to the next, without the first two, in which things are prepared."""
    return np.diff(times)[2:].tolist()


def plain(num):
    """Seconds a batch of a loop without anything."""
    model, times = network(), []
    data = Batches(lambda k: draw_scene(k, SIZE), num, BATCH)
    batches = [data[step][0] for step in range(num)]
    model.compile(keras.optimizers.AdamW(1e-3, weight_decay=1e-4, clipnorm=5.0), jit_compile=False)
    for batch in batches:
        model.train_on_batch(batch)
        times.append(time.perf_counter())
    return gaps(times)


def ours(num):
    """Seconds a batch of `Run`."""
    times = []

    class Timed(Run):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            times.append(time.perf_counter())

    result = {kind: dict.fromkeys(METRICS, 0.0) for kind in dict(CURVES)}
    with tempfile.TemporaryDirectory() as folder:
        card = {"name": "timed", "categories": CATEGORIES}
        data = Batches(lambda k: draw_scene(k, SIZE), num, BATCH)
        Timed(network(), data, lambda: result, folder, card, 1, say=None).train(1e-3)
    return gaps(times)


def main():
    """Print a table: way, pictures a second, ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    ways = {"plain": plain, "ours": ours}
    seconds = {way: [] for way in ways}
    for _ in range(args.rounds):
        for way, train in ways.items():
            seconds[way] += train(args.batches)
    base = statistics.median(seconds["plain"])
    print(f"{'way':10}{'pictures/s':>12}{'ratio of time':>15}")
    for way, values in seconds.items():
        median = statistics.median(values)
        print(f"{way:10}{BATCH / median:12.1f}{median / base:15.2f}")


if __name__ == "__main__":
    main()
