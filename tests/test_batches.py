"""Batches: with a pencil, masks that stay with their pixels, chance that a seed repeats."""

import cv2
import numpy as np
import pytest

from helpers.mask_rcnn.inference import letterbox
from helpers.structures import Detections, InputError
from helpers.training import variation
from helpers.training.fitting import fit, tighten
from helpers.training.pasting import paste
from helpers.training.pictures import Shrunk, Shuffled
from helpers.training.survey import survey
from helpers.training.targets import (
    MAX_SLOTS,
    NUM_SLOTS,
    slots_for,
    to_partial_targets,
    to_targets,
)

NAMES = {1: "person", 3: "car", 18: "dog"}
SIZE = (64, 96)


def picture(*objects, size=(4, 6), shade=7, names=NAMES):
    """An even picture and its truth, from (label, x1, y1, x2, y2): filled boxes."""
    masks = np.zeros((len(objects), *size), bool)
    for mask, (_, x1, y1, x2, y2) in zip(masks, objects, strict=True):
        mask[y1:y2, x1:x2] = True
    boxes = np.array([o[1:] for o in objects], float).reshape(-1, 4)
    truth = Detections(boxes, [o[0] for o in objects], np.ones(len(objects)), size, names, masks)
    return np.full((*size, 3), shade, np.uint8), truth


def painted(seed, size=(90, 120)):
    """A white ellipse on black, which is the only object: the picture is its mask."""
    rng = np.random.default_rng(seed)
    image = np.zeros((*size, 3), np.uint8)
    middle, axes = rng.integers(35, 55, 2).tolist(), rng.integers(15, 30, 2).tolist()
    cv2.ellipse(image, middle, axes, float(rng.uniform(0, 180)), 0, 360, (255,) * 3, -1)
    mask = image[None, ..., 0] > 0
    x, y, width, height = cv2.boundingRect(mask[0].view(np.uint8))
    return image, Detections([[x, y, x + width, y + height]], [1], [1], size, NAMES, mask)


# --- targets -----------------------------------------------------------------------------------


def test_targets_with_a_pencil():
    pictures = [picture((18, 1, 0, 3, 2), (1, 0, 0, 6, 4)), picture(shade=9)]
    batch = to_targets(pictures)
    assert batch.images.shape == (2, 4, 6, 3) and batch.images.dtype == np.uint8
    assert (batch.images[0] == 7).all() and (batch.images[1] == 9).all()
    # ids 1, 3, 18 are the classes 1, 2, 3
    np.testing.assert_array_equal(batch.labels[:, :3], [[3, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(batch.boxes[0, :3], [[1, 0, 3, 2], [0, 0, 6, 4], [0, 0, 0, 0]])
    expected = np.zeros((4, 6))
    expected[0:2, 1:3] = 1
    np.testing.assert_array_equal(batch.masks[0, 0], expected)
    assert batch.masks[0, 1].all()  # it lies over the other one, and both keep their pixels
    assert batch.masks.sum() == 4 + 24 and not batch.boxes[1].any()
    slots = NUM_SLOTS
    assert batch.boxes.shape == (2, slots, 4) and batch.masks.shape == (2, slots, 4, 6)
    dtypes = [leaf.dtype for leaf in batch]
    assert dtypes == [np.uint8, np.float32, np.int32, np.uint8]
    other = to_targets(pictures, {18: "dog", 3: "car", 1: "person"}, num_slots=2)
    np.testing.assert_array_equal(other.labels, [[1, 3], [0, 0]])


def test_targets_of_partial_truth():
    image, truth = picture((18, 1, 0, 3, 2), (1, 0, 0, 6, 4))
    truth = truth.replace(scores=[1, 0], masks=truth.masks & False)
    batch = to_partial_targets([(image, truth, {1, 3}), (image, truth)])
    np.testing.assert_array_equal(batch.labels[:, :2], [[3, 0], [3, 0]])
    # The object of score 0, a region: it is left out.
    np.testing.assert_array_equal(batch.ignored_boxes[0, :2], [[0, 0, 6, 4], [0, 0, 0, 0]])
    np.testing.assert_array_equal(batch.labelled, [[True, True, False], [True, True, True]])
    assert batch.boxes[0, 0].tolist() == [1, 0, 3, 2] and not batch.masks.any()


def test_objects_beyond_the_slots_are_no_background():
    row = [(1, x, 0, x + 1, 1) for x in range(6)]
    batch = to_partial_targets([picture(*row)], num_slots=2)
    assert batch.labels.tolist() == [[1, 1]]
    # Two slots for regions, four objects: one has its own, the other three share a box.
    np.testing.assert_array_equal(batch.ignored_boxes, [[[2, 0, 3, 1], [3, 0, 6, 1]]])
    with pytest.raises(ValueError, match="a picture has 6 objects: num_slots must be as many"):
        to_targets([picture(*row)], num_slots=2)


def test_slots_are_for_two_pictures_but_not_more_than_count():
    assert [slots_for(most) for most in (1, 8, 20, 50, 51, 400)] == [16, 16, 40, 100, 100, 100]
    assert (NUM_SLOTS, MAX_SLOTS) == (16, 100)


def test_what_is_no_batch_is_refused():
    with pytest.raises(
        ValueError, match=r"a batch needs pictures, all of one size; got sizes \[\]"
    ):
        to_targets([])
    with pytest.raises(ValueError, match=r"all of one size; got sizes \[\(4, 6\), \(8, 6\)\]"):
        to_targets([picture(), picture(size=(8, 6))])
    image, truth = picture((1, 0, 0, 2, 2))
    with pytest.raises(ValueError, match="training needs a mask for each object"):
        to_targets([(image, truth.replace(masks=None))])


# --- fitting and varying -----------------------------------------------------------------------


@pytest.mark.parametrize("size", [(90, 120), (200, 77), (30, 31), (64, 96)])
def test_without_chance_it_is_the_letterbox_of_the_detector(size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    fitted, truth = fit(image, picture((1, 0, 0, 20, 20), size=size)[1], SIZE)
    expected, scale = letterbox(image, SIZE)
    np.testing.assert_array_equal(fitted, expected)
    assert truth.image_size == SIZE and truth.masks.shape == (1, *SIZE)
    np.testing.assert_allclose(truth.boxes, [[0, 0, 20 * scale, 20 * scale]], atol=1)


def test_masks_stay_with_their_pixels(monkeypatch):
    """White is object, wherever it was cut, mirrored and put: to the pixel. Boxes are tight."""
    monkeypatch.setattr(variation, "recolor", lambda image, rng: image)
    seen = set()
    for seed in range(40):
        image, truth = variation.vary(*painted(seed), SIZE, np.random.default_rng(seed))
        assert image.shape == (*SIZE, 3) and image.dtype == np.uint8
        for mask, box in zip(truth.masks, truth.boxes, strict=True):
            np.testing.assert_array_equal(mask, image[..., 0] >= 128)  # 127 lies beside the picture
            y, x = np.nonzero(mask)
            assert box.tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
            seen.add((int(mask.sum() / 200), bool(x.mean() > 48)))
    assert len(seen) > 8  # sizes and places vary


def test_a_mirrored_picture_has_mirrored_masks(monkeypatch):
    monkeypatch.setattr(variation, "ZOOM", (1, 1))
    monkeypatch.setattr(variation, "recolor", lambda image, rng: image)
    image, truth = painted(1, SIZE)
    found = [variation.vary(image, truth, SIZE, np.random.default_rng(seed)) for seed in range(8)]
    same = [np.array_equal(other, image) for other, _ in found]
    assert 0 < sum(same) < 8
    for is_same, (other, moved) in zip(same, found, strict=True):
        way = 1 if is_same else -1
        np.testing.assert_array_equal(other, image[:, ::way])
        np.testing.assert_array_equal(moved.masks, truth.masks[:, :, ::way])


def test_an_object_cut_to_a_rest_is_no_truth(monkeypatch):
    """Twice as large, a quarter of the picture is left; objects with less than that share go."""
    monkeypatch.setattr(variation, "ZOOM", (2, 2))
    image, truth = picture((1, 0, 0, 96, 64), (3, 0, 0, 16, 24), size=SIZE)
    kept = [len(variation.vary(image, truth, SIZE, np.random.default_rng(s))[1]) for s in range(40)]
    assert set(kept) == {1, 2}  # the large one keeps its quarter
    for seed in range(40):
        moved = variation.vary(image, truth, SIZE, np.random.default_rng(seed))[1]
        areas = dict(zip(moved.names, moved.masks.sum((1, 2)), strict=True))
        assert areas["person"] == 96 * 64 and areas.get("car", 999) >= 0.25 * 4 * 16 * 24


def test_no_object_and_no_pixel():
    image, truth = variation.vary(*picture(size=(50, 50)), SIZE, np.random.default_rng(0))
    assert truth.masks.shape == (0, *SIZE) and truth.boxes.shape == (0, 4)
    thin = picture((1, 3, 3, 4, 4), (3, 0, 0, 400, 300), size=(640, 960))
    assert fit(*thin, SIZE)[1].names == ["car"]  # a pixel of a tenth of the size is none


def test_pasted_objects_hide_what_lies_below():
    """Left half, right half and all of a picture of 4 x 6; a strip of 5 columns comes over them."""
    below = picture((1, 0, 0, 3, 4), (3, 3, 0, 6, 4), (18, 0, 0, 6, 1))
    above = picture((3, 0, 0, 5, 4), (1, 0, 0, 6, 4), shade=200)
    image, truth = paste(below, above, np.array([True, False]))
    assert (image[:, :5] == 200).all() and (image[:, 5:] == 7).all()
    assert truth.names == ["car", "car"]  # nothing is left of the left one, a sixth of the strip
    assert truth.boxes.tolist() == [[5, 0, 6, 4], [0, 0, 5, 4]]
    np.testing.assert_array_equal(truth.masks.sum((1, 2)), [4, 20])
    image, same = paste(below, above, np.zeros(2, bool))
    np.testing.assert_array_equal(image, below[0])
    np.testing.assert_array_equal(same.masks, below[1].masks)


def test_a_pasted_object_may_be_of_a_class_that_the_picture_below_does_not_know():
    below, above = picture((1, 0, 0, 3, 4)), picture((3, 3, 0, 6, 4), shade=200)
    image, truth = below
    few = truth.replace(categories={1: "person"})
    _, both = paste((image, few), above, np.array([True]))
    assert both.names == ["person", "car"]


def test_boxes_without_masks_move_with_their_pixels(monkeypatch):
    """The same pictures with masks and without: boxes are where the masks say, to rounding."""
    monkeypatch.setattr(variation, "recolor", lambda image, rng: image)
    for seed in range(30):
        image, truth = painted(seed)
        image[...] = 0
        x1, y1, x2, y2 = truth.boxes[0].astype(int)
        image[y1:y2, x1:x2], truth.masks[0, y1:y2, x1:x2] = 255, True
        blind = truth.replace(masks=truth.masks & False)
        sees, guesses = (
            variation.vary(image, one, SIZE, np.random.default_rng(seed))[1]
            for one in (truth, blind)
        )
        assert not guesses.masks.any()
        if len(sees) and len(guesses):
            np.testing.assert_allclose(guesses.boxes, sees.boxes, atol=1)


def test_a_box_that_is_hidden_becomes_a_region():
    image, truth = picture((1, 0, 0, 4, 4), (1, 4, 0, 6, 4), (3, 0, 0, 6, 4))
    truth = truth.replace(masks=truth.masks & False)
    above = picture((18, 0, 0, 3, 4), shade=200)
    _, both = paste((image, truth), above, np.array([True]))
    assert both.names == ["person", "person", "car", "dog"]
    assert both.scores.tolist() == [
        0,
        1,
        1,
        1,
    ]  # 3 of 4 columns hidden; none; 3 of 6
    assert both.masks.any((1, 2)).tolist() == [False, False, False, True]
    _, same = paste(above, (image, truth), np.ones(3, bool))
    assert same.names == ["dog"]  # what has no mask cannot be pasted


def test_regions_to_leave_out_stay_and_are_not_pasted():
    """What is left to see of a crowd, however little, is no background."""
    image, truth = picture((1, 0, 0, 6, 4), (3, 5, 2, 6, 4))
    truth = truth.replace(scores=[0, 1])
    above = picture((18, 0, 0, 5, 4), shade=200)
    _, both = paste((image, truth), above, np.array([True]))
    assert both.names == ["person", "car", "dog"] and both.scores.tolist() == [0, 1, 1]
    assert both.masks[0].sum() == 4  # of 24 pixels
    _, same = paste(above, (image, truth), np.ones(2, bool))
    assert same.names == ["dog", "car"]
    cut = np.zeros_like(truth.masks)
    cut[0, 0, 0] = True
    left = tighten(truth, cut, truth.boxes, 0.5)
    assert left.names == ["person"] and left.scores.tolist() == [0]


def test_pasting_keeps_masks_with_their_pixels(monkeypatch):
    monkeypatch.setattr(variation, "recolor", lambda image, rng: image)
    data = Shuffled([painted(seed) for seed in range(6)], SIZE)
    counts = []
    for number in range(30):
        image, truth = data(number)
        counts.append(len(truth))
        # The one below may be cut to what is no truth any more: then white is left beside masks.
        assert not (truth.masks.any(0) & (image[..., 0] < 128)).any()
        assert truth.masks.sum(0, dtype=int).max(initial=0) <= 1
    assert {1, 2} <= set(counts)


def test_other_light_keeps_shape_and_order():
    ramp = np.repeat(np.arange(40, 216, dtype=np.uint8)[None, :, None], 3, 2)
    means = []
    for seed in range(20):
        other = variation.recolor(ramp, np.random.default_rng(seed))
        assert other.shape == ramp.shape and other.dtype == np.uint8
        assert (np.diff(other.astype(int), axis=1) >= 0).all()
        means.append(other.mean())
    assert np.ptp(means) > 20


# --- data sets ---------------------------------------------------------------------------------


def test_every_picture_once_in_each_pass_and_never_the_same_twice():
    data = Shuffled([painted(seed) for seed in range(5)], SIZE)
    passes = [[data.index(5 * turn + k) for k in range(5)] for turn in range(6)]
    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in passes)
    assert len({tuple(order) for order in passes}) > 3
    again = next(k for k in range(5, 10) if data.index(k) == data.index(0))
    assert (data(0)[0] != data(again)[0]).any()


def test_the_same_number_is_the_same_picture():
    pictures = [painted(seed) for seed in range(3)]
    data, other = (Shuffled(pictures, SIZE) for _ in range(2))
    other(2)  # what was asked for before plays no role
    np.testing.assert_array_equal(data(7)[0], other(7)[0])
    np.testing.assert_array_equal(data(7)[1].masks, other(7)[1].masks)
    assert (data(7)[0] != Shuffled(pictures, SIZE, seed=1)(7)[0]).any()


def test_without_augmentation_pictures_are_only_fitted():
    pictures = [painted(0)]
    image, truth = Shuffled(pictures, SIZE, augment=False)(3)
    expected, expected_truth = fit(*pictures[0], SIZE)
    np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(truth.masks, expected_truth.masks)


class Photos:
    """A data set that counts how often it is read."""

    categories, paths = NAMES, ("a.jpg", "b.jpg")

    def __init__(self):
        self.reads = []

    def __len__(self):
        return 2

    def __getitem__(self, index):
        self.reads.append(index)
        return painted(index, (900, 1200))

    def truth(self, index):
        return painted(index)[1]


def test_large_pictures_are_read_once_and_kept_small():
    photos = Photos()
    data = Shuffled(photos, SIZE)
    for number in range(8):
        data(number)
    assert sorted(photos.reads) == [0, 1]
    assert data.shrunk[0][0].shape == (96, 128, 3)  # 1.5 times what fits: 64 high, 1.5 * 64 = 96
    assert {data.name(number) for number in range(2)} == {"a.jpg", "b.jpg"}
    assert Shuffled([painted(0)], SIZE).name(5) == "picture 0"
    assert Shrunk([painted(0)], SIZE)[0][0].shape == (90, 120, 3)  # small ones stay


def test_the_survey_counts():
    train = [picture((1, 0, 0, 2, 2), (18, 0, 0, 2, 2), (1, 1, 1, 2, 2)), picture((3, 0, 0, 1, 1))]
    found = survey(train, train)
    assert found == (NAMES, {"person": 2, "car": 1, "dog": 1}, 3, [])
    photos = Photos()
    found = survey(photos, photos)
    assert list(found.counts) == ["person"] == list(found.categories.values())
    assert found.unused == ["car", "dog"]  # of which there is nothing to learn and to measure
    assert photos.reads == []  # truth is known without reading pixels


def test_the_survey_does_not_count_regions_to_leave_out():
    image, truth = picture((1, 0, 0, 2, 2), (1, 4, 4, 2, 2), names={1: "person"})
    truth = truth.replace(scores=[1, 0])
    assert survey([(image, truth)], [(image, truth)]) == ({1: "person"}, {"person": 1}, 1, [])


def test_the_survey_refuses_numbers_that_stand_for_two_classes():
    one = picture((1, 0, 0, 2, 2), names={1: "cat"})
    for names in ({1: "dog"}, {1: "dog", 2: "cat"}):
        other = picture((1, 0, 0, 2, 2), names=names)
        with pytest.raises(
            InputError, match="picture 1 has 'dog' as class 1, other pictures 'cat'"
        ):
            survey([one, other], [one])
    # But pictures to measure on may number their classes as they like.
    val = picture((7, 0, 0, 2, 2), names={7: "cat"})
    assert survey([one], [val]).counts == {"cat": 1}


def test_what_cannot_be_learnt_from_is_refused():
    some = [picture((1, 0, 0, 2, 2), names={1: "person"})]
    with pytest.raises(InputError, match="no picture to train on: annotate some"):
        survey([], some)
    with pytest.raises(InputError, match="no picture to measure AP on"):
        survey(some, [])
    with pytest.raises(
        InputError, match="no object of class car in 1 training pictures.*--leave-out"
    ):
        survey(some, [picture((1, 0, 0, 2, 2), (3, 0, 0, 2, 2))])
    with pytest.raises(InputError, match=r"no object of class \(there is no class\) in 1 training"):
        survey([picture(names={})], [picture(names={})])
    image, truth = some[0]
    with pytest.raises(InputError, match="picture 0 has boxes only: training needs masks"):
        survey([(image, truth.replace(masks=None))], some)
