"""A data set in two parts: one to train on, one to measure on."""

import numpy as np

from helpers.annotations.datasets import Dataset
from helpers.structures import require

NUM_TRIES = 100


def split(dataset, share=0.2, seed=0):
    """Part a data set in two, for training and for validation; no picture is in both.

    Of 100 ways to do so the first is taken that has most classes in training, then in both parts.

    Args:
        dataset: Dataset of at least 2 pictures.
        share: of the pictures, for validation; at least one picture.
        seed: the same seed gives the same parts.

    Returns:
        train, val: Datasets.

    Raises:
        ValueError: there are fewer than 2 pictures, or share is not between 0 and 1.
    """
    num = len(dataset)
    rng = np.random.default_rng(seed)
    require(num >= 2 and 0 < share < 1, f"2 pictures or more, share in 0..1; got {num}, {share}")
    num_val = min(max(round(share * num), 1), num - 1)
    classes = [set(record.labels) for record in dataset.records]

    def num_classes(order):
        val = set().union(*(classes[i] for i in order[:num_val]))
        train = set().union(*(classes[i] for i in order[num_val:]))
        return len(train), len(train & val)

    orders = [rng.permutation(num).tolist() for _ in range(NUM_TRIES)]
    order = max(orders, key=num_classes)
    return _part(dataset, "train", order[num_val:]), _part(dataset, "val", order[:num_val])


def _part(dataset, name, numbers):
    records = tuple(dataset.records[i] for i in sorted(numbers))
    return Dataset(f"{dataset.name} {name}", dataset.categories, records)
