"""Trains the FCN that notebook 03 shows beside its own, and writes its weights.

.venv/bin/python .ci/train_fcn.py data/fcn.npz            about thirteen minutes of one core
.venv/bin/python .ci/train_fcn.py OUT.npz data/fcn.npz    the second part alone, from other weights

First whole streets, then parts of others around people and bicycles, which are small and rare.
The seeds of all begin at 1,000,000, as those from which `streets` learns.
"""

import pathlib
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

NUM_STREETS = 640
NUM_EPOCHS = 4  # each street is seen mirrored in every second one
BATCH = 8
FIRST_SEED = 1_000_000
CLASS_WEIGHTS = np.array([1, 2, 2], "float32")
PART_SIZE = (128, 160)  # height and width of the parts
PART_BATCH = 16
NUM_PART_STEPS = 120
NUM_PART_STREETS = 240


def main(path, start=None):
    """Draw the streets, train, write the weights as float16."""
    import keras

    from helpers.lessons.fcn import IMAGE_SIZE, WIDTHS, build_fcn
    from helpers.models import read_weights
    from helpers.pictures import replacing

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    if start is None:
        network = build_fcn(IMAGE_SIZE, WIDTHS)
        streets = draw(FIRST_SEED, NUM_STREETS)
        num_steps = NUM_EPOCHS * (NUM_STREETS // BATCH)
        train(network, whole(*streets, rng), 0.003, num_steps)
        weights = {v.path: np.asarray(v) for v in network.weights}
    else:
        weights = read_weights(start)

    network = build_fcn(PART_SIZE, WIDTHS)  # the same weights, for another size
    for variable in network.weights:
        variable.assign(weights[variable.path].astype(np.float32))
    streets = draw(FIRST_SEED + NUM_STREETS, NUM_PART_STREETS)
    train(network, parts(*streets, rng), 0.0015, NUM_PART_STEPS)

    kept = {v.path: np.asarray(v, np.float16) for v in network.weights}
    with replacing(pathlib.Path(path)) as part:
        np.savez_compressed(part, **kept)


def draw(first_seed, num_streets):
    """N streets and their labels: (N, H, W, 3) and (N, H, W) uint8."""
    from helpers.lessons.fcn import draw_labels

    drawn = [draw_labels(first_seed + i)[:2] for i in range(num_streets)]
    return np.stack([image for image, _ in drawn]), np.stack([truth for _, truth in drawn])


def whole(images, labels, rng):
    """Batches of images and labels for all epochs, mirrored at random."""
    for _ in range(NUM_EPOCHS):
        order = rng.permutation(len(images))
        for begin in range(0, len(order) - BATCH + 1, BATCH):
            some = order[begin : begin + BATCH]
            step = rng.choice((-1, 1))
            yield images[some][:, :, ::step], labels[some][:, :, ::step]


def parts(images, labels, rng):
    """Batches of parts of PART_SIZE, without end: around a person or bicycle if there is one."""
    height, width = PART_SIZE
    while True:
        pictures, truths = [], []
        for k in rng.integers(len(images), size=PART_BATCH):
            rows, columns = np.nonzero(labels[k] == 1)
            y, x = rng.integers(labels[k].shape)
            if len(rows):
                pixel = rng.integers(len(rows))
                y, x = rows[pixel], columns[pixel]
            top = np.clip(y - rng.integers(height), 0, labels[k].shape[0] - height)
            left = np.clip(x - rng.integers(width), 0, labels[k].shape[1] - width)
            step = rng.choice((-1, 1))
            pictures.append(images[k, top : top + height, left : left + width][:, ::step])
            truths.append(labels[k, top : top + height, left : left + width][:, ::step])
        yield np.stack(pictures), np.stack(truths)


def train(network, batches, rate, num_steps):
    """So many steps of Adam on the sum of the three heads' losses."""
    import keras

    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, num_steps))
    adam.build(network.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(adam, loss=[loss] * 3, jit_compile=False)
    for step, (images, labels) in enumerate(batches, 1):
        values = network.train_on_batch(images, [labels] * 3, [CLASS_WEIGHTS[labels]] * 3)
        if step % 20 == 0:
            told = " ".join(f"{value:.3f}" for value in values)
            print(f"step {step} of {num_steps}: {told}, {time.process_time():.0f} s", flush=True)
        if step == num_steps:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
