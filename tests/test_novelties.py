"""Mugs and star kites: pictures and truth that fit, and a seed that means one picture."""

import cv2
import numpy as np
import pytest

from helpers.streets import novelties
from helpers.streets.novelties import CATEGORIES, draw_novelty
from helpers.streets.scenes import draw_scene


@pytest.fixture(scope="module")
def drawn():
    return [draw_novelty(seed) for seed in range(60)]


def test_a_seed_is_a_picture():
    (image, truth), (again, truth_again) = draw_novelty(8), draw_novelty(8)
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(truth.masks, truth_again.masks)
    assert (draw_novelty(9)[0] != image).any()


def test_pictures_and_truth_fit(drawn):
    for image, truth in drawn:
        assert image.shape == (256, 320, 3) and image.dtype == np.uint8
        assert truth.image_size == (256, 320) and truth.categories == CATEGORIES
        assert (truth.scores == 1).all() and truth.masks.sum(0, dtype=int).max(initial=0) <= 1
        for mask, box in zip(truth.masks, truth.boxes, strict=True):
            y, x = np.nonzero(mask)
            assert box.tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]


def test_masks_follow_what_is_seen(drawn):
    """The rims of masks are edges of the picture: two pixels off to any side, they are weaker."""
    shifts = [(0, 0), (0, 2), (0, -2), (2, 0), (-2, 0)]
    slopes = [[] for _ in shifts]
    for image, truth in drawn:
        slope = sum(abs(cv2.Scharr(image, cv2.CV_32F, dx, 1 - dx)) for dx in (0, 1)).max(2)
        for mask in truth.masks.view(np.uint8):
            edge = (mask != cv2.erode(mask, np.ones((3, 3), np.uint8))).astype(bool)
            for found, shift in zip(slopes, shifts, strict=True):
                found.append(slope[np.roll(edge, shift, (0, 1))].mean())
    here, *beside = [np.mean(found) for found in slopes]
    assert here > 1.1 * max(beside), (here, beside)


def test_both_kinds_are_common_and_some_are_half_hidden(drawn):
    names = [name for _, truth in drawn for name in truth.names]
    assert all(0.3 < names.count(name) / len(names) < 0.7 for name in CATEGORIES.values())
    assert 1.5 < len(names) / len(drawn) < 3


def far_off(obj):
    """What is no new object goes out of the picture."""
    return obj if obj.category else obj._replace(x=9999)


def test_what_hides_an_object_is_not_in_its_mask(monkeypatch):
    """The same object with and without what stands before it: masks lose pixels, none moves."""
    hidden = 0
    for seed in range(40):
        _, truth = draw_novelty(seed)
        with monkeypatch.context() as patch:
            render = novelties.render

            def alone(world, size, rng, render=render):
                objects = [far_off(obj) for obj in world.objects]
                return render(world._replace(objects=objects), size, rng=rng)

            patch.setattr(novelties, "render", alone)
            _, bare = draw_novelty(seed)
        assert bare.labels.tolist() == truth.labels.tolist()
        for mask, whole in zip(truth.masks, bare.masks, strict=True):
            assert (mask & ~whole).sum() <= 0.02 * whole.sum()  # votes at the rim
            hidden += mask.sum() < 0.8 * whole.sum()
    assert hidden >= 5


def test_streets_of_the_bundled_model_know_none_of_it():
    assert not set(CATEGORIES.values()) & set(draw_scene(0)[1].categories.values())


@pytest.mark.parametrize("size", [(64, 64), (201, 99)])
def test_any_size(size):
    image, truth = draw_novelty(1, size)
    assert image.shape == (*size, 3) and truth.masks.shape[1:] == size


def test_a_size_or_seed_that_is_none():
    with pytest.raises(ValueError, match="size must be .height, width. in whole pixels"):
        draw_novelty(0, (10, 10))
    with pytest.raises(ValueError, match="non-negative"):
        draw_novelty(-1)
