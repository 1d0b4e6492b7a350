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
        (shared, "That is how many pixels they share. Divide by how many they cover together."),
        rtol=0.01,
    )  # fmt: skip


@check("Runs and mask say the same, whether the first pixel is a zero or a one.")
def decoded(function):
    """A function (runs, (height, width)) -> the mask, (height, width)."""
    size = (2, 3)
    pixels = np.array([0, 0, 0, 1, 1, 0])  # down the columns
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
        raise Hint("Answer with a name, in quotes.")
    hints = {
        names[index - 2]: "That is what the id means. But a list knows nothing of ids and gaps.",
        names[index - 1]: "You counted from 1. The first place of a list is 0.",
    }
    if answer.strip().lower() != names[index]:
        far = f"Count again: place 0 is {names[0]}, place 1 is {names[1]}."
        raise Hint(hints.get(answer.strip().lower(), far))


@check("4 of its 8 pixels lie in the crowd. By IoU it would be only a quarter.")
def overlap_with_crowd(answer):
    """Overlap of a detection, x 2 to 4, with a crowd, x 3 to 6, both 4 high: 4 / 8."""
    compare(
        answer, 1 / 2, "How many of the detection's own 2 x 4 pixels lie in the crowd?",
        (1 / 4, "That is the IoU. For a crowd, divide by the area of the detection alone."),
        (1 / 3, "That divides by the area of the crowd. Divide by that of the detection."),
        (4, "That is how many pixels they share. Divide by the area of the detection."),
        (1, "It is inside the crowd only from x = 3 on."),
        rtol=0.01,
    )  # fmt: skip


@check("An axis has no front: turned by half a circle it is the same. 150 - 180 = -30.")
def fourth_rod(answer):
    """The angle that `long_axis` gives for a rod turned by 150 degrees: -30."""
    compare(
        answer, -30, "Half an arctangent lies between -90 and 90. Which rod there looks the same?",
        (150, "atan2 gives at most 180 degrees, and it is halved. Which smaller angle fits?"),
        (30, "That rod leans the other way. Draw both: 150 is 30 short of half a circle."),
        (-150, "That is outside of -90 to 90. Turn it by half a circle."),
        (60, "That is a right angle off. Turn by half a circle, not by a quarter."),
        rtol=0.05,
    )  # fmt: skip


@check("A pixel is taken or it is not: `any` counts it once, however many cover it.")
def taken(function, top, bottom):
    """A function of masks (N, H, W) -> the share of rows top to bottom that any of them covers."""
    masks = np.zeros((2, bottom + 3, 4), bool)
    masks[0, :, :2] = masks[1, :, 1:3] = True  # columns 0, 1 and 1, 2: of four, three are taken
    compare(
        call(function, masks.copy()), 3 / 4,
        "Two masks that cover columns 0, 1 and 1, 2 of four: 3/4 of the road is taken.",
        (1, "Column 1 lies in both masks and was counted twice."),
        (1 / 4, "That is what is free, or what lies in both. Taken is what at least one covers."),
        (3 / 4 * (bottom - top), "Take the mean over the rows of the road, not the sum."),
        (3 * (bottom - top), "Those are pixels. Which share of the road's pixels is that?"),
    )  # fmt: skip


@check("Twice the side is four times the area: the same objects, and fewer of them are small.")
def doubled_sizes(answer, areas):
    """How many areas (N,) are small, medium, large if height and width are doubled?"""

    def count(factor):
        return np.histogram(factor * areas, [0, 32**2, 96**2, np.inf])[0]

    compare(
        answer, count(4), "Change the areas, not the edges, and keep the three counts.",
        (count(1), "As it was. How many pixels does each object have at twice the size?"),
        (count(2), "Twice as high and twice as wide: that is more than twice the pixels."),
        (count(1 / 4), "The wrong way: the objects grow, and so do their areas."),
        (count(4) / max(len(areas), 1), "Those are shares. Give the numbers of objects."),
    )  # fmt: skip
