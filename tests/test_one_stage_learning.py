"""A one-stage detector learns classes of one's own: its losses, what it takes over, a training."""

import dataclasses

import keras
import numpy as np
import pytest

from helpers.mask_rcnn.partial_labels import PartialTargets
from helpers.models import load_detector, load_model, save_model
from helpers.one_stage.cell_losses import cell_losses, giou_loss, paired_iou, sides_loss
from helpers.one_stage.head import NUM_BINS, decode, make_centres
from helpers.one_stage.learning import LOSS_NAMES, LearningOneStage, name_classes
from helpers.one_stage.model import OneStageConfig, OneStageMaskRCNN
from helpers.training import fine_tune, heirs
from helpers.training.survey import Survey
from tests import short_run

CENTRES = make_centres((64, 64), (8, 16, 32))
CONFIG = OneStageConfig(
    num_classes=3, image_size=(64, 64), num_candidates=20, num_detections=4, mask_channels=8,
    fine_channels=8,
)  # fmt: skip


def batch(labels=(2, 0), ignored=(0, 0, 0, 0), labelled=(1, 1, 1)):
    """An image with a square of 32 x 32 pixels and an empty slot."""
    masks = np.zeros((1, 2, 64, 64), np.uint8)
    masks[0, 0, 16:48, 16:48] = 1
    return PartialTargets(
        images=np.full((1, 64, 64, 3), 90, np.uint8),
        boxes=np.float32([[[16, 16, 48, 48], [0, 0, 0, 0]]]),
        labels=np.int32([labels]),
        masks=masks,
        ignored_boxes=np.float32([[ignored]]),
        labelled=np.uint8([labelled]),
    )


def test_boxes_by_hand():
    """Half shared: IoU 1/3. Apart: the box around both has area 3, of which a third is empty."""
    boxes = np.float32([[0, 0, 1, 1], [0, 0, 2, 1], [0, 0, 1, 1]])
    others = np.float32([[0, 0, 1, 1], [1, 0, 3, 1], [2, 0, 3, 1]])
    np.testing.assert_allclose(paired_iou(boxes, others), [1, 1 / 3, 0], atol=1e-6)
    np.testing.assert_allclose(giou_loss(boxes, others), [0, 2 / 3, 4 / 3], atol=1e-6)
    assert giou_loss(np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32)).shape == (0,)


def test_sides_by_hand():
    """A side 3.25 strides away wants 3/4 in bin 3 and 1/4 in bin 4; knowing nothing costs ln 11."""
    centre = np.float32([[50, 50, 8]])
    box = np.float32([[[24, 24, 76, 76]]])  # 26 pixels on each side
    even = np.zeros((1, 1, 4, NUM_BINS), np.float32)
    np.testing.assert_allclose(sides_loss(even, box, centre), [[np.log(11)]], rtol=1e-6)
    best = np.full((1, 1, 4, NUM_BINS), -30, np.float32)
    best[..., 3], best[..., 4] = np.log(0.75), np.log(0.25)
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    np.testing.assert_allclose(sides_loss(best, box, centre), [[entropy]], rtol=1e-5)
    np.testing.assert_allclose(decode(best, centre), box, rtol=1e-5)


def losses(targets, class_logit=0.0):
    """Of a head that says the same everywhere."""
    num = len(CENTRES)
    class_logits = np.full((1, num, 3), class_logit, np.float32)
    found = cell_losses(class_logits, np.zeros((1, num, 4, NUM_BINS), np.float32), targets, CENTRES)
    return {name: float(value) for name, value in found.items()}


def test_what_is_not_known_does_not_count():
    nothing = batch(labels=(0, 0))
    assert losses(nothing)["box"] == 0
    # At logit 0 every cell is half wrong about three classes: ln 2 / 4 each.
    assert losses(nothing)["class"] == pytest.approx(len(CENTRES) * 3 * np.log(2) / 4, rel=1e-5)
    one_class = batch(labels=(0, 0), labelled=(1, 0, 0))
    assert losses(one_class)["class"] == pytest.approx(len(CENTRES) * np.log(2) / 4, rel=1e-5)
    assert losses(batch(labels=(0, 0), ignored=(-9, -9, 99, 99)))["class"] == 0


def test_an_object_counts_in_an_ignored_region_too():
    everywhere = batch(ignored=(-9, -9, 99, 99))
    assert losses(everywhere)["class"] > 0
    assert losses(everywhere)["box"] == losses(batch())["box"] > 0
    assert losses(everywhere)["class"] < losses(batch())["class"]


@pytest.fixture(scope="module")
def source():
    model = OneStageMaskRCNN(CONFIG)
    model(np.zeros((1, 64, 64, 3), np.uint8))
    return model


def test_classes_by_name(source):
    """A known name keeps its column, an unknown one gets the mean of all; the sides stay."""
    config = dataclasses.replace(CONFIG, num_classes=2)
    model = LearningOneStage(config)
    model(np.zeros((1, 64, 64, 3), np.uint8))
    name_classes(source, model, ["cup", "cat", "dog"], ["newt", "cat"])
    for old, new in zip(source.head.outputs, model.head.outputs, strict=True):
        old, new = np.asarray(old.kernel), np.asarray(new.kernel)
        np.testing.assert_allclose(new[..., 0], old[..., :3].mean(-1), atol=1e-6)
        np.testing.assert_array_equal(new[..., 1], old[..., 1])
        np.testing.assert_array_equal(new[..., 2:], old[..., 3:])


def test_three_losses_and_what_they_move(source):
    model = LearningOneStage(CONFIG)
    values = model(batch(), training=True)
    assert tuple(values) == LOSS_NAMES and all(float(value) > 0 for value in values.values())
    assert model(batch().images).scores.shape == (1, 4)
    paths = [[v.path for v in one.variables if v.path[:4] == "one_"] for one in (model, source)]
    assert paths[0] == paths[1] and len(paths[0]) > 100


def test_an_heir_of_a_folder(source, tmp_path):
    card = {"name": "old", "categories": {1: "cup", 2: "cat", 3: "dog"}, "notice": "by others"}
    save_model(source, card, tmp_path / "old")
    to_learn = Survey({5: "cat", 9: "newt"}, {"cat": 3, "newt": 2}, 16, [])
    model, taken = heirs.heir(str(tmp_path / "old"), to_learn, (96, 64))
    assert taken == {"name": "old", "notice": "by others"}
    config = model.config
    assert (config.num_classes, config.image_size, config.num_detections) == (2, (96, 64), 20)
    with pytest.raises(ValueError, match="image_size must be .*, each divisible by 32, got"):
        heirs.heir(str(tmp_path / "old"), to_learn, (96, 50))


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="one backend is enough")
def test_taught_from_everyday(tmp_path):
    """Of a few drawn pictures; killed or not, the folder is a model of the new classes."""
    pictures = [short_run.draw(seed) for seed in range(8)]
    options = {"epochs": 1, "steps": 3, "batch_size": 4, "image_size": (64, 64)}
    fine_tune(pictures, pictures[:4], tmp_path / "own", start="everyday", say=None, **options)
    detector = load_detector(str(tmp_path / "own"), say=None)
    assert detector.categories == short_run.NAMES
    _, card = load_model(tmp_path / "own/own.json")
    assert "Apache" in card["notice"] and card["about"].startswith("A model that began as everyday")
