"""Detections: selecting, measuring, refusing."""

import dataclasses
import json
import re
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from pycocotools import mask as rle

from helpers.structures import Detections, InputError, percent, require

NAMES = {1: "person", 3: "car", 18: "dog"}


def three():
    """Three objects in a picture of 6 x 8 pixels, best first."""
    masks = np.zeros((3, 6, 8), bool)
    masks[0, 1:3, 1:5] = True  # 2 rows, 4 columns
    masks[1, 0:6, 7] = True  # a column
    masks[2, 4, 2] = True  # a pixel
    boxes = [[1, 1, 5, 3], [7, 0, 8, 6], [2, 4, 3, 5]]
    return Detections(boxes, [3, 1, 18], [0.9, 0.8, 0.25], (6, 8), NAMES, masks, [4, 5, 6])


@pytest.mark.parametrize(
    "score, text",
    [(0, "0"), (0.29, "29"), (0.995, "99"), (0.999999, "99"), (1, "100"), (np.float32(0.57), "57")],
)
def test_one_rule_rounds_scores(score, text):
    assert percent(score) == f"{text}\xa0%"


# --- selecting ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keep, scores",
    [
        (0, [0.9]),
        (-1, [0.25]),
        (np.int64(1), [0.8]),
        (slice(1, None), [0.8, 0.25]),
        ([2, 0], [0.25, 0.9]),
        (np.array([True, False, True]), [0.9, 0.25]),
        ([False, True, False], [0.8]),
        ([], []),
        (np.zeros(3, bool), []),
    ],
)
def test_selection_keeps_every_field_together(keep, scores):
    found = three()
    some = found[keep]
    np.testing.assert_allclose(some.scores, scores)
    row = {9: 0, 8: 1, 2: 2}  # by the first digit of the score
    rows = [row[int(score * 10 + 1e-6)] for score in scores]
    for name in ("boxes", "labels", "masks", "track_ids"):
        np.testing.assert_array_equal(getattr(some, name), getattr(found, name)[rows])
    assert some.image_size == (6, 8) and some.categories == NAMES and len(some) == len(scores)


def test_a_comparison_selects_and_a_loop_ends():
    found = three()
    assert found[found.scores >= 0.7].names == ["car", "person"]
    assert [one.names for one in found] == [["car"], ["person"], ["dog"]]
    with pytest.raises(IndexError):
        found[3]


def test_types_are_converted_and_nothing_given_is_changed():
    boxes, labels = np.array([[1, 2, 3, 4]], np.int64), [3]
    found = Detections(boxes, labels, [1], (6.0, 8.0), NAMES)
    assert found.boxes.dtype == found.scores.dtype == np.float32 and found.labels.dtype == np.int32
    assert found.image_size == (6, 8) and boxes.dtype == np.int64 and labels == [3]
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.scores = np.zeros(1)
    other = found.replace(scores=[0.5])
    assert other.scores[0] == 0.5 and found.scores[0] == 1
    assert np.shares_memory(other.boxes, found.boxes)


# --- to COCO -----------------------------------------------------------------------------------


def test_to_coco_with_a_pencil():
    records = json.loads(json.dumps(three().to_coco(42)))  # only what JSON knows
    assert [record["category_id"] for record in records] == [3, 1, 18]
    assert records[0]["bbox"] == [1, 1, 4, 2]  # x, y, width, height
    assert [record["area"] for record in records] == [8, 6, 1]
    assert [record["track_id"] for record in records] == [4, 5, 6]
    assert {record["image_id"] for record in records} == {42} and records[2]["score"] == 0.25
    # Run lengths go down the columns: column 7 of 6 rows is the last 6 of 48 pixels.
    column = rle.frPyObjects({"counts": [42, 6], "size": [6, 8]}, 6, 8)
    assert records[1]["segmentation"]["counts"] == column["counts"].decode()
    for record, mask in zip(records, three().masks, strict=True):
        np.testing.assert_array_equal(rle.decode(record["segmentation"]), mask)


def test_to_coco_without_masks_says_nothing_about_them():
    record = three().replace(masks=None, track_ids=None).to_coco(1)[0]
    assert set(record) == {"image_id", "category_id", "bbox", "score"}


# --- measuring ---------------------------------------------------------------------------------


def test_table_with_a_pencil():
    car, person, dog = three().to_table()
    # rows 1..2, columns 1..4: centres 1.5..2.5 and 1.5..4.5, long side along x
    assert car == {"name": "car", "score": 0.9, "box": (1, 1, 5, 3), "area": 8,
                   "centroid": (3, 2), "angle": 0}  # fmt: skip
    assert (person["area"], person["centroid"], person["angle"]) == (6, (7.5, 3), 90)
    assert (dog["area"], dog["centroid"]) == (1, (2.5, 4.5))


def test_angles_turn_with_the_clock():
    masks = np.stack([np.eye(5, dtype=bool), np.eye(5, dtype=bool)[::-1], np.zeros((5, 5), bool)])
    boxes = [[0, 0, 5, 5]] * 3
    rows = Detections(boxes, [1, 1, 1], [1, 1, 1], (5, 5), NAMES, masks).to_table()
    # y points down: the main diagonal falls to the right, 45 degrees clockwise from the x axis
    assert [row["angle"] for row in rows] == [45, -45, None]
    assert rows[2]["area"] == 0 and rows[2]["centroid"] is None


def test_without_masks_the_box_stands_in():
    flat, tall = Detections([[0, 0, 4, 2], [1, 1, 2, 5]], [1, 1], [1, 1], (6, 8), NAMES).to_table()
    assert (flat["area"], flat["centroid"], flat["angle"]) == (8, (2, 1), 0)
    assert (tall["area"], tall["centroid"], tall["angle"]) == (4, (1.5, 3), 90)


def test_moments_against_opencv():
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = np.zeros((60, 80), np.uint8)
        centre, axes = tuple(map(int, rng.integers(25, 35, 2))), (int(rng.integers(12, 20)), 6)
        cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
        moments = cv2.moments(mask, binaryImage=True)
        angle = np.degrees(np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"]) / 2)
        (row,) = Detections(
            [[0, 0, 80, 60]], [1], [1], (60, 80), NAMES, mask[None].astype(bool)
        ).to_table()
        assert row["area"] == moments["m00"] and abs(row["angle"] - angle) <= 0.051
        x, y = moments["m10"] / moments["m00"] + 0.5, moments["m01"] / moments["m00"] + 0.5
        np.testing.assert_allclose(row["centroid"], (x, y), atol=0.051)


def test_the_angle_of_an_upright_object_is_90_never_minus_90():
    # A column of 401 pixels, a pixel beside its head and one beside its foot, so that it leans by
    # a few hundredths of a degree: to the left or to the right, rounded it is upright.
    for lean in (1, -1):
        mask = np.zeros((401, 3), bool)
        mask[:, 1] = mask[0, 1 + lean] = mask[400, 1 - lean] = True
        (row,) = Detections([[0, 0, 3, 401]], [1], [1], (401, 3), NAMES, mask[None]).to_table()
        assert row["angle"] == 90


# --- nothing -----------------------------------------------------------------------------------


def test_no_objects():
    none = Detections.empty((6, 8), NAMES)
    assert len(none) == 0 and none.masks.shape == (0, 6, 8) and none.names == []
    assert none.to_coco(1) == [] and none.to_table() == [] and list(none) == []
    assert len(none[:3]) == len(none[none.scores > 0.5]) == len(none[[]]) == 0
    assert Detections.empty((6, 8), NAMES, with_masks=False).masks is None


# --- in words ----------------------------------------------------------------------------------


def test_a_sentence_and_a_thumbnail():
    found = three()
    assert str(found) == "3 objects: 1 car, 1 person, 1 dog (in 8 × 6 pixels)"
    assert repr(found[:1]) == "1 object: 1 car (in 8 × 6 pixels)"
    assert repr(found[[]]) == "no objects (in 8 × 6 pixels)"
    many = {i: f"<{i}>" for i in range(1, 8)}
    crowd = Detections(np.zeros((8, 4)), [*many, 7], np.ones(8), (6, 8), many)
    assert repr(crowd) == "8 objects: 2 <7>, 1 <1>, 1 <2>, 1 <3>, 1 <4> … (in 8 × 6 pixels)"
    assert "<7>" not in crowd._repr_html_() and "&lt;7&gt;" in crowd._repr_html_()


def test_the_thumbnail_shows_the_masks():
    """Its lines, drawn again on a grid, are the masks."""
    found = three()
    page = ElementTree.fromstring(found._repr_html_())
    paths = page.findall(".//{*}path")
    assert [path.find("{*}title").text for path in paths] == [
        "car 90\xa0%",
        "person 80\xa0%",
        "dog 25\xa0%",
    ]
    for path, mask in zip(paths, found.masks, strict=True):
        drawn = np.zeros((6, 8), bool)
        for x1, y, x2 in re.findall(r"M(\d+) (\d+)\.5H(\d+)", path.get("d")):
            drawn[int(y), int(x1) : int(x2)] = True
        np.testing.assert_array_equal(drawn, mask)
    boxes = ElementTree.fromstring(found.replace(masks=None)._repr_html_()).findall(".//{*}path")
    assert boxes[0].get("d") == "M1.0 1.0H5.0V3.0H1.0z"
    large = Detections([[0, 0, 3000, 2000]], [1], [1], (2000, 3000), NAMES)._repr_html_()
    assert 'viewBox="0 0 120 80"' in large and len(large) < 500


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"labels": [1]}, r"labels must have shape \(3,\), one per box, got \(1,\)"),
        ({"scores": np.ones((3, 1))}, r"scores must have shape \(3,\), one per box, got \(3, 1\)"),
        ({"masks": np.zeros((3, 8, 6), bool)}, r"masks must have shape \(3, 6, 8\), got \(3, 8"),
        ({"track_ids": [1, 2]}, r"track_ids must have shape \(3,\), one per box, got \(2,\)"),
        ({"labels": [1, 2, 3]}, r"labels \[2\] are not among the categories"),
        (
            {"masks": np.full((3, 6, 8), 0.02)},
            r"masks must be bool, got float64 up to 0.02 .*> 0.5",
        ),
        (
            {"masks": np.arange(144).reshape(3, 6, 8)},
            "masks must be bool, got int64 up to 143 with",
        ),
        ({"masks": np.full((3, 6, 8), np.nan)}, "masks must be bool, got float64 up to nan"),
        ({"image_size": (0, 8), "masks": None}, r"image_size must be positive, got \(0, 8\)"),
    ],
)
def test_what_does_not_fit_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        three().replace(**fields)


@pytest.mark.parametrize("kind, yes", [(np.float32, 1), (np.uint8, 1), (np.uint8, 255), (int, 1)])
def test_masks_of_two_numbers_are_yes_and_no(kind, yes):
    masks = three().masks
    given = (masks * yes).astype(kind)
    found = three().replace(masks=given)
    assert found.masks.dtype == bool and (found.masks == masks).all() and given.dtype == kind


def test_boxes_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="boxes must have shape"):
        Detections(np.zeros((2, 6)), [1, 1, 1], [1, 1, 1], (6, 8), NAMES)  # 12 numbers, not 3 boxes


def test_a_selection_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"keep must have shape \(3,\), got \(2,\)"):
        three()[[True, False]]


def test_require():
    require(True, "unused")
    with pytest.raises(ValueError, match="^wanted this, got that$"):
        require(False, "wanted this, got that")
    assert issubclass(InputError, ValueError)
