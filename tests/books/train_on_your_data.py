"""Notebook 08."""

import numpy as np

SMALL = {"NUM_PICTURES": 30, "EPOCHS": 2, "HEADS_EPOCHS": 2, "STEPS": 7, "BATCH": 3, "NUM_TEST": 6}
SMALL |= {"TRIED_STEPS": 4}

WALKS = ["park", "park", "park", "park", "mall", "mall", "zoo", "zoo"]


def tight(masks, last=1, order=(0, 1, 2, 3)):
    boxes = np.zeros((len(masks), 4))
    for i, mask in enumerate(masks):
        y, x = np.nonzero(mask)
        boxes[i] = x.min(), y.min(), x.max() + last, y.max() + last
    return boxes[:, list(order)]


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "honest_split": (
        (WALKS,),
        [6, 7],
        {(0, 4, 6): "'park'", (4, 6): "'mall'", (4, 5, 6, 7): "4 frames", "zoo": "numbers"}
        | {(7, 8): "0 to 7", (): "0 to 7"},
    ),
    "loss_that_tells": (
        (),
        "none",
        {"class": "easiest", "mask": "outlines", "box": "boxes", "rpn_class": "anything"}
        | {"rpn_box": "where", 3: "Choose one"},
    ),
    "two_steps": (
        (),
        1.08,
        {0.6: "after one step", 1.2: "first gradient twice", -0.6: "Uphill", -1.32: "Uphill"}
        | {3: "valley itself", 2: "the other way", "w": "Numbers"},
    ),
    "remedies": (
        (),
        ["Pictures", "labels", "longer"],
        {
            ("longer", "labels", "pictures"): "by heart",
            ("pictures", "longer", "labels"): "B does not learn",
            ("pictures", "labels", "labels"): "once",
            ("pictures",): "in the order",
            "pictures": "in the order",
        },
    ),
    "tight_boxes": (
        (),
        tight,
        {
            lambda masks: tight(masks, last=0): r"\+ 1",
            lambda masks: tight(masks, order=(1, 0, 3, 2)): "rows first",
            lambda masks: tight(masks, 0, (1, 0, 3, 2)): "rows first",
            lambda masks: np.array([(x, y, a - x, b - y) for x, y, a, b in tight(masks)]): "width",
            lambda masks: tight(masks) if len(masks) else np.zeros(0): "(0, 4)",
            lambda masks: tight(masks)[0]: "4, 1, 8, 3",
        },
    ),
}


def check(results):
    assert 0 < results["still_out"] < results["left_out"]
    assert sum(results["parts"]) == results["pictures"]
    aps = list(results["naive"].values())  # right masks, one name for all
    assert 0 < aps[0] < 1 and aps[1:] == [0] * len(aps[1:])
    corners, iou = results["outline"]
    assert corners > 5 and iou > 0.8
    assert 0.7 < results["first"]["class"] < 1.6  # ln 3 = 1.10: two classes and background
    slow, middle, _ = results["curves"].values()
    assert np.mean(middle[-3:]) < np.mean(slow[-3:])
    assert results["losses"][-1] < results["losses"][0]
    assert max(results["AP50"]) > 0.05  # from nothing: streets had no words for them
    low, high = results["interval"]
    assert 0 <= low < high <= 1 and results["test_AP50"] > 0
    assert not set(results["before"]) & {"mug", "star kite"}
    assert set(results["true"]) == {"mug", "star kite"}
    assert not set(results["after"]) - set(results["true"])
    assert results["same"] and results["frames"] == 36
    if results["rounds"] > 5:  # not the small run
        assert results["AP50"][-1] > results["AP50"][0]
        assert sorted(results["after"]) == sorted(results["true"])
        assert results["test_AP50"] > 0.7
        assert results["kinds"]["right"] > results["kinds"]["missed"]
