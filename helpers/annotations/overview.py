"""What there is in a data set: counts, and a look at some pictures."""

from collections import Counter, defaultdict

import numpy as np
from pycocotools import mask as rle

from helpers.annotations.datasets import Dataset
from helpers.drawing import draw_detections, show


def statistics(dataset):
    """How many of what in a Dataset.

    Returns:
        {"pictures", "empty" (those without an object), "objects", "crowds" (regions to leave out,
        no objects), "classes": {name: {"objects", "pictures", "areas" (in pixels, the smallest
        first)}}}.
    """
    areas = defaultdict(list)
    pictures = Counter()
    num_crowds = 0
    for record in dataset.records:
        rows = zip(record.labels, record.codes, record.is_crowd, strict=True)
        objects = [(label, code) for label, code, is_crowd in rows if not is_crowd]
        num_crowds += sum(record.is_crowd)
        pictures.update({label for label, _ in objects})
        for label, code in objects:
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
        "objects": sum(len(rows) for rows in areas.values()),
        "crowds": num_crowds,
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
    drawn = []
    for i in chosen:
        image, truth = dataset[i]
        drawn.append(draw_detections(image, truth[truth.scores > 0], by_class=True))
    return show(drawn, titles)
