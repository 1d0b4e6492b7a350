"""The recipe for photographs on three toy pictures: it learns, goes on, measures, tells errors."""

import dataclasses
import json
from types import SimpleNamespace

import cv2
import keras
import numpy as np
import pytest

from helpers import DATA
from helpers.evaluation import evaluate
from helpers.models import load_detector, load_model
from helpers.pictures import read_image, sample_photos
from helpers.structures import Detections, mask_iou
from helpers.training import __main__ as command
from helpers.training import everyday
from helpers.training.curves import read_curve
from helpers.training.photo_scores import judge, report
from helpers.training.photos import Photos
from tests import photo_data
from tests.outlines import OUTLINES, points
from tests.photo_data import EVERYDAY, NAMES
from tests.test_training import blind, eagerly


@pytest.fixture
def data(tmp_path):
    return photo_data.write(tmp_path)


@pytest.fixture
def small(monkeypatch, tiny_config, data):
    """A recipe of the size of the toy data; every second picture is kept to measure AP on."""
    monkeypatch.setattr(everyday, "CLASSES", NAMES)
    monkeypatch.setattr(everyday, "EVERY", 2)
    config = dataclasses.replace(tiny_config, num_classes=2)

    def train(out, epochs):
        return everyday.train_everyday(data, out, epochs, 1, 2, config=config, final_size=(128, 64))

    return train


def test_it_trains_and_goes_on(small, tmp_path, monkeypatch):
    out = tmp_path / "pets"
    with eagerly():
        with monkeypatch.context() as patch:  # nothing is compiled, nothing measured
            patch.setattr(everyday, "from_model", blind)
            patch.setattr(everyday, "judge", lambda *_: ([], []))
            small(out, 1)
        assert [row["images"] for row in read_curve(out)] == ["2"]
        detector = small(out, 2)
    assert [row["images"] for row in read_curve(out)] == ["2", "4"]
    assert detector.card["data"] == "2 photographs, partly labelled"  # the third is kept
    model, card = load_model(out / "pets.json")
    assert model.config.image_size == (128, 64)
    assert card["categories"] == {"1": "person", "17": "cat"} and card["limits"]
    for saved, own in zip(model.weights, detector.model.weights, strict=True):
        np.testing.assert_allclose(saved, own, atol=1e-3, err_msg=own.path)


class Oracle:
    """Says what it is told to, whatever the picture."""

    categories = {1: "person", 17: "cat"}

    def __init__(self, says):
        self.says = says

    def with_threshold(self, score):
        return self

    def __call__(self, image):
        return self.says[int(image[0, 0, 0])]


@pytest.mark.parametrize("scores, best", [([0.9, 0.6], 0.625), ([0.9, 0.4], 0.5), ([], 0.5)])
def test_a_fair_threshold_by_hand(scores, best):
    """The first one is right, the second is not: above .6 all is well, and .625 becomes .5."""
    truth = Detections([[0, 0, 9, 9]], [1], [1], (20, 30), {1: "cat"}, np.zeros((1, 20, 30), bool))
    truth.masks[:, :9, :9] = True
    boxes = np.array([[0, 0, 9, 9], [10, 10, 19, 19]])[: len(scores)]
    masks = np.concatenate([truth.masks, truth.masks[:, ::-1, ::-1]])[: len(scores)]
    detections = Detections(boxes, [1] * len(scores), scores, (20, 30), {1: "cat"}, masks)
    bias = keras.Variable(np.array([0.2, 0.3]))
    model = SimpleNamespace(box_head=SimpleNamespace(logits=SimpleNamespace(bias=bias)))
    assert everyday.settle(model, [truth], [detections]) == best
    wanted = [0.2 + np.log(best / (1 - best)), 0.3]
    np.testing.assert_allclose(np.asarray(bias), wanted, atol=1e-6)


def test_the_report_counts_class_by_class_and_source_by_source(data):
    photos = Photos(data, "val", NAMES)
    truth = [photos[i] for i in range(len(photos))]
    right = {int(image[0, 0, 0]): one[one.scores > 0] for image, one in truth}
    result = report(Oracle(right), photos)
    assert result["images"] == 2  # the third has boxes alone
    assert result["classes"]["cat"] == {
        "objects": 1, "mask_AP": 1, "mask_AP50": 1, "interval": [1, 1],
    }  # fmt: skip
    assert result["sources"] == {"ccp": {"person": 1}, "val": {"cat": 1}}
    assert result["empty"] == {"images": 0, "false": 0}
    nothing = {shade: Detections.empty((20, 30), photos.categories) for shade in right}
    assert report(Oracle(nothing), photos)["classes"]["person"]["mask_AP50"] == 0


def test_false_objects_where_there_is_nothing(data):
    path = data / "instances_val.json"
    coco = json.loads(path.read_text())
    coco["annotations"] = [one for one in coco["annotations"] if one["image_id"] != 7]
    path.write_text(json.dumps(coco))
    photos = Photos(data, "val", NAMES)
    mask = np.zeros((2, 20, 30), bool)
    mask[:, :9, :9] = True
    two = Detections([[0, 0, 9, 9]] * 2, [1, 17], [0.9, 0.4], (20, 30), photos.categories, mask)
    result = report(Oracle({50: two, 150: two[:0]}), photos)
    assert result["empty"] == {"images": 1, "false": 1}  # .4 is not said aloud


def test_the_command_packs_and_tells_errors(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(everyday, "CLASSES", NAMES)
    packed = tmp_path / "small.zip"
    assert command.main(["everyday", str(data), "--pack", str(packed)]) == 0
    assert capsys.readouterr().out.strip() == str(packed) and len(Photos(packed, "val", NAMES)) == 3
    assert command.main(["everyday", str(tmp_path / "nowhere")]) == 2
    assert "no instances_train….json in it" in capsys.readouterr().err
    assert command.main(["everyday", "x" * 5000]) == 2
    assert "File name too long" in capsys.readouterr().err


# --- the weights that come with Pixelwise ------------------------------------------------------

PHOTOS = [(sample_photos().get(photo), name, text) for (photo, name), text in OUTLINES.items()]


@pytest.mark.parametrize("path, name, text", PHOTOS, ids=[photo for photo, _ in OUTLINES])
def test_photographs_that_others_ship(path, name, text, everyday_detector):
    if path is None:
        pytest.skip("the package with this photograph is not installed")
    image = read_image(path)
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [points(text)], 1)
    detections = everyday_detector(image)
    overlaps = mask_iou(detections.masks, mask[None] > 0)[:, 0]
    best = int(overlaps.argmax())
    assert detections.names[best] == name
    assert detections.scores[best] >= 0.5 and overlaps[best] >= 0.75


@pytest.fixture(scope="module")
def everyday_detector():
    return load_detector("everyday")


def test_the_card_tells_what_it_must():
    card = json.loads((DATA / "everyday.json").read_text())
    assert (
        set(card["held_out"]["classes"])
        == set(everyday.CLASSES)
        == set(card["categories"].values())
    )
    assert card["held_out"]["classes"]["person"]["mask_AP50"] >= 0.25  # half of what it aims at
    assert card["held_out"]["classes"]["cat"]["mask_AP50"] >= 0.3
    assert sum(sum(kinds.values()) for kinds in card["sources"].values()) == 5015
    assert (DATA / "everyday.npz").stat().st_size < 12e6 and card["limits"] and card["licence"]


@pytest.mark.slow  # detections on hundreds of photographs
@pytest.mark.skipif(not EVERYDAY.exists(), reason="needs ../shared/data/everyday")
def test_the_fast_path_keeps_the_accuracy(everyday_detector):
    photos = Photos(EVERYDAY, "val", everyday.CLASSES)
    some = [i for i in range(len(photos)) if photos.has_masks(i)][::4]
    fast = load_detector("everyday", fast=True)
    aps = [evaluate(*judge(one, photos, some))["mask"]["AP"] for one in (everyday_detector, fast)]
    assert aps[1] == pytest.approx(aps[0], abs=0.01)


@pytest.mark.slow  # detections on hundreds of photographs
@pytest.mark.skipif(not EVERYDAY.exists(), reason="needs ../shared/data/everyday")
def test_the_weights_score_as_the_card_says(everyday_detector):
    photos = Photos(EVERYDAY, "val", everyday.CLASSES)
    promised = json.loads((DATA / "everyday.json").read_text())["held_out"]
    some = [i for i, source in enumerate(photos.sources) if source == "pets"]
    truth, detections = judge(everyday_detector, photos, some)
    cats = [[one[one.labels == 17] for one in images] for images in (truth, detections)]
    ap = evaluate(*cats)["mask"]["AP50"]
    assert ap == pytest.approx(promised["sources"]["pets"]["cat"], abs=0.01)
