"""PNG masks alone: for `a.jpg` masks/a_1_nut.png, a_nut_1.png, a/1_nut.png, a/1.png or a.png.

The folder's name must hold "mask". What follows the picture's name is a number and a class
("object" if there is none). In a mask without a number each value is an object.
"""

import functools
import os
import re

import numpy as np

from helpers.annotations.png_masks import codes_of, rle_of
from helpers.annotations.records import Item, Left, Picture, guard

NAME = "folders of PNG masks"
SEPARATORS = "-_./ "


def read(surroundings, report):
    """As the other readers, of all that lies around; `report` is called with the file first."""
    masks = [file for file in surroundings.images if _is_mask(surroundings.inside(file))]
    photos = sorted(set(surroundings.images) - set(masks))
    pictures = {}
    for file in masks:
        with guard(functools.partial(report, file)):
            photo, words = _photo_of(file, photos)
            names = [word for word in words if not re.fullmatch(r"\d+|masks?", word)]
            label = "_".join(names) or "object"
            codes, note = codes_of(file)
            if any(word.isdigit() for word in words):
                parts = [codes > 0]
            else:
                parts = [codes == value for value in np.unique(codes[codes > 0])]
            picture = pictures.setdefault(photo, Picture(file, str(photo), codes.shape, []))
            for number, part in enumerate(parts, 1):
                picture.items.append(Item(f"{file.name} {number}", label, rle_of(part), note))
    return list(pictures.values())


def _is_mask(name):
    return re.search("mask.*/", name, re.IGNORECASE)


def _photo_of(file, photos):
    """The picture that a mask belongs to, and the words that follow its name."""
    stem = file.with_suffix("").as_posix()
    tail = re.sub("^.*mask[^/]*/", "", stem, flags=re.IGNORECASE) + "/"
    fitting = [p for p in photos if tail.startswith(tuple(p.stem + c for c in SEPARATORS))]
    if not fitting:
        raise Left("fits no picture's name")
    # of a.jpg and a_1.jpg the longer name; of train/a.jpg and val/a.jpg the one close by
    photo = max(fitting, key=lambda p: (len(p.stem), len(os.path.commonpath([p, file]))))
    return photo, re.findall(f"[^{SEPARATORS}]+", tail[len(photo.stem) :])
