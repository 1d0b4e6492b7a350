"""What is there to learn from? Asked before a training, so that it does not fail after an hour."""

from typing import NamedTuple

from helpers.structures import InputError


class Survey(NamedTuple):
    """What there is to learn.

    Attributes:
        categories: {id: name} of the classes.
        counts: {name: objects to train on}.
        most: objects in the fullest picture.
    """

    categories: dict
    counts: dict
    most: int


def survey(train, val):
    """What there is to learn; refuses what cannot be learnt from.

    Args:
        train, val: data sets as in `fine_tune`.

    Returns:
        Survey.

    Raises:
        InputError: there is no picture, a class has no object, or a picture has no masks.
    """
    for pictures, aim in ((train, "train on"), (val, "measure AP on")):
        if not len(pictures):
            raise InputError(f"there is no picture to {aim}: annotate some, or split another way")
    categories = dict(getattr(train, "categories", {}))
    labels, most = [], 0
    for index in range(len(train)):
        truth = _truth(train, index)
        if truth.masks is None:
            raise InputError(f"{name_of(train, index)} has boxes only: training needs masks")
        categories.update(truth.categories)
        labels += truth.labels.tolist()
        most = max(most, len(truth))
    counts = {name: labels.count(category_id) for category_id, name in categories.items()}
    missing = ", ".join(name for name, count in counts.items() if not count)
    if missing or not categories:
        raise InputError(
            f"no object of class {missing or '(there is no class)'} in {len(train)} training "
            "pictures: annotate some, split another way, or leave that class out"
        )
    return Survey(categories, counts, most)


def _truth(pictures, index):
    """The truth of a picture, without reading its pixels where a data set can tell."""
    if hasattr(pictures, "truth"):
        return pictures.truth(index)
    return pictures[index][1]


def name_of(pictures, index):
    """The file of a picture in a data set, or its number."""
    return str(pictures.paths[index]) if hasattr(pictures, "paths") else f"picture {index}"
