"""The recipe for photographs on three toy pictures: it learns, goes on, measures, tells errors."""

import dataclasses
import json

import numpy as np
import pytest

from helpers import everyday, zoo
from helpers.curves import read_curve
from helpers.photos import Photos
from helpers.structures import Detections
from tests.test_photos import NAMES, data  # noqa: F401 (a fixture)
from tests.test_training import eagerly


@pytest.fixture
def small(monkeypatch, tiny_config, data):  # noqa: F811
    """A recipe of the size of the toy data; every second picture is kept to measure AP on."""
    monkeypatch.setattr(everyday, "CLASSES", NAMES)
    monkeypatch.setattr(everyday, "EVERY", 2)
    config = dataclasses.replace(tiny_config, num_classes=2)
    return lambda out, epochs: everyday.train_everyday(data, out, epochs, 2, 2, config=config)


def test_it_trains_and_goes_on(small, tmp_path):
    out = tmp_path / "pets"
    with eagerly():
        small(out, 1)
        assert [row["images"] for row in read_curve(out)] == ["4"]
        detector = small(out, 2)
    assert [row["images"] for row in read_curve(out)] == ["4", "8"]
    assert detector.card["data"] == "2 photographs, partly labelled"  # the third is kept
    loaded = zoo.load_detector(out, say=None)
    assert loaded.categories == {1: "person", 17: "cat"} and loaded.card["limits"]
    image = np.full((20, 30, 3), 50, np.uint8)
    np.testing.assert_allclose(loaded(image).scores, detector(image).scores, atol=1e-3)


class Oracle:
    """Says what it is told to, whatever the picture."""

    categories = {1: "person", 17: "cat"}

    def __init__(self, says):
        self.says = says

    def with_threshold(self, score):
        return self

    def __call__(self, image):
        return self.says[int(image[0, 0, 0])]


def test_the_report_counts_class_by_class_and_source_by_source(data):  # noqa: F811
    photos = Photos(data, "val", NAMES)
    truth = [photos[i] for i in range(len(photos))]
    right = {int(image[0, 0, 0]): one[one.scores > 0] for image, one in truth}
    result = everyday.report(Oracle(right), photos)
    assert result["images"] == 2  # the third has boxes alone
    assert result["classes"]["cat"] == {
        "objects": 1, "mask_AP": 1, "mask_AP50": 1, "interval": [1, 1],
    }  # fmt: skip
    assert result["sources"] == {"ccp": {"person": 1}, "val": {"cat": 1}}
    assert result["empty"] == {"images": 0, "false": 0}
    nothing = {shade: Detections.empty((20, 30), photos.categories) for shade in right}
    assert everyday.report(Oracle(nothing), photos)["classes"]["person"]["mask_AP50"] == 0


def test_false_objects_where_there_is_nothing(data):  # noqa: F811
    path = data / "instances_val.json"
    coco = json.loads(path.read_text())
    coco["annotations"] = [one for one in coco["annotations"] if one["image_id"] != 7]
    path.write_text(json.dumps(coco))
    photos = Photos(data, "val", NAMES)
    mask = np.zeros((2, 20, 30), bool)
    mask[:, :9, :9] = True
    two = Detections([[0, 0, 9, 9]] * 2, [1, 17], [0.9, 0.4], (20, 30), photos.categories, mask)
    result = everyday.report(Oracle({50: two, 150: two[:0]}), photos)
    assert result["empty"] == {"images": 1, "false": 1}  # .4 is not said aloud


def test_the_command_packs_and_tells_errors(data, tmp_path, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setattr(everyday, "CLASSES", NAMES)
    packed = tmp_path / "small.zip"
    assert everyday.main([str(data), "--pack", str(packed)]) == 0
    assert capsys.readouterr().out.strip() == str(packed) and len(Photos(packed, "val", NAMES)) == 3
    assert everyday.main([str(tmp_path / "nowhere")]) == 2
    assert "no instances_train….json in it" in capsys.readouterr().err
