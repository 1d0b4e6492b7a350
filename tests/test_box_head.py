"""The box head against pencil and paper, and against a plain loop."""

import numpy as np
import pytest

from helpers.mask_rcnn import boxes as box_ops
from helpers.mask_rcnn.box_head import (
    SCALE,
    BoxHead,
    BoxTargets,
    box_loss,
    box_targets,
    class_loss,
    select_boxes,
)

# --- head --------------------------------------------------------------------------------------


def test_a_new_head_has_no_opinion_and_moves_nothing():
    features = np.random.default_rng(0).normal(size=(2, 5, 7, 7, 4)).astype("float32")
    logits, deltas = BoxHead(num_classes=3, units=16)(features)
    assert logits.shape == (2, 5, 4) and deltas.shape == (2, 5, 4)
    assert np.abs(logits).max() < 0.5 and np.abs(deltas).max() < 0.05  # small last layers


def test_each_proposal_is_judged_by_itself():
    head = BoxHead(num_classes=3, units=16)
    features = np.random.default_rng(1).normal(size=(2, 5, 7, 7, 4)).astype("float32")
    logits, deltas = (np.asarray(x) for x in head(features))
    one = [np.asarray(x) for x in head(features[1:, 3:4])]
    np.testing.assert_allclose(one[0][0, 0], logits[1, 3], atol=1e-5)
    np.testing.assert_allclose(one[1][0, 0], deltas[1, 3], atol=1e-5)
    assert [x.shape for x in head(features[:, :0])] == [(2, 0, 4), (2, 0, 4)]


# --- targets -----------------------------------------------------------------------------------


def toy_box_targets(gt_boxes, gt_labels, num_rois=8, num_foreground=3):
    """One image with 11 proposals, the last of them padding; as NumPy, without the batch."""
    proposals = [[10, 10, 30, 30], [10, 10, 30, 40], [60, 60, 90, 90], [0, 50, 20, 70],
                 *[[i, 0, i + 5, 5] for i in range(40, 80, 8)], [0, 60, 20, 70],
                 [10, 10, 30, 30]]  # fmt: skip
    proposals = np.array([proposals], "float32")
    valid = np.array([[True] * 10 + [False]])
    noise = np.linspace(0, 0.9, 11, dtype="float32")[None]
    targets = box_targets(
        proposals, valid, np.array([gt_boxes], "float32"), np.array([gt_labels], "int32"), noise,
        num_rois, num_foreground,
    )  # fmt: skip
    return BoxTargets(*(np.asarray(leaf)[0] for leaf in targets)), proposals[0]


def test_targets_with_a_pencil():
    # Object 0 is proposal 0, and 400 of the 600 px of proposal 1. Object 1 is the lower half of
    # proposal 2: IoU .5, just enough; and nothing of the others.
    targets, proposals = toy_box_targets([[10, 10, 30, 30], [60, 75, 90, 90]], [2, 3])
    order = [proposals.tolist().index(row) for row in targets.proposals[:3].tolist()]
    assert sorted(order) == [0, 1, 2]
    labels, matched = dict(zip(order, targets.labels[:3], strict=True)), [0, 0, 1]
    assert labels == {0: 2, 1: 2, 2: 3}
    assert [targets.matched[order.index(i)] for i in range(3)] == matched
    np.testing.assert_array_equal(targets.labels[3:], 0)
    assert targets.valid.all()
    deltas = targets.deltas[[order.index(i) for i in range(3)]]
    # Proposal 1 is 20 x 30: 5 px up is -1/6 of 30, the height shrinks to 2/3; in tenths and fifths.
    # Proposal 2 is 30 x 30: 7.5 px down is 1/4, the height halves.
    expected = [[0, 0, 0, 0], [0, -10 / 6, 0, 5 * np.log(2 / 3)], [0, 2.5, 0, 5 * np.log(1 / 2)]]
    np.testing.assert_allclose(deltas, expected, atol=1e-5)


def test_no_more_foreground_than_asked_for_and_no_padding():
    for num in (1, 2, 3):
        targets, proposals = toy_box_targets([[10, 10, 30, 30]], [1], 6, num)
        assert (targets.labels > 0).sum() == min(num, 2)  # the copy in the last row is padding
        assert targets.valid.sum() == min(num, 2) + 6 - num  # background fills its own slots only
        rows = targets.proposals[targets.valid].tolist()
        assert len({tuple(row) for row in rows}) == len(rows)


def test_targets_without_objects_are_background():
    targets, _ = toy_box_targets([[0, 0, 0, 0], [0, 0, 0, 0]], [0, 0])
    assert not targets.labels.any() and targets.valid.sum() == 5
    assert not targets.valid[:3].any() and np.isfinite(targets.deltas).all()


def test_what_is_ignored_is_no_background():
    proposals = np.array([[[0, 0, 10, 10], [40, 0, 50, 10], [60, 0, 70, 10]]], "float32")
    truth, labels = np.array([[[0, 0, 10, 10]]], "float32"), np.array([[2]], "int32")
    rest = np.ones((1, 3), bool), truth, labels, np.zeros((1, 3), "float32"), 3, 1
    ignored = np.array([[True, True, False]])
    targets = box_targets(proposals, *rest, ignored=ignored)
    assert np.asarray(targets.labels).tolist() == [[2, 0, 0]]
    assert np.asarray(targets.valid).tolist() == [[True, True, False]]
    np.testing.assert_array_equal(np.asarray(targets.proposals)[0, 1], proposals[0, 2])


def test_targets_decode_to_the_objects():
    rng = np.random.default_rng(2)
    corner = rng.uniform(0, 60, (2, 3, 2))
    truth = np.concatenate([corner, corner + rng.uniform(20, 40, corner.shape)], -1)
    proposals = np.repeat(truth, 8, axis=1) + rng.uniform(-4, 4, (2, 24, 4))
    truth, proposals = truth.astype("float32"), proposals.astype("float32")
    labels = np.array([[1, 2, 3], [3, 2, 1]], "int32")
    noise = rng.random((2, 24), dtype="float32")
    targets = box_targets(proposals, np.ones((2, 24), bool), truth, labels, noise, 20, 10)
    targets = BoxTargets(*map(np.asarray, targets))
    decoded = np.asarray(box_ops.decode(targets.deltas, targets.proposals, SCALE))
    for i in range(2):
        assert (targets.labels[i] > 0).sum() == 10
        for box, matched, label in zip(decoded[i][:10], targets.matched[i], targets.labels[i],
                                       strict=False):  # fmt: skip
            np.testing.assert_allclose(box, truth[i, matched], atol=1e-3)
            assert label == labels[i, matched]


# --- loss --------------------------------------------------------------------------------------


def two_proposals(labels, valid=(True, True)):
    """Targets of two proposals of one image, deltas (.1, 0, 0, 1) and (9, 9, 9, 9)."""
    deltas = np.array([[[0.1, 0, 0, 1], [9, 9, 9, 9]]], "float32")
    return BoxTargets(np.zeros((1, 2, 4)), np.array([labels]), None, deltas, np.array([valid]))


def test_loss_with_a_pencil():
    logits = np.log([[[1, 6, 1], [2, 1, 1]]]).astype("float32")  # scores 1/8 6/8 1/8, 2/4 1/4 1/4
    targets = two_proposals([1, 0])
    # -log(3/4) = .28768 and -log(1/2) = .69315, their mean .49041
    assert float(class_loss(logits, targets)) == pytest.approx(0.49041, abs=1e-4)
    # .1 is within beta = .2: .01 / .4 = .025; 1 is beyond: 1 - .1 = .9; a quarter of the sum .925
    box = box_loss(np.zeros((1, 2, 4), "float32"), targets, beta=0.2)
    assert float(box) == pytest.approx(0.23125, abs=1e-5)
    with_padding = two_proposals([1, 0], (1, 0))
    assert float(class_loss(logits, with_padding)) == pytest.approx(0.28768, abs=1e-4)


def test_loss_without_foreground_or_without_anything():
    logits, deltas = np.zeros((1, 2, 3), "float32"), np.full((1, 2, 4), 1e4, "float32")
    background = two_proposals([0, 0])
    assert float(box_loss(deltas, background)) == 0
    assert float(class_loss(logits, background)) == pytest.approx(np.log(3))
    nothing = two_proposals([0, 0], (False, False))
    assert float(class_loss(logits, nothing)) == float(box_loss(deltas, nothing)) == 0


def test_loss_of_a_wild_guess_is_finite():
    logits = np.array([[[1000, -1000, 0], [-1000, 0, 1000]]], "float32")
    targets = two_proposals([1, 2])
    assert float(class_loss(logits, targets)) == 1000
    assert np.isfinite(box_loss(np.full((1, 2, 4), 1e4, "float32"), targets))


# --- boxes -------------------------------------------------------------------------------------


def log_scores(rows):
    """Logits whose softmax is `rows` (R, K + 1), as a batch of one."""
    return np.log(np.maximum([rows], 1e-9)).astype("float32")


def test_boxes_with_a_pencil():
    proposals = np.array([[[10, 10, 30, 30], [10, 10, 30, 31], [50, 50, 60, 60], [0, 0, 9, 9],
                           [70, 70, 90, 90]]], "float32")  # fmt: skip
    scores = [[0.2, 0.8, 0.0], [0.1, 0.7, 0.2], [0.35, 0.05, 0.6], [0.96, 0.02, 0.02],
              [0.05, 0.9, 0.05]]  # fmt: skip
    deltas = np.zeros((1, 5, 4), "float32")
    deltas[0, 2] = [0, -10, 0, 0]  # a tenth ten times: 10 px up
    valid = np.array([[True, True, True, True, False]])
    boxes, labels, scores_out = (
        np.asarray(x)[0]
        for x in select_boxes(log_scores(scores), deltas, proposals, valid, (100, 100), 6, 0.1, 0.5)
    )
    # .8, and .7 of the same class beside it, which goes; .6; .2 is of the other class and stays
    # on the same place; what scores below .1 goes; .9 is padding.
    np.testing.assert_allclose(scores_out, [0.8, 0.6, 0.2, 0, 0, 0], atol=1e-5)
    np.testing.assert_array_equal(labels, [1, 2, 2, 0, 0, 0])
    expected = [[10, 10, 30, 30], [50, 40, 60, 50], [10, 10, 30, 31]] + [[0] * 4] * 3
    np.testing.assert_allclose(boxes, expected, atol=1e-3)


def test_boxes_end_at_the_border_and_small_ones_go():
    proposals = np.array([[[80, 80, 120, 120], [99.5, 0, 120, 50], [-9, -9, -1, -1]]], "float32")
    scores = [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]
    boxes, labels, scores_out = select_boxes(
        log_scores(scores), np.zeros((1, 3, 4), "float32"), proposals, np.ones((1, 3), bool),
        (90, 100), 2, 0.05, 0.5,
    )  # fmt: skip
    np.testing.assert_allclose(boxes, [[[80, 80, 100, 90], [0] * 4]], atol=1e-3)
    np.testing.assert_array_equal(labels, [[1, 0]])
    np.testing.assert_allclose(scores_out, [[0.9, 0]], atol=1e-6)


def test_no_boxes_where_there_are_no_proposals():
    boxes, labels, scores_out = select_boxes(
        np.zeros((2, 4, 3), "float32"), np.zeros((2, 4, 4), "float32"),
        np.zeros((2, 4, 4), "float32"), np.zeros((2, 4), bool), (50, 50), 5, 0.0, 0.5,
    )  # fmt: skip
    assert boxes.shape == (2, 5, 4)
    assert not np.asarray(boxes).any() and not np.asarray(labels).any()
    assert not np.asarray(scores_out).any()


def test_boxes_against_a_plain_loop():
    rng = np.random.default_rng(3)
    corner = rng.uniform(0, 60, (3, 30, 2))
    proposals = np.concatenate([corner, corner + rng.uniform(10, 50, corner.shape)], -1)
    proposals = proposals.astype("float32")
    logits = rng.normal(scale=1.5, size=(3, 30, 4)).astype("float32")
    deltas = rng.normal(size=(3, 30, 4)).astype("float32")
    valid = rng.random((3, 30)) < 0.9
    selected = select_boxes(logits, deltas, proposals, valid, (90, 100), 20, 0.2, 0.4)
    boxes, labels, scores = (np.asarray(x) for x in selected)
    for i in range(3):
        kept = []
        share = np.exp(logits[i].astype(float))
        share /= share.sum(1, keepdims=True)
        pairs = [(share[r, k], k, r) for r in range(30) for k in (1, 2, 3) if valid[i, r]]
        for score, k, r in sorted(pairs, reverse=True)[:80]:
            box = moved(proposals[i, r].astype(float), deltas[i, r].astype(float))
            if score < 0.2 or any(k == j and overlap(box, b) > 0.4 for _, j, b in kept):
                continue
            kept.append((score, k, box))
        kept = kept[:20]
        assert 8 < len(kept)
        np.testing.assert_array_equal(labels[i, : len(kept)], [k for _, k, _ in kept])
        np.testing.assert_allclose(scores[i, : len(kept)], [s for s, _, _ in kept], atol=1e-5)
        np.testing.assert_allclose(boxes[i, : len(kept)], [b for _, _, b in kept], atol=1e-2)
        assert not boxes[i, len(kept) :].any() and not labels[i, len(kept) :].any()


def moved(box, deltas):
    """A box moved by its deltas in tenths and fifths of its sides, cut at 90 x 100 px."""
    sides, centre = box[2:] - box[:2], (box[2:] + box[:2]) / 2
    centre = centre + deltas[:2] / 10 * sides
    half = sides * np.exp(deltas[2:] / 5) / 2
    return np.clip([*(centre - half), *(centre + half)], 0, [100, 90, 100, 90])


def overlap(a, b):
    """IoU of two boxes."""
    width, height = (max(0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return width * height / (sum(areas) - width * height)
