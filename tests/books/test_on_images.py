"""Notebook 05."""

import pathlib

import numpy as np
import pytest

from helpers.pictures import find_images

ROOT = pathlib.Path(__file__).parents[2]

SMALL = {"NUM_SCENES": 6}

OVERLAPS = [[1, 0.6, 0.1, 0], [0.6, 1, 0.7, 0], [0.1, 0.7, 1, 0], [0, 0, 0, 1]]
WRONG, MISSED = np.array([9, 4, 1]), np.array([0, 2, 5])


def once(overlap, iou):
    right, free = [], set(range(overlap.shape[1]))
    for row in overlap:
        best = max(free, key=lambda i: row[i], default=None)
        right.append(best is not None and row[best] >= iou)
        free -= {best} if right[-1] else set()
    return right


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "kept_by_nms": (
        (OVERLAPS, 0.5),
        [0, 2, 3],
        {(0, 3): "throws nobody out", (1,): "Which ones stay", (0, 1, 2, 3): "lower score"}
        | {2: "a list", (2, 3): "best score"},
    ),
    "best_change": (
        (),
        "d",
        {"a": "costs nothing", "b": "another does more", "C": "as good as b", 2: "with a letter"},
    ),
    "right_ones": (
        (),
        once,
        {
            lambda overlap, iou: (overlap >= iou).any(axis=1): "As before",
            lambda overlap, iou: [True, False, False, False]: "still free",
            lambda overlap, iou: (overlap >= iou).argmax(axis=1): "right, wrong, right, wrong",
            lambda overlap, iou: once(overlap, 0.5): "of .95",
            lambda overlap, iou: once(overlap, iou) if overlap.size else [1, 1]: "Where nothing",
        },
    ),
    "costs": (
        (WRONG, MISSED),
        WRONG + 5 * MISSED,
        {(9, 6, 6): "as it was", (45, 22, 10): "other way round", 3: "by five"},
    ),
    "covered_share": (
        (),
        lambda masks: masks.any(axis=0).mean(),
        {
            lambda masks: masks.mean(axis=(1, 2)).sum(): "twice",
            lambda masks: masks.all(axis=0).mean(): "all masks",
            lambda masks: 100 * masks.any(axis=0).mean(): "per cent",
            lambda masks: masks.any(axis=0).sum(): "number of pixels",
            lambda masks: 0.3: "10 of 20",
            lambda masks: masks.any(axis=0).mean() if len(masks) else 1: "without objects",
        },
    ),
}


def check(results):
    assert results["pictures"] == len(find_images(ROOT / "data/pictures"))
    assert results["records_saved"] == results["detections"] >= results["pictures"]
    assert results["mask_AP50"] > 0.7 and results["box_AP50"] > 0.7
    kinds, shares = results["kinds"], results["shares"]
    assert kinds["right"] + kinds["missed"] == results["true_objects"]
    assert kinds["right"] > 0.6 * results["true_objects"]
    steps = 4 * (51 + 25) / 101 + 3 * 51 / 101
    assert results["by_hand"] == pytest.approx([steps / 10, steps / 10, steps / 20], abs=1e-6)
    every, *_, few = results["left_by_nms"]  # from NMS at 1.0, which removes nothing, to 0.3
    assert results["left_by_nms"] == sorted(results["left_by_nms"], reverse=True)
    assert every >= few > 0
    if results["model"] == "streets":  # a graph has done its NMS inside: nothing is left to remove
        assert every > results["left_by_nms"][1] > results["left_by_nms"][3]
    assert shares["as drawn"] > 0.6 > shares["upside down"]
    angle, length, width = results["rod"]  # drawn with 30 degrees, 60 and 8 pixels
    assert abs(angle - 30) < 1 and abs(length - 60) < 2.5 and abs(width - 8) < 2.5
    assert results["free"]["masks"] >= results["free"]["boxes"] > 0  # a mask lies in its box
    astronaut, cat, _, coins, admiral = results["photos"]
    assert "person" in astronaut and "cat" in cat and "person" in admiral
    assert "clock" in coins  # none of the 80 classes is right for them
