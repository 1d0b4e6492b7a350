"""The exercises of notebook 02."""

import numpy as np

from helpers.lessons.checks.verdict import Hint, call, check, compare


@check("Low-quality matches come last, so that they overrule what the thresholds said.")
def outcomes(function):
    """A function of overlap (A, G) -> (A,): 1 foreground, 0 background, -1 ignored."""
    overlap = np.array([[0.7, 0], [0.45, 0.1], [0.1, 0.25], [0, 0.5], [0, 0.35], [0.6, 0], [0, 0]])
    wanted = [1, -1, 0, 1, -1, 1, 0]
    answer = call(function, overlap.copy())
    compare(
        answer, wanted, "Begin with -1 everywhere, then set 0, then 1, low-quality matches last.",
        ([1, -1, 0, -1, -1, 1, 0], "No low-quality match: each object's best anchor must be 1."),
        ([1, 0, 0, 1, 0, 1, 0], "Nobody is ignored: from bg_iou up to fg_iou the answer is -1."),
        ([1, 0, 0, 0, 0, 1, 0], "Only two outcomes, and no low-quality match."),
        ([1, -1, 0, 1, -1, -1, 0], "An IoU of exactly fg_iou is foreground: >=, not >."),
        (overlap.max(axis=1), "Those are the best IoU. Turn them into 1, 0 and -1."),
    )  # fmt: skip
    hard = np.array([[0.15, 0.0], [0.05, 0.28]])  # the second object's best is below bg_iou
    compare(
        call(function, hard), [0, 1], f"It fails for the IoU {hard.tolist()}.",
        ([1, 1], "An object whose best IoU is 0.15 gets no match: it must exceed low_quality_iou."),
        ([0, 0], "An anchor may be the best with 0.28. Set background first, then such a match."),
    )  # fmt: skip


@check("First the centre moves, then the box grows around it, half to each side.")
def moved_anchor(answer):
    """The anchor (10, 10, 30, 50) with deltas 0.5, 0, log 2, 0."""
    if np.shape(answer) != (4,):
        raise Hint("Four numbers are asked for, in a list: [x1, y1, x2, y2].")
    compare(
        answer, [10, 10, 50, 50], "Find centre and sides first: (20, 30) and 20 x 40. Then move.",
        ([20, 10, 40, 50], "It has moved, but not grown: log 2 doubles the width."),
        ([0, 10, 40, 50], "It has grown, but not moved: 0.5 of its width, to the right."),
        ([20, 10, 60, 50], "The left side stood still as it grew. A box grows around its centre."),
        ([0.5, 10, 40.5, 50], "0.5 is not in pixels: the unit is the anchor's own width."),
        ([20, 10, 60, 90], "Only the width grows. The last delta is 0, and exp(0) is 1."),
        ([30, 30, 40, 40], "That is the centre and the sides. Turn them into two corners."),
    )  # fmt: skip


@check("Recall falls: copies of the same few objects fill the places.")
def without_nms(answer, recall_of):
    """Proposal recall with eight places and no NMS; recall_of(nms_iou, num_proposals)."""
    if np.ndim(answer):
        raise Hint("One number is asked for: the recall.")
    compare(
        answer, recall_of(1, 8), "Change nms_iou and nothing else: recall_of(nms_iou=1, ...).",
        (recall_of(0.7, 8), "That is the line as it was."),
        (recall_of(0, 8), "0 is the other end: whatever touches a better box is thrown out."),
        (recall_of(1, 64), "Leave the eight places as they are."),
    )  # fmt: skip
