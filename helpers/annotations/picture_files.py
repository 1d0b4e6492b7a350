"""The picture that annotations belong to: where it lies, and how their outlines lie on it."""

import pathlib
from typing import NamedTuple

import numpy as np
from PIL import Image

from helpers.annotations import embedded
from helpers.annotations.records import Left, Stamp
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
        closeness: how close to its annotations it lies, see `finding.Found`.
        drawn: "lying" or "upright": what the outlines of a photo that is turned prove of their
            tool; "" if nothing.
    """

    path: pathlib.Path
    size: tuple
    drawn_on: tuple
    turn: int = 1
    closeness: float = 0
    drawn: str = ""


class InDoubt(Left):
    """Outlines fit a picture before its EXIF turn and after it."""


def locate(picture, index, mend, note, drawn=""):
    """Find a picture, and how its outlines lie on it.

    Args:
        picture: `records.Picture`.
        index: `finding.Index` of the pictures around.
        mend: called with (what is wrong, what is done about it); raises `Left` if nothing may be.
        note: called with what is odd, but does no harm.
        drawn: how outlines lie on a photo if they fit both ways, see `Located`; "" if not known.

    Returns:
        Located.

    Raises:
        InDoubt: they fit both ways, and it is not known.
        Left: the picture is missing, ambiguous, damaged, or of another shape than its outlines.
    """
    path, closeness = _found(picture, index, mend, note)
    stored, size, turn = sizes(path)
    drawn_on = _drawn_on(picture, stored, size)
    if drawn_on == size:
        return Located(path, size, size, closeness=closeness)
    what = f"is {size[1]} x {size[0]} pixels, annotated as {drawn_on[1]} x {drawn_on[0]}"
    if drawn_on == stored:
        what = f"{what}, as before its EXIF turn"
        proven = _proven(picture, stored, size)
        drawn = proven or drawn
        if not drawn and picture.items:
            raise InDoubt(
                f"{what}; its outlines fit both ways: turn the picture, and annotate that"
            )
        if drawn == "upright":
            mend(what, "but its outlines are upright, and stay")
            return Located(path, size, size, 1, closeness, proven)
        mend(what, "masks are turned, too")
        return Located(path, size, stored, turn, closeness, proven)
    has_other_shape = abs(drawn_on[0] * size[1] - drawn_on[1] * size[0]) > max(drawn_on)
    if has_other_shape or max(drawn_on) > MAX_SIDE:
        raise Left(what)
    mend(what, "masks are scaled")
    return Located(path, size, drawn_on, closeness=closeness)


def _found(picture, index, mend, note):
    """The path of a picture, and its closeness; that of its annotations if they hold it."""
    try:
        return index.find(picture, mend, note)
    except Left:
        if not picture.is_inside:
            raise
        note("is inside the annotation file, and taken from there")
        return picture.file, float("inf")


def _proven(picture, stored, size):
    """Are outlines drawn on the "lying" photo, as stored, or "upright"? "" if either may be.

    The file claims the size before the turn, but some tools claim that and show the picture
    upright. Only where an outline fits into one of both alone it is known what it was drawn on.
    """
    has_masks = any(isinstance(p, dict | Stamp) for i in picture.items for p in i.shape or ())
    fits_stored, fits_upright = _fits(picture, stored), _fits(picture, size)
    if has_masks or (fits_stored and not fits_upright):
        return "lying"
    return "upright" if fits_upright and not fits_stored else ""


def _fits(picture, size):
    """Do all outlines lie inside a (height, width)?"""
    shapes = [item.shape for item in picture.items if isinstance(item.shape, list)]
    outlines = [part for shape in shapes for part in shape if isinstance(part, np.ndarray)]
    corners = np.concatenate([[[0, 0]], *outlines])
    return bool((corners <= np.add(size[::-1], 1)).all())


def sizes(path):
    """(height, width) as stored and when upright, and the EXIF turn; checks that it is whole."""
    with Image.open(embedded.opened(path), formats=FORMATS) as image:
        stored = image.size[::-1]
        turn = image.getexif().get(ORIENTATION, 1)
        image.draft("L", (1, 1))  # a JPEG's coarse version: enough to know that the file is whole
        image.load()
    lies = turn in (5, 6, 7, 8)
    return stored, stored[::-1] if lies else stored, turn


def upright_size(path):
    """(height, width) of a picture when upright; its pixels are not read."""
    with Image.open(path, formats=FORMATS) as image:
        lies = image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
        return image.size if lies else image.size[::-1]


def _drawn_on(picture, stored, size):
    """The (height, width) that the outlines are drawn on."""
    if picture.size and all(picture.size):
        return tuple(int(side) for side in picture.size)
    # The file does not say: which of the two do the outlines fit into?
    return stored if _fits(picture, stored) and not _fits(picture, size) else size
