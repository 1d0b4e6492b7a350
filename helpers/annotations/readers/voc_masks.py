"""VOC without XML, as labelme exports it: SegmentationObject and SegmentationClass, a PNG each.

A pixel has the number of its object in the one and that of its class in the other. The names of
the classes are the lines of class_names.txt; without it VOC's own.
"""

import functools

import numpy as np

from helpers.annotations.png_masks import codes_of, rle_of, values_of
from helpers.annotations.records import Item, Left, Picture, guard
from helpers.annotations.texts import text_of

NAME = "VOC's SegmentationObject"
OBJECTS, CLASSES = "SegmentationObject", "SegmentationClass"
NAME_FILES = ("class_names.txt", "labels.txt", "labelmap.txt")
NO_CLASS = ("__ignore__", "_background_", "background")
VOC = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse "
    "motorbike person pottedplant sheep sofa train tvmonitor"
).split()


def read(surroundings, report):
    """As the other readers, of all that lies around; `report` is called with the file first."""
    names = _class_names(surroundings, report)
    pictures = []
    for file in surroundings.images:
        if file.parent.name == OBJECTS:
            report_here = functools.partial(report, file)
            with guard(report_here):
                pictures.append(_picture(file, names, report_here))
    return pictures


def _class_names(surroundings, report):
    """The name of each class number; none if the file of their names cannot be read."""
    for file in surroundings.tree:
        if file.name in NAME_FILES:
            names = []
            with guard(functools.partial(report, file)):
                names = _listed_names(text_of(file))
            return names
    return VOC


def _listed_names(text):
    """The names in a list, a line each; labelme's begins with __ignore__, which is -1."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    names = [line.split(":")[0].strip() for line in lines]
    names = [name for name in names if name]
    return names[1:] if names[:1] == ["__ignore__"] else names


def _picture(file, names, report):
    objects, note = codes_of(file)
    beside = file.parent.with_name(CLASSES) / file.name
    if not beside.is_file():
        raise Left(f"has no {CLASSES}/{file.name}, which tells the classes")
    classes, _ = codes_of(beside)
    if classes.shape != objects.shape:
        raise Left(f"is of another size than {CLASSES}/{file.name}")
    picture = Picture(file, file.stem, objects.shape, [])
    values = values_of(objects)
    for value in values[values > 0].tolist():
        with guard(report, value, picture.name):
            mask = objects == value
            numbers, counts = np.unique(classes[mask], return_counts=True)
            number = int(numbers[counts.argmax()])
            if number >= len(names):
                raise Left(f"has the class {number}, of {len(names)} that have names")
            if names[number] in NO_CLASS:
                raise Left(f"is of class {names[number]}; left out", True)
            picture.items.append(Item(value, names[number], [rle_of(mask)], note))
    return picture
