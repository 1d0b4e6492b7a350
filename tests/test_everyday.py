"""The recipe for photographs on three toy pictures: it learns, goes on, measures, tells errors."""

import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from helpers import DATA
from helpers.evaluation import evaluate
from helpers.mask_rcnn.inference import letterbox
from helpers.models import load_detector, save_model
from helpers.models.weights import read_weights
from helpers.one_stage.model import Calibration, OneStageConfig, OneStageMaskRCNN
from helpers.pictures import read_image
from helpers.structures import Detections, InputError, mask_iou
from helpers.training import everyday, teach_body, teach_head
from helpers.training.__main__ import main
from helpers.training.mosaics import Source
from helpers.training.photo_scores import judge
from helpers.training.photos import Photos
from tests import photo_data
from tests.outlines import OUTLINES, points
from tests.photo_data import EVERYDAY, NAMES


@pytest.fixture
def data(tmp_path):
    return photo_data.write(tmp_path)


@pytest.fixture
def small(monkeypatch, data, tmp_path_factory):
    """A recipe of the size of the toy data: one picture is held out, two are learnt from."""
    monkeypatch.setattr(everyday, "CLASSES", NAMES)
    folder = tmp_path_factory.mktemp("both")
    for name in ("coco343", "everyday"):
        shutil.copytree(data, folder / name)
    (folder / "coco343/instances_train.json").rename(folder / "coco343/instances.json")
    (folder / "coco343/instances_val.json").unlink()
    config = OneStageConfig(
        image_size=(64, 96), num_candidates=20, num_detections=4, mask_channels=8, fine_channels=8,
    )  # fmt: skip
    model = OneStageMaskRCNN(config)
    model(np.zeros((1, 64, 96, 3), np.uint8))
    save_model(model, {"name": "start", "categories": {}}, folder)
    start = folder / "start.npz"

    def train(out, epochs, head=0, body=0):
        return everyday.train_everyday(
            folder, out, start, epochs, steps=2, batch_size=1, config=config,
            head_parts=head, head_epochs=2, body_epochs=body,
        )  # fmt: skip

    return train, start


@pytest.mark.slow
def test_it_trains_and_goes_on(small, tmp_path):
    out, (train, start) = tmp_path / "photos", small
    train(out, 1)
    rows = (out / "curve.jsonl").read_text().splitlines()
    assert [json.loads(row)["epoch"] for row in rows] == [1]
    detector = train(out, 2)
    rows = [json.loads(row) for row in (out / "curve.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2] and rows[1]["objects"] == 2
    assert len(detector.categories) == 80 and detector.categories[90] == "toothbrush"
    assert detector.card["notice"] == everyday.notice() and detector.card["limits"]
    start = read_weights(start)
    trained = read_weights(out / "photos.npz")
    changed = {name for name in start if not np.array_equal(start[name], trained[name])}
    assert any(name.startswith("one_stage/mask_branch/") for name in changed)
    assert not any(name.startswith(everyday.DETECTOR) for name in changed)


@pytest.mark.slow
def test_detector_learns_and_masks_stay(small, tmp_path, monkeypatch):
    """First its head, from cells that are not lost; then body, neck and head. C2 and C3 stay."""
    monkeypatch.setattr(teach_head, "partial_sources", one_cat)
    monkeypatch.setattr(teach_head, "PICTURES", 3)
    monkeypatch.setattr(teach_head, "BATCH", 16)
    monkeypatch.setattr(teach_body, "partial_sources", one_cat)
    monkeypatch.setattr(teach_body, "SIZE", (64, 64))
    monkeypatch.setattr(teach_body, "STEPS", 2)
    out, (train, start) = tmp_path / "photos", small
    train(out, 0, head=2, body=2)
    assert {path.name for path in (out / "cells").iterdir()} == {"0.npz", "1.npz"}
    for name in ("head", "body"):
        assert len((out / f"{name}-curve.jsonl").read_text().splitlines()) == 2
    start, trained = read_weights(start), read_weights(out / "photos.npz")
    changed = {name for name in start if not np.array_equal(start[name], trained[name])}
    parts = {"/".join(name.split("/")[1:3]) for name in changed if "calibration" not in name}
    assert {"backbone/c4", "backbone/c5"} <= parts
    assert {part.split("/")[0] for part in parts} == {"backbone", "neck", "head"}
    assert not parts & {"backbone/stem", "backbone/c2", "backbone/c3"}


def one_cat(data, weights=None):
    return [Source(Photos(data / "everyday", "train", ("cat",)), [0], 1.0)]


def test_no_photograph_to_learn_cats_from(data, monkeypatch):
    monkeypatch.setattr(teach_head, "LEARNT", NAMES)
    monkeypatch.setattr(teach_head, "WEIGHTS", {"cocobox": 0.5})
    shutil.copytree(data, data / "everyday")
    with pytest.raises(InputError, match="no photographs of person, cat to learn from"):
        teach_head.partial_sources(data)


def test_a_start_that_is_none(tmp_path):
    np.savez(tmp_path / "other.npz", some=np.ones(3))
    model = OneStageMaskRCNN(OneStageConfig(image_size=(64, 64)))
    model(np.zeros((1, 64, 64, 3), np.uint8))
    for name in ("other.npz", "nowhere.npz"):
        with pytest.raises(InputError, match=f"{name}: no weights of NanoDet here"):
            everyday.start_from(tmp_path / name, model)


def detections_of(scores):
    """One object, and two detections of these scores: the first is right, the second is not."""
    truth = Detections([[0, 0, 9, 9]], [1], [1], (20, 30), {1: "cat"}, np.zeros((1, 20, 30), bool))
    truth.masks[:, :9, :9] = True
    boxes = np.array([[0, 0, 9, 9], [10, 10, 19, 19]])[: len(scores)]
    masks = np.concatenate([truth.masks, truth.masks[:, ::-1, ::-1]])[: len(scores)]
    return truth, Detections(boxes, [1] * len(scores), scores, (20, 30), {1: "cat"}, masks)


@pytest.mark.parametrize("scores, best", [([0.9, 0.6], 0.61), ([0.9, 0.1], 0.2), ([0.9], 0.2)])
def test_a_fair_threshold_by_hand(scores, best):
    """Above the wrong one's score all is right; the score chosen becomes .5."""
    truth, detections = detections_of(scores)
    layer = Calibration()
    layer.build((None, None, 3))
    model = SimpleNamespace(calibration=layer)
    assert everyday.calibrate(model, [truth], [detections]) == best
    logit = np.full((1, 1, 3), np.log(best / (1 - best)), np.float32)
    np.testing.assert_allclose(np.asarray(layer(logit)), 0, atol=1e-5)
    np.testing.assert_allclose(np.asarray(layer(logit + 1)), everyday.SHARPNESS, atol=1e-5)


def test_the_command_tells_errors(tmp_path, capsys):
    assert main(["everyday", str(tmp_path / "nowhere"), "--start", str(tmp_path / "none.npz")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert main(["everyday", str(tmp_path), "--score", "no such model"]) == 2
    assert "no model 'no such model'" in capsys.readouterr().err


# --- the weights that come with Pixelwise ------------------------------------------------------


@pytest.mark.parametrize("photo, name", OUTLINES)
def test_bundled_photographs(photo, name, everyday_detector):
    """Who is in them was outlined by hand."""
    image = read_image(DATA / f"photographs/{photo}.jpg")
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [points(OUTLINES[photo, name])], 1)
    found = everyday_detector(image)
    overlaps = mask_iou(found.masks, mask[None] > 0)[:, 0]
    best = int(overlaps.argmax())
    assert found.names[best] == name and found.scores[best] >= 0.5 and overlaps[best] >= 0.75


def test_readme_shows_what_it_gets_wrong(everyday_detector):
    coins = everyday_detector(read_image(DATA / "photographs/coins.jpg"))
    low, high = (int(100 * score) for score in (coins.scores.min(), coins.scores.max()))
    readme = (DATA.parent / "README.md").read_text(encoding="utf-8")
    assert f"old coins two are called clocks, at {low} and {high} per cent;" in readme
    assert coins.names == ["clock", "clock"]
    coffee = everyday_detector(read_image(DATA / "photographs/coffee.jpg"))
    assert "cup" not in coffee.names and "coffee on a saucer is not found at all" in readme


@pytest.fixture(scope="module")
def everyday_detector():
    return load_detector("everyday")


@pytest.fixture(scope="module")
def in_keras():
    """The same, compiled by Keras' backend, its input always of full size."""
    return load_detector("everyday", fast=False)


def test_the_card_tells_what_it_must():
    card = json.loads((DATA / "everyday.json").read_text())
    assert len(card["categories"]) == 80
    assert set(card["held_out"]["classes"]) == set(everyday.CLASSES)
    classes = {name: row["mask_AP50"] for name, row in card["held_out"]["classes"].items()}
    assert classes["person"] >= 0.62 and classes["cat"] >= 0.6 and classes["dog"] >= 0.8
    assert card["held_out"]["empty"] == {"images": 38, "false": pytest.approx(0, abs=3)}
    assert len(card["fifth"]["classes"]) >= 60 and card["limits"] and card["licence"]
    assert card["notice"] == everyday.notice() and "Copyright 2020-2021 RangiLyu" in card["notice"]
    assert (DATA / "everyday.npz").stat().st_size < 10e6


@pytest.mark.slow
def test_onnx_runtime_says_the_same(everyday_detector, in_keras):
    """On a square image, which fills the whole input."""
    for path in sorted((DATA / "photographs").glob("*.jpg")):
        image = read_image(path)
        image, _ = letterbox(image, (max(image.shape), max(image.shape)))
        plain, other = in_keras(image), everyday_detector(image)
        np.testing.assert_array_equal(plain.labels, other.labels)
        np.testing.assert_allclose(plain.boxes, other.boxes, atol=0.002 * max(image.shape))
        np.testing.assert_allclose(plain.scores, other.scores, atol=5e-3)
        assert (plain.masks != other.masks).sum() <= 0.001 * plain.masks.size


@pytest.mark.slow
@pytest.mark.skipif(not EVERYDAY.exists(), reason="needs ../shared/data/everyday")
def test_an_input_no_larger_than_the_image_costs_no_precision(everyday_detector, in_keras):
    """Most photographs fill three quarters of the input; AP may differ by .01."""
    photos, some = everyday.held_out_of_coco(EVERYDAY.parent)
    few = some[::2]
    short, full = (evaluate(*judge(one, photos, few)) for one in (everyday_detector, in_keras))
    for kind in ("box", "mask"):
        assert short[kind]["AP"] == pytest.approx(full[kind]["AP"], abs=0.01)


ON_JAX = """
import sys
import keras, numpy as np
from helpers.models import load_detector
detector = load_detector("everyday", fast=False, say=None)
found = detector(np.load(sys.argv[1]))
np.savez(sys.argv[2], backend=keras.backend.backend(), scores=found.scores, masks=found.masks)
"""


@pytest.mark.slow
def test_jax_finds_the_same(in_keras, tmp_path):
    pytest.importorskip("jax", reason="JAX is not installed: pip install jax")
    image = read_image(DATA / "photographs/grace_hopper.jpg")
    np.save(tmp_path / "image.npy", image)
    command = [sys.executable, "-c", ON_JAX, *(str(tmp_path / f) for f in ("image.npy", "out.npz"))]
    env = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    subprocess.run(command, check=True, cwd=DATA.parent, env=env)
    other, found = np.load(tmp_path / "out.npz"), in_keras(image)
    assert other["backend"] == "jax"
    np.testing.assert_allclose(other["scores"], found.scores, atol=1e-3)
    assert (other["masks"] == found.masks).mean() > 0.999


@pytest.mark.slow
@pytest.mark.skipif(not EVERYDAY.exists(), reason="needs ../shared/data/everyday")
def test_the_weights_score_as_the_card_says(everyday_detector):
    photos = Photos(EVERYDAY, "val", everyday.CLASSES)
    promised = json.loads((DATA / "everyday.json").read_text())["held_out"]
    some = [i for i, source in enumerate(photos.sources) if source == "pets"]
    truth, detections = judge(everyday_detector, photos, some)
    cats = [[one[one.labels == 17] for one in images] for images in (truth, detections)]
    ap = evaluate(*cats)["mask"]["AP50"]
    assert ap == pytest.approx(promised["sources"]["pets"]["cat"], abs=0.01)
