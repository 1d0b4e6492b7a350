"""Notebook 07."""

import json
import pathlib

import numpy as np
import pytest

from helpers.models import catalogue

ROOT = pathlib.Path(__file__).parents[2]

SMALL = {"NUM_PICTURES": 8, "NUM_TIMED": 3, "VARIANTS": [{"fast": True}]}

NAMES = ["plain", "fast", "few", "small"]
AP, CPU = np.array([0.70, 0.695, 0.696, 0.60]), np.array([50.0, 20.0, 40.0, 15.0])


def durations(function, clock, num):
    taken = []
    for _ in range(num):
        start = clock()
        function()
        taken.append(clock() - start)
    return taken


def right(function, clock, num=5):
    function()
    return np.median(durations(function, clock, num))


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "time_of": (
        (),
        right,
        {
            lambda f, c, n: np.median(durations(f, c, n + 1)): "in the median",
            lambda f, c, n: np.mean(durations(f, c, n + 1)[1:]): "One odd run",
            lambda f, c, n: np.mean(durations(f, c, n + 1)): "warm-up and all",
            lambda f, c, n: np.sum(durations(f, c, n + 1)[1:]): "the sum",
            lambda f, c, n: min(durations(f, c, n + 1)): "shortest",
            lambda f, c, n: (f(), f(), f(), f(), 2)[-1]: "called function.. 4 times",
            lambda f, c, n: durations(f, c, n + 1)[1:]: "must give 2",
            lambda f, c, n: c.time: "AttributeError",
        },
    ),
    "after_shrinking": (
        (),
        42,
        {15: "Only 24", 48: "not half", 30: "a quarter", 6: "other 36", "fast": "Numbers"}
        | {60: "how many pixels"},
    ),
    "pictures_needed": (
        (60, 0.03, 0.01),
        540,
        {180: "square root of 3", 60 * 3**0.5: "other way round", 20: "become a third"},
    ),
    "on_the_front": (
        ([10, 20, 30, 40], [0.30, 0.50, 0.45, 0.60]),
        [3, 0, 1],
        {
            (2,): "Those are beaten",
            (3,): "some of the cheaper ones",
            (0, 3): "two ends",
            (0, 1, 2, 3): "costs more than another",
            (1, 3): "cheaper and better",
            "all": "Numbers",
        },
    ),
    "thrifty": (
        (NAMES, AP, CPU),
        "fast",
        {
            "plain": "as before",
            "small": "more than 0.01 below",
            "few": "another one that is good enough is cheaper",
            "quick": "name of one model",
            1: "name of one model",
        },
    ),
    "cats_and_dogs": (
        (),
        "c",
        {"a": "same kind of photographs", "b": "long as it is", "d": "training"}
        | {"cats": "a letter in quotes"},
    ),
}


def check(results):
    rows, base = results["rows"], results["rows"]["streets"]
    assert list(rows)[:2] == ["streets", "fast"]
    for row in rows.values():  # a line for every model that is here, and chance around its AP
        for kind in ("mask", "box"):
            low, high = row[f"{kind}_span"]
            assert 0 < low < row[kind] < high < 1 and high - low < 0.5
        assert row["ms"] > 0 and row["cpu"] > 0
    assert abs(rows["fast"]["mask"] - base["mask"]) < 0.02
    assert results["eager_cpu"] > 2 * base["cpu"]
    assert results["first_call"] > 5 * results["later_calls"]
    # On the same sets a difference is known better than an AP is alone.
    low, high = results["pairs"]["fast"]
    assert high - low < 0.7 * (base["mask_span"][1] - base["mask_span"][0])
    # Nobody beats those on the front, and somebody beats each of the others.
    for name, row in rows.items():
        beaten = [n for n, o in rows.items() if o["cpu"] <= row["cpu"] and o["mask"] > row["mask"]]
        assert bool(beaten) != (name in results["front"])
    full, halved = results["halved"]
    assert halved == pytest.approx(full, abs=1e-12) and 0 < results["calibration_error"] < 0.3
    assert set(results["memory"]) == {"streets", "streets.tflite"}
    for before, after in results["memory"].values():
        assert 50 < before < after
    assert results["recorded"] == len(json.loads((ROOT / "data/zoo.json").read_text()))
    assert all(0 < value < 1 for value in results["photographs"].values())
    twins = results["twins"]
    names_equal, apart, differ = twins["with_grey"]  # another engine, the same weights
    assert names_equal and apart < 0.1 and differ < 0.001
    names_equal, apart, differ = twins["without"]  # a smaller input, too
    assert names_equal and apart < 5 and differ < 0.05 and all(part > 0 for part in twins["ratio"])
    sources = results["sources"]  # what the right answer of the last exercise rests on
    assert sources["feralcat"]["cat"] < sources["pets"]["dog"] - 0.2
    assert sources["pets"]["cat"] == pytest.approx(sources["pets"]["dog"], abs=0.02)
    assert set(results["absent"]) <= set(catalogue())
