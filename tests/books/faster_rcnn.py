"""Notebook 02."""

import math

import numpy as np

SMALL = {"NUM_SCENES": 5}


def outcomes(overlap, low_quality=0.2, ignore=-1, limit=0.6):
    """A right answer to the first exercise, and with other arguments several wrong ones."""
    best = overlap.max(axis=1)
    outcome = np.where(best >= limit, 1, np.where(best < 0.3, 0, ignore))
    outcome[overlap.argmax(axis=0)[overlap.max(axis=0) > low_quality]] = 1
    return outcome


def matched_too_early(overlap):
    return np.where(overlap.max(axis=1) < 0.3, 0, outcomes(overlap))


def recall_of(nms_iou, num_proposals):
    """Stands for the notebook's own: any four different numbers do."""
    return {(0.7, 8): 0.92, (1, 8): 0.75, (0, 8): 0.8, (1, 64): 0.99}[nms_iou, num_proposals]


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "outcomes": (
        (),
        outcomes,
        {
            lambda overlap: outcomes(overlap, low_quality=2): "No low-quality match: each",
            lambda overlap: outcomes(overlap, ignore=0): "Nobody is ignored",
            lambda overlap: outcomes(overlap, low_quality=2, ignore=0): "Only two outcomes",
            lambda overlap: outcomes(overlap, limit=0.601): "exactly fg_iou",
            lambda overlap: overlap.max(axis=1): "the best IoU",
            lambda overlap: 0 * overlap[:, 0]: "Begin with -1",
            lambda overlap: outcomes(overlap, low_quality=0): "must exceed",
            matched_too_early: "background first",
            lambda overlap: 1 - outcomes(overlap) if len(overlap) == 2 else outcomes(overlap): (
                "It fails for"
            ),
            lambda overlap: overlap.no_such_thing: "AttributeError",
        },
    ),
    "moved_anchor": (
        (),
        [10, 10, 50, 50],
        {
            (20, 10, 40, 50): "not grown",
            (0, 10, 40, 50): "not moved",
            (20, 10, 60, 50): "around its centre",
            (0.5, 10, 40.5, 50): "not in pixels",
            (20, 10, 60, 90): "Only the width",
            (30, 30, 40, 40): "two corners",
            (1, 2, 3, 4): "centre and sides first",
            50: "Four numbers",
        },
    ),
    "without_nms": (
        (recall_of,),
        0.75,
        {0.92: "as it was", 0.8: "other end", 0.99: "eight places", 0.5: "nothing else"}
        | {(0.75, 0.92): "One number"},
    ),
}


def check(results):
    cells = [(256 // stride) * (320 // stride) for stride in (8, 16, 32, 64)]  # of P3 to P6
    assert results["anchors"] == 2 * 3 * sum(cells) == sum(results["outcomes"].values())
    outcomes = results["outcomes"]
    assert 0 < outcomes["foreground"] < outcomes["ignored"] < outcomes["background"]
    # A quarter of 128 may be foreground; background fills its three quarters and no more.
    assert results["sampled"] == {"foreground": min(32, outcomes["foreground"]), "background": 96}
    before, after = results["mean_iou"]
    assert 0.3 < before < after < 1
    recall = results["recall"]
    assert list(recall) == ["anchors", "decoded", "candidates", "after NMS", "proposals"]
    for at in ("0.5", "0.75"):
        anchors, *steps = (row[at] for row in recall.values())
        assert steps == sorted(steps, reverse=True)  # from the second on boxes only go
        assert anchors <= steps[0]
    assert all(row["0.75"] <= row["0.5"] for row in recall.values())
    assert recall["proposals"]["0.5"] >= 0.9
    with_nms, without = results["eight_places"]
    assert without < with_nms
    assert 4 <= results["detections"] <= 24
    assert math.prod(results["agree"].values()) == 1 and len(results["agree"]) == 8
