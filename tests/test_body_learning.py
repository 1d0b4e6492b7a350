"""Body, neck and head learn a few classes: what is told of them may move, all else costs."""

import keras
import numpy as np
import pytest

from helpers.mask_rcnn.partial_labels import PartialTargets
from helpers.one_stage.body_learner import BodyLearner
from helpers.one_stage.model import OneStageConfig, OneStageMaskRCNN

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
    model, before = built(), built()
    before.set_weights(model.get_weights())
    return BodyLearner(model, before, [1, 2], (64, 64))


def batch(label=0, labelled=(0, 0, 0)):
    """An image with a square, or without one if the label is 0."""
    return PartialTargets(
        images=np.full((1, 64, 64, 3), 90, np.uint8),
        boxes=np.float32([[[16, 16, 48, 48]]]) * (label > 0),
        labels=np.int32([[label]]),
        masks=np.zeros((1, 1, 1, 1), np.uint8),
        ignored_boxes=np.zeros((1, 1, 4), np.float32),
        labelled=np.uint8([labelled]),
    )


def losses(learner, *args, **more):
    return {name: float(value) for name, value in learner(batch(*args, **more)).items()}


def test_what_has_learnt_nothing_has_forgotten_nothing(learner):
    """And where nothing is told there is nothing to learn."""
    found = losses(learner, label=1, labelled=(1, 1, 0))
    assert found["class"] > 0 and found["box"] > 0
    assert found["kept"] == pytest.approx(0, abs=1e-4) and found["maps"] == 0
    found = losses(learner)
    assert found["class"] == found["box"] == 0


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
