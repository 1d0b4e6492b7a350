"""Notebook 06."""

import numpy as np

SMALL = {"SECONDS": 0.5}


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


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "minutes": (
        (10, 25, 15),
        16.7,
        {
            1000: "seconds",
            6: "slower model",
            15000: "as many frames",
            1: "Count the video's frames",
        },
    ),
    "marked": (
        (),
        mark_copy,
        {
            mark_in_place: "read-only",
            mark_and_forget: "is unchanged",
            lambda frame: np.full_like(frame, 255): "top 4 rows",
        },
    ),
    "pairs": (
        ([[0.6, 0.5], [0.5, 0.1]],),
        [1, 0],
        {(0, 1): "Add up both ways", (0, 0): "cannot be two", (1,): "Two numbers"},
    ),
    "whole_gain": (
        (),
        2,
        {1.87: "one after another", 1: "bottleneck", 0.5: "Upside", 4: "of its own", 3: "pace"},
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


def check(results):
    assert results["toy_calls"] == 4 + 1  # MoviePy asks once more than there are frames
    assert results["frames"] == results["moviepy_frames"] == results["frames_written"] == 12
    assert results["sound"] == results["source_sound"] != []
    assert len(results["moviepy_sound"]) == 1
    assert results["odd_copies"] == [1, 240] and results["model_fps"] > 0
    assert results["toy_ids"] == [[1, 2]] * 4
    assert results["tracked"] >= 5 and results["per_second"]["2018"] < results["model_fps"]
    agreement = results["agreement"]  # of the frames between with the model itself, by k
    assert agreement["1"] == 1 and 1 > agreement["2"] >= agreement["4"] > 0.5
    assert 1 <= results["photo_objects"] <= 4 and results["photo_detections"] >= 28  # of 31 frames
