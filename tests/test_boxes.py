"""Box arithmetic against pencil and paper, plain loops and pycocotools."""

import numpy as np
import pytest
from pycocotools import mask as rle

from helpers.mask_rcnn import boxes as box_ops


def random_boxes(rng, shape, limit=100, smallest=1, largest=60):
    """Boxes (*shape, 4) of whole pixels, so that areas are exact."""
    corner = rng.integers(0, limit, (*shape, 2))
    return np.concatenate([corner, corner + rng.integers(smallest, largest, (*shape, 2))], -1)


# --- anchors -----------------------------------------------------------------------------------


def test_anchors_with_a_pencil():
    # Stride 16 on 32 x 32: 2 x 2 cells, centres at 8 and 24. Side 16, height / width = 4:
    # area 256 = 8 wide x 32 high, so 4 to the left and right, 16 up and down.
    anchors = box_ops.make_anchors((32, 32), (16,), ((16,),), (4.0,))
    assert anchors.dtype == np.float32
    np.testing.assert_allclose(
        anchors, [[4, -8, 12, 24], [20, -8, 28, 24], [4, 8, 12, 40], [20, 8, 28, 40]]
    )


def test_anchors_go_by_level_row_column_side_ratio():
    anchors = box_ops.make_anchors((16, 24), (8, 16), ((4, 6), (20, 30)), (0.25, 1.0))
    assert anchors.shape == ((2 * 3 + 1 * 2) * 2 * 2, 4)  # 24 / 16 is rounded up
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    cells = [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12], [8, 8], [24, 8]]  # x, y
    np.testing.assert_allclose(centres, np.repeat(cells, 4, axis=0), atol=1e-5)
    width, height = (anchors[:, 2:] - anchors[:, :2]).T
    np.testing.assert_allclose(height / width, [0.25, 1.0] * 16, rtol=1e-5)
    sides = [4, 4, 6, 6] * 6 + [20, 20, 30, 30] * 2
    np.testing.assert_allclose(np.sqrt(width * height), sides, rtol=1e-5)


def test_anchors_of_levels_without_sides_are_none():
    assert box_ops.make_anchors((32, 32), (8, 16), ((), ()), (1.0,)).shape == (0, 4)


@pytest.mark.parametrize(
    "strides, sides, ratios, message",
    [
        ((8, 16), ((4,),), (1.0,), "2 strides but 1 tuples of sides"),
        ((8,), ((4,),), (1.0, 0.0), r"ratios must be positive, got \(1.0, 0.0\)"),
        ((8,), ((4, -4),), (1.0,), r"sides must be positive, got \(4, -4\)"),
    ],
)
def test_anchors_that_cannot_be_are_refused(strides, sides, ratios, message):
    with pytest.raises(ValueError, match=message):
        box_ops.make_anchors((32, 32), strides, sides, ratios)


# --- IoU ---------------------------------------------------------------------------------------


def test_iou_with_a_pencil():
    a = [[0.0, 0, 2, 2], [3, 3, 1, 1], [5, 5, 5, 9]]  # a square, inside out, without width
    b = [[1.0, 1, 3, 3], [0, 0, 2, 2], [2, 0, 4, 2], [0, 0, 4, 1], [5, 5, 5, 9]]
    # 1 px shared of 4 + 4 - 1; the same; only an edge shared; 2 px shared of 4 + 4 - 2
    expected = [[1 / 7, 1, 0, 1 / 3, 0], [0] * 5, [0] * 5]
    np.testing.assert_allclose(box_ops.iou(a, b), expected, rtol=1e-6)
    np.testing.assert_allclose(box_ops.area(np.array(a)), [4, 0, 0])


def test_iou_against_pycocotools():
    rng = np.random.default_rng(0)
    a, b = random_boxes(rng, (40,), limit=50), random_boxes(rng, (30,), limit=50)
    xywh = [np.concatenate([c[:, :2], c[:, 2:] - c[:, :2]], 1).astype(float) for c in (a, b)]
    expected = rle.iou(*xywh, np.zeros(30))
    assert (expected > 0.5).sum() > 5 and (expected == 0).sum() > 5
    np.testing.assert_allclose(
        box_ops.iou(a.astype("float32"), b.astype("float32")), expected, atol=1e-6
    )


def test_share_of_the_first_against_pycocotools():
    rng = np.random.default_rng(3)
    a, b = random_boxes(rng, (40,), limit=50), random_boxes(rng, (30,), limit=50)
    xywh = [np.concatenate([c[:, :2], c[:, 2:] - c[:, :2]], 1).astype(float) for c in (a, b)]
    shares = box_ops.share_inside(a.astype("float32"), b.astype("float32"))
    np.testing.assert_allclose(shares, rle.iou(*xywh, np.ones(30)), atol=1e-6)  # 1: b is a crowd
    small, large = [[0.0, 0, 2, 4]], [[1.0, 0, 9, 9]]
    assert float(box_ops.share_inside(small, large)[0, 0]) == 0.5
    assert float(box_ops.share_inside(large, small)[0, 0]) == pytest.approx(4 / 72)


def test_iou_works_on_batches_and_on_nothing():
    rng = np.random.default_rng(1)
    anchors, truth = random_boxes(rng, (5,)), random_boxes(rng, (3, 4))
    anchors, truth = anchors.astype("float32"), truth.astype("float32")
    batch = np.asarray(box_ops.iou(anchors, truth))
    assert batch.shape == (3, 5, 4)
    for i in range(3):
        np.testing.assert_array_equal(batch[i], box_ops.iou(anchors, truth[i]))
    assert box_ops.iou(anchors[:0], truth[0]).shape == (0, 4)
    assert box_ops.iou(anchors, truth[0, :0]).shape == (5, 0)


# --- deltas ------------------------------------------------------------------------------------


def test_encode_with_a_pencil():
    # A reference of 10 x 20 around (5, 10); a box of 20 x 10 around (6, 15): the centre moves by
    # 1 / 10 and 5 / 20 of a side, the width doubles, the height halves.
    deltas = box_ops.encode([[-4.0, 10, 16, 20]], [[0.0, 0, 10, 20]], (1, 1, 1, 1))
    np.testing.assert_allclose(deltas, [[0.1, 0.25, np.log(2), -np.log(2)]], rtol=1e-6)
    deltas = box_ops.encode([[-4.0, 10, 16, 20]], [[0.0, 0, 10, 20]], (0.1, 0.1, 0.2, 0.2))
    np.testing.assert_allclose(deltas, [[1, 2.5, 5 * np.log(2), -5 * np.log(2)]], rtol=1e-6)


def test_decode_with_a_pencil():
    # A reference of 10 x 20 around (5, 10): the centre goes to (5 + .2 * 10, 10 - .5 * 20) = (7, 0)
    # and the sides become 30 and 5.
    deltas = [[0.2, -0.5, np.log(3), np.log(0.25)]]
    boxes = box_ops.decode(deltas, [[0.0, 0, 10, 20]], (1, 1, 1, 1))
    np.testing.assert_allclose(boxes, [[-8, -2.5, 22, 2.5]], rtol=1e-5)


def test_no_deltas_move_nothing():
    boxes = random_boxes(np.random.default_rng(2), (2, 7)).astype("float32")
    np.testing.assert_array_equal(box_ops.decode(0 * boxes, boxes, (0.1, 0.1, 0.2, 0.2)), boxes)


def test_encode_then_decode_gives_the_boxes_back():
    rng = np.random.default_rng(3)
    corners, sides = rng.uniform(-50, 300, (2, 8, 50, 2)), rng.uniform(5, 300, (2, 8, 50, 2))
    boxes, reference = np.concatenate([corners, corners + sides], -1).astype("float32")
    for scale in ((1, 1, 1, 1), (0.1, 0.1, 0.2, 0.2)):
        deltas = box_ops.encode(boxes, reference, scale)
        np.testing.assert_allclose(box_ops.decode(deltas, reference, scale), boxes, atol=2e-3)


def test_decode_stops_a_bad_guess():
    # exp(100) overflows; the sides of a 16 px anchor stop at 1000 px and at 16² / 1000 = .256 px.
    boxes = np.asarray(
        box_ops.decode([[0, 0, 100.0, -100]], [[0.0, 0, 16, 16]], (0.2, 0.2, 0.2, 0.2))
    )
    np.testing.assert_allclose(boxes, [[-492, 8 - 0.128, 508, 8 + 0.128]], rtol=1e-4)


def test_padding_gives_finite_deltas():
    zeros, box = [[0.0, 0, 0, 0]], [[3.0, 4, 50, 60]]
    for boxes, reference in ((zeros, box), (box, zeros), (zeros, zeros)):
        assert np.isfinite(box_ops.encode(boxes, reference, (0.1, 0.1, 0.2, 0.2))).all()


def test_no_boxes_have_no_deltas():
    none = np.zeros((2, 0, 4), "float32")
    assert box_ops.encode(none, none, (1, 1, 1, 1)).shape == (2, 0, 4)
    assert box_ops.decode(none, none, (1, 1, 1, 1)).shape == (2, 0, 4)
    assert box_ops.clip(none, (5, 7)).shape == (2, 0, 4)


def test_clip_keeps_to_the_picture():
    # height 20, width 30: x is cut at 0 and 30, y at 0 and 20
    boxes = [[-5.0, -5, 40, 40], [1, 2, 3, 4], [31, 21, 35, 25]]
    expected = [[0, 0, 30, 20], [1, 2, 3, 4], [30, 20, 30, 20]]
    np.testing.assert_array_equal(box_ops.clip(np.array(boxes, "float32"), (20, 30)), expected)


# --- non-maximum suppression -------------------------------------------------------------------


def greedy_nms(boxes, valid, tenths):
    """The textbook: take the best, drop what overlaps it too much, repeat. In whole numbers."""
    low = np.maximum(boxes[:, None, :2], boxes[:, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    overlap = np.prod(np.maximum(high - low, 0), -1)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], -1)
    near = 10 * overlap > tenths * (area[:, None] + area - overlap)  # IoU > tenths / 10
    left, kept = np.flatnonzero(valid).tolist(), []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if not near[best, i]]
    return np.isin(np.arange(len(boxes)), kept)


@pytest.mark.parametrize("tenths", [3, 5, 7])
def test_nms_against_a_greedy_loop(tenths):
    rng = np.random.default_rng(tenths)
    boxes = random_boxes(rng, (80, 60), limit=25, smallest=12, largest=30)
    valid = rng.random((80, 60)) < 0.85  # padding anywhere, also before the best
    keep = np.asarray(box_ops.nms(boxes.astype("float32"), valid, tenths / 10))
    expected = np.stack([greedy_nms(*case, tenths) for case in zip(boxes, valid, strict=True)])
    np.testing.assert_array_equal(keep, expected)
    dropped = (valid & ~expected).sum(1)
    assert dropped.min() > 0 and dropped.mean() > 5 and expected.sum(1).min() > 3  # crowded


def test_what_is_suppressed_does_not_suppress():
    # A and B share 6 x 10 of 140 px (.43), so do B and C; A and C share 2 x 10 of 180 (.11).
    boxes = np.array([[[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]]], "float32")
    keep = box_ops.nms(boxes, np.ones((1, 3), bool), 0.4)
    np.testing.assert_array_equal(keep, [[True, False, True]])
    keep = box_ops.nms(boxes, np.array([[False, True, True]]), 0.4)  # padding suppresses nobody
    np.testing.assert_array_equal(keep, [[False, True, False]])


def test_a_chain_of_any_length_is_followed_to_its_end():
    # Each box overlaps only its neighbours: every other one stays. A fixed number of rounds fails.
    x = 4 * np.arange(101.0)
    boxes = np.stack([x, 0 * x, x + 10, 0 * x + 10], -1)[None].astype("float32")
    keep = box_ops.nms(boxes, np.ones((1, 101), bool), 0.4)
    np.testing.assert_array_equal(keep, [np.arange(101) % 2 == 0])


def test_of_equal_boxes_the_first_stays():
    keep = box_ops.nms(np.full((2, 4, 4), [0.0, 0, 5, 5], "float32"), np.ones((2, 4), bool), 0.9)
    np.testing.assert_array_equal(keep, [[True, False, False, False]] * 2)


def test_nms_of_nothing():
    assert box_ops.nms(np.zeros((2, 0, 4), "float32"), np.zeros((2, 0), bool), 0.5).shape == (2, 0)
    padding = box_ops.nms(np.zeros((1, 3, 4), "float32"), np.zeros((1, 3), bool), 0.5)
    assert not np.asarray(padding).any()


def test_nms_within_each_class_by_pencil():
    # 1 and 2 share 9 x 10 of 110 px (.82): one class keeps the better, two classes keep both.
    near = [[0, 0, 10, 10], [1, 0, 11, 10]]
    thin, weak = [20, 0, 20.5, 9], [30, 0, 40, 10]
    boxes = np.array([[*near, thin, weak]] * 2, "float32")
    labels = np.array([[1, 1, 1, 2], [1, 2, 1, 2]])
    scores = np.array([[0.9, 0.8, 0.7, 0.1]] * 2, "float32")
    kept = box_ops.select_best(boxes, labels, scores, (10, 40), 9, min_score=0.2, nms_iou=0.5)
    kept = [np.asarray(values) for values in kept]
    nothing = [0, 0, 0, 0]
    expected = [[near[0], *[nothing] * 3], [*near, *[nothing] * 2]]
    np.testing.assert_array_equal(kept[0], expected)
    np.testing.assert_array_equal(kept[1], [[1, 0, 0, 0], [1, 2, 0, 0]])
    np.testing.assert_allclose(kept[2], [[0.9, 0, 0, 0], [0.9, 0.8, 0, 0]])
    (best,) = np.asarray(box_ops.select_best(boxes, labels, scores, (10, 40), 1, 0.2, 0.5)[1]).T
    np.testing.assert_array_equal(best, [1, 1])


# --- rows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_take_against_numpy(shape):
    rng = np.random.default_rng(6)
    values, indices = rng.random((3, 5, *shape)), rng.integers(0, 5, (3, 7))
    expected = np.stack([rows[i] for rows, i in zip(values, indices, strict=True)])
    np.testing.assert_array_equal(box_ops.take(values.astype("float32"), indices),
                                  expected.astype("float32"))  # fmt: skip
    assert box_ops.take(values, indices[:, :0]).shape == (3, 0, *shape)
