"""Parts as they could also be: RoIPool by the rule of its code, necks, classes that compete."""

import math

import numpy as np
import pytest

from helpers.lessons.variants import (
    CoupledMaskRCNN,
    PlainPyramid,
    PoolingMaskRCNN,
    coupled_mask_loss,
    coupled_mask_scores,
    roi_pool,
)
from helpers.mask_rcnn.fpn import FPN
from helpers.mask_rcnn.roi_align import pyramid_level


def by_the_rule(features, box, stride, size):
    """RoIPool of one box on a map (h, w, C), as torchvision's CPU kernel computes it."""
    x1, y1, x2, y2 = (math.floor(edge / stride + 0.5) for edge in box)
    height, width = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
    pooled = np.zeros((size, size, features.shape[-1]), np.float32)
    for i in range(size):
        for j in range(size):
            top, bottom = y1 + i * height // size, y1 + -(-(i + 1) * height // size)
            left, right = x1 + j * width // size, x1 + -(-(j + 1) * width // size)
            part = features[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
            if part.size:
                pooled[i, j] = part.max((0, 1))
    return pooled


def test_roi_pool_with_a_pencil():
    """Rounded to 1..6 and 1..5, both ends counted: 6 x 5 cells, in bins of 3 x 2.5."""
    grid = (10 * np.arange(6)[:, None] + np.arange(8)).astype("float32")[None, ..., None]
    box = np.array([[[1.3, 0.8, 5.7, 4.9]]], np.float32)
    pooled = np.asarray(roi_pool([grid], box, (1,), 2))[0, 0, ..., 0]
    np.testing.assert_array_equal(pooled, [[33, 36], [53, 56]])


def test_roi_pool_on_a_pyramid():
    rng = np.random.default_rng(0)
    strides = (4, 8)
    pyramid = [rng.normal(size=(2, 128 // s, 160 // s, 3)).astype("float32") for s in strides]
    corner, sides = rng.uniform(-6, 140, (2, 30, 2)), rng.uniform(2, 60, (2, 30, 2))
    boxes = np.concatenate([corner, corner + sides], -1).astype("float32")
    level = np.asarray(pyramid_level(boxes, strides, 40.0))
    assert set(level.ravel()) == {0, 1}
    pooled = np.asarray(roi_pool(pyramid, boxes, strides, 7, 40.0))
    for b, r in np.ndindex(2, 30):
        one = level[b, r]
        wanted = by_the_rule(pyramid[one][b], boxes[b, r].tolist(), strides[one], 7)
        np.testing.assert_array_equal(pooled[b, r], wanted)


def test_roi_pool_of_nothing_and_beside_the_map():
    grid = np.ones((1, 4, 4, 2), np.float32)
    assert roi_pool([grid], np.zeros((1, 0, 4), np.float32), (1,), 7).shape == (1, 0, 7, 7, 2)
    beside = np.array([[[20, 20, 24, 24]]], np.float32)
    assert not np.asarray(roi_pool([grid], beside, (1,), 2)).any()


def test_necks():
    """Of the maps, P5 is the same with the way down and without it; P2 is not."""
    rng = np.random.default_rng(0)
    maps = [rng.normal(size=(1, 16 >> k, 16 >> k, 3)).astype("float32") for k in range(4)]
    with_way, without = FPN(5, name="fpn"), PlainPyramid(5, name="fpn")
    both = [neck(maps) for neck in (with_way, without)]
    without.set_weights(with_way.get_weights())
    both[1] = without(maps)
    assert [one.shape for one in both[0]] == [one.shape for one in both[1]]
    np.testing.assert_allclose(both[0][3], both[1][3], rtol=1e-6)
    assert np.abs(np.asarray(both[0][0] - both[1][0])).max() > 0.1


def test_classes_that_compete_with_a_pencil():
    """Logits 0, ln 2, ln 1 for background and two classes: shares 1/4, 1/2, 1/4."""
    logits = np.log(np.array([1.0, 2.0, 1.0], np.float32)).reshape(1, 1, 1, 1, 3)
    labels = np.array([[1]])
    assert float(coupled_mask_scores(logits, labels)[0, 0, 0, 0]) == pytest.approx(0.5)
    for target, share in ((1.0, 0.5), (0.0, 0.25)):
        loss = coupled_mask_loss(logits, labels, np.full((1, 1, 1, 1), target, np.float32))
        assert float(loss) == pytest.approx(-math.log(share), rel=1e-5)
    padding = coupled_mask_loss(logits, 0 * labels, np.ones((1, 1, 1, 1), np.float32))
    assert float(padding) == 0


@pytest.mark.slow
@pytest.mark.parametrize("network", [PoolingMaskRCNN, CoupledMaskRCNN])
def test_networks_draw_and_learn(network, tiny_config, toy_targets):
    from helpers.mask_rcnn.mask_head import MaskHead

    extra = 1 if network is CoupledMaskRCNN else 0
    head = MaskHead(tiny_config.num_classes + extra, tiny_config.fpn_channels, name="mask_head")
    model = network(tiny_config, mask_head=head)
    losses = model(toy_targets)
    start = math.log(tiny_config.num_classes + 1) if extra else math.log(2)
    assert float(losses["mask"]) == pytest.approx(start, abs=0.5)
    scores = np.asarray(model(toy_targets.images).mask_scores)
    assert scores.min() >= 0 and scores.max() <= 1
