"""The rate of learning by hand; the curve as a file, as a figure and for TensorBoard."""

import csv

import numpy as np
import pytest

from helpers.mask_rcnn.model import LOSS_NAMES
from helpers.training import curves
from helpers.training.schedule import Schedule


def test_the_rate_with_a_pencil():
    rate = Schedule(2.0, 4, 10, 20)
    expected = {0: 0, 1: 0.5, 4: 2, 7: 2, 10: 2, 15: 1, 20: 0, 25: 0}
    assert {step: pytest.approx(float(rate(step)), abs=1e-6) for step in expected} == expected
    at_once = [float(Schedule(2.0, 0, 0, 2)(step)) for step in (0, 1)]
    assert at_once == pytest.approx([2, 1])
    longer = Schedule(2.0, 4, 40, 50)
    assert all(float(rate(step)) == float(longer(step)) for step in range(11))


def test_rows_of_the_curve(tmp_path):
    assert curves.read_curve(tmp_path) == []
    row = dict.fromkeys(["class", "mask_AP"], 0.5)
    curves.write_row(tmp_path, {"images": 10, **row})
    curves.write_row(tmp_path, {"images": 20, "class": 0.25, "mask_AP": None})
    rows = curves.write_row(tmp_path, {"images": 20, "class": 0.3, "mask_AP": None})  # done again
    assert rows == curves.read_curve(tmp_path)
    assert [(row["images"], row["class"], row["mask_AP"]) for row in rows] == [
        ("10", "0.5", "0.5"),
        ("20", "0.3", ""),
    ]
    assert curves.best(rows) == 0
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = accumulator.EventAccumulator(str(tmp_path / "log"))
    log.Reload()
    assert [event.step for event in log.Tensors("class")] == [10, 20, 20]
    assert [event.step for event in log.Tensors("mask_AP")] == [10]  # None is no point
    assert curves.best([{"mask_AP": ap} for ap in ("", "0.2", "0.3", "0.3", "0.1")]) == 3


def test_the_curve_is_drawn(tmp_path):
    names = ["images", *LOSS_NAMES, "mask_AP50", "mask_AP", "box_AP50", "box_AP"]
    with open(tmp_path / "curve.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([names, [4000, *[0.5] * 9], [8000, *[0.25] * 5, "", "", 0.7, 0.6]])
    rows = curves.read_curve(tmp_path)
    figure = curves.plot_curve(rows, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    left, right = figure.axes
    assert [len(axes.lines) for axes in (left, right)] == [5, 4]
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [0.5, 0.25])
    np.testing.assert_array_equal(left.lines[0].get_xdata(), [4000, 8000])
    legend = [text.get_text() for text in left.get_legend().get_texts()]
    assert legend[4] == "mask: Which pixels of the box are object?"


def test_every_loss_has_a_question_and_a_sentence():
    assert list(curves.MEANING) == [*LOSS_NAMES, "AP"]
    for text in curves.MEANING.values():
        question, sentence = text.split("? ")
        assert question[0].isupper() and sentence.endswith(".") and sentence.count(".") <= 2
