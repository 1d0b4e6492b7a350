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
        (overlap.max(axis=1), "Those are the best IoUs. Turn them into 1, 0 and -1."),
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
        raise Hint("Answer with four numbers in a list: [x1, y1, x2, y2].")
    compare(
        answer, [10, 10, 50, 50], "Find centre and sides first: (20, 30) and 20 x 40. Then move.",
        ([20, 10, 40, 50], "It has moved, but not grown: log 2 doubles the width."),
        ([0, 10, 40, 50], "It has grown, but not moved: 0.5 of its width, to the right."),
        ([20, 10, 60, 50], "The left side stood still as it grew. A box grows around its centre."),
        ([0.5, 10, 40.5, 50], "0.5 is not in pixels: the unit is the anchor's own width."),
        ([20, 10, 60, 90], "Only the width grows. The last delta is 0, and exp(0) is 1."),
        ([30, 30, 40, 40], "That is the centre and the sides. Turn them into two corners."),
    )  # fmt: skip


@check("What was said minus what is true: -0.8 against -0.1. The losses differ even more.")
def times_as_strongly(answer):
    """The gradients of -ln p at two foreground anchors of scores 0.2 and 0.9: 0.8 / 0.1."""
    compare(
        answer, 8, "The gradient is (p - 1) / (2 N+). What is it for 0.2, and for 0.9? Divide.",
        (1 / 8, "The other way round: the worse anchor pulls more strongly."),
        (2 / 9, "Those are the scores. The gradient is p - 1: how far the score is from 1."),
        (9 / 2, "Those are the scores. The gradient is p - 1: how far the score is from 1."),
        (np.log(0.2) / np.log(0.9), "That is how many times as large the loss is."),
        (-8, "Both pull the same way: the sign drops out of the ratio."),
        rtol=0.02,
    )  # fmt: skip


@check("Only boxes that stayed throw others out.")
def copies(function):
    """A function (i, close (N, N) bool, kept: list) -> whether box i is a copy of a kept box."""
    close = np.eye(4, dtype=bool)
    close[[0, 1, 1, 2], [1, 0, 2, 1]] = True  # a chain: 0 and 1, 1 and 2
    kept = _greedy(function, close)
    hints = {
        (
            0,
            3,
        ): "Box 1 has gone when box 2 has its turn, so it must not count: only `kept` does.",
        (): "Each box is close to itself. Compare it with other boxes only: those in `kept`.",
        (0, 1, 2, 3): "Nothing is ever a copy. Box 1 overlaps box 0, which stays.",
        (3,): "Worse boxes throw nobody out: only those that were kept before count.",
    }
    if tuple(kept) != (0, 2, 3):
        raise Hint(hints.get(tuple(kept), f"It keeps {kept} of the four, not [0, 2, 3]."))


def _greedy(is_copy, close):
    """The boxes that stay, best first, if `is_copy` says which ones are copies."""
    kept = []
    for i in range(len(close)):
        if not call(is_copy, i, close.copy(), list(kept)):
            kept.append(i)
    return kept


@check("Copies of the same few objects fill the eight places. Run the next cell to see how far.")
def without_nms(answer):
    """A prediction: what does recall with eight places do if NMS is switched off?"""
    if not isinstance(answer, str) or answer.strip().lower() not in ("rise", "fall", "stay"):
        raise Hint('Answer with one of three words, in quotes: "rise", "fall" or "stay".')
    hints = {
        "rise": "No good box is thrown out, true. But who takes the eight places now?",
        "stay": "The same objects are there, true. But are the same boxes among the eight?",
    }
    if answer.strip().lower() in hints:
        raise Hint(hints[answer.strip().lower()])


@check("From 1 to 2 makes two cells each way: 2, 7, 8 and 4, and the largest counts.")
def pooled(answer):
    """RoIPool of the box 20 20 30 30 on the toy map of stride 16, with one bin."""
    if np.ndim(answer):
        raise Hint("Answer with one number: there is a single bin.")
    compare(
        answer, 8, "20 / 16 = 1.25 and 30 / 16 = 1.875. Round, and take the largest from 1 to 2.",
        (2, "That is cell 1 alone. 1.875 is rounded to 2, and the last cell counts."),
        (7, "The box has two rows, 1 and 2. The largest is in the second one."),
        (9, "That is the largest of the whole map. The box does not reach row 3."),
        (5.25, "That is a mean. RoIPool takes the largest."),
        (21, "That is a sum. RoIPool takes the largest."),
    )  # fmt: skip


@check("P2 has four times as many cells as P3, and so four times as many anchors: 40,920 in all.")
def finer_anchors(answer, config):
    """A config like `config`, with anchors of 5 and 7 pixels on P2 in addition."""
    if not hasattr(answer, "anchor_levels"):
        raise Hint("Answer with a Config: dataclasses.replace(config, ...) makes a changed one.")
    if answer == config:
        raise Hint("That is the config as it was. Put level 2 first, and its sides first, too.")
    if 2 not in answer.anchor_levels:
        raise Hint("There is no level 2 among anchor_levels.")
    if answer.anchor_sides[answer.anchor_levels.index(2)] != (5, 7):
        raise Hint("Level 2 should have the sides (5, 7). Levels and sides go in the same order.")
    if dict(zip(answer.anchor_levels, answer.anchor_sides, strict=True)) != {
        2: (5, 7), **dict(zip(config.anchor_levels, config.anchor_sides, strict=True))
    }:  # fmt: skip
        raise Hint("Leave the other levels and their sides as they are.")
