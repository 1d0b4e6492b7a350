"""The mask head: crop and paste with a pencil, against plain loops, and one after the other."""

import tracemalloc

import cv2
import keras
import numpy as np
import pytest

from helpers.mask_rcnn.mask_head import (
    MaskHead,
    mask_loss,
    mask_targets,
    own_channel,
    paste_masks,
)

# --- head --------------------------------------------------------------------------------------


def test_the_head_doubles_the_grid_and_gives_each_class_a_mask():
    head = MaskHead(num_classes=3, channels=8, num_convs=2)
    features = np.random.default_rng(0).normal(size=(2, 5, 7, 7, 4)).astype("float32")
    logits = np.asarray(head(features))
    assert logits.shape == (2, 5, 14, 14, 3)
    np.testing.assert_allclose(head(features[1:, 3:4])[0, 0], logits[1, 3], atol=1e-5)


# --- targets: from the picture to the grid of the box ------------------------------------------


def crop(mask, boxes, side):
    """mask_targets of one mask (H, W) for some boxes, as (S, M, M): is the cell in?"""
    boxes = np.array([boxes], "float32").reshape(1, -1, 4)
    matched = np.zeros(boxes.shape[:2], "int32")
    cells = mask_targets(np.array(mask, "uint8")[None, None], matched, boxes, side)
    return np.asarray(cells)[0] >= 0.5


def test_crop_with_a_pencil():
    # Cells of 2 x 2 px: with 2 of 4 in or more the cell is in.
    mask = [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
    np.testing.assert_array_equal(crop(mask, [0, 0, 4, 4], 2), [[[1, 0], [1, 0]]])
    # The box 1..3 holds exactly the pixels in rows and columns 1 and 2.
    mask = [[1, 1, 1, 1], [1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]]
    np.testing.assert_array_equal(crop(mask, [1, 1, 3, 3], 2), [[[1, 0], [0, 0]]])
    # One pixel, (2, 1) to (3, 2), and its eight neighbours on a grid of 3 x 3.
    mask = [[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    expected = [[0, 1, 0], [0, 1, 0], [0, 0, 1]]
    np.testing.assert_array_equal(crop(mask, [1, 0, 4, 3], 3), [expected])


def test_crop_takes_the_object_that_is_matched():
    masks = np.zeros((2, 3, 8, 8), "uint8")
    masks[1, 2] = 1
    matched = np.array([[2, 1], [0, 2]], "int32")
    targets = mask_targets(masks, matched, np.full((2, 2, 4), [1, 1, 5, 5], "float32"), 4)
    np.testing.assert_array_equal(np.asarray(targets).mean((2, 3)), [[0, 0], [0, 1]])


def test_outside_the_picture_there_is_nothing():
    expected = np.zeros((4, 4))
    expected[1:3, 2:] = 1  # the box reaches 2 px beyond the left, 1 px beyond top and bottom
    np.testing.assert_array_equal(crop(np.ones((2, 8)), [-2, -1, 2, 3], 4), [expected])


def test_crop_against_a_plain_loop():
    rng = np.random.default_rng(1)
    mask = rng.random((30, 40)) < 0.5
    corner = rng.uniform(-5, 30, (50, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0, 20, (50, 2))], 1).astype("float32")
    for (x1, y1, x2, y2), found in zip(boxes.tolist(), crop(mask, boxes, 7), strict=True):
        expected = np.zeros((7, 7))
        for row, column in np.ndindex(7, 7):
            for dy, dx in ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)):
                x = int(np.floor(x1 + (x2 - x1) * (column + dx) / 7))
                y = int(np.floor(y1 + (y2 - y1) * (row + dy) / 7))
                if 0 <= x < 40 and 0 <= y < 30:
                    expected[row, column] += mask[y, x]
        np.testing.assert_array_equal(found, expected >= 2)


def test_crop_of_nothing():
    masks = np.ones((2, 3, 8, 8), "uint8")
    none = mask_targets(masks, np.zeros((2, 0), "int32"), np.zeros((2, 0, 4), "float32"), 28)
    assert none.shape == (2, 0, 28, 28)


def test_crop_of_a_point_is_the_pixel_it_is_in():
    assert crop(np.eye(8), [3.5, 3.5, 3.5, 3.5], 4).all()
    assert not crop(np.eye(8), [3.5, 4.5, 3.5, 4.5], 4).any()


# --- loss --------------------------------------------------------------------------------------


def test_own_channel():
    logits = np.arange(24.0, dtype="float32").reshape(1, 3, 2, 2, 2)
    own = np.asarray(own_channel(logits, np.array([[2, 0, 1]])))
    np.testing.assert_array_equal(own, [[[[1, 3], [5, 7]], [[0, 0], [0, 0]], [[16, 18], [20, 22]]]])


def test_loss_with_a_pencil():
    # Cells of the first object: p = 3/4 and in, 3/4 and out, 1/2 and in, 1/2 and out:
    # -log of 3/4, 1/4, 1/2, 1/2 = .28768 + 1.38629 + 2 * .69315, a quarter of it is .76507.
    logits = np.full((1, 2, 2, 2, 3), 40.0, "float32")  # the other classes are quite wrong
    logits[0, 0, :, :, 1] = [[np.log(3), np.log(3)], [0, 0]]
    targets = np.array([[[[1, 0], [1, 0]], [[0, 0], [0, 0]]]], "float32")
    assert float(mask_loss(logits, np.array([[2, 0]]), targets)) == pytest.approx(0.76507, abs=1e-4)
    logits[0, 1, :, :, 0] = 0  # a second object, ln 2 everywhere
    loss = float(mask_loss(logits, np.array([[2, 1]]), targets))
    assert loss == pytest.approx((0.76507 + 0.69315) / 2, abs=1e-4)


def test_loss_without_objects_and_of_a_wild_guess():
    logits, targets = np.full((2, 3, 4, 4, 2), -1000.0, "float32"), np.ones((2, 3, 4, 4), "float32")
    assert float(mask_loss(logits, np.zeros((2, 3), "int32"), targets)) == 0
    assert float(mask_loss(logits, np.ones((2, 3), "int32"), targets)) == 1000


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="GradientTape is TensorFlow's")
def test_the_loss_teaches_only_the_own_class():
    import tensorflow as tf

    logits = tf.Variable(np.zeros((1, 3, 2, 2, 3), "float32"))
    with tf.GradientTape() as tape:
        loss = mask_loss(logits, np.array([[3, 1, 0]]), np.ones((1, 3, 2, 2), "float32"))
    taught = np.abs(tape.gradient(loss, logits).numpy()).max((0, 2, 3)) > 0
    np.testing.assert_array_equal(taught, [[False, False, True], [True, False, False], [False] * 3])


# --- paste: from the grid of the box to the picture --------------------------------------------


def test_paste_with_a_pencil():
    # Two cells on 0..4: centres at 1 and 3. Pixels at .5, 1.5, 2.5, 3.5 score 0, .25, .75, 1: the
    # first and the last lie beyond the centres.
    scores, box = np.array([[[0, 1], [0, 1]]]), [[0, 0, 4, 4]]
    for threshold, columns in ((0.2, [1, 2, 3]), (0.3, [2, 3]), (0.7, [2, 3]), (0.8, [3])):
        pasted = paste_masks(scores, box, (4, 4), threshold)
        expected = np.isin(np.arange(4), columns)
        np.testing.assert_array_equal(pasted, [np.tile(expected, (4, 1))])
        turned = paste_masks(scores.transpose(0, 2, 1), box, (4, 4), threshold)
        np.testing.assert_array_equal(turned, [np.tile(expected, (4, 1)).T])


def test_paste_fills_the_pixels_whose_centres_are_in_the_box():
    full = np.ones((1, 28, 28))
    for (low, high), inside in (
        ((1, 3), [1, 2]),
        ((1.4, 3.4), [1, 2]),
        ((1.6, 3.6), [2, 3]),
        ((-9, 2), [0, 1]),  # partly outside
        ((4, 99), [4, 5]),
        ((-9, 99), range(6)),
        ((2.6, 3.4), []),  # between two centres
        ((7, 9), []),  # quite outside
        ((-9, -2), []),
        ((3, 3), []),  # no size
        ((4, 2), []),  # inside out
    ):
        inside = np.isin(np.arange(6), inside)
        columns = paste_masks(full, [[low, 0, high, 5]], (5, 6))
        np.testing.assert_array_equal(columns, [np.tile(inside, (5, 1))])
        rows = paste_masks(full, [[0, low, 5, high]], (6, 5))
        np.testing.assert_array_equal(rows, [np.tile(inside, (5, 1)).T])


def plain_paste(scores, box, image_size):
    """The definition, pixel by pixel: the score of each pixel, nan outside the box."""
    (x1, y1, x2, y2), cells = (float(side) for side in box), len(scores)
    pasted = np.full(image_size, np.nan)
    for row, column in np.ndindex(*image_size):
        x, y = column + 0.5, row + 0.5
        if not (x1 <= x < x2 and y1 <= y < y2):
            continue
        u = min(max((x - x1) / (x2 - x1) * cells - 0.5, 0), cells - 1)
        v = min(max((y - y1) / (y2 - y1) * cells - 0.5, 0), cells - 1)
        i, j = min(int(v), cells - 2), min(int(u), cells - 2)
        square, wu, wv = scores[i : i + 2, j : j + 2], u - j, v - i
        pasted[row, column] = [1 - wv, wv] @ square @ [1 - wu, wu]
    return pasted


@pytest.mark.parametrize("cells", [2, 7, 28])
def test_paste_against_a_plain_loop(cells):
    rng = np.random.default_rng(cells)
    corner = rng.uniform(-15, 35, (12, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.5, 40, (12, 2))], 1).astype("float32")
    scores = rng.random((12, cells, cells), dtype="float32")
    pasted = paste_masks(scores, boxes, (32, 40))
    for mask, *case in zip(pasted, scores, boxes, strict=True):
        expected = plain_paste(*case, (32, 40))
        clear = ~(abs(expected - 0.5) < 1e-4)  # not on the threshold but for rounding
        np.testing.assert_array_equal(mask[clear], (expected >= 0.5)[clear])
    assert 0.02 < pasted.mean() < 0.5


def test_paste_into_tall_and_tiny_pictures():
    # Upper half in, lower half out; the picture is worked on in bands of rows.
    scores = np.repeat([1.0, 0.0], 14)[None, :, None] * np.ones((1, 28, 28))
    pasted = paste_masks(scores, [[0, 0, 3, 5000]], (5000, 3))
    assert pasted[0, :2500].all() and not pasted[0, 2500:].any()
    assert paste_masks(np.ones((1, 28, 28)), [[0, 0, 1, 1]], (1, 1)).tolist() == [[[True]]]
    assert not paste_masks(np.zeros((1, 28, 28)), [[0, 0, 1, 1]], (1, 1)).any()


def test_paste_of_nothing_and_of_too_much():
    none = paste_masks(np.zeros((0, 28, 28)), np.zeros((0, 4)), (5, 6))
    assert none.shape == (0, 5, 6) and none.dtype == bool
    with pytest.raises(ValueError, match="2 mask_scores, but 1 boxes"):
        paste_masks(np.zeros((2, 28, 28)), np.zeros((1, 4)), (5, 6))


# --- paste from corner to corner, as the Object Detection API does -----------------------------


def test_corner_paste_with_a_pencil():
    # A picture of 5 px: pixels stand at 0, 1/4 ... 1 of it. A box from 1/4 to 1, cells 0 and 1 at
    # its edges: the pixels see -1/3 (outside), 0, 1/3, 2/3, 1.
    scores, box = np.array([[[0, 1], [0, 1]]]), [[1.25, 0, 5, 5]]
    for threshold, columns in ((0.3, [2, 3, 4]), (0.4, [3, 4]), (0.7, [4]), (1, [])):
        pasted = paste_masks(scores, box, (5, 5), threshold, corners=True)
        np.testing.assert_array_equal(pasted, [np.tile(np.isin(np.arange(5), columns), (5, 1))])
    half = np.full((1, 2, 2), 0.5)
    assert not paste_masks(half, [[0, 0, 5, 5]], (5, 5), corners=True).any()  # above, not at
    assert paste_masks(half, [[0, 0, 5, 5]], (5, 5)).all()


@pytest.mark.parametrize("cells", [15, 33])
def test_corner_paste_is_the_operator_of_the_api(cells):
    """reframe_box_masks_to_image_masks: crop_and_resize of the mask with the inverse of the box."""
    tf = pytest.importorskip("tensorflow")
    rng, (height, width) = np.random.default_rng(cells), (97, 131)
    corner = rng.uniform(-0.05, 0.8, (60, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.08, 0.6, (60, 2))], 1)
    boxes = boxes.clip(0.001, 0.999)  # no pixel stands on an edge but for rounding
    scores = cv2.GaussianBlur(rng.random((cells, cells, 60)), (0, 0), 2).transpose(2, 0, 1)
    scores = ((scores - scores.min()) / np.ptp(scores)).astype("float32")
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    inverse = (np.array([0, 0, 1, 1]) - np.tile(boxes[:, :2], 2)) / sides
    wanted = tf.image.crop_and_resize(
        scores[..., None], inverse, np.arange(60), (height, width), extrapolation_value=0.0
    ).numpy()[..., 0]
    pixels = boxes[:, [1, 0, 3, 2]] * [width, height, width, height]
    pasted = paste_masks(scores, pixels, (height, width), corners=True)
    clear = np.abs(wanted - 0.5) > 1e-4
    np.testing.assert_array_equal(pasted[clear], (wanted > 0.5)[clear])
    assert clear.mean() > 0.99 and 0.02 < pasted.mean() < 0.5


def test_corner_paste_of_nothing_in_odd_boxes_and_in_a_line():
    full = np.ones((1, 15, 15))
    assert paste_masks(full[:0], np.zeros((0, 4)), (5, 6), corners=True).shape == (0, 5, 6)
    for box in ([0, 0, 0, 0], [3, 3, 3, 9], [5, 5, 2, 2], [9, 9, 12, 12]):
        assert not paste_masks(full, [box], (5, 6), corners=True).any()
    assert paste_masks(full, [[0, 0, 6, 1]], (1, 6), corners=True).all()


def test_corner_paste_reaches_both_edges_of_a_picture_of_any_width():
    full = np.ones((1, 2, 2), np.float32)
    narrow = [
        width
        for width in range(2, 2000)
        if not paste_masks(full, [[0, 0, width, 3]], (3, width), corners=True).all()
    ]
    assert narrow == []  # rounding must not take the last column


def test_a_large_picture_needs_no_more_than_its_masks():
    masks, (height, width) = np.ones((8, 33, 33), "float32"), (2160, 3840)
    tracemalloc.start()
    pasted = paste_masks(masks, [[0, 0, width, height]] * 8, (height, width), corners=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pasted.all() and peak < pasted.nbytes + 40e6  # one in float32 would be 33 MB, eight 265


# --- crop, then paste --------------------------------------------------------------------------


def test_crop_then_paste_keeps_ellipses():
    rng = np.random.default_rng(7)
    masks = np.zeros((200, 200, 240), np.uint8)
    for mask in masks:
        centre = tuple(map(int, rng.integers(70, 130, 2)))
        axes = tuple(map(int, rng.integers(8, 65, 2)))
        cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    rows, columns = masks.any(2), masks.any(1)
    boxes = np.stack([columns.argmax(1), rows.argmax(1), 240 - columns[:, ::-1].argmax(1),
                      200 - rows[:, ::-1].argmax(1)], 1).astype("float32")  # fmt: skip
    cells = mask_targets(masks[None], np.arange(200, dtype="int32")[None], boxes[None], 28)[0]
    pasted = paste_masks(cells, boxes, (200, 240))
    overlap, union = (pasted & (masks > 0)).sum((1, 2)), (pasted | (masks > 0)).sum((1, 2))
    # A slip of half a pixel in crop or in paste gives .95, in both .975; cells that are only 0 or 1
    # give .97, the share of the cell that is in gives .984.
    assert (overlap / union).mean() >= 0.98 and (overlap / union).min() >= 0.9
    # What is lost is lost evenly: masks do not grow or shrink.
    assert abs(pasted.sum() / masks.sum() - 1) < 0.01
