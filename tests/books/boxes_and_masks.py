"""Notebook 01."""

import numpy as np
import pytest

SMALL = {"NUM_SCENES": 6}

NAMES = (
    "person bicycle car motorcycle airplane bus train truck boat traffic_light fire_hydrant "
    "stop_sign parking_meter bench bird cat dog horse sheep cow"
).split()
AREAS = np.array([100, 300, 400, 600, 2000, 3000, 5000, 20000])


def pixels(runs):
    return np.repeat(np.arange(len(runs)) % 2, runs)


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "overlap": (
        ((0, 0, 4, 2), (2, 0, 6, 2)),
        1 / 3,
        {1 / 2: "one box lies in the other", 1 / 4: "twice", 4: "Divide by", 0.9: "Count"},
    ),
    "decoded": (
        (),
        lambda runs, size: pixels(runs).reshape(size, order="F") > 0,
        {
            lambda runs, size: pixels(runs).reshape(size): "order='F'",
            lambda runs, size: 1 - pixels(runs).reshape(size, order="F"): "swapped",
            lambda runs, size: pixels(runs).reshape(size[::-1]): "3 high and 2 wide",
            lambda runs, size: pixels(runs): "one row",
            lambda runs, size: np.zeros(size): "For the runs 3, 2, 1",
            lambda runs, size: pixels([r for r in runs if r]).reshape(size, order="F"): "all ones",
        },
    ),
    "name_at": (
        (NAMES, 18),
        "sheep",
        {"dog": "what the id means", "horse": "from 1", "cow": "Count again", 18: "in quotes"},
    ),
    "overlap_with_crowd": (
        (),
        0.5,
        {0.25: "the IoU", 1 / 3: "area of the crowd", 4: "they share", 1: "only from", 0: "2 x 4"},
    ),
    "fourth_rod": (
        (),
        -30,
        {150: "halved", 30: "other way", -150: "outside", 60: "right angle", 0: "Which rod"},
    ),
    "taken": (
        (2, 6),
        lambda masks: masks.any(axis=0)[2:6].mean(),
        {
            lambda masks: sum(mask[2:6].mean() for mask in masks): "counted twice",
            lambda masks: masks.all(axis=0)[2:6].mean(): "in both",
            lambda masks: masks.any(axis=0)[2:6].sum(): "Those are pixels",
            lambda masks: masks.any(axis=0)[2:6].sum() / 4: "not the sum",
            lambda masks: 0: "columns 0, 1",
        },
    ),
    "doubled_sizes": (
        (AREAS,),
        [1, 4, 3],
        {(4, 3, 1): "at twice the size", (3, 3, 2): "more than twice", (6, 2, 0): "wrong way"}
        | {(1 / 8, 1 / 2, 3 / 8): "shares", (1, 2, 5): "Change the areas"},
    ),
}


def check(results):
    assert results["objects"] == 9 and results["cars"] == 3
    assert results["car_pieces"][0] > 0.9 * sum(results["car_pieces"])  # all three are one piece
    sizes, iou = results["bytes"], results["iou"]
    assert iou["RLE"] == iou["packed RLE"] == iou["bitmap"] == 1  # nothing is lost
    assert iou["box"] < iou["polygon, COCO's way"] < iou["polygon"] < 1  # a rim less, no holes
    assert sizes["bitmap"] == 512 * 640
    assert sizes["box"] < sizes["packed RLE"] < sizes["RLE"] < sizes["polygon"] < sizes["bitmap"]
    assert results["ap"][0] == pytest.approx(1)
    # a false alarm first: precision 1/2 up to recall 1/2, at 51 of COCO's 101 steps of recall
    assert results["ap"][1] == pytest.approx(51 / 101 / 2)
    assert sum(results["sizes"]) == sum(results["per_picture"]) == results["records"] > 0
    assert results["angles"] == pytest.approx([0, 30, 60], abs=1)
    mask, box, added = results["free"]
    assert mask > box + 0.1 and box >= added  # a mask lies in its box; overlaps count twice
    assert sum(results["seen"]) == pytest.approx(1)  # each pixel is free, taken or hidden
