"""A very short fine-tuning in a process of its own: one that a test may kill, or split in two.

    python -m tests.short_run FOLDER START [--die BATCH] [--devices 2]

It reads the model in START and writes to FOLDER; with --die it kills itself, without warning, after
so many batches; with --devices every batch is shared by so many CPUs that TensorFlow or JAX sees.
"""

import argparse
import os
import signal

import keras
import numpy as np

from helpers.structures import Detections
from helpers.training import fine_tune
from helpers.training.engine import Run

NAMES = {2: "square", 5: "disc"}


def draw(seed):
    """A yellow square and a blue disc somewhere on grey, 64 x 64; both are whole."""
    (x, y), (u, v) = np.random.default_rng(seed).integers(12, 52, (2, 2))
    rows, columns = np.mgrid[:64, :64]
    square = (abs(columns - x) < 10) & (abs(rows - y) < 10)
    disc = (columns - u) ** 2 + (rows - v) ** 2 < 100
    image = np.full((64, 64, 3), 120, np.uint8)
    image[disc], image[square] = (40, 60, 220), (240, 220, 60)
    boxes = [[x - 9, y - 9, x + 10, y + 10], [u - 9, v - 9, u + 10, v + 10]]
    return image, Detections(boxes, [2, 5], [1, 1], (64, 64), NAMES, np.stack([square, disc]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("start")
    parser.add_argument("--die", type=int)
    parser.add_argument("--devices", type=int, default=1)
    args = parser.parse_args()
    tensorflow = keras.backend.backend() == "tensorflow"
    if tensorflow:
        import tensorflow as tf

        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * args.devices,
        )
        tf.config.run_functions_eagerly(args.devices == 1)  # compiling takes longer than running
    on_train_batch_end, count = Run.on_train_batch_end, []

    def then_die(self, batch, logs=None):
        on_train_batch_end(self, batch, logs)
        count.append(batch)
        if len(count) == args.die:
            os.kill(os.getpid(), signal.SIGKILL)

    Run.on_train_batch_end = then_die
    devices = keras.distribution.list_devices()[: args.devices]
    detector = fine_tune(
        [draw(seed) for seed in range(6)],
        [draw(seed) for seed in range(100, 103)],
        args.folder,
        start=args.start,
        epochs=3,
        steps=3,
        batch_size=2,
        heads_epochs=1,
        devices=devices,
        say=None,
    )
    print(len(devices), "devices,", len(count), "batches", type(detector.model).__name__)


if __name__ == "__main__":
    main()
