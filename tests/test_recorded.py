"""What networks said, kept in small files, and the explorers that show it."""

import json
import types

import numpy as np
import pytest

from helpers import DATA
from helpers.lessons import explore_checkpoints, explore_choices, explore_learning, read_choices
from helpers.lessons.learning import after_steps, num_covered
from helpers.lessons.recorded import SIZE, pick, read_recorded, write_recorded
from helpers.mask_rcnn.inference import Candidates


def test_there_and_back(tmp_path):
    """A box that is full on its left, and one that scores too little to be kept."""
    masks = np.zeros((2, 28, 28), np.float32)
    masks[:, :, :14] = 1
    boxes = np.array([[10, 20, 66, 76], [0, 0, 8, 8]], np.float32)
    said = Candidates(boxes, np.array([3, 1]), np.array([0.8, 0.2], np.float32), masks)
    nothing = Candidates(boxes[:0], np.array([], int), np.zeros(0, np.float32), masks[:0])
    path = tmp_path / "said.npz"
    write_recorded(path, {"one": said, "none": nothing}, note=np.array(7))
    with np.load(path) as archive:
        recorded = dict(archive)
    assert recorded["note"] == 7
    found = read_recorded(recorded, "one")
    assert found.names == ["car"] and found.image_size == SIZE
    np.testing.assert_array_equal(found.boxes, [[20, 40, 132, 152]])  # twice as large
    assert found.scores[0] == pytest.approx(0.8, abs=1e-3)
    assert found.masks.sum() == 56 * 112
    assert len(read_recorded(recorded, "none")) == 0


def test_num_covered_with_a_pencil():
    """IoU of 1/2 counts, 1/3 does not."""
    boxes = np.array([[0, 0, 10, 10], [50, 50, 60, 60]], np.float32)
    proposals = np.array([[0, 0, 10, 20], [55, 50, 65, 60]], np.float32)
    assert num_covered(boxes, proposals) == 1
    assert num_covered(boxes[:0], proposals) == num_covered(boxes, proposals[:0]) == 0


def test_pick():
    assert pick("abc", 2, "letter") == "c"
    for wrong in (-1, 3, 0.5):
        with pytest.raises(ValueError, match=f"letter must be from 0 to 2, got {wrong}"):
            pick("abc", wrong, "letter")


def test_choices_are_whole():
    told = read_choices()
    for rows in told["groups"].values():
        first, *others = rows.values()
        assert first["difference"] == 0 and first["interval"] == [0, 0] and len(others) >= 1
        for row in others:
            low, high = row["interval"]
            gain = np.mean(row["mask_AP"]) - np.mean(first["mask_AP"])
            assert row["difference"] == pytest.approx(gain, abs=1e-4) and low <= high
    trained = [rows for group, rows in told["groups"].items() if group != "exchanged"]
    assert all(len(row["mask_AP"]) >= 2 for rows in trained for row in rows.values())
    assert len(json.dumps(told)) < 20_000 and (DATA / "ablations.npz").stat().st_size <= 300_000


def test_what_notebook_04b_says_of_the_choices():
    groups = read_choices()["groups"]
    lost = {name: -row["difference"] for rows in groups.values() for name, row in rows.items()}
    assert lost["masks-pool"] == pytest.approx(0.10, abs=0.005)
    assert lost["streets-pool"] / lost["masks-pool"] == pytest.approx(4, abs=0.25)
    assert lost["masks-14"] == pytest.approx(0.07, abs=0.005)
    assert 2.5 < lost["streets-14"] / lost["masks-14"] < 3
    assert abs(lost["masks-4-points"]) < 0.002 and abs(lost["masks-agnostic"]) < 0.01
    assert lost["whole-plain"] == pytest.approx(0.08, abs=0.005)
    assert max(lost, key=lost.get) == "masks-softmax"
    low, high = groups["masks"]["masks-agnostic"]["interval"]
    assert low < 0 < high


def test_choices_side_by_side():
    choices = explore_choices()
    picture, words = choices.view(0, 0)
    row = list(read_choices()["groups"]["masks"].values())[1]
    assert row["text"] in words and f"{row['difference']:+.3f}" in words
    assert picture.shape[1] > 2 * picture.shape[0]
    same, _ = choices.view("RoIPool", 0)
    assert (picture == same).all() and choices.view("RoIPool (not trained)", 0)[1] != words
    with pytest.raises(ValueError, match="choice must be one of RoIPool, .* got 'RoIPol'"):
        choices.view("RoIPol", 0)
    with pytest.raises(ValueError, match="picture must be from 0"):
        choices.view(0, 99)


def test_looks_at_a_training(toy_pictures):
    """Proposals on both objects, and one mask that is sure."""
    (image, truth), masks = toy_pictures[0], np.ones((1, 2, 28, 28), np.float32)
    nothing = types.SimpleNamespace(
        proposals=np.zeros((1, 4, 4), np.float32), boxes=np.zeros((1, 2, 4), np.float32),
        labels=np.zeros((1, 2), int), scores=np.zeros((1, 2)), mask_scores=0 * masks,
    )  # fmt: skip
    boxes = truth.boxes[None]
    all_found = types.SimpleNamespace(
        proposals=boxes, boxes=boxes, labels=np.array([[1, 2]]), scores=np.array([[0.9, 0.4]]),
        mask_scores=masks,
    )  # fmt: skip
    looks = [("First", {"mask": 0.69}, nothing), ("Last", {"mask": 0.1}, all_found)]
    explorer = explore_learning(image, truth, looks)
    (first, told_first), (last, told_last) = explorer.view(0), explorer.view(1)
    assert told_first == (
        "First. Losses: mask 0.69. Left: the best proposals cover 0 of 2 objects. Right: 0 "
        "detections score 0.5 or more."
    )
    assert "cover 2 of 2 objects. Right: 1 detection scores 0.5 or more." in told_last
    assert first.shape == last.shape and (first != last).any()
    with pytest.raises(ValueError, match="look must be from 0 to 1, got 2"):
        explorer.view(2)


def test_looks_at_a_training_that_was_recorded():
    """It begins with nothing and ends with the bundled model; no path of ours, a small file."""
    assert (DATA / "checkpoints.npz").stat().st_size <= 1e6
    explorer = explore_checkpoints()
    first, last = explorer.view(0, 0), explorer.view(6, 1)
    assert first[1].startswith("Before the first step. Losses: rpn_class 1.5")
    assert "Right: 0 detections" in first[1]
    assert last[1].startswith("The bundled model. Losses: rpn_class 0.0")
    assert first[0].shape == last[0].shape
    for look, picture in ((7, 0), (0, 2)):
        with pytest.raises(ValueError, match="must be from 0 to"):
            explorer.view(look, picture)


def test_how_far_a_training_has_come():
    told = [after_steps(num) for num in (0, 1, 1000)]
    assert told == ["Before the first step", "After 1 step", "After 1,000 steps"]
