"""Notebook 04."""

import math

import numpy as np

from helpers.mask_rcnn.mask_head import MaskHead

SMALL = {"NUM_SCENES": 10}

TIGHT = np.array([[10, 20, 30, 60], [100, 50, 110, 55]], np.float32)  # sides 20, 40; 10, 5


def grown(left, top, right, bottom):
    """TIGHT with its edges moved outwards by these shares of its sides, as tuples."""
    sides = np.tile(TIGHT[:, 2:] - TIGHT[:, :2], 2)
    return tuple(map(tuple, TIGHT + sides * [-left, -top, right, bottom]))


def paste_row(scores, x1, x2, width, pixel=0.5, cell=0.5, cut=0.5):
    pixels, num = np.arange(width) + pixel, len(scores)
    cells = x1 + (np.arange(num) + cell) * (x2 - x1) / num
    return (pixels >= x1) & (pixels < x2) & (np.interp(pixels, cells, scores) >= cut)


def scores_of_row(scores, x1, x2, width):
    cells = x1 + (np.arange(len(scores)) + 0.5) * (x2 - x1) / len(scores)
    return np.interp(np.arange(width) + 0.5, cells, scores)


def whole_cells(scores, x1, x2, width):
    cell = np.floor((np.arange(width) + 0.5 - x1) / (x2 - x1) * len(scores)).astype(int)
    inside = (cell >= 0) & (cell < len(scores))
    return inside & (scores[np.clip(cell, 0, len(scores) - 1)] >= 0.5)


def corners(scores, x1, x2, width):
    pixels = np.arange(width) + 0.5
    row = np.interp(pixels, np.linspace(x1, x2, len(scores)), scores) >= 0.5
    return row & (pixels >= x1) & (pixels < x2)


def one_too_many(scores, x1, x2, width):
    pixels = np.arange(width)
    return (scores_of_row(scores, x1, x2, width) >= 0.5) & (pixels >= x1) & (pixels <= x2)


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "edge_moves": (
        (203, 16),
        5,
        {0.3125: "cells of the map", 11: "nearest", 8: "the most", 0: "RoIAlign's", 208: "lands"}
        | {7: "round, multiply", "five": "Numbers"},
    ),
    "untrained_mask_loss": (
        (),
        0.693,
        {0.5: "is the score", 1: "bits", math.log(8): "competed", math.log(9): "box head"}
        | {543.4: "the sum", -0.693: "sign", 0.301: "base 10", 0: "What is -ln"},
    ),
    "likeliest_cause": (
        (),
        "c",
        {"a": "fall slowly", "b": "alone", "d": "as well", "e": "with a letter", 3: "in quotes"},
    ),
    "agnostic_head": (
        (),
        MaskHead(1, 64, 3),
        {
            MaskHead(8, 64, 3): "draws 8 masks",
            MaskHead(1, 32, 3): "not 32 and 3",
            MaskHead(1, 64, 4): "not 64 and 4",
            455: "with a layer",
        },
    ),
    "widened": (
        (TIGHT,),
        ((8, 16, 32, 64), (99, 49.5, 111, 55.5)),
        {
            grown(0, 0, 0, 0): "as they were",
            grown(-0.1, -0.1, -0.1, -0.1): "tighter",
            grown(-0.1, -0.1, 0.1, 0.1): "moved, not grown",
            grown(0, 0, 0.1, 0.1): "to the right and down",
            grown(0.1, 0.1, 0, 0): "to the left and up",
            grown(0.05, 0.05, 0.05, 0.05): "a tenth in all",
            grown(0.2, 0.2, 0.2, 0.2): "a fifth",
            ((9.9, 19.9, 30.1, 60.1), (99.9, 49.9, 110.1, 55.1)): "of a pixel",
            ((0, 10, 40, 70), (90, 40, 120, 65)): "ten pixels",
            ((9, 18, 33, 66), (90, 45, 121, 60.5)): "of the coordinate",
            grown(0.3, 0.1, 0.1, 0.1): "subtract it",
            7: "subtract it",
        },
    ),
    "paste_row": (
        (),
        paste_row,
        {
            scores_of_row: "Which of them",
            whole_cells: "whole cells",
            corners: "on the edges",
            lambda *args: paste_row(*args, pixel=0): "Half a pixel",
            lambda *args: paste_row(*args, cell=0): "Half a cell",
            lambda *args: scores_of_row(*args) >= 0.5: "Outside the box",
            one_too_many: "ends at 3",
            lambda *args: paste_row(*args) | (np.arange(args[3]) == args[2]): "5.5",
            lambda *args: np.flatnonzero(paste_row(*args)): "every pixel",
            lambda scores, x1, x2, width: paste_row(scores, np.floor(x1), x2, width): "its centre",
            lambda scores: scores: "TypeError",
        },
    ),
}


def check(results):
    # The map is 10 y + x at its centres, so a bin is worth what its own centre is: with a pencil.
    wanted = [[15.15, 17.35], [35.65, 37.85]]
    np.testing.assert_allclose(results["align_by_hand"], wanted, rtol=1e-9)
    assert max(results["align_agreement"]) < 1e-5
    cost = results["half_pixel_cost"]
    assert min(cost) > 0 and min(cost[:2]) > 2 * cost[3]  # a strip of s / 2 pixels out of s * s
    pools, sides = results["pool_by_stride"], results["iou_by_side"]
    assert pools == sorted(pools, reverse=True) and pools[0] - pools[3] > 0.2
    assert list(sides.values()) == sorted(sides.values()) and sides["28"] > 0.97 > sides["15"]
    assert 0.75 < results["aligned"] < sides["28"]
    # Fast R-CNN's rule: columns 1 to 3 and 4 to 6, rows 1 to 3 and 3 to 5, the last of each counts.
    assert results["pool_by_hand"] == [[[33, 36], [53, 56]]] * 2
    assert all(0.6 < share < 0.95 for share in results["filled"])  # a coin's disc: pi / 4
    trained, untrained = results["trained"], results["untrained"]
    assert len(trained) == 5 and min(trained.values()) > 0 and min(untrained.values()) > 0
    assert math.isclose(results["total"], sum(trained.values()), rel_tol=1e-5)
    prior = (math.log1p(math.exp(-3)) + math.log1p(math.exp(3))) / 2
    for name, value in {"mask": math.log(2), "class": math.log(9), "rpn_class": prior}.items():
        assert abs(untrained[name] - value) < 0.1 and trained[name] < value / 2
    assert math.isclose(*results["mask_loss"], rel_tol=1e-4)
    misnamed = results["misnamed"]
    assert misnamed["class"] > misnamed["mask"] > 1 and abs(misnamed["rpn_class"] - 1) < 1e-3
    mirrored = results["mirrored"]
    assert mirrored.pop("mask") > 2 and all(abs(v - 1) < 1e-3 for v in mirrored.values())
