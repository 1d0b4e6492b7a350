"""The checks of the exercises: right answers pass, typical wrong ones get each its own hint."""

import re

import numpy as np
import pytest

from helpers import checks
from helpers.structures import Detections

MASK = np.zeros((6, 8), bool)
MASK[1:4, 2:6] = True
MASK[1, 2] = False  # 11 of the 12 pixels of its box
CATEGORIES = {1: "person", 2: "bicycle", 3: "car"}
FOUND = Detections(np.zeros((4, 4)), [3, 1, 3, 2], [0.9, 0.8, 0.7, 0.6], (6, 8), CATEGORIES)
OVERLAPS = [[1, 0.6, 0.1, 0], [0.6, 1, 0.7, 0], [0.1, 0.7, 1, 0], [0, 0, 0, 1]]
WRONG, MISSED = np.array([9, 4, 1]), np.array([0, 2, 5])


def cut_out(image, mask):
    result = image.copy()
    result[~mask] = 255
    return result


def cut_out_in_place(image, mask):
    image[~mask] = 255
    return image


def mark_copy(frame):
    frame = frame.copy()
    frame[:4] = 255
    return frame


def mark_in_place(frame):
    frame[:4] = 255
    return frame


def mark_and_forget(frame):
    frame.copy()[:4] = 255
    return frame


def detect_every(is_due, keep=True):
    """An answer to every_kth; `is_due(count, k)` says whether to detect."""

    def make(detect, draw, k):
        count, last = 0, None

        def function(frame):
            nonlocal count, last
            found = last
            if is_due(count, k):
                found = detect(frame)
            if keep:
                last = found
            count += 1
            return draw(frame, found)

        return function

    return make


def draw_only_detected(detect, draw, k):
    count = iter(range(100))
    return lambda frame: draw(frame, detect(frame)) if next(count) % k == 0 else frame


# name: (what else the check is given, a right answer, wrong answers each with a piece of its hint)
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
    "minutes": (
        (10, 25, 15),
        16.7,
        {1000: "seconds", 6: "Upside down", 15000: "So many frames", 1: "Count the film's frames"},
    ),
    "marked": (
        (),
        mark_copy,
        {
            mark_in_place: "read-only",
            mark_and_forget: "as it was",
            lambda frame: np.full_like(frame, 255): "4 top rows",
        },
    ),
    "every_kth": (
        (),
        detect_every(lambda count, k: count % k == 0),
        {
            detect_every(lambda count, k: True): "in every frame",
            detect_every(lambda count, k: count == 0): "never again",
            detect_every(lambda count, k: count % k == 1): r"\[1, 4\]",
            detect_every(lambda count, k: count % k == 0, keep=False): "found last",
            draw_only_detected: "found last",
        },
    ),
}
WRONG_ANSWERS = [(name, *pair) for name, case in CASES.items() for pair in case[2].items()]


@pytest.mark.parametrize("name", CASES)
def test_right_answer_is_accepted(name):
    facts, right, _ = CASES[name]
    verdict = getattr(checks, name)(right, *facts)
    assert verdict and repr(verdict).startswith("Right. ")


@pytest.mark.parametrize(("name", "wrong", "hint"), WRONG_ANSWERS)
def test_wrong_answer_gets_its_hint(name, wrong, hint):
    verdict = getattr(checks, name)(wrong, *CASES[name][0])
    assert not verdict
    assert repr(verdict).startswith("Not yet. ")
    assert re.search(hint, verdict), verdict


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("stub", [..., None, lambda *args: ...])
def test_stub_is_not_answered(name, stub):
    takes_function = callable(CASES[name][1])
    if callable(stub) and not takes_function:
        pytest.skip("this exercise asks for a value")
    verdict = getattr(checks, name)(stub, *CASES[name][0])
    assert not verdict and verdict.startswith("Not answered yet")


def test_every_exercise_is_tested():
    public = {n for n, f in vars(checks).items() if callable(f) and hasattr(f, "__wrapped__")}
    assert public == set(CASES)


def test_nothing_found_has_no_cars_and_no_pixels():
    empty = Detections.empty((6, 8), CATEGORIES)
    assert checks.only_cars(empty, empty)
    assert checks.true_pixels(0, np.zeros((6, 8), bool))
