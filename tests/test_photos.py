"""Partly labelled photographs: read with a pencil, varied by number, judged fairly, packed."""

import json
import pathlib
import zipfile

import numpy as np
import pytest

from helpers.structures import Detections, InputError
from helpers.training import photo_batches
from helpers.training.photo_batches import Varied
from helpers.training.photo_scores import counted
from helpers.training.photos import Photos, pack
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


def test_the_same_number_is_the_same_picture(data):
    some = Photos(data, "train", NAMES)
    one, two = (Varied(some, range(3), (64, 64), seed=5) for _ in range(2))
    two(3)
    for number in range(12):
        image, truth, known = one(number)
        other, true, _ = two(number)
        np.testing.assert_array_equal(image, other)
        np.testing.assert_array_equal(truth.boxes, true.boxes)
        assert image.shape == (64, 64, 3) and image.dtype == np.uint8 and known <= {1, 17}
    assert (one(0)[0] != Varied(some, range(3), (64, 64), seed=6)(0)[0]).any()
    names = {pathlib.Path(one.name(number)).name for number in range(40)}
    assert names == {"a.png", "b.png", "c.png"}


def test_easy_sources_are_shown_less(data):
    varied = Varied(Photos(data, "train", NAMES), range(3), (64, 64))
    rng = np.random.default_rng(0)
    counts = np.bincount([varied.pick(rng) for _ in range(5000)])
    np.testing.assert_allclose(counts / 5000, [0.4, 0.2, 0.4], atol=0.03)  # weights 1, .5, 1


def test_tiny_objects_are_left_out(data, monkeypatch):
    monkeypatch.setattr(photo_batches, "ZOOM", (1, 1))
    monkeypatch.setattr(photo_batches, "PASTED", 0)
    varied = Varied(Photos(data, "train", NAMES), [2], (64, 64))
    assert varied(0)[1].scores.tolist() == [1]  # 6 x 10, twice as large and more: 273 px
    varied = Varied(Photos(data, "train", NAMES), [2], (32, 32))
    assert varied(0)[1].scores.tolist() == [1]  # 68 px
    monkeypatch.setattr(photo_batches, "TINY", 70)
    assert varied(0)[1].scores.tolist() == [0]


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


def test_a_packed_folder_is_the_same_only_smaller(data):
    packed = pack(data, data / "small.zip", NAMES, side=15)
    assert [file.name for file in data.glob("*small*")] == ["small.zip"]
    assert len(zipfile.ZipFile(packed).namelist()) == 5  # three pictures, two JSON
    image, truth = Photos(packed, "train", NAMES)[0]
    assert image.shape == (10, 15, 3) and abs(image.astype(int) - 50).max() <= 2
    assert truth.boxes.tolist() == [[1, 2, 5, 6], [10, 0, 15, 10]]
    np.testing.assert_array_equal(truth.masks[0], bitmap(1, 2, 5, 6, (10, 15)))


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
