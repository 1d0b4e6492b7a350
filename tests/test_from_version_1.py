"""docs/from_version_1.md says where everything of version 1 is: all of it, and it is there.

`version_1.json` lists what version 1 had: functions and classes of its modules, commands with
their options, formats, sections of its notebooks.
"""

import json
import pathlib
import re

import pytest

from helpers.commands import COMMANDS
from helpers.commands.parser import Parser

pytestmark = pytest.mark.form
ROOT = pathlib.Path(__file__).parents[1]
TEXT = (ROOT / "docs/from_version_1.md").read_text(encoding="utf-8")
VERSION_1 = json.loads((ROOT / "tests/version_1.json").read_text(encoding="utf-8"))
DROPPED = TEXT.split("## Dropped")[1]
# Where a command of version 1 is now, if it does not have a row for each of its words.
NOW = {
    "run.py": "detect",
    "helpers.datasets": "data convert",
    "helpers.training": "train",
    "helpers.everyday": "train everyday",
}


def part(title):
    """The text of a section of the page."""
    return TEXT.split(f"## {title}\n")[1].split("\n## ")[0]


def rows(text):
    """The cells of each row of the tables in a text, without their heads."""
    lines = re.findall(r"(?m)^\| ([^\n]+) \|$", text)
    return [line.split(" | ") for line in lines if not line.startswith(("version 1 |", "| "))]


def places():
    """(file of version 1, its name, file below helpers/, the name in it) of the table of code."""
    for before, now in rows(part("Code").split("### Arguments")[0]):
        for place in now.split("; "):
            file, names = place.split(": ")
            for name in names.split(", "):
                old, _, new = name.rpartition(" is ")
                for one in new.split(" and "):
                    yield (before, old or new, file, one)


# What is said to be there now -------------------------------------------------------------------


def test_sections_have_the_titles_that_they_are_said_to_have():
    found = rows(part("Notebooks"))
    assert len(found) > 5
    for number, _, titles in found:
        for title in titles.split("; "):
            assert title in sections_of(number), f"{number} has no section {title!r}"


def sections_of(number):
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return re.findall(r"(?m)^## (.+)$", "\n".join("".join(cell["source"]) for cell in cells))


def test_names_are_where_they_are_said_to_be():
    found = list(places())
    assert len(found) > 200
    for _, _, file, name in found:
        name = name.strip("`")
        path = ROOT / "helpers" / file.strip("`")
        files = path.glob("*.py") if path.is_dir() else [path]
        texts = [one.read_text(encoding="utf-8") for one in files]
        assert any(re.search(rf"(?m)^(def|class) {name}\b", text) for text in texts), (file, name)


def test_commands_are_those_that_there_are():
    found = re.findall(r"`run\.py (\w+)", "".join(now for _, now in rows(part("Commands"))))
    assert {"data", "models", "train"} <= set(found)
    assert set(found) <= {name.split()[0] for name in COMMANDS}


def test_formats_have_a_file_and_tests():
    texts = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    there = re.findall(r"(?m)^def (test_\w+)", texts)
    for what, file, tests in rows(part("Formats")):
        assert (ROOT / "helpers" / file.strip("`")).is_file(), file
        for name in tests.split(", "):
            assert there.count(name.strip("`")) == 1, (what, name)


# All that version 1 had --------------------------------------------------------------------------


def test_every_function_and_class_of_version_1_has_a_place_or_is_dropped():
    said = {(before.strip("`"), old.strip("`")) for before, old, _, _ in places()}
    for module, names in VERSION_1["functions"].items():
        stem = pathlib.Path(module).stem
        for name in names.split():
            is_dropped = f"`{stem}.{name}`" in DROPPED
            assert (module, name) in said or is_dropped, f"{module} had {name}"


def test_every_command_and_option_of_version_1_is_taken_or_dropped():
    commands = part("Commands")
    for command, words in VERSION_1["commands"].items():
        assert f"{command}`" in commands or f"{command} " in commands, command
        options = options_of(NOW[command]) if command in NOW else []
        for word in words.split():
            is_known = word in options or f"`{word}`" in commands or f" {word}`" in commands
            assert is_known or f"`{word}`" in DROPPED, f"{command} took {word}"


def options_of(name):
    return Parser(name, COMMANDS[name])._option_string_actions


def test_every_section_of_version_1_is_there_or_has_another_title():
    assert sum(map(len, VERSION_1["sections"].values())) == 98
    said = {number: titles.split("; ") for number, titles, _ in rows(part("Notebooks"))}
    for number, titles in VERSION_1["sections"].items():
        for title in titles:
            is_there = title in sections_of(number) or title in said.get(number, [])
            assert is_there, f"{number} had a section {title!r}"


def test_every_format_of_version_1_has_a_row():
    said = "\n".join(what for what, _, _ in rows(part("Formats")))
    for name in VERSION_1["formats"]:
        assert name in said, name
