"""What there is in a data set: counts, and a look at some pictures."""

from collections import Counter, defaultdict

import numpy as np
from pycocotools import mask as rle

from helpers.annotations.datasets import Dataset
from helpers.drawing import draw_detections, show


def statistics(dataset):
    """How many of what in a Dataset.

    Returns:
        {"pictures", "empty" (those without an object), "objects", "classes": {name: {"objects",
        "pictures", "areas" (in pixels, the smallest first)}}}.
    """
    areas, pictures = defaultdict(list), Counter()
    for record in dataset.records:
        pictures.update(set(record.labels))
        for label, code in zip(record.labels, record.codes, strict=True):
            areas[label].append(int(rle.area(code)))
    classes = {}
    for category_id, name in dataset.categories.items():
        classes[name] = {
            "objects": len(areas[category_id]),
            "pictures": pictures[category_id],
            "areas": sorted(areas[category_id]),
        }
    return {
        "pictures": len(dataset),
        "empty": sum(not record.labels for record in dataset.records),
        "objects": sum(len(record.labels) for record in dataset.records),
        "classes": classes,
    }


def browse(dataset, num=8, seed=0):
    """A figure of up to `num` pictures, chosen by a seed, with their true objects.

    Args:
        dataset: Dataset, or any list of (image, Detections), not empty.
        num: how many at most.
        seed: of the choice.
    """
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:num]
    chosen = sorted(chosen.tolist())
    titles = None
    if isinstance(dataset, Dataset):
        titles = [dataset.paths[i].name for i in chosen]
    return show([draw_detections(*dataset[i], by_class=True) for i in chosen], titles)
