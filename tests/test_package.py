"""The shape of the code itself: which file may import which, and how long a file may be."""

import ast
import json
import pathlib

import pytest

HELPERS = pathlib.Path(__file__).parents[1] / "helpers"
FILES = sorted(HELPERS.rglob("*.py"))
NAMES = [".".join(path.relative_to(HELPERS).with_suffix("").parts) for path in FILES]

# A file imports only from a lower level, never sideways. New files need a level here.
LEVELS = [
    ["structures", "checks"],
    ["mask_rcnn.boxes", "mask_rcnn.roi_align", "mask_rcnn.backbone", "sprites", "datasets"],
    ["mask_rcnn.rpn", "mask_rcnn.box_head", "mask_rcnn.mask_head", "painting", "drawing"],
    ["mask_rcnn.model", "evaluation", "video", "scenery"],
    ["scenes"],
    ["zoo"],
    ["training"],
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
    if not name.startswith("mask_rcnn.") and name not in ("zoo", "training"):
        assert "keras" not in top  # a film can be cut without waiting for it
    if name.startswith("mask_rcnn."):
        everywhere = {module.split(".")[0] for module, _ in imports(path)}
        assert not everywhere & {"tensorflow", "jax", "torch"}  # it runs on all three


LINES = {name: len(path.read_text().splitlines()) for path, name in zip(FILES, NAMES, strict=True)}


def test_files_are_short():
    assert {name: lines for name, lines in LINES.items() if lines > 300} == {}


# The street world is drawings: tables of shapes and colours, not code that a reader of the network
# meets. It has the limit per file alone.
STREET_WORLD = {"sprites", "scenery", "painting", "scenes"}


def test_there_are_few_of_them():
    assert sum(lines for name, lines in LINES.items() if name not in STREET_WORLD) <= 3300


def test_readme_says_what_the_card_says():
    card = json.loads((HELPERS.parent / "data" / "streets.json").read_text())["held_out"]
    mask, box, errors = card["mask"], card["box"], card["errors"]
    values = (mask["AP"], mask["AP50"], mask["AP75"], box["AP"], box["AP50"])
    readme = (HELPERS.parent / "README.md").read_text()
    assert "| " + " | ".join(f"{value:.3f}"[1:] for value in values) + " |" in readme
    assert f"it found {errors['right']:,} at a score of .5 and missed {errors['missed']}" in readme


def test_no_drawer_for_odds_and_ends():
    assert not {"utils", "util", "misc", "common"} & {path.stem for path in FILES}
