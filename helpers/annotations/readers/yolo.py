"""YOLO's text files with outlines, and the data.yaml that names the classes.

A line is a class number, then x y x y … in shares of the upright picture's width and height; with
four numbers it is a box. `labels/train/a.txt` belongs to `images/train/a.jpg`.
"""

import re

import numpy as np

from helpers.annotations.picture_files import upright_size
from helpers.annotations.records import Item, Left, Picture, guard, polygon
from helpers.annotations.texts import text_of
from helpers.annotations.waiting import bar

NAME = "YOLO-seg with data.yaml"
NO_LABELS = ("classes.txt", "train.txt", "val.txt", "test.txt", "readme.txt", "requirements.txt")


def recognises(content):
    return isinstance(content, dict) and isinstance(content.get("names"), list | dict)


def read(file, content, surroundings, report):
    names = content["names"]
    names = names if isinstance(names, dict) else dict(enumerate(names))
    names = {int(number): _word(name) for number, name in names.items()}
    labels = [path for path in surroundings.tree if _is_label(path, surroundings)]
    pictures = []
    for path in bar(labels, "reading", "file"):
        with guard(report, None, surroundings.inside(path)):
            picture = _picture(file, path, surroundings)
            _read_lines(path, names, picture, report)
            pictures.append(picture)
    return pictures


def _word(name):
    """The name of a class; anything but a word or a number might be endless."""
    if not isinstance(name, str | int | float):
        raise Left("has a class name that is no word")
    return str(name).strip()


def tell_nameless(surroundings, report):
    """Report label files that no data.yaml belongs to; `report` is called with the file first."""
    for path in surroundings.tree:
        if _is_label(path, surroundings):
            report(path, "may be YOLO's, but no data.yaml names the classes: put one beside")
            return


def _is_label(path, surroundings):
    """Is it a text file in a folder of labels, or beside a picture of its name?"""
    if path.suffix.lower() != ".txt" or path.name.lower() in NO_LABELS:
        return False
    folders = surroundings.inside(path).lower().split("/")[:-1]
    beside = surroundings.index.by_stem.get(path.stem.lower(), ())
    return "labels" in folders or any(photo.parent == path.parent for photo in beside)


def _picture(file, path, surroundings):
    """The picture of a text file, without objects."""
    inside = surroundings.inside(path)
    name = re.sub(r"(^|.*/)labels/", r"\1images/", inside, flags=re.IGNORECASE)
    wanted = Picture(path, name[: -len(path.suffix)], (), [])
    found = surroundings.index.find(wanted, _refuse, _refuse).path
    return Picture(file, str(found), upright_size(found), [])


def _refuse(what, *_):
    raise Left(what)


def _read_lines(path, names, picture, report):
    """Put the objects of a text file into its picture."""
    for place, line in enumerate(text_of(path).splitlines(), 1):
        number = f"{path.name} line {place}"
        with guard(report, number, picture.name):
            if line.strip():
                picture.items.append(_item(number, line.split(), names, picture.size))


def _item(number, words, names, size):
    label = names.get(int(words[0]))
    if label is None:
        raise Left(f"has the class {words[0]}, which data.yaml does not name")
    if len(words) < 7:
        return Item(number, label, None)  # a box
    corners = polygon([float(word) for word in words[1:]])
    return Item(number, label, [corners * np.array(size[::-1])])
