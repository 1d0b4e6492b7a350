"""Notebook 00."""

import numpy as np

from helpers.structures import Detections

SMALL = {"SECONDS": 0.25}

MASK = np.zeros((6, 8), bool)
MASK[1:4, 2:6] = True
MASK[1, 2] = False  # 11 of the 12 pixels of its box
CATEGORIES = {1: "person", 2: "bicycle", 3: "car"}
FOUND = Detections(np.zeros((4, 4)), [3, 1, 3, 2], [0.9, 0.8, 0.7, 0.6], (6, 8), CATEGORIES)


def cut_out(image, mask):
    result = image.copy()
    result[~mask] = 255
    return result


def cut_out_in_place(image, mask):
    image[~mask] = 255
    return image


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "true_pixels": (
        (MASK,),
        11,
        {48: "whole picture", 12: "the box", 3: "under area", "many": "Numbers"},
    ),
    "only_cars": (
        (FOUND,),
        FOUND[FOUND.labels == 3],
        {
            FOUND: "still bicycle",
            FOUND[FOUND.labels == 2]: "look it up",
            FOUND[0]: "1 of 2 cars",
            FOUND[FOUND.labels == 9]: "0 of 2 cars",
            "car": "Detections",
        },
    ),
    "cut_out": (
        (),
        cut_out,
        {
            cut_out_in_place: "has changed",
            lambda image, mask: cut_out(image, ~mask): "swapped",
            lambda image, mask: image * mask[..., None]: "black",
            lambda image, mask: mask: "return it",
            lambda image, mask: image[mask, mask]: "IndexError",
        },
    ),
}


def check(results):
    assert results["objects"] >= 2 and results["mask_pixels"] > 200
    assert results["frames"] == 6  # a quarter of a second
    assert "person" in results["photo"]
