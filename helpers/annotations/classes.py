"""The classes of a data set as its user wants them: renamed, merged, left out."""

from helpers.annotations.datasets import Dataset
from helpers.spelling import hint
from helpers.structures import InputError


def with_classes(dataset, rename=None, leave_out=()):
    """A data set with other classes; classes that get the same name become one.

    Objects of a class that is left out are no objects any more: where one lies there is background.
    A picture of which no object is left is kept as an empty one.

    Args:
        dataset: Dataset.
        rename: {name: new name}, the new name may be that of another class.
        leave_out: names, as they are before renaming.

    Returns:
        Dataset. A merged class has the lowest of its ids.

    Raises:
        InputError: there is no class of that name, or none is left.
    """
    rename = rename or {}
    names = list(dataset.categories.values())
    unknown = [name for name in (*rename, *leave_out) if name not in names]
    if unknown:
        near = hint(unknown[0], names)
        raise InputError(f"no class {', '.join(unknown)}; there are {', '.join(names)}{near}")
    ids, new_ids = {}, {}
    for number, name in sorted(dataset.categories.items()):
        if name not in leave_out:
            new_ids[number] = ids.setdefault(rename.get(name, name), number)
    if not ids:
        raise InputError("no class is left: leave out fewer")
    records = tuple(renumbered(record, new_ids) for record in dataset.records)
    categories = {number: name for name, number in ids.items()}
    return Dataset(dataset.name, categories, records, dataset.problems)


def renumbered(record, new_ids):
    """A Record with other ids; objects whose id has none are left out."""
    keep = [i for i, label in enumerate(record.labels) if label in new_ids]
    return record._replace(
        labels=[new_ids[record.labels[i]] for i in keep],
        codes=[record.codes[i] for i in keep],
        is_crowd=[record.is_crowd[i] for i in keep],
    )
