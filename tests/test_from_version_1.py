"""docs/from_version_1.md says where things are: they are there."""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]
TEXT = (ROOT / "docs/from_version_1.md").read_text(encoding="utf-8")


def places():
    """(file below helpers/, a name in it) of each row of the table of code."""
    code = TEXT.split("## Code")[1].split("### Arguments")[0]
    for row in code.splitlines():
        if not row.startswith("| `"):
            continue
        now = row.split(" | ")[1].removesuffix(" |")
        for place in now.split("; "):
            file, names = place.split(": ")
            for name in re.sub(r"`\w+` is ", "", names).replace(" and ", ", ").split(", "):
                yield file.strip("`"), name.strip("`")


def test_sections_have_the_titles_that_they_are_said_to_have():
    notebooks = TEXT.split("## Notebooks")[1].split("## Formats")[0]
    rows = re.findall(r"(?m)^\| (\d\d) \| .+ \| (.+) \|$", notebooks)
    assert len(rows) > 5
    for number, titles in rows:
        (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
        text = "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"])
        for title in titles.split("; "):
            assert f"## {title}\n" in f"{text}\n", f"{number} has no section '{title}'"


def test_names_are_where_they_are_said_to_be():
    rows = list(places())
    assert len(rows) > 200
    for file, name in rows:
        path = ROOT / "helpers" / file
        files = path.glob("*.py") if path.is_dir() else [path]
        texts = [one.read_text(encoding="utf-8") for one in files]
        found = [text for text in texts if re.search(rf"(?m)^(def|class) {name}\b", text)]
        assert found, f"{file} has no {name}"
