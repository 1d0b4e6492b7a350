"""One data set out of two."""

from helpers.annotations.classes import renumbered
from helpers.annotations.datasets import Dataset


def join(dataset, more):
    """The pictures of two data sets in one; classes are the same if their names are.

    Args:
        dataset: Dataset, whose name and ids stay.
        more: Dataset, whose pictures come last. Its classes get the ids of `dataset`; those that
            `dataset` lacks are added, with ids above all others.

    Returns:
        Dataset.
    """
    ids = {name: number for number, name in dataset.categories.items()}
    new_ids = {}
    for number, name in more.categories.items():
        new_ids[number] = ids.setdefault(name, max(ids.values(), default=0) + 1)
    records = [renumbered(record, new_ids) for record in more.records]
    categories = {number: name for name, number in ids.items()}
    problems = (*dataset.problems, *more.problems)
    return Dataset(dataset.name, categories, (*dataset.records, *records), problems)
