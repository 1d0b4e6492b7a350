"""Notebook 02."""

import dataclasses
import math

import numpy as np

from helpers.mask_rcnn.config import Config

SMALL = {"NUM_SCENES": 5}


def outcomes(overlap, low_quality=0.2, ignore=-1, limit=0.6):
    """A right answer to the first exercise, and with other arguments several wrong ones."""
    best = overlap.max(axis=1)
    outcome = np.where(best >= limit, 1, np.where(best < 0.3, 0, ignore))
    outcome[overlap.argmax(axis=0)[overlap.max(axis=0) > low_quality]] = 1
    return outcome


def matched_too_early(overlap):
    return np.where(overlap.max(axis=1) < 0.3, 0, outcomes(overlap))


CONFIG = Config()


def with_level_2(**changes):
    """A right answer to the last exercise, with some fields changed."""
    fields = {"anchor_levels": (2, 3, 4, 5, 6), "anchor_sides": ((5, 7), *CONFIG.anchor_sides)}
    return dataclasses.replace(CONFIG, **(fields | changes))


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
            50: "four numbers",
        },
    ),
    "times_as_strongly": (
        (),
        8,
        {0.125: "other way", 4.5: "the scores", 15.3: "the loss is", -8: "sign", 3: "Divide"}
        | {2 / 9: "the scores"},
    ),
    "copies": (
        (),
        lambda i, close, kept: close[i, kept].any(),
        {
            lambda i, close, kept: close[i, :i].any(): "has gone",
            lambda i, close, kept: close[i].any(): "to itself",
            lambda i, close, kept: False: "Nothing is ever",
            lambda i, close, kept: close[i].sum() > 1: "Worse boxes",
            lambda i, close, kept: i == 3: "keeps \\[0, 1, 2\\]",
            lambda i, close, kept: close.no_such_thing: "AttributeError",
        },
    ),
    "without_nms": (
        (),
        "fall",
        {"rise": "takes the eight places", "stay": "same boxes", 0.75: "three words"},
    ),
    "pooled": (
        (),
        8,
        {2: "cell 1 alone", 7: "two rows", 9: "whole map", 5.25: "mean", 21: "sum", 1: "Round"}
        | {(8, 8): "single bin"},
    ),
    "finer_anchors": (
        (CONFIG,),
        with_level_2(),
        {
            40_920: "dataclasses.replace",
            CONFIG: "as it was",
            dataclasses.replace(CONFIG, nms_iou=0.4): "no level 2",
            with_level_2(anchor_sides=(*CONFIG.anchor_sides, (5, 7))): "same order",
            with_level_2(anchor_sides=((5, 7),) * 5): "other levels",
        },
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
    strict, paper, without = results["curves"].values()
    assert strict[-1] <= min(paper[-1], without[-1]) and without[:3] < strict[:3]
    assert 4 <= results["detections"] <= 24
    # A 3 x 3 convolution adds two cells of the map before it: 4 on the way to C2, 4 to each other.
    fields = [1 + 2 * (1 + 2 + 4 + 4)]
    for stride in (4, 8, 16):
        fields.append(fields[-1] + 2 * (stride + 3 * 2 * stride))
    assert [row[1] for row in results["fields"].values()] == fields
    for stride, field, measured in results["fields"].values():
        assert stride < measured <= min(field, 320) and measured > 0.8 * min(field, 320)
    # Fast R-CNN's rule with a pencil: rows 0 to 4, columns 1 to 3, 1 to 3 and 1 to 4.
    assert results["pooled"] == [[[8, 7], [9, 9]], [[8, 7], [9, 9]], [[8, 6], [9, 6]]]
    before = results["losses_before"]
    assert math.isclose(
        before[0], (math.log1p(math.exp(-3)) + math.log1p(math.exp(3))) / 2, rel_tol=1e-5
    )
    assert all(0 < now < then / 3 for now, then in zip(results["losses"], before, strict=True))
    num_cells, candidates, sure, left = results["one_stage"]  # 416 pixels, strides 8, 16 and 32
    assert num_cells == 52**2 + 26**2 + 13**2 and candidates <= 500 and 1 <= left < sure < 50
    assert math.prod(results["agree"].values()) == 1 and len(results["agree"]) == 13
