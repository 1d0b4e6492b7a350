"""Body, neck and head learn a few classes: what is told of them may move, all else costs."""

import keras
import numpy as np
import pytest

from helpers.mask_rcnn.partial_labels import PartialTargets
from helpers.one_stage.body_learner import BodyLearner
from helpers.one_stage.model import OneStageConfig, OneStageMaskRCNN
from helpers.structures import Detections
from helpers.training.mosaics import Source
from helpers.training.teach_body import TINY, Pictures
from helpers.training.teach_head import learnt_classes

CONFIG = OneStageConfig(
    num_classes=3, image_size=(64, 64), num_candidates=20, num_detections=4, mask_channels=8,
    fine_channels=8,
)  # fmt: skip


def built():
    model = OneStageMaskRCNN(CONFIG)
    model(np.zeros((1, 64, 64, 3), np.uint8))
    return model


@pytest.fixture(scope="module")
def learner():
    """Of three classes the first two are learnt."""
    keras.utils.set_random_seed(0)
    model = built()
    before = built()
    before.set_weights(model.get_weights())
    return BodyLearner(model, before, [1, 2], (64, 64))


def batch(label=0, labelled=(0, 0, 0)):
    """An image with a square, or without one if the label is 0."""
    box = [16, 16, 48, 48] if label else [0, 0, 0, 0]
    return PartialTargets(
        images=np.full((1, 64, 64, 3), 90, np.uint8),
        boxes=np.float32([[box]]),
        labels=np.int32([[label]]),
        masks=np.zeros((1, 1, 1, 1), np.uint8),
        ignored_boxes=np.zeros((1, 1, 4), np.float32),
        labelled=np.uint8([labelled]),
    )


def losses(learner, *args, **more):
    return {name: float(value) for name, value in learner(batch(*args, **more)).items()}


def test_what_has_learnt_nothing_has_forgotten_nothing(learner):
    """And where nothing is told there is nothing to learn."""
    values = losses(learner, label=1, labelled=(1, 1, 0))
    assert values["class"] > 0 and values["box"] > 0
    assert values["kept"] == pytest.approx(0, abs=1e-4) and values["maps"] == 0
    values = losses(learner)
    assert values["class"] == values["box"] == 0


def test_what_is_told_may_move_and_all_else_costs(learner):
    """A higher bias of a class costs nothing where it was looked for; elsewhere it does."""
    biases = [layer.bias for layer in learner.model.head.outputs]
    old = [np.asarray(bias).copy() for bias in biases]
    kept = {}
    for number in (0, 2):
        for bias, one in zip(biases, old, strict=True):
            bias.assign(one + 3 * np.eye(len(one), dtype=np.float32)[number])
        for told in (0, 1):
            kept[number, told] = losses(learner, labelled=(told, told, 0))["kept"]
    for bias, one in zip(biases, old, strict=True):
        bias.assign(one)
    assert kept[0, 1] == pytest.approx(0, abs=1e-4)
    assert min(kept[0, 0], kept[2, 0], kept[2, 1]) > 1


def test_maps_of_the_mask_branch_that_move_cost(learner):
    kernel = learner.model.neck.lateral[0].kernel
    old = np.asarray(kernel).copy()
    kernel.assign(2 * old)
    moved = losses(learner)["maps"]
    kernel.assign(old)
    assert moved > 0 and losses(learner)["maps"] == 0


def test_what_the_detector_sees_nowhere_is_absent(learner):
    """Of the classes that are learnt; of another nothing is known."""
    logits = np.full((1, 84, 3), -9, np.float32)
    assert np.asarray(learner.looked_for(np.uint8([[0, 0, 0]]), logits)).tolist() == [
        [True, True, False]
    ]
    logits[0, 50, 1] = 0
    assert np.asarray(learner.looked_for(np.uint8([[0, 0, 1]]), logits)).tolist() == [
        [True, False, True]
    ]


def test_half_of_the_body_neck_and_head_learn(learner):
    parts = {variable.path.split("/")[1] for variable in learner.trainable_variables}
    stages = {
        variable.path.split("/")[2] for variable in learner.model.backbone.trainable_variables
    }
    assert parts == {"backbone", "neck", "head"} and stages == {"c4", "c5"}


def test_numbers_of_the_classes_that_are_learnt():
    """A network counts classes from 1 in the order of the ids, whatever these are."""
    assert learnt_classes({1: "person", 17: "cat", 18: "dog", 90: "toothbrush"}) == {17: 2, 18: 3}
    assert learnt_classes({1: "person"}) == {}


class OnePhotograph:
    """64 x 64 pixels: a square of 40, one of 2, and a region of 2 to leave out."""

    def __getitem__(self, index):
        masks = np.zeros((3, 64, 64), bool)
        masks[0, 10:50, 10:50] = True
        masks[1:, 60:62, 60:62] = True
        boxes = [[10, 10, 50, 50], [60, 60, 62, 62], [60, 60, 62, 62]]
        names = {17: "cat"}
        truth = Detections(boxes, [17] * 3, [1, 1, 0], (64, 64), names, masks)
        return np.full((64, 64, 3), 90, np.uint8), truth

    def known(self, index):
        return {17}


def test_training_pictures():
    """The same for a number and a seed; tiny objects are left out, regions are not."""
    sources = [Source(OnePhotograph(), [0], 1.0)]
    pictures = Pictures(sources, (64, 64))
    drawn = [pictures(number) for number in range(12)]
    image, truth, known = pictures(3)
    np.testing.assert_array_equal(image, drawn[3][0])
    np.testing.assert_array_equal(truth.boxes, drawn[3][1].boxes)
    assert known == {17} and not np.array_equal(drawn[3][0], drawn[4][0])
    other = Pictures(sources, (64, 64), seed=1)
    assert not np.array_equal(other(3)[0], drawn[3][0])
    for _, truth, _ in drawn:
        sides = truth.boxes[:, 2:] - truth.boxes[:, :2]
        assert (np.prod(sides[truth.scores > 0], 1) >= TINY).all()
    assert any((truth.scores > 0).any() for _, truth, _ in drawn)
    assert any((truth.scores == 0).any() for _, truth, _ in drawn)
