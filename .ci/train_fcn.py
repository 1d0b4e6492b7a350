"""Trains the FCN that notebook 03 shows beside its own, and writes its weights.

.venv/bin/python .ci/train_fcn.py data/fcn.npz      about twelve minutes of one core

Streets to learn from have the seeds from 1,000,000 on, as those of `streets`.
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


def batches(images, labels, rng):
    """Batches of images, labels and weights for all epochs, mirrored at random."""
    for _ in range(NUM_EPOCHS):
        order = rng.permutation(len(images))
        for begin in range(0, len(order) - BATCH + 1, BATCH):
            some = order[begin : begin + BATCH]
            step = rng.choice((-1, 1))
            pictures, truth = images[some][:, :, ::step], labels[some][:, :, ::step]
            yield pictures, truth, CLASS_WEIGHTS[truth]


def main(path):
    """Draw the streets, train, write the weights as float16."""
    import keras

    from helpers.lessons.fcn import IMAGE_SIZE, WIDTHS, build_fcn, draw_labels
    from helpers.pictures import replacing

    keras.utils.set_random_seed(0)
    drawn = [draw_labels(FIRST_SEED + i)[:2] for i in range(NUM_STREETS)]
    images = np.stack([image for image, _ in drawn])
    labels = np.stack([truth for _, truth in drawn])
    print(f"drawn, {time.process_time():.0f} CPU s", flush=True)

    network = build_fcn(IMAGE_SIZE, WIDTHS)
    num_steps = NUM_EPOCHS * (NUM_STREETS // BATCH)
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.003, num_steps))
    adam.build(network.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(adam, loss=[loss] * 3, jit_compile=False)
    rng = np.random.default_rng(0)
    for step, (pictures, truth, weights) in enumerate(batches(images, labels, rng), 1):
        values = network.train_on_batch(pictures, [truth] * 3, [weights] * 3)
        if step % 25 == 0:
            told = " ".join(f"{value:.3f}" for value in values)
            print(f"step {step} of {num_steps}: {told}, {time.process_time():.0f} s", flush=True)

    kept = {v.path: np.asarray(v, np.float16) for v in network.weights}
    with replacing(pathlib.Path(path)) as part:
        np.savez_compressed(part, **kept)


if __name__ == "__main__":
    main(sys.argv[1])
