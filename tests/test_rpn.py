"""The first stage against pencil and paper, and against a plain loop."""

import keras
import numpy as np
import pytest

from helpers.mask_rcnn import boxes as box_ops
from helpers.mask_rcnn.rpn import (
    RPNHead,
    RPNTargets,
    rpn_box_loss,
    rpn_class_loss,
    rpn_targets,
    select_proposals,
)

# --- head --------------------------------------------------------------------------------------


def test_a_new_head_believes_in_one_anchor_of_twenty():
    logits, deltas = RPNHead(num_shapes=3, channels=8)([np.zeros((2, 4, 5, 6), "float32")])
    assert logits.shape == (2, 4 * 5 * 3) and deltas.shape == (2, 4 * 5 * 3, 4)
    np.testing.assert_allclose(keras.ops.sigmoid(logits), 0.0474, atol=1e-4)  # 1 / (1 + e^3)
    np.testing.assert_array_equal(deltas, 0)
    features = np.random.default_rng(0).normal(size=(2, 4, 5, 6)).astype("float32")
    logits, deltas = RPNHead(num_shapes=3, channels=8)([features])
    assert np.abs(logits + 3).max() < 0.3 and np.abs(deltas).max() < 0.3  # small last layers


def test_outputs_go_in_the_order_of_the_anchors():
    head = RPNHead(num_shapes=2, channels=1)
    pyramid = [np.zeros((1, 4, 5, 1), "float32"), np.zeros((1, 2, 3, 1), "float32")]
    head(pyramid)
    centre = np.zeros((3, 3, 1, 1))
    centre[1, 1] = 1  # pass each feature on as it is
    head.conv.set_weights([centre, np.zeros(1)])
    head.objectness.set_weights([np.array([[[[1, 10]]]]), np.zeros(2)])  # shape 1 answers tenfold
    head.deltas.set_weights([np.arange(1, 9).reshape(1, 1, 1, 8), np.zeros(8)])
    pyramid[1][0, 1, 2, 0] = 1  # light in the second level, row 1, column 2
    logits, deltas = (np.asarray(x)[0] for x in head(pyramid))
    anchors = box_ops.make_anchors((32, 40), (8, 16), ((8,), (16,)), (1.0, 2.0))
    assert len(anchors) == len(logits) == 52
    lit = np.flatnonzero(logits)
    np.testing.assert_allclose(logits[lit], [1, 10])
    np.testing.assert_allclose(deltas[lit], [[1, 2, 3, 4], [5, 6, 7, 8]])
    # 16 px cells: row 1, column 2 is centred at x = 40, y = 24; the first shape is the square one
    np.testing.assert_allclose(anchors[lit[0]], [32, 16, 48, 32])
    width, height = anchors[lit[1], 2:] - anchors[lit[1], :2]
    assert height / width == pytest.approx(2)


# --- targets -----------------------------------------------------------------------------------

ANCHORS = np.array(
    [[0, 0, 10, 10], [2, 0, 12, 10], [40, 40, 60, 60], [0, 30, 10, 40], [20, 0, 30, 10],
     [60, 0, 90, 30], [100, 100, 110, 110], [0, 0, 10, 18], *[[70, 70, 80, 80]] * 4], "float32"
)  # fmt: skip


def test_targets_with_a_pencil():
    # Object 0 is anchor 0 (IoU 1); anchor 1 has 80 / 120 = .67; anchor 7 100 / 180 = .56, neither.
    # Object 1, 10 x 10 in the middle of anchor 2 of 20 x 20, has .25 there: a low-quality match.
    truth = np.array([[[0, 0, 10, 10], [45, 45, 55, 55], [0, 0, 0, 0]]], "float32")
    noise = np.linspace(0, 0.9, 12, dtype="float32")[None]
    targets = rpn_targets(ANCHORS, truth, noise, num_samples=12)
    targets = RPNTargets(*(np.asarray(leaf)[0] for leaf in targets))
    assert len(targets.indices) == 12 and not (targets.foreground & targets.background).any()
    assert not targets.foreground[3:].any() and not targets.background[:3].any()
    assert sorted(targets.indices[targets.foreground]) == [0, 1, 2]
    assert sorted(targets.indices[targets.background]) == [3, 4, 5, 6, 8, 9, 10, 11]  # of 9 slots
    deltas = dict(zip(targets.indices[:3], targets.deltas[:3], strict=True))
    np.testing.assert_allclose(deltas[0], [0, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(deltas[1], [-0.2, 0, 0, 0], atol=1e-6)  # 2 px left, 10 px wide
    np.testing.assert_allclose(deltas[2], [0, 0, -np.log(2), -np.log(2)], atol=1e-6)


def test_targets_decode_to_the_objects():
    rng = np.random.default_rng(1)
    anchors = box_ops.make_anchors((64, 96), (8, 16), ((12, 20), (30,)), (0.5, 1, 2))
    corner = rng.uniform(0, 40, (3, 4, 2))
    truth = np.concatenate([corner, corner + rng.uniform(10, 40, (3, 4, 2))], -1).astype("float32")
    noise = rng.random((3, len(anchors)), dtype="float32")
    targets = RPNTargets(*map(np.asarray, rpn_targets(anchors, truth, noise, num_samples=64)))
    decoded = np.asarray(box_ops.decode(targets.deltas, anchors[targets.indices], (1, 1, 1, 1)))
    for i in range(3):
        gap = np.abs(decoded[i, targets.foreground[i], None] - truth[i]).max(-1)
        assert len(gap) >= 4 and (gap.min(1) < 1e-3).all()  # each is one of the objects
        assert set(gap.argmin(1)) == {0, 1, 2, 3}  # and each object is among them
        rows = targets.indices[i][targets.foreground[i] | targets.background[i]]
        assert len(set(rows)) == len(rows)


def test_without_objects_all_is_background():
    noise = np.random.default_rng(2).random((2, 12), dtype="float32")
    targets = rpn_targets(ANCHORS, np.zeros((2, 3, 4), "float32"), noise, num_samples=8)
    assert not np.asarray(targets.foreground).any() and np.isfinite(targets.deltas).all()
    np.testing.assert_array_equal(np.asarray(targets.background).sum(1), [6, 6])


def test_what_is_ignored_is_no_background():
    truth = np.array([[[0, 0, 10, 10]]], "float32")
    ignored = np.array([[True] * 4 + [False] * 8])
    targets = rpn_targets(ANCHORS, truth, np.zeros((1, 12), "float32"), 16, ignored=ignored)
    indices, background = np.asarray(targets.indices)[0], np.asarray(targets.background)[0]
    assert sorted(indices[background]) == [4, 5, 6, 8, 9, 10, 11]  # 7 overlaps too much
    assert sorted(indices[np.asarray(targets.foreground)[0]]) == [
        0,
        1,
    ]  # they stay objects


def test_a_quarter_is_foreground_at_most():
    anchors = np.tile(ANCHORS[:1], (20, 1))
    anchors[10:] = ANCHORS[3]
    noise = np.random.default_rng(3).random((1, 20), dtype="float32")
    targets = rpn_targets(anchors, ANCHORS[None, :1], noise, num_samples=8)
    assert np.asarray(targets.foreground).sum() == 2 and np.asarray(targets.background).sum() == 6


# --- loss --------------------------------------------------------------------------------------


def toy_targets(foreground):
    """Two images, five anchors each; a sample of one foreground and three background slots."""
    return RPNTargets(
        indices=np.array([[4, 0, 1, 2], [3, 0, 1, 2]], "int32"),
        foreground=np.array([[foreground] + [False] * 3, [False] * 4]),
        background=np.array([[False, True, True, False], [False, True, False, False]]),
        deltas=np.array([[[0.1, 0, 0, 0]] + [[9, 9, 9, 9]] * 3] * 2, "float32"),
    )


def test_loss_with_a_pencil():
    logits = np.zeros((2, 5), "float32")
    logits[0] = [np.log(3), 0, 50, 50, np.log(3)]  # 50: wrong, but not in the sample
    deltas = np.zeros((2, 5, 4), "float32")
    deltas[0, 4] = [0.1, 1, 0, 0]
    rpn_class = rpn_class_loss(logits, toy_targets(True))
    rpn_box = rpn_box_loss(deltas, toy_targets(True))
    # Foreground: p = 3/4, -log p = .2877. Background: p = 3/4, 1/2, 1/2, so -log(1 - p) is 1.3863,
    # .6931, .6931, mean .9242. Half of each.
    assert float(rpn_class) == pytest.approx(0.5 * 0.28768 + 0.5 * 0.92420, abs=1e-4)
    # The only error is 1, beyond 1/9: 1 - 1/18.
    assert float(rpn_box) == pytest.approx(17 / 18, abs=1e-5)


def test_loss_without_foreground_or_without_anything():
    logits, deltas = np.zeros((2, 5), "float32"), np.full((2, 5, 4), 7.0, "float32")
    rpn_class = rpn_class_loss(logits, toy_targets(False))
    rpn_box = rpn_box_loss(deltas, toy_targets(False))
    assert float(rpn_box) == 0 and float(rpn_class) == pytest.approx(np.log(2) / 2)
    nothing = toy_targets(False)._replace(background=np.zeros((2, 4), bool))
    assert float(rpn_class_loss(logits, nothing)) == 0
    assert float(rpn_box_loss(deltas, nothing)) == 0


def test_loss_of_a_wild_guess_is_finite():
    logits, deltas = np.full((2, 5), -1000.0, "float32"), np.full((2, 5, 4), 1e4, "float32")
    rpn_class = rpn_class_loss(logits, toy_targets(True))
    rpn_box = rpn_box_loss(deltas, toy_targets(True))
    assert float(rpn_class) == pytest.approx(500) and np.isfinite(rpn_box)


# --- proposals ---------------------------------------------------------------------------------


def test_proposals_with_a_pencil():
    anchors = [[0, 0, 10, 10], [0, 0, 10, 11], [20, 20, 40, 40], [50, 0, 90, 20]]
    anchors = np.array(anchors, "float32")
    logits = np.array([[1.0, 2.0, 3.0, -1.0], [5.0, -9.0, -9.0, -9.0]], "float32")
    deltas = np.zeros((2, 4, 4), "float32")
    deltas[0, 2] = [0.5, 0, 0, 0]  # 10 px to the right
    deltas[0, 3] = [0.5, -0.5, 0, 0]  # 20 px right, 10 px up: out of the picture, cut
    proposals, scores = select_proposals(logits, deltas, anchors, (60, 100), 4, 3, 0.7)
    expected = [[30, 20, 50, 40], [0, 0, 10, 11], [70, 0, 100, 10]]  # 0 and 1 share .91: 1 stays
    np.testing.assert_allclose(proposals[0], expected, atol=1e-4)
    np.testing.assert_allclose(scores[0], 1 / (1 + np.exp([-3, -2, 1])), rtol=1e-5)
    np.testing.assert_allclose(proposals[1, 0], [0, 0, 10, 10], atol=1e-4)


def test_what_is_missing_is_zero():
    # Four copies of an anchor, and one that is moved out of the picture until nothing is left.
    anchors = np.array([[0, 0, 10, 10]] * 4 + [[50, 50, 60, 60]], "float32")
    deltas = np.zeros((1, 5, 4), "float32")
    deltas[0, 4] = [-20, 0, 0, 0]
    logits = np.array([[1, 2, 3, 4, 5]], "float32")
    proposals, scores = select_proposals(logits, deltas, anchors, (64, 64), 5, 4, 0.5)
    np.testing.assert_allclose(proposals, [[[0, 0, 10, 10]] + [[0, 0, 0, 0]] * 3], atol=1e-5)
    np.testing.assert_allclose(scores, [[1 / (1 + np.exp(-4.0)), 0, 0, 0]], rtol=1e-5)


def test_proposals_against_a_plain_loop():
    rng = np.random.default_rng(4)
    anchors = box_ops.make_anchors((64, 64), (8,), ((12, 24),), (0.5, 1, 2))
    logits = rng.normal(size=(4, len(anchors))).astype("float32")
    deltas = rng.normal(scale=0.3, size=(4, len(anchors), 4)).astype("float32")
    selected = select_proposals(logits, deltas, anchors, (64, 64), 60, 20, 0.4)
    proposals, scores = (np.asarray(x) for x in selected)
    for i in range(4):
        kept = []
        for a in np.argsort(-logits[i], kind="stable")[:60]:
            x1, y1, x2, y2 = anchors[a].astype(float)
            dx, dy, dw, dh = deltas[i, a].astype(float)
            cx, cy = (x1 + x2) / 2 + dx * (x2 - x1), (y1 + y2) / 2 + dy * (y2 - y1)
            w, h = (x2 - x1) * np.exp(dw), (y2 - y1) * np.exp(dh)
            box = np.clip([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 0, 64)
            if min(box[2] - box[0], box[3] - box[1]) < 1:
                continue
            if all(overlap(box, other) <= 0.4 for other, _ in kept):
                kept.append((box, 1 / (1 + np.exp(-float(logits[i, a])))))
        kept = kept[:20]
        assert 5 < len(kept)
        np.testing.assert_allclose(proposals[i, : len(kept)], [box for box, _ in kept], atol=1e-3)
        np.testing.assert_allclose(scores[i, : len(kept)], [s for _, s in kept], rtol=1e-5)
        assert (proposals[i, len(kept) :] == 0).all() and (scores[i, len(kept) :] == 0).all()


def overlap(a, b):
    """IoU of two boxes."""
    width, height = (max(0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return width * height / (sum(areas) - width * height)
