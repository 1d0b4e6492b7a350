"""Notebook 09."""

import pytest

SMALL = {"VIDEO_SECONDS": 11, "PASSES": 1}


def schedule(parts, workers):
    free_at = [0] * workers
    for minutes in parts:
        free_at[free_at.index(min(free_at))] += minutes
    return max(free_at)


def in_turns(parts, workers):
    return max(sum(parts[i::workers]) for i in range(workers))


def price(fps, seconds, rate):
    return fps * seconds * rate


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "limit": (
        (),
        2,
        {4: "That was before", 8: "shrunk to nothing", 0.5: "Upside down", 3: "divided by what"},
    ),
    "last_end": (
        (),
        schedule,
        {
            lambda parts, workers: sum(parts) / workers: "cannot be divided",
            lambda parts, workers: schedule(sorted(parts)[::-1], workers): "the ideal|in order",
            in_turns: "free first",
            lambda parts, workers: 0: "the last ends at 8, not 0",
        },
    ),
    "hour": (
        (),
        price,
        {
            lambda fps, seconds, rate: 3600 * fps * seconds * rate: "core-seconds",
            lambda fps, seconds, rate: fps * seconds * rate / 3600: "fps . 3600 frames",
            lambda fps, seconds, rate: 25 * 0.06 * rate: "eight times",
            lambda fps, seconds, rate: 1: "Frames of an hour",
        },
    ),
}


def check(results):
    """Nothing about speed: the machine that tests this may be busy with other things."""
    assert results["frames"] == [264] * 3 and results["parts"] >= 2
    assert results["far"] == 0
    good, text, gone = results["problems"]
    assert good is None and "is no video" in text and "is no video" in gone
    assert results["survived"] == results["dask"] == 24
    assert 0 < results["serial"] < 1
    assert results["bill"] == pytest.approx(1000 * 4.012 / (12 * 5), abs=0.05)
    assert 1 < results["limit"] <= results["parts"]
