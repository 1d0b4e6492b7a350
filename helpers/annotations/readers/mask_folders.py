"""PNG masks alone: for `a.jpg` masks/a_1_nut.png, a_nut_1.png, a/1_nut.png, a/1.png or a.png.

The folder's name must hold "mask". What follows the picture's name is a number and a class
("object" if there is none). In a mask without a number each value is an object. A folder for each
picture, `a/images/a.png` and `a/masks/*.png`, is that of the Data Science Bowl 2018.
"""

import functools
import os
import re
from collections import defaultdict

from helpers.annotations.png_masks import codes_of, rle_of, values_of
from helpers.annotations.records import Item, Left, Picture, guard
from helpers.annotations.waiting import bar

NAME = "folders of PNG masks"
SEPARATORS = "-_./ "
NO_CLASS = r"\d+|masks?|(?=\D*\d)[0-9a-f]{8,}"  # numbers, and names made of random digits


def read(surroundings, report):
    """As the other readers, of all that lies around; `report` is called with the file first."""
    masks = [file for file in surroundings.images if _is_mask(surroundings.inside(file))]
    by_stem = defaultdict(list)
    for photo in sorted(set(surroundings.images) - set(masks)):
        by_stem[photo.stem].append(photo)
    # The classes of these were in a file that could not be read, and was reported.
    classless = {surroundings.mask_of(file) for file in surroundings.damaged}
    pictures = {}
    for file in bar([mask for mask in masks if mask not in classless], "reading", "mask"):
        with guard(functools.partial(report, file)):
            photo, words = _photo_of(file, by_stem)
            names = [word for word in words if not re.fullmatch(NO_CLASS, word)]
            label = "_".join(names) or "object"
            codes, note = codes_of(file)
            if any(word.isdigit() for word in words):
                parts = [codes > 0]
            else:
                values = values_of(codes)
                parts = [codes == value for value in values[values > 0]]
            picture = pictures.setdefault(photo, Picture(file, str(photo), codes.shape, []))
            for number, part in enumerate(parts, 1):
                picture.items.append(Item(f"{file.name} {number}", label, [rle_of(part)], note))
    return list(pictures.values())


def _is_mask(name):
    return re.search("mask.*/", name, re.IGNORECASE)


def _photo_of(file, by_stem):
    """The picture that a mask belongs to, and the words that follow its name."""
    stem = file.with_suffix("").as_posix()
    tail = re.sub("^.*mask[^/]*/", "", stem, flags=re.IGNORECASE) + "/"
    ends = [place for place, letter in enumerate(tail) if letter in SEPARATORS]
    # of a.jpg and a_1.jpg the longer name; of train/a.jpg and val/a.jpg the one close by
    for end in reversed(ends):
        photos = by_stem.get(tail[:end])
        if photos:
            return _closest(photos, file), re.findall(f"[^{SEPARATORS}]+", tail[end:])
    own = [p for p in by_stem.get(file.parent.parent.name, ()) if file.parent.parent in p.parents]
    if not own:
        raise Left("fits no picture's name")
    return own[0], re.findall(f"[^{SEPARATORS}]+", tail)


def _closest(photos, file):
    return max(photos, key=lambda photo: len(os.path.commonpath([photo, file])))
