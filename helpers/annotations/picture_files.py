"""The picture that annotations belong to: where it lies, and how their outlines lie on it."""

import pathlib
from collections import defaultdict
from typing import NamedTuple

import numpy as np
from PIL import Image

from helpers.annotations.records import Left
from helpers.pictures import FORMATS

ORIENTATION = 274  # the EXIF tag
MAX_SIDE = 3e4  # pixels, of a size that masks may be scaled from


class Located(NamedTuple):
    """A picture file and how its annotations lie on it.

    Attributes:
        path: the file.
        size: its (height, width) when upright.
        drawn_on: the (height, width) that its outlines are drawn on.
        turn: the EXIF turn (1, none, to 8) by which masks have to follow it.
    """

    path: pathlib.Path
    size: tuple
    drawn_on: tuple
    turn: int = 1


def index_of(images):
    """{name or stem in small letters: paths} of picture files."""
    index = defaultdict(list)
    for path in images:
        index[path.name.lower()].append(path)
        index[path.stem.lower()].append(path)
    return index


def locate(picture, index, mend):
    """Find a picture, and how its outlines lie on it.

    Args:
        picture: `records.Picture`.
        index: from `index_of`, of the pictures around.
        mend: called with (what is wrong, what is done about it); raises `Left` if nothing may be.

    Returns:
        Located.

    Raises:
        Left: the picture is missing, ambiguous, damaged, or of another shape than its outlines.
    """
    path = _path_of(picture, index, mend)
    stored, size, turn = _sizes(path)
    drawn_on = _drawn_on(picture, stored, size)
    if drawn_on == size:
        return Located(path, size, size)
    what = f"is {size[1]} x {size[0]} pixels, annotated as {drawn_on[1]} x {drawn_on[0]}"
    if drawn_on == stored:
        mend(f"{what}, as before its EXIF turn", "masks are turned, too")
        return Located(path, size, stored, turn)
    has_other_shape = abs(drawn_on[0] * size[1] - drawn_on[1] * size[0]) > max(drawn_on)
    if has_other_shape or max(drawn_on) > MAX_SIDE:
        raise Left(what)
    mend(what, "masks are scaled")
    return Located(path, size, drawn_on)


def _path_of(picture, index, mend):
    name = pathlib.PurePosixPath(picture.name.replace("\\", "/"))
    for near in (picture.file.parent / name, picture.file.parent / "images" / name):
        if near.is_file():
            return near
    paths = index.get(name.name.lower(), [])
    if not paths:
        others = index.get(name.stem.lower(), [])
        if len(others) == 1:
            mend("is missing", f"{others[0].name} is used")
            return others[0]
        raise Left("is missing")
    if len(paths) > 1:
        raise Left(f"is missing: {len(paths)} pictures have this name")
    return paths[0]


def _sizes(path):
    """(height, width) as stored and when upright, and the EXIF turn; checks that it is whole."""
    with Image.open(path, formats=FORMATS) as image:
        stored, turn = image.size[::-1], image.getexif().get(ORIENTATION, 1)
        image.draft("L", (1, 1))  # a JPEG's coarse version: enough to know that the file is whole
        image.load()
    lies = turn in (5, 6, 7, 8)
    return stored, stored[::-1] if lies else stored, turn


def _drawn_on(picture, stored, size):
    """The (height, width) that the outlines are drawn on."""
    if picture.size and all(picture.size):
        return tuple(int(side) for side in picture.size)
    # The file does not say: which of the two do the outlines fit into?
    outlines = [item.shape for item in picture.items if isinstance(item.shape, list)]
    corners = np.concatenate([[[0, 0]], *(part for shape in outlines for part in shape)])
    fits_stored = (corners <= np.add(stored[::-1], 1)).all()
    fits_upright = (corners <= np.add(size[::-1], 1)).all()
    return stored if fits_stored and not fits_upright else size
