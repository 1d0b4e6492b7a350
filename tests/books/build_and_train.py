"""Notebook 04b."""

import math

import numpy as np

SMALL = {"STEPS": 1, "BATCH": 2, "COMPILE": False, "NUM_JUDGED": 2}

ROWS = {
    "base": {"interval": [0, 0]},
    "worse": {"interval": [-0.05, -0.01]},
    "same": {"interval": [-0.01, 0.02]},
    "alike": {"interval": [-0.02, 0.001]},
    "better": {"interval": [0.003, 0.02]},
}


def way_up(maps):
    raised = [maps[0]]
    for coarser in maps[1:]:
        raised.append(coarser + raised[-1][:, ::2, ::2])
    return raised


def of_the_given(maps, begin=0):
    finer = [one[:, begin::2, begin::2] for one in maps[:-1]]
    return [maps[0], *(one + below for one, below in zip(maps[1:], finer, strict=True))]


def in_place(maps):
    for i in (1, 2):
        maps[i] += maps[i - 1][:, ::2, ::2]
    return maps


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "numbers_in_layer": (
        (3, 32, 64),
        18688,
        {18432: "is the convolution", 18560: "is what learns", 18496: "with a bias"}
        | {18752: "counts a bias", 18560 + 1: "four numbers", 3 * 3 * 64 + 256: "looks at all"},
    ),
    "prior_bias": (
        (0.01,),
        -4.595,
        {4.595: "sign", 0.5025: "sigmoid of 0.01", -1.9956: "base 10", 0.01: "is the score"}
        | {-3: "our network", 7: "Solve"},
    ),
    "first_losses": (
        (),
        "B",
        {"A": "whichever is right", "C": "one channel or eight", "D": "Two are right"}
        | {2: "in quotes", "E": "in quotes"},
    ),
    "could_be_equal": (
        (ROWS,),
        frozenset({"same", "alike"}),
        {frozenset({"worse", "better"}): "do differ", frozenset({"same"}): "1 more"}
        | {frozenset({"base", "same", "alike"}): "compared with", "same": "A set"}
        | {frozenset({"same", "alike", "worse"}): "worse does not", frozenset({"x"}): "none of"}
        | {3: "A set", frozenset(): "2 more"},
    ),
    "way_up": (
        (),
        way_up,
        {
            of_the_given: "as it came in",
            in_place: "has changed the maps",
            (lambda maps: of_the_given(maps, 1) if maps[0].any() else 0): r"\[::2\]|as many",
            (lambda maps: maps[:2]): "As many maps",
            (lambda maps: list(maps)): "as it was",
            (lambda maps: [maps[0] + 1, *maps[1:]]): "stays as it is",
            (lambda maps: [maps[0], maps[0][:, ::2, ::2], maps[2]]): "Add them",
            (lambda maps: [maps[0], maps[1] + maps[0][:, :2, :2], maps[2]]): "not every second",
            (lambda maps: maps[0][9, 9]): "IndexError",
            (lambda maps: way_up(maps)[:2] + [maps[2]]): "100 \\+ 0",
        },
    ),
}


def check(results):
    mine, theirs = results["numbers"]
    assert mine == theirs
    first, pencil = results["first"], results["pencil"]
    assert set(pencil) == {"rpn_class", "class", "mask"}
    prior = (math.log1p(math.exp(-3)) + math.log1p(math.exp(3))) / 2
    for name, value in {"mask": math.log(2), "class": math.log(9), "rpn_class": prior}.items():
        assert abs(pencil[name] - value) < 1e-6 and abs(first[name] - value) < 0.15
    assert np.isfinite(results["curve"]).all() and np.shape(results["curve"]) == (2, 5)
    assert max(results["differences"].values()) < 1e-3, "the same weights, the same answers"
    num_found, num_true = results["objects"]
    assert 0.5 * num_true <= num_found <= 1.5 * num_true
    looks = results["looks"]
    assert looks[0].startswith("Before") and looks[-1].startswith("The bundled") and len(looks) == 3
    groups = results["choices"]
    assert list(groups) == ["masks", "whole", "exchanged"] and min(map(len, groups.values())) >= 2
