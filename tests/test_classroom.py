"""For a class: slides with notes, and assignments that nbgrader can mark."""

import importlib.util
import json
import pathlib
import re

import nbformat
import pytest

from tests.browsing import expect, needs_browser
from tests.test_pages import opened

ROOT = pathlib.Path(__file__).parents[1]
BOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
PLANS = json.loads((ROOT / "docs/slides.json").read_text(encoding="utf-8"))


def script(name):
    """A file of `.ci` as a module."""
    spec = importlib.util.spec_from_file_location(f"{name}_", ROOT / f".ci/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


slides, grader = script("slides"), script("grader")


@pytest.mark.form
@pytest.mark.parametrize("name", PLANS)
def test_every_slide_has_something_to_show_and_to_say(name):
    first, *shown, last = slides.talk(PLANS[name])
    assert first.shown is last.shown is None and len(shown) == len(PLANS[name]["slides"])
    assert all(slide.shown and slide.notes for slide in shown)
    for slide in PLANS[name]["slides"]:
        assert "picture" not in slide or (ROOT / "notebooks/figures" / slide["picture"]).exists()


def short_talk():
    """A page of three slides, of which the second shows a picture."""
    plan = {"title": "A talk", "end": "The end", "slides": PLANS["50_minutes"]["slides"][:1]}
    return slides.export("<A talk>", slides.talk(plan))


def test_a_page_of_slides():
    page = short_talk()
    assert page.count("<section>") == 3 and "<title>&lt;A talk&gt;</title>" in page
    assert "<aside>" in page and "How many objects?" in page and "data:image/jpeg" in page
    assert "read_image(PICTURE" not in page  # the result, not the code
    assert not re.search("""(src|href)=["']?https?:""", page)  # a class may have no network


@needs_browser
@pytest.mark.slow
def test_slides_are_turned_by_keyboard_with_notes_in_another_window(tmp_path):
    (tmp_path / "a.html").write_text(short_talk(), "utf-8")
    with opened(tmp_path / "a.html") as page:
        expect(page.locator("section:visible")).to_have_text(re.compile("A talk"))
        with page.expect_popup() as window:
            page.keyboard.press("s")
        page.keyboard.press("ArrowRight")
        expect(page.locator("h2:visible")).to_contain_text("How many objects?")
        shape = page.locator("section:visible img").evaluate("i => [i.width, i.naturalWidth]")
        assert min(shape) > 300 and not page.locator("aside").nth(0).is_visible()
        notes = window.value
        expect(notes.locator("body")).to_contain_text("Let them count")
        notes.keyboard.press("End")  # turns the slides, too
        expect(page.get_by_role("status")).to_have_text("3 / 3")
        expect(notes.locator("body")).to_be_empty()
        page.reload()
        expect(page.locator("section:visible")).to_have_text(re.compile("The end"))
        page.get_by_role("button", name="back").click()
        expect(page.get_by_role("status")).to_have_text("2 / 3")


def test_a_cell_that_is_not_there_is_named():
    plan = {"title": "A", "end": "B", "slides": [{"book": "00_quickstart", "cell": "gone"}]}
    plan["slides"][0] |= {"title": "C", "notes": "D"}
    with pytest.raises(ValueError, match="00_quickstart has no cell 'gone'"):
        slides.talk(plan)


def notebook(source, tags=()):
    cells = [
        {"cell_type": "markdown", "id": "ask", "metadata": {}, "source": "### Exercise 1: predict"},
        {"cell_type": "code", "id": "ex1", "metadata": {"tags": ["exercise"]}, "outputs": [7],
         "execution_count": 3, "source": source},
    ]  # fmt: skip
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_an_exercise_becomes_an_answer_and_a_test():
    ours = notebook("answer = ...  # a number\nchecks.four(\n    answer)")
    made = grader.assignment(ours, notebook("answer = 4\nchecks.four(\n    answer)"))
    nbformat.validate(made)
    _, answer, test = made["cells"]
    assert answer["source"].splitlines()[0] == "# answer = ...  # a number"
    assert "### BEGIN SOLUTION\nanswer = 4\n### END SOLUTION" in answer["source"]
    assert answer["metadata"]["nbgrader"]["solution"] and not answer["outputs"]
    assert test["metadata"]["nbgrader"]["points"] == 1 and test["metadata"]["nbgrader"]["locked"]
    said = {}
    exec(test["source"], {"checks": type("C", (), {"four": lambda n: n == 4}), "answer": 4}, said)
    assert said["verdict"] is True
    with pytest.raises(AssertionError):
        exec(test["source"], {"checks": type("C", (), {"four": lambda n: n == 4}), "answer": 5})


@pytest.mark.parametrize(
    ("asked", "points"),
    [("### Exercise 2: change one line", 2), ("## 3\n### Exercise 3: write a function\nIt", 3),
     ("### Exercise 4: explain by choosing\n\nThree\n\nWhich?", 1)],
)  # fmt: skip
def test_points_by_what_is_asked_for(asked, points):
    assert grader.points(asked) == points


@pytest.mark.parametrize("asked", ["", "**Exercise 1.** Somebody", "### Exercise 1: explain"])
def test_an_exercise_without_a_kind_is_refused(asked):
    with pytest.raises(ValueError, match="KIND one of predict, explain by choosing, pair them"):
        grader.points(asked)


def test_a_heading_belongs_to_the_next_exercise_whatever_lies_between():
    (heading, exercise), later = notebook("a = ...  # a number\ncheck(a)")["cells"], []
    for number, cell in enumerate((heading, {**heading, "source": "Look again."}, exercise)):
        later.append({**cell, "id": f"later-{number}"})
    later[0]["source"] = "### Exercise 2: find the bug"
    book = {**notebook(""), "cells": [heading, exercise, *later]}
    made = grader.assignment(book, book)
    marks = [cell["metadata"].get("nbgrader", {}) for cell in made["cells"]]
    assert [mark["points"] for mark in marks if "points" in mark] == [1, 3]
    book["cells"] = [heading, exercise, *later[1:]]
    with pytest.raises(ValueError, match="needs a heading"):
        grader.assignment(book, book)


@pytest.mark.form
def test_points_are_those_that_teaching_tells():
    text = (ROOT / "docs/teaching.md").read_text("utf-8")
    table = text.partition("### Marking")[2].partition("For a mark by hand")[0]
    told = {}
    for kinds, points in re.findall(r"(?m)^\| (.+?) \| (\d) \|", table):
        told |= dict.fromkeys(kinds.split(", "), int(points))
    assert told == grader.POINTS


@pytest.mark.form
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_exercises_are_numbered_and_name_their_kind(path):
    headings, num_exercises = [], 0
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            headings += re.findall(r"(?m)^### Exercise (\d+): (.+)$", "".join(cell["source"]))
        elif "exercise" in cell["metadata"].get("tags", []):
            num_exercises += 1
            assert len(headings) == num_exercises, cell["id"]
    assert [int(number) for number, _ in headings] == list(range(1, num_exercises + 1))
    assert {kind for _, kind in headings} <= set(grader.POINTS)


def test_every_notebook_can_be_marked():
    for path in BOOKS:
        texts = [
            path.read_text("utf-8"),
            (path.parent / "solutions" / path.name).read_text("utf-8"),
        ]
        made = grader.assignment(*map(json.loads, texts))
        names = [cell["metadata"]["nbgrader"]["grade_id"] for cell in made["cells"]
                 if "nbgrader" in cell["metadata"]]  # fmt: skip
        assert len(names) >= 6 and len(set(names)) == len(names), path.stem
