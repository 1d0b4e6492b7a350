"""Notebook 05."""

import pathlib

import numpy as np

from helpers.pictures import find_images

ROOT = pathlib.Path(__file__).parents[2]

SMALL = {"NUM_SCENES": 6}

OVERLAPS = [[1, 0.6, 0.1, 0], [0.6, 1, 0.7, 0], [0.1, 0.7, 1, 0], [0, 0, 0, 1]]
WRONG, MISSED = np.array([9, 4, 1]), np.array([0, 2, 5])


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "kept_by_nms": (
        (OVERLAPS, 0.5),
        [0, 2, 3],
        {(0, 3): "throws nobody out", (1,): "Which ones stay", (0, 1, 2, 3): "lower score"}
        | {2: "a list", (2, 3): "best score"},
    ),
    "costs": (
        (WRONG, MISSED),
        WRONG + 5 * MISSED,
        {(9, 6, 6): "as it was", (45, 22, 10): "Turned round", 3: "by five"},
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
    assert shares["as drawn"] > 0.6 > shares["upside down"]
    angle, length, width = results["rod"]  # drawn with 30 degrees, 60 and 8 pixels
    assert abs(angle - 30) < 1 and abs(length - 60) < 2.5 and abs(width - 8) < 2.5
    assert results["free"]["masks"] >= results["free"]["boxes"] > 0  # a mask lies in its box
    astronaut, cat, _, coins, admiral = results["photos"]
    assert "person" in astronaut and "cat" in cat and "person" in admiral
    assert "clock" in coins  # none of the 80 classes is right for them
