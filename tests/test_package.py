"""The shape of the code itself: which file may import which, and how long a file may be."""

import ast
import json
import pathlib
import re
import subprocess
import sys

import pytest

HELPERS = pathlib.Path(__file__).parents[1] / "helpers"
BOOKS = [path.stem[3:] for path in (HELPERS.parent / "notebooks").glob("[0-9]*.ipynb")]
FILES = sorted(HELPERS.rglob("*.py"))
NAMES = [".".join(path.relative_to(HELPERS).with_suffix("").parts) for path in FILES]

# A file imports only from a lower level, never sideways. New files need a level here.
LEVELS = [
    ["structures", "checks.verdict"],
    [f"checks.{name}" for name in BOOKS],
    ["mask_rcnn.boxes", "mask_rcnn.roi_align", "mask_rcnn.backbone", "sprites", "pictures"],
    ["mask_rcnn.rpn", "mask_rcnn.box_head", "mask_rcnn.mask_head", "painting", "drawing", "film"],
    ["tracks", "parts", "png_masks"],
    ["formats"],
    ["repairs"],
    ["datasets"],
    ["mask_rcnn.model", "evaluation", "charts", "video", "scenery", "sliders", "download"],
    ["scenes", "graphs", "weights", "explorers", "confidence", "batches", "curves"],
    ["export", "novelties", "mask_rcnn.engine", "photos"],
    ["zoo"],
    ["training", "cluster", "everyday"],
    ["__main__"],
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}


def imports(path):
    """(module, is it at the top?) of each import in a file; submodules of helpers by name."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write the whole name of what is imported"
            for alias in node.names:
                inner = pathlib.Path(*node.module.split("."), alias.name)
                is_module = (HELPERS.parent / inner).with_suffix(".py").exists()
                yield f"{node.module}.{alias.name}" if is_module else node.module, id(node) in top


@pytest.mark.parametrize("path, name", list(zip(FILES, NAMES, strict=True)), ids=NAMES)
def test_imports_point_one_way(path, name):
    if name.endswith("__init__"):
        assert len(path.read_text().splitlines()) == 1 and not list(imports(path))
        return
    used = [module.removeprefix("helpers.") for module, _ in imports(path) if "helpers" in module]
    assert name in LEVEL, f"give {name} a level in this file"
    assert [module for module in used if LEVEL[module] >= LEVEL[name]] == []


@pytest.mark.parametrize("path, name", list(zip(FILES, NAMES, strict=True)), ids=NAMES)
def test_heavy_imports_wait(path, name):
    top = {module.split(".")[0] for module, is_top in imports(path) if is_top}
    assert not top & {"tensorflow", "jax", "torch"}, "import it inside the function that needs it"
    if not name.startswith("mask_rcnn.") and name not in (
        "zoo",
        "training",
        "everyday",
        "explorers",
    ):
        assert "keras" not in top  # a film can be cut without waiting for it
    if name.startswith("mask_rcnn."):
        everywhere = {module.split(".")[0] for module, _ in imports(path)}
        assert not everywhere & {"tensorflow", "jax", "torch"}  # it runs on all three


def code_lines(path):
    """How many lines of a file are code: no docstring, comment or blank line."""
    text, docs = path.read_text(), set()
    for node in ast.walk(ast.parse(text)):
        first = getattr(node, "body", None) and isinstance(node.body, list) and node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            docs |= set(range(first.lineno, first.end_lineno + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sum(bool(re.match(r"\s*[^#\s]", line)) and number not in docs for number, line in lines)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 300


# Lines of code, so that nobody saves on docstrings, a room: what a reader has in mind at a time.
# The street world has no limit but the one per file, since it is tables of shapes and colours; nor
# have the hints of the exercises, which belong to the notebooks.
ROOMS = {
    "network": [name for name in NAMES if name.startswith("mask_rcnn.")],
    "models": ["weights", "graphs", "export", "download", "zoo"],
    "data": ["structures", "pictures", "png_masks", "formats", "repairs", "datasets"],
    "learning": ["batches", "curves", "evaluation", "confidence", "training"],
    "photographs": ["photos", "everyday"],
    "films": ["film", "tracks", "parts", "video", "cluster"],
    "showing": ["drawing", "charts", "sliders", "explorers", "__main__"],
    "street world": ["sprites", "scenery", "painting", "scenes", "novelties"],
    "exercises": [name for name in NAMES if name.startswith("checks.")],
}


def test_rooms_are_small():
    paths = dict(zip(NAMES, FILES, strict=True))
    assert sorted(sum(ROOMS.values(), ["__init__"])) == sorted(NAMES), "each file is in one room"
    counts = {room: sum(code_lines(paths[n]) for n in names) for room, names in ROOMS.items()}
    del counts["street world"], counts["exercises"]
    assert counts["network"] <= 700 and max(counts.values()) <= 850, counts


def test_code_lines_by_hand(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text(
        '"""Title."""\n\n# note\ndef f():\n    """Two\n    lines."""\n    return 1  # why\n'
    )
    assert code_lines(path) == 2


def test_readme_says_what_the_card_says():
    card = json.loads((HELPERS.parent / "data" / "streets.json").read_text())["held_out"]
    mask, box, errors = card["mask"], card["box"], card["errors"]
    values = (mask["AP"], mask["AP50"], mask["AP75"], box["AP"], box["AP50"])
    readme = (HELPERS.parent / "README.md").read_text()
    assert "| " + " | ".join(f"{value:.3f}"[1:] for value in values) + " |" in readme
    assert f"it found {errors['right']:,} at a score of .5 and missed {errors['missed']}" in readme


def test_readme_says_what_the_card_of_everyday_says():
    card = json.loads((HELPERS.parent / "data" / "everyday.json").read_text())["held_out"]
    readme = (HELPERS.parent / "README.md").read_text()
    for name, row in card["classes"].items():
        values = (row["mask_AP50"], *row["interval"])
        ap, low, high = (f"{value:.3f}".removeprefix("0") for value in values)
        assert f"| {name} | {row['objects']} | {ap} ({low} to {high})" in readme
    crowded, empty = f"{card['sources']['cocoval']['person']:.3f}"[1:], card["empty"]
    assert f"COCO's crowded scenes {crowded} |" in readme
    assert f"{empty['images']} photographs of none of these it sees {empty['false']} at" in readme


ALONE = """
import importlib, socket, sys

def refuse(*args, **more):
    raise SystemExit("a network was asked for")

socket.getaddrinfo = socket.create_connection = socket.socket.connect = refuse
for name in sys.argv[1:]:
    importlib.import_module(f"helpers.{name}")
print("all imported")
"""


def test_importing_asks_no_network():
    modules = [name for name in NAMES if name not in ("__init__", "__main__")]
    run = [sys.executable, "-c", ALONE, *modules]
    done = subprocess.run(run, cwd=HELPERS.parent, capture_output=True, text=True, timeout=300)
    assert done.stdout == "all imported\n", done.stderr[-500:]


def test_no_drawer_for_odds_and_ends():
    assert not {"utils", "util", "misc", "common"} & {path.stem for path in FILES}
