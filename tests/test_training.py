"""Training: batches by hand, the right pictures in the right order, stopping and going on."""

import contextlib
import csv
import dataclasses
import json

import keras
import numpy as np
import pytest

from helpers import training, zoo
from helpers.evaluation import METRICS
from helpers.mask_rcnn.model import LOSS_NAMES
from helpers.structures import Detections

NAMES = {1: "person", 3: "car", 18: "dog"}


def picture(*objects, size=(4, 6), shade=7):
    """An even picture and its truth, from (label, x1, y1, x2, y2): filled boxes."""
    masks = np.zeros((len(objects), *size), bool)
    for mask, (_, x1, y1, x2, y2) in zip(masks, objects, strict=True):
        mask[y1:y2, x1:x2] = True
    boxes = np.array([o[1:] for o in objects], float).reshape(-1, 4)
    truth = Detections(boxes, [o[0] for o in objects], np.ones(len(objects)), size, NAMES, masks)
    return np.full((*size, 3), shade, np.uint8), truth


# --- batches -----------------------------------------------------------------------------------


def test_targets_with_a_pencil():
    batch = training.to_targets([picture((18, 1, 0, 3, 2), (1, 0, 0, 6, 4)), picture(shade=9)])
    assert batch.images.shape == (2, 4, 6, 3) and batch.images.dtype == np.uint8
    assert (batch.images[0] == 7).all() and (batch.images[1] == 9).all()
    # ids 1, 3, 18 are the classes 1, 2, 3
    np.testing.assert_array_equal(batch.labels[:, :3], [[3, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(batch.boxes[0, :3], [[1, 0, 3, 2], [0, 0, 6, 4], [0, 0, 0, 0]])
    expected = np.zeros((4, 6))
    expected[0:2, 1:3] = 1
    np.testing.assert_array_equal(batch.masks[0, 0], expected)
    assert batch.masks.sum() == 4 + 24 and not batch.boxes[1].any()
    slots = training.MAX_OBJECTS
    assert batch.boxes.shape == (2, slots, 4) and batch.masks.shape == (2, slots, 4, 6)
    dtypes = [leaf.dtype for leaf in batch]
    assert dtypes == [np.uint8, np.float32, np.int32, np.uint8]


def test_more_objects_than_slots_are_left_out():
    crowd = [(1, i % 6, 0, i % 6 + 1, 1) for i in range(training.MAX_OBJECTS + 5)]
    batch = training.to_targets([picture(*crowd)])
    assert (batch.labels == 1).all() and batch.labels.shape == (1, training.MAX_OBJECTS)


def test_what_is_no_batch_is_refused():
    with pytest.raises(
        ValueError, match=r"a batch needs pictures, all of one size; got sizes \[\]"
    ):
        training.to_targets([])
    with pytest.raises(ValueError, match=r"all of one size; got sizes \[\(4, 6\), \(8, 6\)\]"):
        training.to_targets([picture(), picture(size=(8, 6))])


def test_the_same_step_gives_the_same_batch():
    data, other = (training.SceneBatches(5, 2, (64, 96)) for _ in range(2))
    assert len(data) == 5
    (batch,), (again,), (next_one,) = data[3], other[3], data[4]
    for leaf, leaf_again in zip(batch, again, strict=True):
        np.testing.assert_array_equal(leaf, leaf_again)
    assert (batch.images != next_one.images).any()
    assert (batch.images[0] != batch.images[1]).any()
    other.epoch = 1
    assert (other[3][0].images != batch.images).any()


def test_no_picture_is_drawn_twice_and_none_of_those_held_out(seeds_drawn):
    data = training.SceneBatches(3, 2, (64, 64))
    for data.epoch in range(2):
        for step in range(3):
            data[step]
    assert seeds_drawn == list(range(1_000_000, 1_000_012))
    seeds_drawn.clear()
    training.held_out(3, (64, 64))
    assert seeds_drawn == [500_000, 500_001, 500_002]


# --- training ----------------------------------------------------------------------------------


def draw_square(seed, size):
    """A picture that costs nothing: a square of a shade and a category that its seed tells."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(2, 24, 2)
    image = np.full((*size, 3), 90, np.uint8)
    mask = np.zeros((1, *size), bool)
    mask[0, y : y + 30, x : x + 30] = True
    image[mask[0]] = rng.integers(150, 256, 3)
    label = list(training.CATEGORIES)[seed % len(training.CATEGORIES)]
    return image, Detections(
        [[x, y, x + 30, y + 30]], [label], [1], size, training.CATEGORIES, mask
    )


@pytest.fixture
def seeds_drawn(monkeypatch):
    """The seeds of all pictures drawn, in order; drawing is quick."""
    seeds = []

    def draw(seed, size):
        seeds.append(seed)
        return draw_square(seed, size)

    monkeypatch.setattr(training.scenes, "draw_scene", draw)
    return seeds


@contextlib.contextmanager
def eagerly():
    """Without compiling: for a few steps it does not pay."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


class Stopped(Exception):
    """The power went off."""


@pytest.fixture(scope="module")
def runs(tiny_config, tmp_path_factory):
    """Two epochs of three steps of two pictures: in one go, and stopped after the first epoch.

    Folder, models, seeds of the pictures drawn, and what was asked to be scored; "again" is started
    when all is done. Scoring itself takes long and is tested below.
    """
    folder = tmp_path_factory.mktemp("runs")
    config = dataclasses.replace(tiny_config, num_classes=len(training.CATEGORIES))
    models, drawn, scored = {}, {}, []
    ap = dict.fromkeys(METRICS, 0.25)

    def score(model, num, first):
        scored.append((num, first))
        return {"mask": ap, "box": ap, "images": num}

    on_epoch_end = training.Score.on_epoch_end

    def train(run, where):
        seeds = drawn[run] = []
        patch.setattr(
            training.scenes, "draw_scene", lambda s, size: seeds.append(s) or draw_square(s, size)
        )
        models[run] = training.train(folder / where, 2, 3, 2, num_images=2, config=config)

    def then_stop(self, epoch, logs=None):
        on_epoch_end(self, epoch, logs)
        raise Stopped

    with eagerly(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "score", score)
        train("whole", "whole")
        with patch.context() as broken:
            broken.setattr(training.Score, "on_epoch_end", then_stop)
            with pytest.raises(Stopped):
                train("first", "parts")
        train("second", "parts")
        train("again", "parts")
    return folder, models, drawn, scored


def test_each_picture_is_drawn_in_its_epoch(runs):
    _, _, drawn, _ = runs
    # Those of the first batches are drawn more often: Keras looks at some to learn their shapes.
    assert set(drawn["whole"]) == set(range(1_000_000, 1_000_012))
    assert drawn["whole"][-6:] == list(range(1_000_006, 1_000_012))
    assert set(drawn["first"]) == set(range(1_000_000, 1_000_006))
    assert [s for s in drawn["second"] if s >= 1_000_006] == list(range(1_000_006, 1_000_012))
    assert max(drawn["again"]) < 1_000_006  # nothing is left to do


def test_each_epoch_is_scored_on_other_pictures_than_the_card(runs):
    assert runs[3] == [(2, 499_998)] * 4  # two pictures, up to the first that the card is for


def test_the_curve_has_a_row_for_each_epoch(runs):
    folder = runs[0]
    for rows in (training.read_curve(folder / "whole"), training.read_curve(folder / "parts")):
        assert [row["images"] for row in rows] == ["6", "12"]
        assert list(rows[0]) == [
            "images",
            *LOSS_NAMES,
            "mask_AP50",
            "mask_AP",
            "box_AP50",
            "box_AP",
        ]
        assert all(float(row[name]) > 0 for row in rows for name in LOSS_NAMES)
        assert {row["mask_AP"] for row in rows} == {"0.25"}


def test_a_stop_changes_nothing(runs):
    folder, models, _, _ = runs
    for one, other in zip(models["whole"].weights, models["second"].weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4, err_msg=one.path)
    curves = [(folder / run / "curve.csv").read_text() for run in ("whole", "parts")]
    assert curves[0] == curves[1]


def test_what_is_returned_is_what_was_saved(runs):
    folder, models, _, _ = runs
    saved, card = zoo.load_model(folder / "parts" / "streets.json")
    for one, other in zip(models["second"].weights, saved.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=2**-10, atol=1e-6, err_msg=one.path)
    assert card["images_seen"] == 12 and card["held_out"]["images"] == 2
    for one, other in zip(models["second"].weights, models["again"].weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6, err_msg=one.path)


# --- score, curve and card ---------------------------------------------------------------------


def test_score_of_a_network_that_knows_nothing_of_streets(tiny_model, seeds_drawn):
    result = training.score(tiny_model, 3, first=40)
    assert seeds_drawn == [40, 41, 42] and result["images"] == 3
    assert result["mask"]["AP"] == result["box"]["AP"] == 0  # it has seen squares of 20 px, not 30
    assert result["errors"]["missed"] == 3 and result["errors"]["right"] == 0
    assert {name: row["num"] for name, row in result["per_class"].items() if row["num"]} == {
        list(training.CATEGORIES.values())[seed % 8]: 1 for seed in (40, 41, 42)
    }  # fmt: skip


def test_the_curve_is_drawn(tmp_path):
    assert training.read_curve(tmp_path) == []
    names = ["images", *LOSS_NAMES, "mask_AP50", "mask_AP", "box_AP50", "box_AP"]
    with open(tmp_path / "curve.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([names, [4000, *[0.5] * 9], [8000, *[0.25] * 5, "", "", 0.7, 0.6]])
    rows = training.read_curve(tmp_path)
    assert rows[1]["mask_AP"] == "" and float(rows[0]["class"]) == 0.5
    training.plot_curve(rows, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_ships_what_it_scored(tiny_model, tmp_path, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(zoo, "DATA", tmp_path / "data")
    monkeypatch.setattr(training, "CATEGORIES", {1: "square", 7: "disc"})
    monkeypatch.setattr(training, "train", lambda *args: calls.append(args) or tiny_model)
    result = {"mask": {"AP": 0.5}, "images": 500}
    monkeypatch.setattr(training, "score", lambda model, num, **_: {**result, "images": num})
    monkeypatch.setattr(training, "plot_curve", lambda rows, path: path.write_text("curve"))
    training.main(["--epochs", "3", "--steps", "5", "--out", str(tmp_path / "run"), "--ship"])
    assert [call[1:3] for call in calls] == [(3, 5)]
    assert json.loads(capsys.readouterr().out)["mask"] == {"AP": 0.5}
    for folder in (tmp_path / "run", tmp_path / "data"):
        _, card = zoo.load_model(folder / "streets.json")
        assert card["images_seen"] == 3 * 5 * 8
        assert card["held_out"] == {"first_seed": 500_000, **result}
        assert (folder / "streets-curve.png").exists()
    for word in ("recipe", "date", "licence", "limits", "data", "about"):
        assert card[word]
