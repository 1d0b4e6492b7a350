"""The shape of the code itself: which room may import which, and what must wait."""

import ast
import graphlib
import importlib
import json
import pathlib
import signal
import subprocess
import sys

import pytest

from helpers import silence

HELPERS = pathlib.Path(__file__).parents[1] / "helpers"
FILES = sorted(HELPERS.rglob("*.py"))
NAMES = [".".join(path.relative_to(HELPERS).with_suffix("").parts) for path in FILES]

# A room imports only from rooms and files further down, through no back door upwards.
ROOMS = (
    "__main__",
    "job",
    "lessons",
    "training",
    "video",
    "models",
    "annotations",
    "evaluation",
    "streets",
    "one_stage",
    "mask_rcnn",
    "drawing",
    "pictures",
    "alone",
    "structures",
    "thumbnail",
    "commands",
    "spelling",
    "__init__",
    "silence",
)
KERAS_ROOMS = ("mask_rcnn", "one_stage", "models", "training", "lessons")


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


def inner_imports(path):
    """The modules of helpers that a file imports, without the first word."""
    names = [module for module, _ in imports(path) if module.split(".")[0] == "helpers"]
    return [module.removeprefix("helpers").removeprefix(".") or "__init__" for module in names]


@pytest.mark.parametrize("path, name", list(zip(FILES, NAMES, strict=True)), ids=NAMES)
def test_imports_point_down(path, name):
    room = name.split(".")[0]
    for used in inner_imports(path):
        other = used.split(".")[0]
        assert room == other or ROOMS.index(room) < ROOMS.index(other), f"{name} imports {used}"


def test_no_circle_within_a_room():
    arrows = {name: set(inner_imports(path)) for path, name in zip(FILES, NAMES, strict=True)}
    graphlib.TopologicalSorter(arrows).prepare()  # raises CycleError where there is one


@pytest.mark.parametrize("room", [path.parent.name for path in HELPERS.glob("*/__init__.py")])
def test_a_face_names_what_is_there(room):
    face = importlib.import_module(f"helpers.{room}")
    assert len(face.__doc__.splitlines()) == 1 and face.__all__
    for name in face.__all__:
        assert getattr(face, name).__doc__


@pytest.mark.parametrize("path, name", list(zip(FILES, NAMES, strict=True)), ids=NAMES)
def test_heavy_imports_wait(path, name):
    top = {module.split(".")[0] for module, is_top in imports(path) if is_top}
    assert not top & {"tensorflow", "jax", "torch"}, "import it inside the function that needs it"
    room = name.split(".")[0]
    if room not in KERAS_ROOMS:
        assert "keras" not in top  # a video can be cut without waiting for it
    if room in ("mask_rcnn", "one_stage"):
        everywhere = {module.split(".")[0] for module, _ in imports(path)}
        assert not everywhere & {"tensorflow", "jax", "torch"}  # it runs on all three


def test_readme_says_what_the_card_says():
    card = json.loads((HELPERS.parent / "data" / "streets.json").read_text())["held_out"]
    mask, box, errors = card["mask"], card["box"], card["errors"]
    values = (mask["AP"], mask["AP50"], mask["AP75"], box["AP"], box["AP50"])
    readme = (HELPERS.parent / "README.md").read_text()
    assert "| " + " | ".join(f"{value:.3f}"[1:] for value in values) + " |" in readme
    assert f"it found {errors['right']:,} at a score of .5 and missed {errors['missed']}" in readme


def test_readme_says_what_the_card_of_everyday_says():
    def short(value):
        return f"{value:.3f}".removeprefix("0")

    card = json.loads((HELPERS.parent / "data" / "everyday.json").read_text())["held_out"]
    readme = (HELPERS.parent / "README.md").read_text()
    for name, row in card["classes"].items():
        low, high = map(short, row["interval"])
        told = f"| {name} | {row['objects']} | {short(row['mask_AP50'])} ({low} to {high})"
        assert told in readme
    sources = card["sources"]
    assert f"one large person per photo {short(sources['ccp']['person'])}" in readme
    assert f"COCO's crowded scenes {short(sources['cocoval']['person'])} |" in readme
    assert f"in portraits {short(sources['pets']['cat'])}" in readme
    assert f"of feral cats outdoors {short(sources['feralcat']['cat'])} |" in readme
    empty = card["empty"]
    assert f"{empty['images']} photographs of none of these it makes up {empty['false']} " in readme


ALONE = """
import importlib, socket, sys

def refuse(*args, **more):
    raise SystemExit("a network was asked for")

socket.getaddrinfo = socket.create_connection = socket.socket.connect = refuse
for name in sys.argv[1:]:
    importlib.import_module(f"helpers.{name}")
import tensorflow
print("all imported")
"""


@pytest.mark.slow
def test_importing_is_silent_and_asks_no_network():
    modules = [name for name in NAMES if "__" not in name]
    run = [sys.executable, "-c", ALONE, *modules]
    done = subprocess.run(run, cwd=HELPERS.parent, capture_output=True, text=True, timeout=300)
    assert done.stdout == "all imported\n", done.stderr[-500:]
    assert done.stderr == "", "TensorFlow greets"


def test_tensorflow_does_not_see_the_folder_of_the_script(monkeypatch, tmp_path):
    """Its own six.py is a package; a user's script may have any name. `.ci/readme.py` tries it."""
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", str(tmp_path / "six.py"), raising=False)
    for path in ([str(tmp_path), "b"], ["a", "b"], []):
        monkeypatch.setattr(sys, "path", list(path))
        with pytest.raises(ImportError), silence.without_script_folder():
            assert sys.path == [folder for folder in path if folder != str(tmp_path)]
            raise ImportError
        assert sys.path == path


def test_ctrl_c_waits_until_tensorflow_is_imported():
    """In the middle it would abort the process, without a word."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    seen = []
    try:
        with pytest.raises(KeyboardInterrupt), silence.interrupted_later():
            signal.raise_signal(signal.SIGINT)
            seen.append("the end of the block")
        assert seen and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as for a shell's background
        with silence.interrupted_later():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, old)


def test_no_drawer_for_odds_and_ends():
    assert not {"utils", "util", "misc", "common"} & {path.stem for path in FILES}
