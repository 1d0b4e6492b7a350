"""An outline from a box: a disc on a ground comes out as a disc, and the sliders say so."""

import json
import pathlib

import numpy as np
import pytest
from pycocotools import mask as rle

from helpers import ROOT
from helpers.annotations import join, read_dataset, write_coco
from helpers.lessons import explore_outline, outline_in_box
from helpers.pictures import read_image, save_image
from helpers.streets import draw_novelty

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


def in_notebook(*ids, **names):
    """The names after some cells of notebook 08 have run, without the other cells."""
    book = json.loads((ROOT / "notebooks/08_train_on_your_data.ipynb").read_text(encoding="utf-8"))
    cells = {cell["id"]: "".join(cell["source"]) for cell in book["cells"]}
    names |= {"json": json, "pathlib": pathlib, "np": np, "ROOT": ROOT, "read_image": read_image}
    names |= {"save_image": save_image, "read_dataset": read_dataset, "join": join}
    names |= {"draw_novelty": draw_novelty, "START": "streets"}
    names |= {"EPOCHS": 1, "STEPS": 1, "BATCH": 1, "HEADS_EPOCHS": 1}
    for id in ids:
        exec(cells[id], names)
    return names


@pytest.mark.parametrize(
    ("of_yours", "with_data", "name", "joined"),
    [
        (True, True, "disc", {1: "square", 7: "disc"}),  # a class of the data, by its id there
        (True, True, "coin", {1: "square", 7: "disc", 8: "coin"}),  # a new one
        (True, False, "coin", {1: "square", 7: "disc", 8: "coin"}),
        (False, False, "square", {1: "square", 7: "disc"}),
        (False, True, "square", None),  # our drawing among pictures of the reader
    ],
)
def test_the_outlined_picture_joins_the_training_as_its_class(
    picture, toy_pictures, tmp_path, of_yours, with_data, name, joined
):
    """Notebook 08, with data of squares and discs: what `fine_tune` would get, and where."""
    mine = str(save_image(tmp_path / "mine.png", picture)) if of_yours else None
    write_coco(toy_pictures, tmp_path / "toys")
    data = read_dataset(tmp_path / "toys")
    got = in_notebook(
        "outline", "outline-save", "train",
        DATA="~/toys" if with_data else None, PICTURE=mine, CLASS=name, OUT=str(tmp_path),
        dataset=data, train=data, val=data, fine_tune=lambda pictures, *rest, **size: pictures,
    )  # fmt: skip
    pictures = got["pictures"]
    assert len(pictures) == 2 + (joined is not None)
    assert pictures.truth(0).names == data.truth(0).names
    if joined:
        image, truth = pictures[2]
        assert truth.names == [name] and truth.categories == joined
        np.testing.assert_array_equal(image, got["picture"])
    folder = f"toys_mine_{name}_1x1x1" if of_yours else "toys_1x1x1"
    assert got["folder"].name == folder
