"""What README says was measured is what the last results say, within what rounding explains."""

import collections
import functools
import importlib.util
import json
import pathlib
import re

import numpy as np
import pytest

from helpers.job import fetching, inputs
from helpers.mask_rcnn.config import Config
from helpers.pictures import find_images
from helpers.video import video_info

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "benchmarks/RESULTS.md").read_text(encoding="utf-8")
TROUBLE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))

pytestmark = pytest.mark.form


def row(text, start):
    """The cells of the one table row whose first cell begins so."""
    rows = re.findall(rf"(?m)^\| *({re.escape(start)}.*) \|$", text)
    assert len(rows) == 1, (start, rows)
    return [cell.strip() for cell in rows[0].split("|")]


def test_row_by_hand():
    assert row("| a | b |\n| - | - |\n| x y | 2 |\n", "x") == ["x y", "2"]
    with pytest.raises(AssertionError):
        row("| x | 2 |\n| x | 3 |\n", "x")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("Keras, eager", "eager"), ("compiled", "tf.function"), ("TensorFlow Lite", "fast")],
)
def test_how_fast_the_detector_is(ours, theirs):
    said, measured = row(README, ours), row(RESULTS, theirs)
    assert float(said[1].split()[0]) == pytest.approx(float(measured[3]), rel=0.02)
    if "ms" in said[1]:
        assert re.search(r"\((\d+) ms\)", said[1])[1] == f"{float(measured[1]):.0f}"
    if said[2] != "as the next":
        assert said[2] == ", ".join(ap.removeprefix("0") for ap in measured[4:])


def test_what_the_models_are():
    def size(name):
        return f"{(ROOT / 'data' / name).stat().st_size / 1e6:.1f} MB"

    with np.load(ROOT / "data/streets.npz") as weights:
        millions = sum(weights[name].size for name in weights.files) / 1e6
    assert f"in Keras, {millions:.1f} million parameters, {size('streets.npz')}." in README
    classes = len(json.loads((ROOT / "data/everyday.json").read_text("utf-8"))["categories"])
    assert f"comes too, {size('everyday.npz')}, and knows COCO's {classes} classes" in README
    (fetched,) = [
        card["bytes"] for card in json.loads((ROOT / "data/zoo.json").read_text("utf-8"))
        if card["name"] == "mask_rcnn_inception_v2_coco"
    ]  # fmt: skip
    for text in (README, TROUBLE):
        assert re.search(rf"coco\S+ (which )?is fetched once\W+{fetched / 1e6:.0f} MB", text)


def test_what_streets_learnt_and_where_it_fails():
    card = json.loads((ROOT / "data/streets.json").read_text("utf-8"))
    assert f"rises over {card['images_seen']:,} pictures" in README
    errors = dict(card["held_out"]["errors"])
    right, missed = errors.pop("right"), errors.pop("missed")
    assert f"Of {right + missed:,} objects it found {right:,} " in README
    wrong, cut = sum(errors.values()), errors["badly_cut"]
    assert f"{wrong} of its detections were wrong, {cut} of them badly cut." in README
    masks = {name: row["mask"] for name, row in card["held_out"]["per_class"].items()}
    worst, second, *_, best = sorted(masks, key=masks.get)
    assert (best, worst, second) == ("stop sign", "dog", "person")
    said = [f"{masks[name]:.2f}".removeprefix("0") for name in (best, worst, second)]
    assert "(mask AP {}), worst dogs ({}) and people ({})".format(*said) in README


def test_one_number_says_what_the_disk_needs():
    (gigabytes,) = re.findall(r"\| disk \| ([\d.]+) GB, the folder `.venv`", README)
    (said,) = re.findall(
        r".venv takes ([\d.]+) GB;", (ROOT / "helpers/commands/upkeep.py").read_text("utf-8")
    )
    (needed,) = re.findall(r"need = .* if gpu else (\d+)", (ROOT / "run.py").read_text("utf-8"))
    assert said == gigabytes and 0 <= float(needed) - float(gigabytes) < 1
    assert f"a full disk ({needed} GB are needed)" in TROUBLE


def test_what_the_way_of_2018_costs():
    times, _, nodes = RESULTS.partition("Nodes in all graphs")
    ratio, (first, last) = float(row(times, "2018 ")[2]), map(int, row(nodes, "2018 ")[1:3])
    frames = int(re.search(r"zoo_session.py --model streets --frames (\d+)", RESULTS)[1])
    said = re.search(r"takes (\d+) times as long.*?grows by (\d+) operations", README, re.S)
    assert int(said[1]) == pytest.approx(ratio, rel=0.1)
    assert int(said[2]) * frames == last - first


def test_how_long_streets_takes_to_train():
    """As many pictures as the card says, at the paces of learning alone and of all that goes on."""
    seen = json.loads((ROOT / "data/streets.json").read_text("utf-8"))["images_seen"]
    paces = [float(row(RESULTS, f"ours, {way}")[1]) for way in ("learning", "with AP")]
    assert all(4 <= round(seen / pace / 3600) <= 6 for pace in paces)
    assert "trains it again, in four to six hours on two cores" in README
    (path,) = (ROOT / "notebooks").glob("04b_*.ipynb")
    assert "this network needs four to six hours" in path.read_text(encoding="utf-8")


def test_what_a_first_run_looks_at():
    words = {10: "ten", 11: "eleven", 12: "twelve", 4: "four", 5: "five", 6: "six"}
    pictures = [*find_images(inputs.DRAWINGS), *find_images(inputs.PHOTOGRAPHS)]
    seconds = round(video_info(inputs.VIDEO).duration)
    assert f"| {words[len(pictures)]} pictures and a {words[seconds]}-second video |" in README


def test_what_the_zoo_has():
    words = {1: "one", 4: "four"}
    cards = json.loads((ROOT / "data/zoo.json").read_text("utf-8"))
    years = collections.Counter(re.search(r"(?<=[_/])20\d\d", card["url"])[0] for card in cards)
    said = [f"{words[num]} of {year}" for year, num in sorted(years.items())]
    assert f"TensorFlow's Object Detection API: {' and '.join(said)}, trained on COCO" in README
    sides = {card["name"]: card["mask_size"] for card in cards}
    grids = f"{Config.mask_side} × {Config.mask_side} cells"
    side = sides["mask_rcnn_inception_v2_coco"]
    assert f"a grid of {grids} ({side} × {side} in the zoo's Inception v2)" in TROUBLE


def test_sizes_that_troubleshooting_names():
    assert f"100 masks of a full-HD picture take {100 * 1920 * 1080 / 1e6:.0f} MB" in TROUBLE
    assert f"at most {fetching.MOST / 1e9:.0f} GB are fetched" in TROUBLE


def test_versions_are_those_that_are_asked_for():
    wanted = (ROOT / "requirements.txt").read_text("utf-8")
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    colab = (ROOT / ".ci/colab.py").read_text("utf-8")
    (moviepy,) = re.findall(r"(?m)^moviepy==(\S+)", lock)
    (pillow,) = re.findall(r"(?m)^pillow>=\S+<(\d+) ", wanted)
    (ffmpeg,) = re.findall(r"(?m)^imageio-ffmpeg>=\S+<([\d.]+) ", wanted)
    told = " ".join(README.split())
    assert f"MoviePy {moviepy} wants Pillow below {pillow} and, to turn phone videos" in told
    assert f"imageio-ffmpeg below {ffmpeg}." in told
    assert f"imageio-ffmpeg must be below {ffmpeg}, as in" in TROUBLE
    assert f"(MoviePy {moviepy} calls itself {moviepy_says()})" in TROUBLE
    (widgets,) = re.findall(r"ipywidgets==(\S+)", colab)
    assert f"8 in JupyterLab 4,\n{widgets} on Colab" in TROUBLE
    for package, major in (("ipywidgets", 8), ("jupyterlab", 4)):
        assert re.search(rf"(?m)^{package}=={major}\.", lock)


def moviepy_says():
    """The version that MoviePy's own code tells."""
    spec = importlib.util.find_spec("moviepy")
    text = (pathlib.Path(spec.origin).parent / "version.py").read_text("utf-8")
    return re.search(r'__version__ = "(.+)"', text)[1]


def test_systems_and_pythons_are_those_that_are_asked_for():
    text = (ROOT / ".ci/check_lock.py").read_text("utf-8")
    pythons = re.search(r"PYTHONS = \((.+)\)", text)[1].replace('"', "").split(", ")
    (macos,) = re.findall(r'"macOS (\d+), Apple Silicon"', text)
    row_of = row(README, "Python")
    assert row_of[1].startswith(f"{pythons[0]} to {pythons[-1]}; ")
    assert f"macOS {macos} or later on Apple Silicon" in row_of[1]
    for page in (README, TROUBLE, (ROOT / "run.py").read_text("utf-8")):
        assert f"Python {pythons[0]} to {pythons[-1]}" in page.replace("outside ", "")


PLACE = r"\b(\d\d[ab]?)(?:\]\S*)?,? (?:at )?(section|exercise)s? (\d+)(?:(?: to |, | and )(\d+))*"


def test_places_in_notebooks_are_there():
    """`05, section 8`: in README, docs, prose of notebooks and help of their code."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "notebooks").glob("*.md")]
    texts = [path.read_text(encoding="utf-8") for path in pages]
    prose = {path.name.partition("_")[0]: prose_of(path) for path in NOTEBOOKS}
    places = [place for text in (*texts, *prose.values()) for place in named_places(text)]
    assert len(places) > 8
    for number, kind, wanted in places:
        heading = r"## {}\. " if kind == "section" else r"### Exercise {}\b"
        assert re.search(rf"(?m)^{heading.format(wanted)}", prose[number]), (number, kind, wanted)


def named_places(text):
    """(notebook, "section" or "exercise", number) of each place that a text names."""
    for match in re.finditer(PLACE, " ".join(text.split())):
        for number in re.findall(r"\d+", match[0].partition(match[2])[2]):
            yield match[1], match[2], number


def test_named_places_by_hand():
    text = (
        "05, section 8, and notebook 04,\nexercise 5; 02 sections 3 to 7; 04 sections 1, 2 and 7."
    )
    assert list(named_places(text)) == [
        ("05", "section", "8"), ("04", "exercise", "5"), ("02", "section", "3"),
        ("02", "section", "7"), ("04", "section", "1"), ("04", "section", "2"),
        ("04", "section", "7"),
    ]  # fmt: skip


def prose_of(path):
    """The text of a notebook's cells that are no code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(one["source"]) for one in cells if one["cell_type"] == "markdown")


@functools.cache
def numbers():
    """`.ci/notebook_numbers.py` as a module."""
    spec = importlib.util.spec_from_file_location("numbers_", ROOT / ".ci/notebook_numbers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_minutes_seconds_and_memory_are_those_of_one_file():
    for path, text in numbers().texts():
        same = path.read_text(encoding="utf-8") == text
        assert same, f"{path.name}: run python3 .ci/notebook_numbers.py"


def test_less_grey_costs_nothing():
    """What notebook 07 says of `everyday` with and without the grey around a photograph."""
    text = prose_of(ROOT / "notebooks/07_compare_models.ipynb")
    said = r"mask AP (\.\d+) with the grey and (\.\d+) without, box AP (\.\d+) and (\.\d+)"
    ((mask_with, mask_without, box_with, box_without),) = re.findall(said, text)
    results = (ROOT / "benchmarks/RESULTS.md").read_text(encoding="utf-8")
    rows = {}
    for way in ("as it comes", "in Keras"):
        pattern = rf"(?m)^\| everyday {way}[^|]+\| +(0\.\d+) \| +(0\.\d+) \|"
        (rows[way],) = re.findall(pattern, results)
    assert rows["in Keras"] == (f"0{box_with}", f"0{mask_with}")
    assert rows["as it comes"] == (f"0{box_without}", f"0{mask_without}")


def test_every_notebook_has_its_numbers():
    facts = numbers().read_facts()
    stems = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
    assert list(facts) == stems, "docs/notebooks.json has a row for each notebook, in their order"
    for stem, row in facts.items():
        assert row["megabytes"] < 1600, f"{stem} needs more than Binder's 2 GB leave"


def test_a_head_by_hand():
    row = {"minutes": 7, "seconds": 12, "megabytes": 940}
    said = "The code itself needs about 12 s of computing and 0.9 GB of memory"
    for old in ("The code needs half a minute on two CPU cores", said):
        line = f"**It takes** about 50 minutes to work through, all of it. {old}, says who."
        wanted = f"**It takes** about 7 minutes to work through, all of it. {said}, says who."
        assert numbers().head(line, row) == wanted
    assert numbers().head("**It takes** about 5 minutes to work through.", row).endswith(f"{said}.")
    with pytest.raises(ValueError, match="must say"):
        numbers().head("It takes long.", row)


def test_a_word_of_the_glossary_stands_in_the_notebooks_that_it_names():
    glossary = (ROOT / "notebooks/glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| ([^|]+) \| [^|]+ \| ([\dab, ]+) \|$", glossary)
    assert len(rows) > 50
    for words, places in rows:
        names = [name.strip() for name in words.split(",")]
        for number in places.split(", "):
            (path,) = (ROOT / "notebooks").glob(f"{number.strip()}_*.ipynb")
            text = re.sub(r"[*`\s]+", " ", prose_of(path)).lower()
            found = [name for name in names if re.search(rf"\b{re.escape(name.lower())}", text)]
            assert found, f"'{words}' is not in {path.name}"


def test_what_a_class_takes():
    """The advice for teachers follows from the table, which benchmarks/classroom.py writes."""
    page = (ROOT / "benchmarks/CLASSROOM.md").read_text("utf-8")
    teaching = (ROOT / "docs/teaching.md").read_text("utf-8")
    (table,) = re.findall(r"(?m)^\| notebook \| students \|.*\n(?:\|.*\n)+", page)
    assert table in teaching
    rows = [line.strip("|\n ").split(" | ") for line in table.splitlines()[2:]]
    (server,) = map(int, re.findall(r"A JupyterLab server: (\d+) MB", page))
    assert f"a JupyterLab\nserver, too, of {server} MB" in teaching
    largest = [row for row in rows if row[1] == "30"]
    assert all(row[6] == "0" for row in rows) and "Nothing broke." in teaching
    (thirty,) = map(int, re.findall(r"a class of thirty takes (\d+) GB in all", teaching))
    assert thirty == round(max(float(row[5]) for row in largest) + 30 * server / 1000)
    assert "wait four minutes" in teaching
    assert 210 <= max(float(row[3]) for row in largest) < 270
    (allowed,) = map(int, re.findall(r"allow (\d+) GB for each student", teaching))
    alone = max(int(row[4]) for row in rows) + server
    assert alone / 1000 <= allowed <= 1.5 * alone / 1000
    facts = numbers().read_facts()["08_train_on_your_data"]
    assert facts["megabytes"] + server <= 2000 * allowed
