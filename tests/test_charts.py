"""The charts show the numbers that they were given, and appear once."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.evaluation import plot_calibration, plot_confusion, plot_precision_recall

RECALLS = np.linspace(0, 1, 101)


def test_precision_recall():
    curves = {"person": np.where(RECALLS <= 0.5, 1.0, 0), "car": np.full(101, 0.5)}
    (axes,) = plot_precision_recall(curves, "A claim").axes
    assert axes.get_title() == "A claim"
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    assert list(lines) == ["person 0.50", "car 0.50", "mean 0.50"]
    np.testing.assert_allclose(lines["mean 0.50"], np.where(RECALLS <= 0.5, 0.75, 0.25))
    colors = [line.get_color() for line in axes.lines]
    assert not np.array_equal(colors[0], colors[1])


def test_confusion():
    matrix = np.array([[3, 1, 0], [0, 2, 2], [5, 0, 0]])
    (axes,) = plot_confusion(["person", "car"], matrix).axes
    assert {(t.get_position()[::-1], t.get_text()) for t in axes.texts} == {
        ((0, 0), "3"), ((0, 1), "1"), ((1, 1), "2"), ((1, 2), "2"), ((2, 0), "5"),
    }  # fmt: skip
    assert [t.get_text() for t in axes.get_xticklabels()] == ["person", "car", "missed"]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["person", "car", "nothing"]
    # Each row is shaded by itself: 3 of 4 is darker than 2 of 4.
    np.testing.assert_allclose(axes.images[0].get_array()[:2], [[0.75, 0.25, 0], [0, 0.5, 0.5]])


def test_calibration():
    score, right = np.array([np.nan, 0.8]), np.array([np.nan, 0.5])
    bins = {"num": np.array([0, 4]), "score": score, "right": right, "error": 0.3}
    (axes,) = plot_calibration(bins).axes
    diagonal, line = axes.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    np.testing.assert_array_equal(line.get_xydata(), np.stack([score, right], axis=1))
    assert [(t.xy, t.get_text()) for t in axes.texts] == [((0.8, 0.5), "4")]


NONE = {"num": np.zeros(3, int), "score": np.full(3, np.nan), "right": np.full(3, np.nan)}


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plot_precision_recall({}),
        lambda: plot_confusion([], np.zeros((1, 1), int)),
        lambda: plot_calibration(NONE),
    ],
)
def test_nothing_to_draw(draw, tmp_path):
    before = plt.get_fignums()
    draw().savefig(tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 2000 and plt.get_fignums() == before
