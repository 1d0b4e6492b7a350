"""The notebooks as assignments for nbgrader, with points and tests that it can run by itself.

python3 run.py notebooks --grader FOLDER

Writes FOLDER/source/NN_name/NN_name.ipynb, each with its solution between nbgrader's marks, and
FOLDER/nbgrader_config.py. Each exercise becomes two cells: one that the student fills in, and a
locked one with the points, which asserts what the exercise's own check says. Then, in FOLDER,
`nbgrader generate_assignment NN_name` makes the students' version.

Points go by the kind of an exercise, which its heading names, "### Exercise 2: find the bug", as
docs/teaching.md says.
"""

import ast
import json
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POINTS = {
    "predict": 1,
    "explain by choosing": 1,
    "pair them": 1,
    "change one line": 2,
    "write a function": 3,
    "find the bug": 3,
    "change the network": 3,
}
CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "pixelwise"\n'


def assignment(book, solved):
    """A notebook for nbgrader's `source` folder.

    Args:
        book, solved: a notebook and its solution, parsed from JSON, cell by cell the same.

    Returns:
        The notebook, outputs left out.

    Raises:
        ValueError: an exercise has no heading that names its kind.
    """
    cells = []
    asked = ""  # all text since the exercise before
    for ours, theirs in zip(book["cells"], solved["cells"], strict=True):
        cell = json.loads(json.dumps(ours))
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
        cells.append(cell)
        if cell["cell_type"] == "markdown":
            asked += "".join(cell["source"]) + "\n\n"
        if "exercise" in cell["metadata"].get("tags", []):
            text, check = _apart("".join(theirs["source"]))
            dots = "".join(cell["source"])
            cell["source"] = _marked(dots, text)
            cell["metadata"]["nbgrader"] = _marks(cell["id"], is_solution=True)
            cells.append(_test(cell["id"], check, points(asked)))
            asked = ""
    return {**book, "cells": cells}


def points(asked):
    """What an exercise is worth, by the last heading "### Exercise N: KIND" in the text before it.

    Raises:
        ValueError: there is none, or no such kind.
    """
    kinds = re.findall(r"(?m)^### Exercise \d+: (.+)$", asked)
    if not kinds or kinds[-1] not in POINTS:
        known = ", ".join(POINTS)
        raise ValueError(f"an exercise needs a heading '### Exercise N: KIND', KIND one of {known}")
    return POINTS[kinds[-1]]


def _apart(source):
    """An exercise's answer, and the call of its check, which is its last statement."""
    last = ast.parse(source).body[-1]
    lines = source.splitlines()
    return "\n".join(lines[: last.lineno - 1]).rstrip(), "\n".join(lines[last.lineno - 1 :])


def _marked(dots, answer):
    """The solved answer between nbgrader's marks; above them, what was asked for."""
    asked = [line.strip() for line in dots.splitlines() if " ...  # " in line]
    hints = "".join(f"# {line}\n" for line in asked)
    return f"{hints}### BEGIN SOLUTION\n{answer}\n### END SOLUTION"


def _test(name, check, worth):
    """The locked cell that nbgrader runs."""
    source = f"verdict = {check}\nassert verdict, str(verdict)\nverdict"
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"{name}-test",
        "metadata": {"nbgrader": _marks(f"{name}-test", points=worth)},
        "outputs": [],
        "source": source,
    }


def _marks(name, is_solution=False, points=None):
    """nbgrader's metadata of a cell, schema 3: filled in by students, or a test with points."""
    marks = {
        "schema_version": 3,
        "grade_id": name,
        "solution": is_solution,
        "grade": points is not None,
        "locked": points is not None,
        "task": False,
    }
    return marks if points is None else {**marks, "points": points}


def main(folder):
    """Writes all assignments; returns the exit status."""
    folder = Path(folder).expanduser()
    total = 0
    if folder.exists():
        print(f"{folder}: exists already; name a new folder", file=sys.stderr)
        return 2
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        solved = path.parent / "solutions" / path.name
        texts = [one.read_text(encoding="utf-8") for one in (path, solved)]
        made = assignment(*map(json.loads, texts))
        place = folder / "source" / path.stem
        place.mkdir(parents=True)
        shutil.copytree(ROOT / "notebooks/figures", place / "figures")
        (place / path.name).write_text(
            json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        marks = [cell["metadata"].get("nbgrader", {}) for cell in made["cells"]]
        worth = sum(one.get("points", 0) for one in marks)
        total += worth
        print(f"{path.stem}: {worth} points")
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    print(f"{folder}: {total} points in all")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
