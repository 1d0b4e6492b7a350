"""Trains the heads of the FCN that notebook 03 shows beside its own, and writes their weights.

.venv/bin/python .ci/train_fcn.py data/fcn.npz      about three minutes of one core

The body is the backbone of `streets`, as it is: so it is asked once about each street, and the
heads learn from what it said, on parts of the streets, half of them around a person or a bicycle,
which are small and rare. No street is one from which `streets` itself has learnt. After a stop the
same call goes on.
"""

import pathlib
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

KEPT = ROOT / "runs/fcn"  # what is kept for a second call
FIRST_SEED = 1_100_000
NUM_STREETS = 800
CHUNK = 8  # streets that the body is asked about together
STRIDES = (8, 16, 32)  # of the maps that are scored
PART_SIZE = (128, 160)  # height and width of the parts, multiples of 32
BATCH = 16
NUM_ROUNDS = 12
NUM_STEPS = 50  # in a round
RATE = 0.003
CLASS_WEIGHTS = np.array([1, 2, 2], "float32")


def main(path):
    """Draw the streets, ask the body, train the heads, write their weights as float16."""
    import keras

    from helpers.lessons.fcn import build_heads
    from helpers.pictures import replacing

    keras.utils.set_random_seed(0)
    labels, *maps = prepare(KEPT / "streets.npz")
    heads = build_heads()
    steps = NUM_ROUNDS * NUM_STEPS
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, steps))
    adam.build(heads.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    heads.compile(adam, loss=[loss] * 3, jit_compile=False)
    tell = keras.callbacks.LambdaCallback(on_epoch_end=report)
    go_on = keras.callbacks.BackupAndRestore(str(KEPT / "state"), delete_checkpoint=False)
    batches = parts(labels, maps, np.random.default_rng(0))
    heads.fit(
        batches, epochs=NUM_ROUNDS, steps_per_epoch=NUM_STEPS, callbacks=[go_on, tell], verbose=0
    )
    kept = {v.path: np.asarray(v, np.float16) for v in heads.weights}
    with replacing(pathlib.Path(path)) as part:
        np.savez_compressed(part, **kept)


def prepare(path):
    """Labels (N, H, W) uint8 of all streets, and the body's maps (N, h, w, C) float16."""
    from helpers.lessons.fcn import draw_labels, load_body
    from helpers.pictures import replacing

    if not path.exists():
        import tensorflow as tf

        say = tf.function(load_body())
        rows = []
        for start in range(FIRST_SEED, FIRST_SEED + NUM_STREETS, CHUNK):
            drawn = [draw_labels(seed)[:2] for seed in range(start, start + CHUNK)]
            images, labels = map(np.stack, zip(*drawn, strict=True))
            rows.append([labels, *(np.asarray(one, np.float16) for one in say(images)[1:])])
        columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            np.savez(part, *columns)
    with np.load(path) as archive:
        return [archive[name] for name in archive.files]


def parts(labels, maps, rng):
    """Batches without end: parts of the maps, their labels three times, weights of the pixels."""
    height, width = PART_SIZE
    coarsest = STRIDES[-1]
    while True:
        chosen = []
        for number in rng.integers(len(labels), size=BATCH):
            y, x = rng.integers(labels[number].shape)
            rows, columns = np.nonzero(labels[number] == 1)
            if len(rows) and rng.random() < 0.5:
                pixel = rng.integers(len(rows))
                y, x = rows[pixel], columns[pixel]
            corner = np.array([y - rng.integers(height), x - rng.integers(width)])
            corner = np.clip(corner, 0, np.subtract(labels[number].shape, PART_SIZE))
            chosen.append((number, *(corner // coarsest * coarsest)))
        truth = np.stack([labels[i, y : y + height, x : x + width] for i, y, x in chosen])
        seen = []
        for one, s in zip(maps, STRIDES, strict=True):
            cut = [
                one[i, y // s : (y + height) // s, x // s : (x + width) // s] for i, y, x in chosen
            ]
            seen.append(np.stack(cut).astype(np.float32))
        yield tuple(seen), (truth,) * 3, (CLASS_WEIGHTS[truth],) * 3


def report(epoch, logs):
    """A line on a round."""
    told = " ".join(f"{name} {value:.3f}" for name, value in logs.items())
    print(f"round {epoch + 1} of {NUM_ROUNDS}: {told}, {time.process_time():.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
