"""The checks of the exercises: right answers pass, typical wrong ones get each its own hint."""

import importlib
import inspect
import pathlib
import re

import numpy as np
import pytest

from helpers.lessons.checks import quickstart
from helpers.structures import Detections

ROOT = pathlib.Path(__file__).parents[1]
BOOKS = [path.stem.partition("_")[2] for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))]
CHECKS = {book: importlib.import_module(f"helpers.lessons.checks.{book}") for book in BOOKS}
CASES = {
    f"{book}.{name}": (getattr(CHECKS[book], name), *case)
    for book in BOOKS
    for name, case in importlib.import_module(f"tests.books.{book}").CASES.items()
}
WRONG_ANSWERS = [(name, *pair) for name, case in CASES.items() for pair in case[3].items()]


@pytest.mark.parametrize("name", CASES)
def test_right_answer_is_accepted(name):
    check, facts, right, _ = CASES[name]
    verdict = check(right, *facts)
    assert verdict and repr(verdict).startswith("Right. "), verdict


@pytest.mark.parametrize(("name", "wrong", "hint"), WRONG_ANSWERS)
def test_wrong_answer_gets_its_hint(name, wrong, hint):
    check, facts, *_ = CASES[name]
    verdict = check(wrong, *facts)
    assert not verdict
    assert repr(verdict).startswith("Not yet. ")
    assert re.search(hint, verdict), verdict


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("stub", [..., None, lambda *args: ...])
def test_stub_is_not_answered(name, stub):
    check, facts, right, _ = CASES[name]
    if callable(stub) and not inspect.isfunction(right):
        pytest.skip("this exercise asks for a value")
    verdict = check(stub, *facts)
    assert not verdict and verdict.startswith("Not answered yet")


@pytest.mark.parametrize("book", BOOKS)
def test_every_exercise_is_tested(book):
    public = {n for n, f in vars(CHECKS[book]).items() if hasattr(f, "__wrapped__")}
    assert {f"{book}.{name}" for name in public} == {n for n in CASES if n.startswith(f"{book}.")}


def test_nothing_found_has_no_cars_and_no_pixels():
    empty = Detections.empty((6, 8), {1: "person", 3: "car"})
    assert quickstart.only_cars(empty, empty)
    assert quickstart.true_pixels(0, np.zeros((6, 8), bool))
