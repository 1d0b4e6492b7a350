"""Every notebook: its form, its exercises, and a run with small parameters whose results hold."""

import ast
import functools
import importlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

import numpy as np
import pytest

from helpers.pictures import save_image

ROOT = pathlib.Path(__file__).parents[1]
BOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
SOLUTIONS = sorted((ROOT / "notebooks/solutions").glob("[0-9]*.ipynb"))
WORDS = {"00_quickstart": (600, 1500)}  # the others: 1,500 to 5,200
form = pytest.mark.form  # python3 run.py lint looks at these
each_book = pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
each = pytest.mark.parametrize("path", BOOKS + SOLUTIONS, ids=lambda p: f"{p.parent.name}-{p.stem}")


def expected(path):
    """What a notebook must hold: SMALL parameters, CASES of its exercises, check(results)."""
    return importlib.import_module(f"tests.books.{path.stem.partition('_')[2]}")


def cells_of(path, kind=None, tag=None):
    """The cells of a notebook as dicts, with `text`: all, or those of a kind or with a tag."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        cell["text"] = "".join(cell["source"])
    cells = [cell for cell in cells if kind in (None, cell["cell_type"])]
    return [cell for cell in cells if tag is None or tag in cell["metadata"].get("tags", [])]


def python_of(text):
    """The code of a cell without what only IPython understands: its magics and shell commands."""
    return re.sub(r"(?m)^( *)[%!].*", r"\1pass", text)


def fetched():
    """The address and the branch or tag from which a notebook on Colab takes the project."""
    cell = cells_of(BOOKS[0], tag="setup")[0]["text"]
    branch, address = re.search(r"git clone .*-b (\S+) (https://\S+)", cell).groups()
    return address, branch


def lines_of(cell):
    return sum(bool(line.strip()) for line in cell["text"].splitlines())


# Form ---------------------------------------------------------------------------------------------


@form
@each
def test_first_and_last_cells(path):
    first, second, *_, last = cells_of(path)
    assert re.match(r"# .+\?\n\n!\[", first["text"]), "a question as title, then a picture"
    assert "**You need**" in first["text"] and re.search("minutes", first["text"])
    assert second["metadata"]["tags"] == ["parameters"] and last["metadata"]["tags"] == ["results"]
    for line in ast.parse(second["text"]).body:  # numbers and names only
        ast.literal_eval(line.value)
    assert last["text"].startswith("results = {")
    assert last["text"].endswith("print(json.dumps(results))")


@form
@each
def test_cells_are_short(path):
    code, prose = cells_of(path, "code"), cells_of(path, "markdown")
    tallest = max(len(cell["text"].splitlines()) for cell in code)
    assert len(code) <= 56 and tallest <= 25 and statistics.median(map(lines_of, code)) <= 6
    assert len(code) <= len(prose) <= 2 * len(code)


@form
@each_book
def test_number_of_words(path):
    text = "\n".join(cell["text"] for cell in cells_of(path, "markdown"))
    words = len(re.sub(r"\]\([^)]*\)|```.*?```", " ", text, flags=re.DOTALL).split())
    low, high = WORDS.get(path.stem, (1500, 5200))
    assert low <= words <= high


@form
@each
def test_ids_and_paths(path):
    book = json.loads(path.read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch("[a-z][a-z0-9-]*", name) for name in ids)
    for cell in cells_of(path):
        assert not re.search(r"""["'(](/[A-Za-z]|[A-Z]:\\)""", cell["text"]), "an absolute path"
        assert "FAST" not in cell["text"]
    assert path.stat().st_size <= 1e6, "run.py notebooks stores light outputs only"
    assert str(ROOT) not in path.read_text(encoding="utf-8")


@form
@each
def test_metadata(path):
    """Nothing of the machine or of the tool that wrote it; what no reader reads is folded."""
    book = json.loads(path.read_text(encoding="utf-8"))
    assert set(book["metadata"]) == {"kernelspec", "language_info"}
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    assert "version" not in book["metadata"]["language_info"]
    hidden = {"source_hidden": True}
    folded = {"parameters": hidden, "setup": hidden, "results": {"outputs_hidden": True} | hidden}
    for cell in book["cells"]:
        wanted = {"jupyter": folded[cell["id"]]} if cell["id"] in folded else {}
        assert {k: v for k, v in cell["metadata"].items() if k != "tags"} == wanted, cell["id"]


@form
@each
def test_chance_is_seeded(path):
    for cell in cells_of(path, "code"):
        unseeded = r"np\.random\.(?!default_rng\([^)])\w+|default_rng\(\)|(?<![\w.])random\.\w+\("
        assert not re.search(unseeded, cell["text"]), f"{cell['id']}: the same numbers in each run"


@form
@each
def test_links_and_alt_texts(path):
    for cell in cells_of(path, "markdown"):
        for mark, text, target in re.findall(r"(!?)\[([^\]]*)\]\(([^)]+)\)", cell["text"]):
            assert len(text) >= (40 if mark else 2), f"{target} needs a text that describes it"
            if not target.startswith("https://"):
                assert (path.parent / target).exists(), target


@form
@each_book
def test_stored_pictures_have_words(path):
    """python3 run.py notebooks writes them, from the titles of a figure: give each one a title."""
    for cell in cells_of(path, "code"):
        for out in cell["outputs"]:
            for kind in out.get("data", {}):
                words = out["metadata"].get(kind, {}).get("alt", "")
                assert not kind.startswith("image/") or len(words) > 4, cell["id"]


@form
@each
def test_output_is_never_far(path):
    """At most two cells of code in a row that show neither a picture nor a number."""
    silent = 0
    for cell in cells_of(path, "code"):
        last = ast.parse(python_of(cell["text"])).body[-1]
        shows = isinstance(last, ast.Expr) or "print(" in cell["text"]
        silent = 0 if shows or cell["id"] in ("parameters", "setup") else silent + 1
        assert silent <= 2, cell["id"]


@form
@each
def test_words_are_explained(path):
    links = re.findall(r"\]\(((?:\.\./)?glossary\.md)\)", path.read_text(encoding="utf-8"))
    assert len(links) == 1


@form
def test_setup_is_the_same_everywhere_and_short():
    (cell,) = {cells_of(path, tag="setup")[0]["text"] for path in BOOKS + SOLUTIONS}
    assert len(cell.splitlines()) <= 6


@pytest.mark.slow  # three processes
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a copy without its history")
def test_setup_fetches_the_project_on_colab_and_nothing_elsewhere(tmp_path):
    """With a stand-in for google.colab, and git told to take the project from here."""
    call = functools.partial(subprocess.run, check=True, text=True, capture_output=True)
    address, branch = fetched()
    origin = tmp_path / "origin.git"
    call(["git", "clone", "--bare", ROOT, origin])
    call(["git", "-C", origin, "branch", "-f", branch, "HEAD"])
    folder = pathlib.Path(sys.executable).parent
    env = os.environ | {"PIP_NO_INDEX": "1", "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_VALUE_0": address, "IPYTHONDIR": str(tmp_path)}
    env["GIT_CONFIG_KEY_0"] = f"url.{origin.as_uri()}.insteadOf"
    content = tmp_path / "content"
    content.mkdir()
    cell = cells_of(BOOKS[0], tag="setup")[0]["text"]
    ipython = [sys.executable, "-m", "IPython", "--no-banner", "--colors=nocolor", "-c"]
    call([*ipython, cell], cwd=content, env=env)
    assert not list(content.iterdir())
    colab = "import sys, types\nsys.modules['google.colab'] = types\n"
    shown = "\nimport helpers\nprint(helpers.ROOT)"
    for _ in range(2):  # the second time it is there already
        done = call([*ipython, colab + cell + shown], cwd=content, env=env)
        assert done.stdout.splitlines()[-1] == str(content / "pixelwise")
        assert "fatal" not in done.stdout + done.stderr
        assert (content / "pixelwise/helpers/structures.py").is_file()
        shutil.rmtree(origin, ignore_errors=True)


# Exercises ----------------------------------------------------------------------------------------


@form
@each
def test_exercises(path):
    exercises = cells_of(path, "code", "exercise")
    calls = [re.search(r"^checks\.(\w+)\(", cell["text"], re.MULTILINE) for cell in exercises]
    assert len(calls) >= (5 if re.match("0[1-8]_", path.stem) else 3)
    assert {call[1] for call in calls} == set(expected(path).CASES)
    for cell in exercises:
        assert (" ...  # " in cell["text"]) == (path in BOOKS), "dots where the reader's part goes"
        assert lines_of(cell) <= 15


@form
@each_book
def test_solution_differs_in_the_exercises_only(path):
    solution = path.parent / "solutions" / path.name
    pairs = zip(cells_of(path), cells_of(solution), strict=True)
    for ours, solved in pairs:
        assert (ours["id"], ours["metadata"]) == (solved["id"], solved["metadata"])
        if "exercise" not in ours["metadata"].get("tags", []):
            moved = re.sub(r"\]\((figures/|glossary)", r"](../\1", ours["text"])
            assert moved.replace("](solutions/", "](") == solved["text"]


# Runs ---------------------------------------------------------------------------------------------


def run(path, folder, copy=None, **parameters):
    """Run a notebook, or a copy of it; returns it with its outputs, and its results."""
    import papermill

    parameters |= {"OUT": str(folder / "out")}
    unknown = set(parameters) - set(papermill.inspect_notebook(str(path)))
    assert not unknown, f"{path.stem} has no parameters {unknown}"
    book = papermill.execute_notebook(
        str(copy or path), str(folder / path.name), parameters, cwd=str(path.parent),
        progress_bar=False, execution_timeout=200, request_save_on_cell_execute=False,
    )  # fmt: skip
    widgets = book.metadata.get("widgets", {})
    state = widgets.get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    outputs = [out for model in state.values() for out in model["state"].get("outputs", [])]
    outputs += [out for cell in book.cells for out in cell.get("outputs", [])]
    assert not [out for out in outputs if out["output_type"] == "error"]
    noise = [out["text"] for out in outputs if "TensorFlow" in out.get("text", "")]
    assert not noise, "what TensorFlow tells its developers is nothing for the reader"
    # A kernel under load says things of its own, on stderr or between two pieces of stdout.
    printed = [out["text"] for out in book.cells[-1].outputs if out.get("name") == "stdout"]
    (line,) = [line for line in "".join(printed).splitlines() if line.startswith("{")]
    return book, json.loads(line)


def verdicts_of(book, tag):
    """What the exercises of a notebook that has run said; `tag` is "exercise" or "solved"."""
    cells = [cell for cell in book.cells if tag in cell.metadata.get("tags", [])]
    return [cell.outputs[-1]["data"]["text/plain"] for cell in cells]


def are_right(verdicts):
    return len(verdicts) >= 3 and all(verdict.startswith("Right. ") for verdict in verdicts)


# Runs the text of a cell in a copy of the kernel's names, and gives the value of its last line.
SOLVED = """
def _solved(text):
    import ast

    *lines, last = ast.parse(text).body
    names = dict(globals())
    exec(compile(ast.Module(lines, []), "solved", "exec"), names)
    return eval(compile(ast.Expression(last.value), "solved", "eval"), names)


_solved({text!r})
"""


def with_solutions(path, folder):
    """A copy of a notebook in which the solved cell of each exercise follows the unsolved one.

    Nothing else differs between a notebook and its solution, see the test above; so one run tells
    of both. What the solved cell defines is gone behind it.
    """
    import nbformat

    book = nbformat.read(path, as_version=4)
    solution = nbformat.read(path.parent / "solutions" / path.name, as_version=4)
    texts = {cell["id"]: cell["source"] for cell in solution.cells}
    cells = []
    for cell in book.cells:
        cells.append(cell)
        if "exercise" in cell.metadata.get("tags", []):
            solved = nbformat.v4.new_code_cell(SOLVED.format(text=texts[cell["id"]]))
            solved.metadata["tags"] = ["solved"]
            cells.append(solved)
    book.cells = cells
    copy = folder / "with_solutions.ipynb"
    nbformat.write(book, copy)
    return copy


@each_book
def test_run(path, tmp_path):
    small = expected(path).SMALL
    book, results = run(path, tmp_path, with_solutions(path, tmp_path), **small)
    verdicts = verdicts_of(book, "exercise")
    assert all(verdict.startswith("Not answered yet") for verdict in verdicts)
    assert len(verdicts) == len(verdicts_of(book, "solved"))
    assert are_right(verdicts_of(book, "solved"))
    expected(path).check(results)


@pytest.mark.slow
def test_quickstart_where_there_is_nothing_to_find(tmp_path):
    """Nothing in the first notebook can fail: a grey picture has no object, and that is fine."""
    picture = save_image(tmp_path / "grey.png", np.full((120, 200, 3), 128, np.uint8))
    solution = ROOT / "notebooks/solutions/00_quickstart.ipynb"
    book, results = run(solution, tmp_path, PICTURE=str(picture), SECONDS=0.1)
    assert results["objects"] == results["mask_pixels"] == 0
    assert are_right(verdicts_of(book, "exercise"))


@pytest.mark.slow
def test_one_word_switches_to_a_model_of_the_zoo(served, tmp_path):
    """Fetched from a local server, verified, loaded: the whole notebook holds with it, too."""
    name = "mask_rcnn_inception_v2_coco"
    path = ROOT / "notebooks/solutions/05_test_on_images.ipynb"
    book, results = run(path, tmp_path, MODEL=name, **expected(path).SMALL)
    assert are_right(verdicts_of(book, "exercise"))
    assert results["model"] == name
    assert [path for path, _ in served.requests if path.endswith(".tar.gz")]
    expected(path).check(results)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["05_test_on_images", "06_process_video"])
def test_the_model_for_photographs_runs_on_drawn_streets(name, tmp_path):
    """It detects little there, and nothing on street 700,020: no cell may mind."""
    path = ROOT / f"notebooks/solutions/{name}.ipynb"
    street = {"STREET": 700_020} if name.startswith("05") else {}
    book, results = run(path, tmp_path, MODEL="everyday", **street, **expected(path).SMALL)
    assert are_right(verdicts_of(book, "exercise"))
    assert results["model"] == "everyday"
    if street:
        assert results["free"] == {"masks": 512, "boxes": 512}  # all rows: nothing stands there
        assert results["records_saved"] == results["detections"]
        assert 0 < results["kinds"]["right"] < results["kinds"]["missed"]
    else:
        expected(path).check(results)


@pytest.mark.slow(minutes=True)
def test_a_model_of_the_zoo_gets_a_row(served, tmp_path):
    """One word more in MODELS; behind it, on the local server, is `streets` as a frozen graph."""
    name = "mask_rcnn_inception_v2_coco"
    path = ROOT / "notebooks/solutions/07_compare_models.ipynb"
    few = {"VARIANTS": [], "NUM_PICTURES": 6, "NUM_TIMED": 3}
    book, results = run(path, tmp_path, MODELS=["streets", name, "nowhere"], **few)
    assert are_right(verdicts_of(book, "exercise"))
    assert list(results["rows"]) == ["streets", name] == list(results["memory"])[:2]
    both = [row["mask"] for row in results["rows"].values()]
    assert both[1] == pytest.approx(both[0], abs=0.05)
    assert "no model 'nowhere'" in results["absent"]["nowhere"]
