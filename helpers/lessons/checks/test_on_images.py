"""The exercises of notebook 05."""

import numpy as np

from helpers.lessons.checks.verdict import call, check, choose, compare


@check("A box that is gone no longer counts: that is why the order of the scores matters.")
def kept_by_nms(answer, overlaps, nms_iou):
    """Which boxes (numbers from 0) does NMS keep? overlaps (N, N) IoU, best score first."""
    over = np.asarray(overlaps) > nms_iou
    kept = []
    numbers = range(len(overlaps))
    for i in numbers:
        kept += [] if over[i, kept].any() else [i]
    alone = [i for i in numbers if not over[i, :i].any()]
    lost = sorted({*numbers} - {*kept})
    compare(
        sorted(answer) if np.ndim(answer) else answer, kept,
        "The best score stays. Then ask each next box about those that stayed: a list like [0, 2].",
        (alone, "A box that was thrown out throws nobody out: ask only those that were kept."),
        (lost, "Those are thrown out. Which ones stay?"),
        (numbers, f"Two of them overlap by more than {nms_iou}: the lower score goes."),
    )  # fmt: skip


@check("Both cars stand above every mistake now: what comes below costs nothing.")
def best_change(answer):
    """Which change raises AP50 of the five detections most: "d"."""
    hints = {
        "a": "A mistake below all that is right costs nothing: without it AP50 is the same.",
        "b": "It helps: the second step rises from 1/2 to 2/3. But another does more.",
        "c": "It is third then: right, wrong, right, so 2/3. That is as good as b, not the best.",
    }
    choose(answer, "d", hints)


@check("A second detection of the same object is a mistake, however well it fits.")
def right_ones(function):
    """A function of overlap (N, M) and an IoU -> which detections are right, (N,) bool."""
    overlap = np.array([[0.9, 0.6], [0.8, 0.2], [0.7, 0.6], [0.6, 0.55]])
    once = [True, False, True, False]
    every = [True] * 4
    compare(
        call(function, overlap.copy(), 0.5), once,
        "IoU .9 .6 / .8 .2 / .7 .6 / .6 .55, from .5 on: right, wrong, right, wrong.",
        (every, "As before: the second one finds again what the first has found."),
        ([True, False, False, False], "The third may take the object that is still free, at .6."),
    )  # fmt: skip
    compare(call(function, overlap[:1], 0.95), [False], "At an IoU of .95 none of them is right.")
    none = np.zeros((2, 0))
    compare(call(function, none, 0.5), [False, False], "Where nothing is there, all are wrong.")


@check("Misses have become expensive, so the cheapest threshold moves down or stays.")
def costs(answer, wrong, missed):
    """The cost at each threshold (T,), if one missed object is as bad as five wrong ones."""
    compare(
        answer, wrong + 5 * missed, "Multiply one of the two by five, then add.",
        (wrong + missed, "That is the line as it was: both kinds cost the same."),
        (5 * wrong + missed, "The other way round: here the false alarm is the expensive one."),
    )  # fmt: skip


@check("It gives 0 for an empty street, too.")
def covered_share(function):
    """A function of masks (N, H, W) -> the share of the picture under at least one of them."""
    masks = np.zeros((2, 4, 5), bool)
    masks[0, :2, :3] = masks[1, 1:3, 1:4] = True  # 6 and 6 pixels, 2 in common: 10 of 20
    compare(
        call(function, masks), 0.5, "Two 2x3 masks that share 2 of 4x5 pixels cover 10 of 20.",
        (0.6, "A pixel under two masks counts twice. Join them first: masks.any(axis=0)."),
        (0.1, "That is the share under all masks at once. One is enough: any, not all."),
        (50, "That is in per cent. A share is between 0 and 1."),
        (10, "That is a number of pixels. Divide it by the number in the picture."),
    )  # fmt: skip
    compare(call(function, masks[:0]), 0, "A picture without objects must give 0.")
