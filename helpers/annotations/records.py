"""What a reader makes of an annotation file: pictures and their objects, as the file has them.

Whether they fit their pictures is not its business. What it cannot read goes to
`report(what, object, picture, fixed)`, and the rest is read on.
"""

import contextlib
import pathlib
import re
from typing import Any, NamedTuple

import numpy as np


class Left(ValueError):
    """An object or a picture is left out: (why, and True if that does no harm)."""


class Stamp(NamedTuple):
    """A small mask that lies somewhere on a picture."""

    pixels: np.ndarray  # (h, w) bool
    left: int
    top: int


class Item(NamedTuple):
    """An object: what its file calls it, its class, its shape, and what is said about it."""

    number: Any
    label: str
    shape: Any  # list of parts: (N, 2) float x y, dict (COCO's RLE), Stamp; None if a box alone
    note: str = ""  # how the shape was converted
    holes: Any = ()  # parts that are cut out
    is_crowd: bool = False  # a region to leave out, no single object
    doubt: str = ""  # why a crowd may be an object after all
    claim: tuple = ()  # box (x, y, width, height) and area, as the file has them


class Picture(NamedTuple):
    """A picture and its objects, out of one annotation file."""

    file: pathlib.Path
    name: str  # as the file has it, perhaps with folders
    size: tuple  # (height, width) as the file claims; () if it does not say
    items: list
    ids: dict = {}  # {class name: id}; only COCO has ids
    has_own_file: bool = False  # the file is about this picture alone, and bears its name
    is_inside: bool = False  # the file holds the picture's pixels, too


@contextlib.contextmanager
def guard(report, *where):
    """What goes wrong in the block is reported with its place, not raised."""
    try:
        with np.errstate(all="ignore"):
            yield
    except Left as left:
        what, *is_harmless = left.args
        report(what, *where, fixed=any(is_harmless))
    except Exception as error:  # values of a wrong kind and damaged files raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        reason = re.sub(r"'[^']*[/\\]", "'", reason)[:120]  # a file's name will do
        report(f"cannot be read ({reason})", *where)


def dicts_in(data, key, report, *where):
    """The dicts in a list, or in the values of a dict; what else is there is reported."""
    entries = data[key]
    entries = list(entries.values() if isinstance(entries, dict) else entries)
    good = [entry for entry in entries if isinstance(entry, dict)]
    if len(good) < len(entries):
        what = f"{key!r} holds {len(entries) - len(good)} entries that are no records in braces"
        report(what, *where)
    return good


# Shapes: each function gives what `Item.shape` wants; the last two also a note on what they did.


def polygon(numbers):
    """Corners (N, 2) float from x y x y … or from pairs."""
    return np.reshape(np.asarray(numbers, float), (-1, 2))


def rectangle(x1, y1, x2, y2):
    """The outline of a box."""
    return [polygon([x1, y1, x2, y1, x2, y2, x1, y2])], "is a rectangle: its corners are used"


def ellipse(x, y, a, b, angle=0.0):
    """The outline of an ellipse around (x, y) of half axes a and b, turned by angle (radians)."""
    around = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    turn = np.exp(1j * float(angle))
    corners = complex(x, y) + turn * (a * np.cos(around) + 1j * b * np.sin(around))
    note = "is an ellipse or a circle: 72 corners stand for it"
    return [np.stack([corners.real, corners.imag], 1)], note
