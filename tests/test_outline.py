"""An outline from a box: a disc on a ground comes out as a disc, and the sliders say so."""

import numpy as np
import pytest
from pycocotools import mask as rle

from helpers.lessons import explore_outline, outline_in_box

Y, X = np.mgrid[:90, :120]
DISC = np.hypot(X + 0.5 - 60, Y + 0.5 - 45) < 20  # 1,257 pixels, by pencil


@pytest.fixture
def picture():
    rng = np.random.default_rng(0)
    ground = np.where(DISC[..., None], (200, 60, 40), (60, 120, 90))
    return np.clip(ground + rng.normal(0, 8, ground.shape), 0, 255).astype(np.uint8)


def test_a_disc_in_a_box(picture):
    corners = outline_in_box(picture, (35, 18, 88, 74))
    drawn = rle.decode(rle.frPyObjects([corners.ravel().tolist()], 90, 120))[..., 0] > 0
    assert (drawn & DISC).sum() / (drawn | DISC).sum() > 0.93
    assert 6 < len(corners) < 40
    again = outline_in_box(picture, (35, 18, 88, 74))
    assert np.array_equal(corners, again)


def test_where_nothing_stands_out_the_box_is_the_outline():
    grey = np.full((40, 50, 3), 90, np.uint8)
    corners = outline_in_box(grey, (10, 8, 30, 28))
    assert corners.min(0).tolist() == pytest.approx([10, 8], abs=0.2)
    assert corners.max(0).tolist() == pytest.approx([30, 28], abs=0.2)


@pytest.mark.parametrize(
    ("box", "words"),
    [((30, 10, 30, 20), "an inside"), ((-1, 0, 9, 9), "lie in"), ((0, 0, 120, 90), "background")],
)
def test_a_box_that_cannot_be(picture, box, words):
    with pytest.raises(ValueError, match=words):
        outline_in_box(picture, box)


def test_the_sliders_move_the_box(picture, monkeypatch):
    still = explore_outline(picture, (35, 18, 88, 74))
    assert "corners around 12" in still.texts[0] and not still.controls
    monkeypatch.setattr("helpers.lessons.explorer.can_slide", lambda: True)
    explorer = explore_outline(picture, (35, 18, 88, 74))
    before = explorer._picture.value
    explorer.controls["left"].value = 70
    assert "Box 70, 18 to 88, 74" in explorer._words.value and explorer._picture.value != before
    explorer.controls["left"].value = 100
    assert "an inside" in explorer._words.value  # said, not raised
