"""What README says was measured is what the last results say, within what rounding explains."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "benchmarks/RESULTS.md").read_text(encoding="utf-8")
NOTEBOOKS = (ROOT / "benchmarks/NOTEBOOKS.md").read_text(encoding="utf-8")

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


def test_what_the_way_of_2018_costs():
    times, _, nodes = RESULTS.partition("Nodes in all graphs")
    ratio, (first, last) = float(row(times, "2018 ")[2]), map(int, row(nodes, "2018 ")[1:3])
    frames = int(re.search(r"zoo_session.py --model streets --frames (\d+)", RESULTS)[1])
    said = re.search(r"takes (\d+) times as long.*?grows by (\d+) operations", README, re.S)
    assert int(said[1]) == pytest.approx(ratio, rel=0.1)
    assert int(said[2]) * frames == last - first


def test_seconds_and_memory_of_every_notebook():
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        measured = row(NOTEBOOKS, path.stem)
        said = f"{float(measured[2]):.0f} s, {float(measured[3]) / 1000:.1f} GB"
        assert row(README, f"{path.stem.partition('_')[0]} |")[4] == said, path.stem
        assert float(measured[3]) < 1600, f"{path.stem} needs more than Binder's 2 GB leave"
