"""Training pictures for the mask branch: where four photographs lie, which objects they keep."""

import numpy as np
import pytest

from helpers.structures import Detections
from helpers.training import mosaics
from helpers.training.mosaics import NUM_SLOTS, Mosaics, Source, to_mask_targets

CATEGORIES = {1: "square"}


class Squares:
    """Photographs of a white square on black, a crowd, and an object known by its box alone."""

    def __getitem__(self, index):
        image = np.zeros((40, 40, 3), np.uint8)
        image[10:30, 10:30] = 255
        masks = np.zeros((3, 40, 40), bool)
        masks[0, 10:30, 10:30] = True
        masks[1, :8, :8] = True
        boxes = [[10, 10, 30, 30], [0, 0, 8, 8], [32, 32, 40, 40]]
        return image, Detections(boxes, [1] * 3, [1, 0, 1], (40, 40), CATEGORIES, masks)


@pytest.fixture
def plain(monkeypatch):
    """Pictures as they are: no colour, no blur, nothing cut."""
    monkeypatch.setattr(mosaics, "BLURRED", 0)
    monkeypatch.setattr(mosaics, "GREY", 0)
    monkeypatch.setattr(mosaics, "ZOOM_ONE", (1, 1))
    monkeypatch.setattr(mosaics, "ZOOM_FOUR", (1, 1))
    monkeypatch.setattr("helpers.training.variation.recolor", lambda image, rng: image)
    return [Source(Squares(), [0], 1.0)]


def test_four_photographs_on_a_canvas(plain, monkeypatch):
    monkeypatch.setattr(mosaics, "MOSAICS", 1)
    image, boxes, masks = Mosaics(plain, (80, 80))(0)
    corners = sorted(map(tuple, boxes.tolist()))
    assert corners == [(x, y, x + 20, y + 20) for x in (10, 50) for y in (10, 50)]
    np.testing.assert_array_equal(masks.any(0), image[..., 0] > 128)
    for box, mask in zip(boxes.astype(int), masks, strict=True):
        assert mask[box[1] : box[3], box[0] : box[2]].all() and mask.sum() == 400


def test_one_photograph(plain, monkeypatch):
    monkeypatch.setattr(mosaics, "MOSAICS", 0)
    image, boxes, masks = Mosaics(plain, (80, 80))(0)
    np.testing.assert_array_equal(boxes, [[20, 20, 60, 60]])  # neither the crowd nor the mere box
    np.testing.assert_array_equal(masks[0], image[..., 0] > 128)


def test_a_number_is_a_picture():
    draw = Mosaics([Source(Squares(), [0], 1.0)], (80, 80))
    for ours, theirs in zip(draw(3), draw(3), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(draw(3)[0], draw(4)[0])
    assert not np.array_equal(draw(3)[0], Mosaics(draw.sources, (80, 80), seed=1)(3)[0])


def test_sources_are_shown_by_weight(plain):
    class Shade:
        def __init__(self, shade):
            self.shade = shade

        def __getitem__(self, index):
            image = np.full((40, 40, 3), self.shade, np.uint8)
            return image, Detections.empty((40, 40), CATEGORIES)

    draw = Mosaics([Source(Shade(10), [0], 3.0), Source(Shade(200), [0], 1.0)], (40, 40))
    rng = np.random.default_rng(0)
    bright = [draw._one(rng, (40, 40), (1, 1))[0].mean() > 100 for _ in range(400)]
    assert np.mean(bright) == pytest.approx(0.25, abs=0.06)


def test_slots_are_filled_with_the_same_again():
    image, masks = np.zeros((40, 40, 3), np.uint8), np.zeros((2, 40, 40), bool)
    masks[0, 3, 4] = masks[1, 30, 20] = True
    boxes = np.array([[0, 0, 9, 9], [20, 20, 39, 39]], np.float32)
    nothing = image, np.zeros((0, 4), np.float32), np.zeros((0, 40, 40), bool)
    batch = to_mask_targets([(image, boxes, masks), nothing])
    assert batch.images.shape == (2, 40, 40, 3)
    np.testing.assert_array_equal(batch.boxes[0, :4], boxes[[0, 1, 0, 1]])
    np.testing.assert_array_equal(batch.masks[0, 2], masks[0])
    assert batch.labels.tolist() == [[1] * NUM_SLOTS, [0] * NUM_SLOTS]
    assert not batch.masks[1].any()
