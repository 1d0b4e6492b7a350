"""Which picture a name means, and which it cannot mean: no object may land on another picture."""

import numpy as np
import pytest

from helpers.annotations import read_dataset
from helpers.pictures import save_image
from helpers.structures import InputError
from tests.test_formats import (
    BOXES,
    POINTS,
    SIZE,
    SQUARE,
    coco,
    labelme,
    save_mask,
    square,
    voc,
    write,
)


def shot(path, level=0):
    """A picture; pictures of different levels differ."""
    return save_image(path, np.full((*SIZE, 3), 10 * level, np.uint8))


def one(name, folder_of_file, tmp_path, file="instances.json"):
    """The folders of the picture that a COCO file takes for `name`, or why it takes none."""
    data = coco({"segmentation": [SQUARE]})
    data["images"][0]["file_name"] = name
    path = write(tmp_path / folder_of_file / file, data)
    try:
        (found,) = read_dataset(tmp_path).paths
    except InputError as error:
        return str(error)
    finally:
        path.unlink(missing_ok=True)
    return found.relative_to(tmp_path).as_posix()


def test_folders_of_a_name_must_not_disagree(tmp_path):
    shot(tmp_path / "bear/0.jpg")
    assert one("bear/0.jpg", "annotations", tmp_path) == "bear/0.jpg"
    assert one("0.jpg", "annotations", tmp_path) == "bear/0.jpg"
    assert one("C:\\videos\\bear\\0.jpg", "annotations", tmp_path) == "bear/0.jpg"
    assert one("images/0.jpg", "annotations", tmp_path) == "bear/0.jpg"  # says nothing
    assert "camel/0.jpg: is missing" in one("camel/0.jpg", "annotations", tmp_path)
    assert "is missing" in one("bear/camel/0.jpg", "annotations", tmp_path)
    where = "is missing: bear/0.jpg has its name, but lies in another folder or split"
    assert where in one("camel/0.jpg", "annotations", tmp_path)


def test_the_longest_agreement_wins(tmp_path):
    shot(tmp_path / "images/train/a.jpg", 1)
    shot(tmp_path / "images/val/a.jpg", 2)
    assert one("train/a.jpg", "annotations", tmp_path) == "images/train/a.jpg"
    assert one("val/a.jpg", "annotations", tmp_path) == "images/val/a.jpg"
    assert "is missing: 2 pictures have this name" in one("a.jpg", "annotations", tmp_path)


def test_a_file_of_one_split_has_no_pictures_of_another(tmp_path):
    shot(tmp_path / "val2017/1.jpg")
    found = [
        one("1.jpg", "annotations", tmp_path, f"{name}.json")
        for name in ("instances_val2017", "val", "valid", "all", "trainval", "my_validation_2")
    ]
    assert set(found) == {"val2017/1.jpg"}
    for name in ("instances_train2017", "train", "test", "instances_val2014"):
        assert "1.jpg: is missing" in one("1.jpg", "annotations", tmp_path, f"{name}.json"), name
    shot(tmp_path / "train2017/1.jpg", 1)
    for name in ("train2017", "val2017"):
        path = one("1.jpg", "annotations", tmp_path, f"instances_{name}.json")
        assert path == f"{name}/1.jpg"
    assert one("1.jpg", "x/train/annotations", tmp_path) == "train2017/1.jpg"


def test_of_two_names_the_closer_one(tmp_path):
    for level, video in enumerate(("bear", "camel")):
        shot(tmp_path / video / "img/0.jpg", level)
    assert one("0.jpg", "bear/ann", tmp_path) == "bear/img/0.jpg"
    assert one("0.jpg", "camel/ann", tmp_path) == "camel/img/0.jpg"


def test_a_picture_belongs_to_the_file_closest_to_it(tmp_path):
    """The pictures of camel/ are not there: its objects must not land on the bear."""
    shot(tmp_path / "bear/img/0.jpg")
    write(tmp_path / "bear/ann/0.json", labelme({"points": POINTS}, imagePath="0.jpg"))
    far = labelme({"points": [[1, 1], [9, 1], [9, 9]]}, imagePath="0.jpg")
    write(tmp_path / "camel/ann/0.json", far)
    dataset = read_dataset(tmp_path)
    np.testing.assert_array_equal(dataset.truth(0).masks, [square()])
    (line,) = [str(problem) for problem in dataset.problems]
    assert line == "0.json, 0.jpg: is that of 0.json, which lies closer to it; left out"


def test_labelme_prefers_the_picture_of_its_own_name(tmp_path):
    other = [[1, 1], [9, 1], [9, 9]]
    shot(tmp_path / "a.jpg", 1)
    shot(tmp_path / "b.jpg", 2)
    write(tmp_path / "a.json", labelme({"points": POINTS}))
    write(tmp_path / "b.json", labelme({"points": other}))  # a copy: it names a.jpg
    dataset = read_dataset(tmp_path)
    assert [path.name for path in dataset.paths] == ["a.jpg", "b.jpg"]
    assert [int(dataset.truth(i).masks.sum()) for i in (0, 1)] == [100, 28]
    (note,) = dataset.problems
    assert (
        "a.jpg: is named, but the file is called b.json: b.jpg is used" in str(note) and note.fixed
    )
    # In another folder a path that is exactly right goes before the file's own name.
    write(tmp_path / "labels/b.json", labelme({"points": POINTS}, imagePath="../a.jpg"))
    assert read_dataset(tmp_path / "labels/b.json").paths == (tmp_path / "labels/../a.jpg",)


def test_voc_prefers_picture_and_mask_of_its_own_name(tmp_path):
    for level, name in enumerate(("a", "b")):
        shot(tmp_path / f"images/{name}.jpg", level)
        save_mask(tmp_path / f"masks/{name}.png", 255 * square(10, 5 + level))
        write(tmp_path / f"xmls/{name}.xml", voc(BOXES[0], name="a.jpg"))
    dataset = read_dataset(tmp_path)
    assert [path.name for path in dataset.paths] == ["a.jpg", "b.jpg"]
    np.testing.assert_array_equal(dataset.truth(1).masks, [square(10, 6)])


def test_voc_takes_the_mask_of_its_own_folder(tmp_path):
    for level, part in enumerate(("one", "two")):
        shot(tmp_path / part / "images/a.jpg", level)
        save_mask(tmp_path / part / "masks/a.png", 255 * square(10, 5 + level))
        write(tmp_path / part / "xmls/a.xml", voc(BOXES[0]))
    dataset = read_dataset(tmp_path)
    tops = [int(dataset.truth(i).boxes[0, 1]) for i in (0, 1)]
    assert tops == [5, 6] and dataset.problems == ()


@pytest.mark.parametrize("name", ["a", "a.1"])
def test_a_name_without_an_ending(tmp_path, name):
    shot(tmp_path / f"images/{name}.jpg")
    save_mask(tmp_path / f"masks/{name}.png", 255 * square())  # no picture, though of that name
    write(tmp_path / f"xmls/{name}.xml", voc(BOXES[0], name=name))
    dataset = read_dataset(tmp_path)
    assert dataset.problems == () and dataset.paths[0].parent.name == "images"


def test_a_mask_is_no_picture(tmp_path):
    shot(tmp_path / "images/a.jpg")
    save_mask(tmp_path / "masks/a.png", 255 * square())
    write(tmp_path / "xmls/a.xml", voc(BOXES[0], name="a.png"))  # of the picture's name
    with pytest.raises(InputError, match=r"a.png: is missing .fix=True: a.jpg is used"):
        read_dataset(tmp_path)
    assert read_dataset(tmp_path, fix=True).paths[0].name == "a.jpg"
    shot(tmp_path / "roadmaps/b.jpg", 1)  # a folder whose name only sounds like one of masks
    assert one("b.jpg", "annotations", tmp_path) == "roadmaps/b.jpg"


def test_jpegs_of_another_ending(tmp_path):
    image = shot(tmp_path / "images/a.jpg")
    image.rename(tmp_path / "images/a.jfif")
    assert one("a.jfif", "annotations", tmp_path) == "images/a.jfif"
