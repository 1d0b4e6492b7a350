"""Partly labelled photographs: read with a pencil, judged fairly."""

import json

import numpy as np
import pytest

from helpers.structures import Detections, InputError
from helpers.training.photo_scores import counted, report
from helpers.training.photos import Photos
from tests import photo_data
from tests.photo_data import CATEGORIES, EVERYDAY, NAMES, bitmap


@pytest.fixture
def data(tmp_path):
    return photo_data.write(tmp_path)


def test_what_is_known_with_a_pencil(data):
    some = Photos(data, "train", NAMES)
    assert len(some) == 3 and some.categories == CATEGORIES
    assert some.sources == ["train", "ccp", "cocobox"]
    assert [some.known(i) for i in range(3)] == [{1, 17}, {1}, {1}]
    assert [some.has_masks(i) for i in range(3)] == [True, True, False]
    assert some.provenance()["ccp"] == {"see its source": 1} and len(some.provenance()) == 3
    image, truth = some[0]
    assert image.shape == (20, 30, 3) and (image == 50).all()
    assert truth.names == ["cat", "person"] and truth.scores.tolist() == [1, 0]  # 0: a crowd
    assert truth.boxes.tolist() == [[2, 4, 10, 12], [20, 0, 30, 20]]
    np.testing.assert_array_equal(truth.masks[0], bitmap(2, 4, 10, 12))
    assert not truth.masks[1].any()
    _, truth = some[1]  # there may be passers-by: all but the object is a region
    assert truth.scores.tolist() == [1, 0] and truth.boxes.tolist()[1] == [0, 0, 30, 20]
    np.testing.assert_array_equal(truth.masks[0], bitmap(10, 2, 20, 18))
    _, truth = some[2]
    assert truth.boxes.tolist() == [[3, 5, 9, 15]] and not truth.masks.any()


def test_cocos_own_layout(data):
    (data / "annotations").mkdir()
    (data / "instances_train.json").rename(data / "annotations/instances_train2017.json")
    (data / "images").rename(data / "train2017")
    some = Photos(data, "train", NAMES)
    assert some.sources[0] == "train2017" and (some[0][0] == 50).all()


def test_what_cannot_be_read_is_told(data):
    with pytest.raises(InputError, match="no instances_test….json in it"):
        Photos(data, "test", NAMES)
    with pytest.raises(InputError, match="no category horse"):
        Photos(data, "train", ("person", "horse"))
    (data / "images/b.png").write_bytes(b"no picture")
    (data / "images/c.png").unlink()
    some = Photos(data, "train", NAMES)
    with pytest.raises(InputError, match="b.png: not a picture"):
        some[1]
    with pytest.raises(InputError, match="c.png: no such picture"):
        some[2]
    for text, why in [("{", "not in COCO's form"), ("[]", "not in COCO's form"),
                      ('{"images": []}', "not in COCO's form"),
                      (json.dumps({"images": [], "annotations": [], "categories": [
                          {"id": 1, "name": "person"}]}), "no picture in it")]:  # fmt: skip
        (data / "instances_train.json").write_text(text)
        with pytest.raises(InputError, match=why):
            Photos(data, "train", ("person",))


def test_only_what_can_be_judged_counts():
    size = (100, 100)

    def objects(*rows):
        boxes, labels, scores = (
            [row[:4] for row in rows],
            *([row[i] for row in rows] for i in (4, 5)),
        )
        return Detections(boxes, labels, scores, size, CATEGORIES)

    truth = objects((0, 0, 40, 40, 1, 1), (50, 0, 100, 100, 1, 0))
    detections = objects(
        (0, 0, 40, 38, 1, 0.9),
        (0, 50, 40, 90, 1, 0.8),  # wrong, and nothing speaks for it
        (60, 10, 80, 30, 1, 0.7),  # in the crowd
        (30, 0, 70, 40, 1, 0.6),  # half in the crowd and no more
        (0, 0, 40, 40, 17, 0.5),  # nobody looked for cats
    )
    real, kept = counted(truth, detections, {1})
    assert real.boxes.tolist() == [[0, 0, 40, 40]]
    np.testing.assert_allclose(kept.scores, [0.9, 0.8, 0.6])
    assert counted(truth, detections, {1, 17})[1].labels.tolist() == [1, 1, 1, 17]
    # The main person alone is annotated: what lies beside it is nobody's fault, what touches it is.
    solo = objects((0, 0, 40, 40, 1, 1), (0, 0, 100, 100, 1, 0))
    np.testing.assert_allclose(counted(solo, detections, {1})[1].scores, [0.9, 0.6])
    nothing = Detections.empty(size, CATEGORIES)
    assert [len(part) for part in counted(nothing, detections, {1})] == [0, 4]
    assert [len(part) for part in counted(truth, nothing, {1})] == [1, 0]
    # A model that numbers its classes otherwise: they are the same by name.
    names = {number: {1: 17, 17: 1}.get(number, number) for number in CATEGORIES}
    swapped = detections.replace(
        labels=[names[label] for label in detections.labels.tolist()],
        categories={names[number]: name for number, name in CATEGORIES.items()},
    )
    np.testing.assert_allclose(counted(truth, swapped, {1})[1].scores, [0.9, 0.8, 0.6])
    assert counted(truth, swapped, {1, 17})[1].labels.tolist() == [1, 1, 1, 17]


class Oracle:
    """Says what it is told to, whatever the picture."""

    categories = {1: "person", 17: "cat"}

    def __init__(self, says):
        self.says = says

    def with_threshold(self, score):
        return self

    def __call__(self, image):
        return self.says[int(image[0, 0, 0])]


def test_the_report_counts_class_by_class_and_source_by_source(data):
    photos = Photos(data, "val", NAMES)
    truth = [photos[i] for i in range(len(photos))]
    right = {int(image[0, 0, 0]): one[one.scores > 0] for image, one in truth}
    result = report(Oracle(right), photos)
    assert result["images"] == 2  # the third has boxes alone
    assert result["classes"]["cat"] == {
        "objects": 1, "mask_AP": 1, "mask_AP50": 1, "interval": [1, 1],
    }  # fmt: skip
    assert result["sources"] == {"ccp": {"person": 1}, "val": {"cat": 1}}
    assert result["empty"] == {"images": 0, "false": 0}
    nothing = {shade: Detections.empty((20, 30), photos.categories) for shade in right}
    assert report(Oracle(nothing), photos)["classes"]["person"]["mask_AP50"] == 0


def test_false_objects_where_there_is_nothing(data):
    path = data / "instances_val.json"
    coco = json.loads(path.read_text())
    coco["annotations"] = [one for one in coco["annotations"] if one["image_id"] != 7]
    path.write_text(json.dumps(coco))
    photos = Photos(data, "val", NAMES)
    mask = np.zeros((2, 20, 30), bool)
    mask[:, :9, :9] = True
    two = Detections([[0, 0, 9, 9]] * 2, [1, 17], [0.9, 0.4], (20, 30), photos.categories, mask)
    result = report(Oracle({50: two, 150: two[:0]}), photos)
    assert result["empty"] == {"images": 1, "false": 1}  # .4 is not said aloud


@pytest.mark.skipif(not EVERYDAY.exists(), reason="needs ../shared/data/everyday")
def test_the_real_photographs():
    some = Photos(EVERYDAY, "val", ("person", "cat", "dog"))
    assert len(some) == 451
    by_source = {}
    for i, source in enumerate(some.sources):
        truth = some.truth(i)
        assert (truth.masks.any((1, 2)) == (truth.scores > 0)).all()
        by_source.setdefault(source, []).append((truth.scores > 0).sum())
    assert {name: sum(counts) for name, counts in by_source.items()} == {
        "ccp": 100, "cocoval": 256, "feralcat": 785, "pets": 60,
    }  # fmt: skip
