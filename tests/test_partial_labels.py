"""Partial truth: what is not known is not learnt, and the rest as by the plain network."""

import numpy as np
import pytest

from helpers.mask_rcnn.box_head import BoxTargets
from helpers.mask_rcnn.partial_labels import PartialMaskRCNN, partial_class_loss


@pytest.fixture(scope="module")
def model(tiny_config, tiny_model):
    """The trained tiny network as one that learns from partial truth."""
    model = PartialMaskRCNN(tiny_config)
    model(np.zeros((1, 64, 64, 3), np.uint8))
    model.set_weights(tiny_model.get_weights())
    return model


def losses(model, targets):
    model.noise.state.assign([1, 0])
    return {name: float(loss) for name, loss in model(targets, training=False).items()}


def test_whole_truth_gives_the_losses_of_the_plain_network(
    model, tiny_model, toy_targets, toy_partial_targets
):
    expected = losses(tiny_model, toy_targets)
    assert losses(model, toy_partial_targets) == pytest.approx(expected, abs=1e-5)
    images = toy_targets.images
    np.testing.assert_array_equal(model(images).mask_scores, tiny_model(images).mask_scores)


def test_objects_without_a_mask_teach_boxes_only(model, toy_partial_targets):
    none = toy_partial_targets._replace(masks=np.zeros_like(toy_partial_targets.masks))
    only_boxes = losses(model, none)
    assert only_boxes["mask"] == 0 and only_boxes["box"] > 0 and only_boxes["class"] > 0
    first = toy_partial_targets.masks * np.array([1, 0, 0], np.uint8)[:, None, None]
    assert 0 < losses(model, toy_partial_targets._replace(masks=first))["mask"] < 1


def without_objects(targets):
    names = ("boxes", "labels", "masks")
    return targets._replace(**{name: np.zeros_like(getattr(targets, name)) for name in names})


def test_classes_that_nobody_looked_for_may_be_there(model, toy_partial_targets):
    empty = without_objects(toy_partial_targets)
    nobody_looked = losses(model, empty._replace(labelled=np.zeros((2, 2), np.uint8)))
    assert nobody_looked["class"] == pytest.approx(0, abs=1e-6) and nobody_looked["rpn_class"] > 0
    assert losses(model, empty)["class"] > 1e-6


def test_nothing_is_background_in_an_ignored_region(model, toy_partial_targets):
    everywhere = np.tile(np.array([0, 0, 64, 64], np.float32), (2, 1, 1))
    empty = without_objects(toy_partial_targets)
    assert set(losses(model, empty._replace(ignored_boxes=everywhere)).values()) == {0}


def test_a_box_is_ignored_when_more_than_half_of_it_lies_inside(model, toy_partial_targets):
    regions = np.array([[[0, 0, 10, 10]], [[0, 0, 0, 0]]], np.float32)  # one, and padding
    targets = toy_partial_targets._replace(ignored_boxes=regions)
    boxes = np.array([[0, 0, 10, 20], [0, 0, 10, 19], [20, 20, 30, 30]], np.float32)
    np.testing.assert_array_equal(
        model.ignored(boxes, targets), [[False, True, False], [False] * 3]
    )


def test_class_loss_with_a_pencil():
    scores = np.array([[[1, 6, 1], [2, 1, 1]]]) / [[[8], [4]]]
    logits = np.log(scores).astype("float32")
    targets = BoxTargets(None, np.array([[1, 0]]), None, None, np.ones((1, 2), bool))

    def loss(*labelled):
        return float(partial_class_loss(logits, targets, np.array([labelled], np.uint8)))

    assert loss(1, 1) == pytest.approx(0.49041, abs=1e-4)  # -log(6/8) and -log(2/4), their mean
    # The second proposal may be of class 2, too: 2/4 + 1/4; of either class: anything is right.
    assert loss(1, 0) == pytest.approx(-np.log(6 / 8 * 3 / 4) / 2, abs=1e-5)
    assert loss(0, 0) == pytest.approx(-np.log(6 / 8) / 2, abs=1e-5)


def test_plain_targets_are_refused(model, toy_targets):
    with pytest.raises(ValueError, match="PartialMaskRCNN learns from PartialTargets"):
        model(toy_targets)
