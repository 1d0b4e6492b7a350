"""The exercises of notebook 01."""

import numpy as np

from helpers.lessons.checks.verdict import Hint, call, check, compare


@check("Half a width off, and only a third is left: IoU is strict.")
def overlap(answer, a, b):
    """The IoU of two boxes (x1, y1, x2, y2) that overlap and are equally large."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    one, shared = (a[2] - a[0]) * (a[3] - a[1]), width * height
    compare(
        answer, shared / (2 * one - shared), "Count: how many pixels have both, how many has any?",
        (shared / one, "That share of one box lies in the other. Divide by what both cover."),
        (shared / (2 * one), "Both areas added count the shared pixels twice. Subtract them once."),
        (shared, "So many pixels they share. Divide by how many they cover together."),
        rtol=0.01,
    )  # fmt: skip


@check("Runs and mask say the same, whether the first pixel is a zero or a one.")
def decoded(function):
    """A function (runs, (height, width)) -> the mask, (height, width)."""
    size, pixels = (2, 3), np.array([0, 0, 0, 1, 1, 0])  # down the columns
    mask = pixels.reshape(size, order="F")
    compare(
        call(function, [3, 2, 1], size), mask,
        f"For the runs 3, 2, 1 and the size (2, 3) it should be {mask.tolist()}.",
        (pixels.reshape(size), "That goes along the rows. COCO goes down the columns: order='F'."),
        (1 - mask, "Zeros and ones are swapped: the first run counts zeros."),
        (pixels.reshape(3, 2), "That is 3 high and 2 wide. The size is (height, width)."),
        (pixels, "All pixels in one row. Give them their shape: reshape."),
    )  # fmt: skip
    first = "If the first run is 0, the mask begins with a one: [0, 6] is all ones."
    compare(call(function, [0, 6], size), np.ones(size), first)


@check("Wrong, and nothing crashed: look ids up in a dictionary.")
def name_at(answer, names, index):
    """Which name stands at the place `index` of a list? `names` has COCO's gap at 12."""
    if not isinstance(answer, str):
        raise Hint("A name is asked for, in quotes.")
    hints = {
        names[index - 2]: "That is what the id means. But a list knows nothing of ids and gaps.",
        names[index - 1]: "You counted from 1. The first place of a list is 0.",
    }
    if answer.strip().lower() != names[index]:
        far = f"Count again: place 0 is {names[0]}, place 1 is {names[1]}."
        raise Hint(hints.get(answer.strip().lower(), far))


@check("Twice the side is four times the area: the same objects, and fewer of them are small.")
def doubled_sizes(answer, areas):
    """How many areas (N,) are small, medium, large if height and width are doubled?"""

    def count(factor):
        return np.histogram(factor * areas, [0, 32**2, 96**2, np.inf])[0]

    compare(
        answer, count(4), "Change the areas, not the edges, and keep the three counts.",
        (count(1), "That is as it was. How many pixels has an object at twice the size?"),
        (count(2), "Twice as high and twice as wide: that is more than twice the pixels."),
        (count(1 / 4), "The wrong way: the objects grow, so their areas do."),
        (count(4) / max(len(areas), 1), "Those are shares. Numbers of objects are asked for."),
    )  # fmt: skip
