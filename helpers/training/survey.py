"""What is there to learn from? Asked before a training, so that it does not fail after an hour."""

from collections import Counter
from typing import NamedTuple

from helpers.structures import InputError


class Survey(NamedTuple):
    """What there is to learn.

    Attributes:
        categories: {id: name} of the classes that have objects.
        counts: {name: objects to train on}.
        most: objects in the fullest picture.
        unused: names of classes without any object.
    """

    categories: dict
    counts: dict
    most: int
    unused: list


def survey(train, val):
    """What there is to learn; refuses what cannot be learnt from.

    Classes are the same if their names are. One without any object is not learnt.

    Args:
        train, val: data sets as in `fine_tune`.

    Returns:
        Survey.

    Raises:
        InputError: there is no picture, an object has a class that is not trained, one number
            stands for two classes, or a picture has no masks.
    """
    for pictures, aim in ((train, "train on"), (val, "measure AP on")):
        if not len(pictures):
            raise InputError(f"there is no picture to {aim}: annotate some, or split another way")
    categories, counts, most = _objects(train)
    val_categories, val_counts, _ = _objects(val)
    names = {*categories.values(), *val_categories.values()}
    missing = sorted(name for name in names if val_counts[name] and not counts[name])
    if missing or not counts.total():
        raise InputError(
            f"no object of class {', '.join(missing) or '(there is no class)'} in {len(train)} "
            "training pictures: annotate some, split another way, or leave that class out "
            "(--leave-out CLASS)"
        )
    learnt = {number: name for number, name in categories.items() if counts[name]}
    unused = sorted(names - set(learnt.values()))
    return Survey(learnt, {name: counts[name] for name in learnt.values()}, most, unused)


def _objects(pictures):
    """{id: name} of the classes, a Counter of objects by name, and how many the fullest has."""
    categories = dict(getattr(pictures, "categories", {}))
    counts = Counter()
    most = 0
    for index in range(len(pictures)):
        truth = _truth(pictures, index)
        if truth.masks is None:
            raise InputError(f"{name_of(pictures, index)} has boxes only: training needs masks")
        _add(categories, truth.categories, name_of(pictures, index))
        objects = truth[truth.scores > 0]  # the others are regions to leave out
        counts.update(objects.names)
        most = max(most, len(objects))
    return categories, counts, most


def _add(categories, more, name):
    """Add classes to {id: name}; refuse what says otherwise."""
    if more == categories:
        return
    ids = {other: number for number, other in categories.items()}
    for number, word in more.items():
        if categories.get(number, word) != word or ids.get(word, number) != number:
            raise InputError(
                f"{name} has {word!r} as class {number}, other pictures "
                f"{categories.get(number, word)!r} as {ids.get(word, number)}: "
                "read all pictures as one data set, or give them the same categories"
            )
    categories.update(more)


def _truth(pictures, index):
    """The truth of a picture, without reading its pixels where a data set can tell."""
    if hasattr(pictures, "truth"):
        return pictures.truth(index)
    return pictures[index][1]


def name_of(pictures, index):
    """The file of a picture in a data set, or its number."""
    return str(pictures.paths[index]) if hasattr(pictures, "paths") else f"picture {index}"
