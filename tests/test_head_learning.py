"""The head of a one-stage detector learns: which cells, from what, and what it leaves alone."""

import keras
import numpy as np
import pytest

from helpers.one_stage import head_losses
from helpers.one_stage.head import make_centres
from helpers.one_stage.head_learner import Cells, HeadLearner, surroundings
from helpers.one_stage.model import OneStageConfig, OneStageMaskRCNN
from helpers.structures import Detections, box_iou
from helpers.training.head_cells import (
    NUM_OTHERS,
    CellBatches,
    choose,
    collect,
    read_cells,
    write_cells,
)
from helpers.training.mosaics import Source

CENTRES = make_centres((64, 64), (8, 16, 32))


@pytest.fixture(scope="module")
def model():
    config = OneStageConfig(
        image_size=(64, 64), num_candidates=20, num_detections=4, mask_channels=8, fine_channels=8,
    )  # fmt: skip
    model = OneStageMaskRCNN(config)
    model(np.zeros((1, 64, 64, 3), np.uint8))
    return model


def owners_of(boxes, is_object=None):
    """The owners of cells, of one image."""
    boxes = np.array(boxes, np.float32)[None]
    is_object = np.ones(boxes.shape[:2], bool) if is_object is None else np.array([is_object])
    return np.asarray(head_losses.assign(boxes, is_object, CENTRES))[0]


def test_a_box_of_five_cells_belongs_to_its_middle():
    """A box of 5 x 5 cells of the finest level around one of its centres: that cell fits wholly."""
    x, y, _ = CENTRES[3 * 8 + 4]
    owners = owners_of([[x - 20, y - 20, x + 20, y + 20]])
    assert owners[3 * 8 + 4] == 0
    assert (owners[64:] == -1).all() and 1 <= (owners == 0).sum() <= 9


def test_no_object_and_two_in_one_place():
    assert (owners_of(np.zeros((0, 4))) == -1).all()
    x, y, _ = CENTRES[3 * 8 + 4]
    small, large = [x - 18, y - 18, x + 18, y + 18], [x - 20, y - 20, x + 20, y + 20]
    owners = owners_of([small, large])
    assert owners[3 * 8 + 4] == 1  # its square of five cells is the large one
    assert (owners_of([small, large], [True, False])[owners >= 0] < 1).all()  # padding owns nothing


def one_by_one(boxes):
    """Algorithm 1 of the ATSS paper as a loop: an independent way to the owners."""
    owners, best = np.full(len(CENTRES), -1), np.zeros(len(CENTRES))
    half = CENTRES[:, 2:] * head_losses.CELL_SIDE / 2
    squares = np.concatenate([CENTRES[:, :2] - half, CENTRES[:, :2] + half], 1)
    for i, box in enumerate(boxes):
        distances = np.hypot(*(CENTRES[:, :2] - (box[:2] + box[2:]) / 2).T)
        nearest = []
        for stride in (8, 16, 32):
            level = np.flatnonzero(CENTRES[:, 2] == stride)
            nearest += level[np.argsort(distances[level])[: head_losses.NUM_NEAREST]].tolist()
        overlaps = box_iou(squares[nearest], box[None])[:, 0]
        for cell, overlap in zip(nearest, overlaps, strict=True):
            is_inside = (CENTRES[cell, :2] > box[:2]).all() and (CENTRES[cell, :2] < box[2:]).all()
            fits = overlap >= overlaps.mean() + overlaps.std()
            if is_inside and fits and overlap > best[cell]:
                owners[cell], best[cell] = i, overlap
    return owners


def test_owners_as_one_box_after_another_finds_them():
    rng = np.random.default_rng(0)
    for _ in range(20):
        corner, sides = rng.uniform(0, 40, (5, 2)), rng.uniform(6, 40, (5, 2))
        boxes = np.concatenate([corner, corner + sides], 1).astype(np.float32)
        np.testing.assert_array_equal(owners_of(boxes), one_by_one(boxes))


def test_quality_focal_loss_by_hand():
    """At logit 0 a score is .5: cross-entropy ln 2, times the square of how far it is off."""
    losses = head_losses.quality_loss(np.zeros(3, np.float32), np.float32([0, 0.5, 1]))
    np.testing.assert_allclose(losses, [np.log(2) / 4, 0, np.log(2) / 4], atol=1e-6)


def test_which_cells_are_kept():
    """An object's cell and one where the detector sees something count once; few stand for many."""
    owners, logits = np.full(1000, -1), np.full(1000, -9.0)
    owners[7], logits[3] = 0, 2.0
    kept, weights = choose(owners.copy(), logits, np.random.default_rng(0))
    assert {3, 7} <= set(kept) and len(kept) == 2 + NUM_OTHERS
    assert (weights[np.isin(kept, [3, 7])] == 1).all()
    assert weights.sum() == pytest.approx(1000)


def cells(boxes, told, labels=None):
    """Cells of random maps, all of the finest level, around the pixel (30, 30)."""
    num = len(boxes)
    maps = np.random.default_rng(0).normal(size=(num, 9 * 128)).astype(np.float16)
    return Cells(
        maps, np.zeros(num, np.int32), np.tile(np.float32([30, 30, 8]), (num, 1)),
        np.array(boxes, np.float32), np.array(labels or np.zeros((num, 2)), np.float32),
        np.array(told, np.uint8), np.ones(num, np.float32),
    )  # fmt: skip


NOTHING, CAT = [0, 0, 0, 0], [10, 10, 50, 50]


def test_a_head_that_has_learnt_nothing_has_forgotten_nothing(model):
    learner = HeadLearner(model, [16, 17])
    losses = learner(cells([NOTHING, CAT], [[0, 0], [1, 0]], [[0, 0], [1, 0]]))
    assert float(losses["kept"]) == pytest.approx(0, abs=1e-5)
    assert float(losses["class"]) > 0 and float(losses["box"]) > 0
    losses = learner(cells([NOTHING], [[0, 0]]))
    assert float(losses["class"]) == float(losses["box"]) == 0


def test_what_is_told_may_move_and_all_else_costs(model):
    """A higher bias of the cat costs nothing where cats are told of; that of another class does."""
    learner = HeadLearner(model, [16, 17])
    bias = model.head.outputs[0].bias
    old = np.asarray(bias).copy()
    kept = {}
    for number in (16, 20):
        bias.assign(old + 3 * np.eye(len(old), dtype=np.float32)[number - 1])
        for told in (0, 1):
            kept[number, told] = float(learner(cells([NOTHING], [[told, told]]))["kept"])
    bias.assign(old)
    assert kept[16, 1] == pytest.approx(0, abs=1e-5)
    assert min(kept[16, 0], kept[20, 0], kept[20, 1]) > 1


def test_rows_say_what_the_head_says(model):
    """An independent way to the same numbers: the head's own convolutions on whole maps."""
    rng = np.random.default_rng(1)
    pyramid = [rng.normal(size=(1, 64 // s, 64 // s, 128)).astype(np.float32) for s in (8, 16, 32)]
    learner = HeadLearner(model, [16, 17])
    rows = [
        learner.answer(learner.weights_of_levels(), surroundings(level[0]), number)
        for number, level in enumerate(pyramid)
    ]
    for whole, parts in zip(model.head(pyramid), zip(*rows, strict=True), strict=True):
        np.testing.assert_allclose(whole[0], np.concatenate(parts), atol=1e-3)


class OnePhoto:
    """A grey photograph with one cat, of which only cats were looked for."""

    def __getitem__(self, index):
        box = [[20, 20, 80, 80]]
        masks = np.zeros((1, 100, 100), bool)
        masks[0, 20:80, 20:80] = True
        truth = Detections(box, [17], [1], (100, 100), {17: "cat"}, masks)
        return np.full((100, 100, 3), 90, np.uint8), truth

    def known(self, index):
        return {17}


def test_cells_of_a_photograph(model):
    """Dogs were not looked for; an untrained head is half sure of them, so they may be there."""
    found = collect(model, [Source(OnePhoto(), [0], 1.0)], {17: 16, 18: 17}, 2)
    assert found.maps.shape[1] == 9 * 128 and found.boxes.shape == (len(found.maps), 4)
    is_cat = found.labels[:, 0] > 0
    np.testing.assert_array_equal(is_cat, found.boxes[:, 2] > 0)
    assert is_cat.any() and not found.labels[:, 1].any()
    assert found.told[:, 0].all() and found.told[is_cat, 1].all() and not found.told[:, 1].all()
    batches = CellBatches(found, 16)
    first = batches[0][0]
    assert len(first.levels) == 16 and len(set(first.levels)) == 1
    np.testing.assert_array_equal(first.maps, batches[0][0].maps)


def test_what_the_detector_sees_nowhere_is_absent(model):
    sure = [layer.bias for layer in model.head.outputs]
    before = [np.asarray(one).copy() for one in sure]
    for one in sure:
        one.assign(one - 9 * np.eye(one.shape[0], dtype=np.float32)[16])  # the 17th class: dogs
    found = collect(model, [Source(OnePhoto(), [0], 1.0)], {17: 16, 18: 17}, 1)
    for one, old in zip(sure, before, strict=True):
        one.assign(old)
    assert found.told.all()


def test_cells_in_a_file(model, tmp_path):
    assert read_cells(tmp_path / "none.npz") is None
    some = cells([CAT], [[1, 1]])
    write_cells(some, tmp_path / "new/some.npz")
    for one, other in zip(read_cells(tmp_path / "new/some.npz"), some, strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_learns_from_them(model):
    some = cells([CAT] * 8 + [NOTHING] * 8, np.ones((16, 2)), [[1, 0]] * 8 + [[0, 0]] * 8)
    learner = HeadLearner(model, [16, 17])
    learner.compile(keras.optimizers.Adam(1e-2), jit_compile=keras.backend.backend() == "jax")
    before = learner(some)
    for _ in range(10):
        learner.train_on_batch(some)
    after = learner(some)
    assert all(float(after[name]) < 0.5 * float(before[name]) for name in ("class", "box"))
