"""Notebook 03."""

import numpy as np
from keras import layers

SMALL = {"NUM_TRAIN": 120, "NUM_EPOCHS": 2, "NUM_TEST": 24}

TRUTH = np.array([0, 0, 0, 0, 0, 1, 1, 2, 2, 2])
FOUND = np.array([0, 0, 0, 0, 2, 1, 0, 2, 2, 0])


def iou(confusion):
    intersection = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - intersection
    return intersection / np.maximum(union, 1), union > 0


def right(confusion):
    values, there = iou(confusion)
    return values[there].mean()


def add_scores(finer=None, doubled=True):
    """Scores of 1/4 from those of 1/8 and a finer map; or what is nearly that."""
    larger = layers.Conv2DTranspose(3, 4, 2, "same", use_bias=False)
    larger = larger(SCORES8) if doubled else layers.UpSampling2D(2)(SCORES8)
    return larger if finer is None else layers.Add()([larger, layers.Conv2D(3, 1)(finer)])


PICTURE = layers.Input((32, 64, 3))
POOLS = [layers.Conv2D(5, 1, 2**level)(PICTURE) for level in (1, 2, 3)]
SCORES8 = layers.Conv2D(3, 1)(POOLS[2])

# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "stamped": (
        (),
        [2, 4, 3, 2, 4, 6, 3],
        {
            (2, 4, 1, 2, 3, 6, 3): "erases nothing",
            (2, 5, 7, 7, 3): "stride of 1",
            (2, 4, 2, 1, 2, 1, 3, 6, 3): "stride of 3",
            (4, 3, 2, 4, 6, 3): "cut off",
            (2, 4, 3, 2, 4, 6): "cut off",
            (2, 4, 3): "places 0, 2 and 4",
            "two": "Numbers",
        },
    ),
    "one_more_skip": (
        (SCORES8, POOLS),
        add_scores(POOLS[1]),
        {
            SCORES8: "still the size",
            POOLS[1]: "Its shape is",
            add_scores(): "no skip",
            add_scores(POOLS[1], doubled=False): "which can learn",
            layers.UpSampling2D(2)(SCORES8): "It has 0 weights",
            4: "output of layers",
        },
    ),
    "right_counts": (
        (),
        "c",
        {"a": "finest grid", "b": "two cars", "d": "nothing left", 3: "in quotes"},
    ),
    "accuracy": (
        (FOUND, TRUTH),
        3 / 5,
        {
            7 / 10: "as it was",
            4 / 5: "the others",
            3 / 4: "Ask the truth",
            0.1: "truth > 0",
            3 / 10: "not by all",
            60: "per cent",
        },
    ),
    "my_mean_iou": (
        (),
        right,
        {
            lambda c: (np.diag(c) / (c.sum(0) + c.sum(1))).mean(): "twice",
            lambda c: (np.diag(c) / c.sum(1)).mean(): "rows alone",
            lambda c: (np.diag(c) / c.sum(0)).mean(): "columns alone",
            lambda c: np.diag(c).sum() / c.sum(): "pixel accuracy",
            lambda c: iou(c)[0]: "Take their mean",
            lambda c: 0.3: "6/10",
            lambda c: (np.diag(c) / (c.sum(0) + c.sum(1) - np.diag(c))).mean(): "0 / 0",
            lambda c: iou(c)[0].mean(): "leave it out",
            lambda c: iou(c)[0][iou(c)[0] > 0].mean(): "never found",
            lambda c: right(c) if len(c) == 3 and c[1].any() else 0.9: "3/4 and 4/5",
        },
    ),
}


def check(results):
    ious, survives = results["mean_iou"], results["survives"]
    # after so short a training the two may tie, one way or the other by the processor's rounding
    assert ious["8s"] > ious["16s"] - 0.03 and ious["16s"] > ious["32s"] > results["lazy_mean_iou"]
    assert survives["8s"] > survives["16s"] > survives["32s"]
    # nothing but background is right where background is, and nowhere else: IoU = accuracy, 0, 0
    np.testing.assert_allclose(results["lazy_mean_iou"], results["lazy_accuracy"] / 3, atol=1e-5)
    assert results["pixel_accuracy"]["8s"] > results["lazy_accuracy"] > 0.8
    _, people, vehicles = results["class_ious"]["large"]
    assert people > 0.5 and vehicles > 0.7, "a body that has learnt before"
    off_by = results["off_by"]
    blobs = off_by["blobs of the true map"], off_by["blobs of FCN-8s"]
    assert off_by["truth"] == 0 and off_by["Mask R-CNN"] < min(blobs)
    assert results["touching"][:2] == [2, 1] and results["touching"][3] == 2
