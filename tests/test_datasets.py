"""Everything that can be wrong with annotations: each is named, and mended where that is safe."""

import contextlib
import pathlib
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle
from pycocotools.coco import COCO

from helpers.annotations import (
    browse,
    join,
    read_dataset,
    split,
    statistics,
    with_classes,
    write_coco,
)
from helpers.annotations.__main__ import main
from helpers.annotations.datasets import Problem
from helpers.annotations.outlines import runs
from helpers.pictures import save_image
from helpers.structures import InputError
from tests.faults import FAULTS
from tests.test_formats import BOXES, SQUARE, coco, square, voc, write

FIG = [30, 5, 36, 5, 36, 15, 30, 15]


@pytest.fixture
def photo(tmp_path):
    """A picture `a.jpg` of 40 x 30, dark above and bright below."""
    image = np.full((30, 40, 3), 40, np.uint8)
    image[15:] = 220
    return save_image(tmp_path / "a.jpg", image)


def both(path):
    """A data set as it is, and mended; each with its lines of the two kinds."""
    for fix in (False, True):
        dataset = read_dataset(path, fix)
        lines = {
            kind: [str(problem) for problem in dataset.problems if problem.fixed == kind]
            for kind in (False, True)
        }
        yield dataset, lines[False], lines[True]


def rows(*polygons, **fields):
    return coco(*({"segmentation": [polygon]} for polygon in polygons), **fields)


# Shapes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "polygon, hint",
    [
        ([], "no area"),
        ([10, 5, 20, 5], "no area"),
        ([10, 5, 20, 5, 30, 5], "covers 0 pixels"),
        ([10, 5, 11, 5, 11, 6, 10, 6], "covers 1 pixels"),
        ([float("nan"), 5, 20, 5, 20, 15], "no area: its corners are"),
        ([10, 5, 20, 5, 20], "cannot reshape"),
        ([500, 5, 520, 5, 520, 15], "far outside"),
        ([10, 5, 20, 15, 20, 5, 10, 15], "crosses itself"),  # a bow tie
        (SQUARE + [12, 3, 22, 7, 18, 17, 8, 13], "crosses itself"),  # twice round
    ],
)
def test_outlines_that_nobody_can_mend(tmp_path, photo, polygon, hint):
    path = write(tmp_path / "c.json", rows(FIG, polygon))
    for dataset, wrong, notes in both(path):
        assert len(dataset.truth(0)) == 1 and notes == []
        (line,) = wrong
        assert line.startswith("c.json, a.jpg, object 2: ") and hint in line
        assert line.endswith("; left out")


def test_a_slip_that_crosses_itself_in_a_tiny_loop_is_used(tmp_path, photo):
    polygon = [10, 5, 20, 5, 20, 15, 10.2, 15, 9.8, 14.8, 10.2, 14.8, 10, 15.2]
    dataset = read_dataset(write(tmp_path / "c.json", rows(polygon)))
    assert dataset.problems == () and abs(dataset.truth(0).masks.sum() - 100) <= 1


def test_corners_outside_are_cut_off(tmp_path, photo):
    polygon = [30, 20, 50, 20, 50, 40, 30, 40]
    edge = [0, 0, 41, 0, 41, 4, -0.9, 4]  # within a pixel of the edge: nothing to talk about
    path = write(tmp_path / "c.json", rows(polygon, edge))
    (plain, wrong, _), (mended, still_wrong, notes) = both(path)
    assert len(plain.truth(0)) == 1
    assert "object 1: has 3 of 4 corners outside the picture (fix=True: cut off" in wrong[0]
    assert still_wrong == [] and notes[0].endswith("outside the picture: cut off at its edge")
    wanted = np.zeros((30, 40), bool)
    wanted[20:, 30:] = True
    np.testing.assert_array_equal(mended.truth(0).masks[0], wanted)


def test_rle_of_another_size_or_broken(tmp_path, photo):
    shapes = [
        {"size": [40, 30], "counts": [0, 1200]},
        {"size": [30, 40], "counts": [0, 1300]},  # more pixels than there are
        {"size": [30, 40], "counts": [5, -3, 1198]},
        {"size": [30, 40], "counts": [5, 3, 7]},  # fewer
        {"size": [30, 40], "counts": "oooooooo"},
        {"size": [30, 40], "counts": "zzzz"},
        {"size": [30, 40], "counts": "0000"},
        {"size": [30, 40]},
    ]
    data = coco({"segmentation": [FIG]}, *({"segmentation": shape} for shape in shapes))
    for dataset, wrong, _ in both(write(tmp_path / "c.json", data)):
        assert len(dataset.truth(0)) == 1 and len(wrong) == 8
        assert "mask of [40, 30] for a picture of [30, 40]" in wrong[0]


@pytest.mark.parametrize("seed", range(5))
def test_runs_are_those_that_pycocotools_wrote(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((57, 61)) < 0.3
    mask[:, seed * 5 : seed * 5 + 12] = seed % 2  # a long run among short ones
    changes = np.flatnonzero(np.diff(np.concatenate([[0], mask.T.ravel()])))
    wanted = np.diff(np.concatenate([[0], changes, [mask.size]])).tolist()
    assert runs(rle.encode(np.asfortranarray(mask, np.uint8))["counts"]) == wanted


def test_a_problem_is_a_short_line_whatever_the_file_says():
    line = str(Problem(pathlib.Path("a.json"), "9" * 5000, "x" * 5000, "is odd"))
    assert line.startswith("a.json, xxx") and "object 999" in line and len(line) < 250


def test_the_same_object_twice(tmp_path, photo):
    data = rows(SQUARE, SQUARE, FIG)
    data["annotations"][2]["id"] = 1  # two objects of one id: no matter
    dataset = read_dataset(write(tmp_path / "c.json", data))
    assert len(dataset.truth(0)) == 2
    lines = [str(problem) for problem in dataset.problems]
    assert "object 2: is there twice" in lines[0] and "object 1: has the id of another" in lines[1]


def boxed(shape, box, area):
    return {"segmentation": shape, "bbox": box, "area": area}


def test_runs_that_go_row_by_row_are_known_by_their_box(tmp_path, photo):
    mask = np.zeros((30, 40), bool)
    mask[5:15, 10:30] = True
    changes = np.flatnonzero(np.diff(np.concatenate([[0], mask.ravel(), [0]])))
    counts = np.diff(np.concatenate([[0], changes, [mask.size]])).tolist()
    wrong_way = {"size": [30, 40], "counts": counts}
    path = write(tmp_path / "c.json", coco(boxed(wrong_way, [10, 5, 20, 10], 200)))
    with pytest.raises(InputError, match="runs go row by row, its box says .fix=True: read so"):
        read_dataset(path)
    dataset = read_dataset(path, fix=True)
    np.testing.assert_array_equal(dataset.truth(0).masks, [mask])
    assert dataset.problems[0].fixed


def test_holes_that_are_further_outlines_are_known_by_the_area(tmp_path, photo):
    hole = [12, 7, 17, 7, 17, 12, 12, 12]
    path = write(tmp_path / "c.json", coco(boxed([SQUARE, hole], [10, 5, 10, 10], 75)))
    with pytest.raises(InputError, match="has a hole as a further outline.*cut out"):
        read_dataset(path)
    mask = read_dataset(path, fix=True).truth(0).masks[0]
    np.testing.assert_array_equal(mask, square() & ~square(12, 7, 5))
    # The parts of one object, one beside the other, are no holes.
    path = write(tmp_path / "c.json", coco(boxed([SQUARE, FIG], [10, 5, 26, 10], 160)))
    assert read_dataset(path).problems == ()


@pytest.mark.parametrize(
    "box, area, hint",
    [
        ([10, 5, 20, 15], 100, "has the box [10, 5, 20, 15], but its outline [10, 5, 10, 10]"),
        ([10, 5, 10, 10], 900, "has the area 900, but its outline 100"),
        ([100, 5, 10, 10], None, "has the box [100, 5, 10, 10]"),
        ([10, 5, 10, 10], 100, ""),
        ([10, 5, 30, 10], 300, "has the box"),
        ([9.5, 4.6, 11, 10.8], 110, ""),  # drawn by hand
        ([0, 0, 0, 0], 0, ""),  # says nothing
        (None, "many", ""),
        ([10, 5, float("nan"), 10], True, ""),
    ],
)
def test_a_box_or_an_area_that_the_outline_does_not_have_is_told(tmp_path, photo, box, area, hint):
    dataset = read_dataset(write(tmp_path / "c.json", coco(boxed([SQUARE], box, area))))
    np.testing.assert_array_equal(dataset.truth(0).masks, [square()])
    assert [hint in p.what and p.fixed for p in dataset.problems] == ([True] if hint else [])


def test_the_area_may_be_that_of_the_box(tmp_path, photo):
    """So Roboflow writes it, also beside outlines."""
    thin = [10, 5, 30, 23, 30, 25, 10, 7]
    path = write(tmp_path / "c.json", coco(boxed([thin], [10, 5, 20, 20], 400)))
    assert read_dataset(path).problems == ()


# Ids ----------------------------------------------------------------------------------------------


def test_unknown_and_duplicate_ids(tmp_path, photo):
    save_image(tmp_path / "b.png", np.full((30, 40, 3), 9, np.uint8))
    data = rows(SQUARE, FIG, FIG, FIG, SQUARE)
    data["annotations"][1]["image_id"] = 99
    data["annotations"][2]["category_id"] = 99
    data["categories"] += [{"id": 5, "name": "date"}, {"id": 5, "name": "almond"}]
    data["annotations"][3]["category_id"] = 5
    data["images"] += [{"id": 8, "file_name": "b.png"}, {"id": 8, "file_name": "c.png"}]
    data["annotations"][4]["image_id"] = 8
    for dataset, wrong, _ in both(write(tmp_path / "c.json", data)):
        assert len(dataset) == 1 and dataset.truth(0).names == ["nut"]
        assert wrong == [
            "c.json: category id 5 stands for 'date' and for 'almond'; left out",
            "c.json: image id 8 stands for b.png and for c.png; left out",
            "c.json, object 2: belongs to image id 99, which is unknown or in doubt; left out",
            "c.json, a.jpg, object 3: has category id 99, unknown or in doubt; left out",
            "c.json, a.jpg, object 4: has category id 5, unknown or in doubt; left out",
            "c.json, object 5: belongs to image id 8, which is unknown or in doubt; left out",
        ]


def test_a_picture_under_two_ids_is_left_out(tmp_path, photo):
    """Frames of two videos under one name: whose objects are these?"""
    save_image(tmp_path / "b.png", np.full((30, 40, 3), 9, np.uint8))
    data = rows(SQUARE, FIG, FIG)
    data["images"] += [{**data["images"][0], "id": 8}, {"id": 9, "file_name": "b.png"}]
    data["annotations"][1]["image_id"] = 8
    data["annotations"][2]["image_id"] = 9
    for dataset, wrong, _ in both(write(tmp_path / "c.json", data)):
        assert [path.name for path in dataset.paths] == ["b.png"]
        assert wrong == [
            "c.json, a.jpg: is listed twice, with other objects: nobody knows which are its own; "
            "left out"
        ]


def test_a_picture_listed_twice_that_has_the_same_objects_is_used_once(tmp_path, photo):
    data = rows(SQUARE, SQUARE)
    data["images"] += [{**data["images"][0], "id": 8}]
    data["annotations"][1]["image_id"] = 8
    dataset = read_dataset(write(tmp_path / "c.json", data))
    assert len(dataset) == 1 and len(dataset.truth(0)) == 1
    assert "a.jpg: is listed twice, and nothing else is said" in str(dataset.problems[0])
    assert dataset.problems[0].fixed
    write(tmp_path / "d.json", rows(SQUARE, FIG))  # another file that says more
    assert len(read_dataset(tmp_path).truth(0)) == 2
    write(tmp_path / "d.json", rows(FIG))  # and one that says something else
    with pytest.raises(InputError, match="is listed in c.json, too, with other objects"):
        read_dataset(tmp_path)


# Pictures -----------------------------------------------------------------------------------------


def test_a_missing_picture(tmp_path, photo):
    data = rows(SQUARE, FIG)
    data["images"] += [{"id": 8, "file_name": "gone.jpg", "height": 30, "width": 40}]
    data["annotations"][1]["image_id"] = 8
    for dataset, wrong, _ in both(write(tmp_path / "c.json", data)):
        assert len(dataset) == 1 and wrong == ["c.json, gone.jpg: is missing; left out"]


def test_a_picture_under_another_ending(tmp_path, photo):
    data = rows(SQUARE)
    data["images"][0]["file_name"] = "photos/A.JPEG"
    path = write(tmp_path / "c.json", data)
    with pytest.raises(InputError, match=r"is missing \(fix=True: a.jpg is used\)"):
        read_dataset(path)
    dataset = read_dataset(path, fix=True)
    assert dataset.paths == (photo,) and dataset.problems[0].fixed


def test_two_pictures_of_one_name(tmp_path, photo):
    save_image(tmp_path / "x/b.png", np.full((30, 40, 3), 9, np.uint8))
    save_image(tmp_path / "y/b.png", np.full((30, 40, 3), 8, np.uint8))
    data = rows(SQUARE)
    data["images"][0]["file_name"] = "b.png"
    with pytest.raises(InputError, match="is missing: 2 pictures have this name"):
        read_dataset(write(tmp_path / "c.json", data))


@pytest.mark.parametrize("damage", ["cut off", "no picture", "a bomb"])
def test_a_damaged_picture(tmp_path, photo, damage):
    save_image(tmp_path / "b.jpg", np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8))
    data = (tmp_path / "b.jpg").read_bytes()
    data = {"cut off": data[: len(data) // 2], "no picture": b"hello"}.get(damage)
    if damage == "a bomb":  # a PNG of a few bytes that says it has 10^10 pixels
        data = b"\x89PNG\r\n\x1a\n"
        for chunk in (b"IHDR" + struct.pack(">IIBBBBB", 10**5, 10**5, 8, 2, 0, 0, 0), b"IDAT"):
            data += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "b.jpg").write_bytes(data)
    both_pictures = rows(SQUARE)
    both_pictures["images"] += [{"id": 8, "file_name": "b.jpg"}]
    dataset = read_dataset(write(tmp_path / "c.json", both_pictures))
    assert len(dataset) == 1
    (problem,) = dataset.problems
    assert problem.picture == "b.jpg" and not problem.fixed
    hints = {"cut off": "truncated", "no picture": "identify", "a bomb": "DecompressionBomb"}
    assert hints[damage] in problem.what and str(tmp_path) not in str(problem)


def test_a_picture_of_another_size(tmp_path, photo):
    data = rows([2 * v for v in SQUARE])
    data["images"][0] |= {"height": 60, "width": 80}  # annotated twice as large
    path = write(tmp_path / "c.json", data)
    with pytest.raises(
        InputError, match="40 x 30 pixels, annotated as 80 x 60 .fix=True: masks are"
    ):
        read_dataset(path)
    np.testing.assert_array_equal(read_dataset(path, fix=True).truth(0).masks, [square()])
    data["images"][0] |= {"height": 50, "width": 80}  # of another shape: which part is it?
    for fix in (False, True):
        with pytest.raises(InputError, match="40 x 30 pixels, annotated as 80 x 50; left out"):
            read_dataset(write(tmp_path / "c.json", data), fix)


def test_a_gigantic_claim_takes_no_memory(tmp_path, photo):
    data = rows(SQUARE)
    data["images"][0] |= {"height": 30 * 10**9, "width": 40 * 10**9}
    with pytest.raises(InputError, match="annotated as 40000000000 x"):
        read_dataset(write(tmp_path / "c.json", data), fix=True)


def mark(corner):
    """A 6 x 9 block in a corner of a 40 x 30 picture, and the polygon around it."""
    y, x = {"upper left": (2, 3), "lower right": (20, 30)}[corner]
    image = np.full((30, 40, 3), 30, np.uint8)
    image[y : y + 6, x : x + 9] = 250
    return image, [x, y, x + 9, y, x + 9, y + 6, x, y + 6]


@pytest.mark.parametrize("turn", range(1, 9))
def test_annotations_of_a_photo_before_its_exif_turn(tmp_path, turn):
    """The block is bright: whatever the turn is, the mask must lie on the bright pixels."""
    image, polygon = mark("lower right")
    exif = Image.Exif()
    exif[274] = turn
    Image.fromarray(image).save(tmp_path / "a.png", exif=exif)
    data = rows(polygon)
    data["images"][0] |= {"file_name": "a.png"}
    path = write(tmp_path / "c.json", data)
    if turn < 5:  # the size does not tell: the outlines are taken to be of the upright picture
        assert read_dataset(path).problems == ()
        return
    with pytest.raises(
        InputError, match="30 x 40 pixels, annotated as 40 x 30, as before its EXIF"
    ):
        read_dataset(path)
    dataset = read_dataset(path, fix=True)
    (seen, truth), (problem,) = dataset[0], dataset.problems
    assert seen.shape == (40, 30, 3) and "masks are turned, too" in problem.what and problem.fixed
    np.testing.assert_array_equal(truth.masks[0], seen[..., 0] > 128)


@pytest.mark.parametrize("shape", ["upright", "either", "mask"])
def test_a_size_from_before_the_turn_says_little_of_the_outlines(tmp_path, shape):
    """Label Studio claims the stored size of a photo and shows it upright."""
    image = np.zeros((30, 40, 3), np.uint8)
    exif = Image.Exif()
    exif[274] = 6  # seen upright it is 30 wide and 40 high
    Image.fromarray(image).save(tmp_path / "a.png", exif=exif)
    outline = {
        "upright": [[2, 20, 20, 20, 20, 39, 2, 39]],
        "either": [[2, 2, 20, 2, 20, 20, 2, 20]],
        "mask": {"size": [30, 40], "counts": [0, 300, 900]},  # on the left of what is stored
    }[shape]
    data = coco({"segmentation": outline})
    data["images"][0]["file_name"] = "a.png"
    path = write(tmp_path / "c.json", data)
    if shape == "either":
        with pytest.raises(
            InputError, match="outlines fit both ways: turn the picture, and annotate"
        ):
            read_dataset(path, fix=True)
        return
    dataset = read_dataset(path, fix=True)
    wanted = [2, 20, 20, 39] if shape == "upright" else [0, 0, 30, 10]
    assert dataset.truth(0).boxes[0].tolist() == wanted and dataset.problems[0].fixed


@pytest.mark.parametrize("drawn", ["lying", "upright"])
def test_outlines_that_fit_both_ways_lie_as_those_of_the_others(tmp_path, drawn):
    exif = Image.Exif()
    exif[274] = 6  # upright: 30 wide, 40 high
    for shade, name in enumerate("ab"):
        Image.new("RGB", (40, 30), (shade, 0, 0)).save(tmp_path / f"{name}.png", exif=exif)
    sure = {"lying": [30, 2, 39, 2, 39, 20, 30, 20], "upright": [2, 30, 20, 30, 20, 39, 2, 39]}
    data = coco({"segmentation": [[2, 3, 12, 3, 12, 9, 2, 9]]}, {"segmentation": [sure[drawn]]})
    data["images"][0]["file_name"] = "a.png"
    data["images"].append({**data["images"][0], "id": 8, "file_name": "b.png"})
    data["annotations"][1]["image_id"] = 8
    dataset = read_dataset(write(tmp_path / "c.json", data), fix=True)
    boxes = {path.name: dataset.truth(i).boxes[0].tolist() for i, path in enumerate(dataset.paths)}
    # A turn by 90 degrees to the right: x becomes y, y is counted from the right.
    assert boxes["a.png"] == ([21, 2, 27, 12] if drawn == "lying" else [2, 3, 12, 9])
    assert all(problem.fixed for problem in dataset.problems)


def test_via_tells_no_size_but_the_outlines_do(tmp_path):
    image, polygon = mark("lower right")
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(image).save(tmp_path / "a.png", exif=exif)
    shape = {"name": "polygon", "all_points_x": polygon[::2], "all_points_y": polygon[1::2]}
    region = {"shape_attributes": shape, "region_attributes": {"name": "block"}}
    path = write(tmp_path / "via.json", {"a": {"filename": "a.png", "regions": [region]}})
    dataset = read_dataset(path, fix=True)
    np.testing.assert_array_equal(dataset.truth(0).masks[0], dataset[0][0][..., 0] > 128)


def test_the_same_picture_in_two_splits(tmp_path, photo):
    for name in ("train", "val"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.jpg").write_bytes(photo.read_bytes())
        data = rows(SQUARE)
        data["images"][0]["file_name"] = f"{name}.jpg"
        write(tmp_path / name / "c.json", data)
    photo.unlink()
    (plain, wrong, _), (mended, still_wrong, notes) = both(tmp_path)
    assert len(plain) == len(mended) == 1
    assert wrong == ["c.json, val.jpg: is the same picture as train/train.jpg; left out"]
    assert still_wrong == [] and "same picture" in notes[0]


@pytest.mark.parametrize("lost", ["no id", "no picture", "no record"])
def test_a_picture_that_may_have_lost_its_objects_is_no_empty_picture(tmp_path, photo, lost):
    save_image(tmp_path / "b.png", np.full((30, 40, 3), 9, np.uint8))
    data = rows(SQUARE, [10, 5, 20, 5])
    data["images"] += [{"id": 8, "file_name": "b.png"}]
    bad = data["annotations"][1]
    bad["image_id"] = 99 if lost == "no picture" else 8
    if lost == "no id":
        del bad["id"]
    if lost == "no record":
        data["annotations"][1] = "b.png"
    dataset = read_dataset(write(tmp_path / "c.json", data))
    assert [path.name for path in dataset.paths] == ["a.jpg"]
    why = {
        "no id": "has objects, but none that can be used",
        "no picture": "has no object, but most objects of the file belong to no picture",
        "no record": "has no object, but most objects of the file belong to no picture",
    }
    assert f"b.png: {why[lost]}" in str(dataset.problems[-1])


def test_one_object_of_no_picture_does_not_put_empty_pictures_in_doubt(tmp_path, photo):
    save_image(tmp_path / "b.png", np.full((30, 40, 3), 9, np.uint8))
    data = rows(SQUARE, FIG, FIG)
    data["images"] += [{"id": 8, "file_name": "b.png"}]
    data["annotations"][2]["image_id"] = 99
    dataset = read_dataset(write(tmp_path / "c.json", data))
    assert [path.name for path in dataset.paths] == ["a.jpg", "b.png"]


def test_ids_that_are_whole_numbers_with_a_point(tmp_path, photo):
    data = rows(SQUARE)
    data["annotations"][0] |= {"image_id": 7.0, "category_id": "3"}
    assert read_dataset(write(tmp_path / "c.json", data)).truth(0).names == ["nut"]


def test_a_picture_whose_objects_are_all_left_out_is_no_empty_picture(tmp_path, photo):
    save_image(tmp_path / "b.png", np.full((30, 40, 3), 9, np.uint8))
    save_image(tmp_path / "c.png", np.full((30, 40, 3), 8, np.uint8))
    data = rows(SQUARE, [10, 5, 20, 5])
    data["annotations"][1]["image_id"] = 8
    data["images"] += [{"id": 8, "file_name": "b.png"}, {"id": 9, "file_name": "c.png"}]
    dataset = read_dataset(write(tmp_path / "c.json", data))
    assert [path.name for path in dataset.paths] == ["a.jpg", "c.png"]
    assert len(dataset.truth(1)) == 0 and dataset.truth(1).masks.shape == (0, 30, 40)
    assert "b.png: has objects, but none that can be used" in str(dataset.problems[-1])


def test_boxes_without_masks(tmp_path, photo):
    write(tmp_path / "a.xml", voc(*BOXES))
    with pytest.raises(InputError, match="object 1: has no outline, at most a box"):
        read_dataset(tmp_path)
    (tmp_path / "a.xml").unlink()
    data = coco({"segmentation": None, "bbox": [1, 2, 9, 9]}, {"segmentation": [SQUARE]})
    dataset = read_dataset(write(tmp_path / "c.json", data))
    assert len(dataset.truth(0)) == 1 and "at most a box" in dataset.problems[0].what


# The rest -----------------------------------------------------------------------------------------


@pytest.fixture
def many(tmp_path):
    """Ten pictures: nuts in all, figs in two, a date in one."""
    data = coco(categories=[{"id": i, "name": n} for i, n in ((3, "nut"), (9, "fig"), (1, "date"))])
    data["images"] = [
        {"id": i, "file_name": f"{i}.png", "height": 30, "width": 40} for i in range(10)
    ]
    labels = [(i, 3) for i in range(10)] + [(2, 9), (6, 9), (8, 1)]
    data["annotations"] = [
        {"id": k, "image_id": i, "category_id": c, "segmentation": [SQUARE if c == 3 else FIG]}
        for k, (i, c) in enumerate(labels)
    ]
    for i in range(10):
        save_image(tmp_path / f"{i}.png", np.full((30, 40, 3), 20 * i, np.uint8))
    return read_dataset(write(tmp_path / "c.json", data))


@pytest.mark.parametrize("seed", range(8))
def test_split_has_every_class_in_both_parts(many, seed):
    train, val = split(many, 0.3, seed)
    assert len(train) == 7 and len(val) == 3
    assert set(train.paths) | set(val.paths) == set(many.paths)
    assert not set(train.paths) & set(val.paths)
    names = [{n for i in range(len(part)) for n in part.truth(i).names} for part in (train, val)]
    assert names == [{"nut", "fig", "date"}, {"nut", "fig"}]  # the one date is for training
    assert train.categories == val.categories == many.categories
    assert split(many, 0.3, seed)[1].paths == val.paths


def test_split_of_two_and_of_one(many):
    train, val = split(split(many, 0.2)[1], 0.01)
    assert len(train) == len(val) == 1
    with pytest.raises(ValueError, match="2 pictures or more"):
        split(train)
    with pytest.raises(ValueError, match="share"):
        split(many, 1)


def test_statistics(many):
    counts = statistics(many)
    assert (counts["pictures"], counts["objects"], counts["empty"]) == (10, 13, 0)
    assert counts["classes"]["nut"] == {"objects": 10, "pictures": 10, "areas": [100] * 10}
    assert counts["classes"]["date"] == {"objects": 1, "pictures": 1, "areas": [60]}
    assert counts["classes"]["fig"]["pictures"] == 2


def test_a_data_set_is_a_sequence_of_pairs(many):
    pairs = list(many)
    assert len(pairs) == 10
    for i, (image, truth) in enumerate(pairs):
        assert (image == 20 * i).all() and truth.image_size == (30, 40)
    with pytest.raises(IndexError):
        many[10]


def test_browse_shows_pictures_by_name(many):
    figure = browse(many, num=3, seed=1)
    titles = [axes.get_title() for axes in figure.axes if axes.images]
    assert len(titles) == 3 and set(titles) <= {path.name for path in many.paths}
    assert len(browse(list(many)[:2]).axes) == 2  # a list of pairs will do


def test_classes_are_renamed_merged_and_left_out(many):
    other = with_classes(many, {"fig": "fruit", "date": "fruit"}, ["nut"])
    assert other.categories == {1: "fruit"} and len(other) == 10
    assert [other.truth(i).names for i in (2, 6, 8, 0)] == [["fruit"]] * 3 + [[]]
    assert statistics(other)["empty"] == 7
    swapped = with_classes(many, {"fig": "nut", "nut": "fig"})
    assert swapped.categories == {1: "date", 3: "fig", 9: "nut"}
    assert many.truth(2).names == ["nut", "fig"]  # as it was
    with pytest.raises(InputError, match="no class pear, plum; there are nut, fig, date"):
        with_classes(many, {"pear": "x"}, ["plum"])
    with pytest.raises(InputError, match="no class is left"):
        with_classes(many, leave_out=["nut", "fig", "date"])


def test_two_data_sets_become_one(many):
    """{1: date, 3: nut, 9: fig} takes in {1: nut, 3: pear, 9: fig}."""
    other = with_classes(many, {"date": "nut", "nut": "pear"})
    both = join(many, other)
    assert both.categories == many.categories | {10: "pear"}
    assert both.paths == many.paths + other.paths and both.name == many.name
    names = [both.truth(i).names for i in (2, 6, 12)]
    assert names == [many.truth(2).names, many.truth(6).names, other.truth(2).names]
    assert names[2] == ["pear", "fig"]
    empty = with_classes(many, leave_out=["nut", "fig"])
    assert join(empty, many).categories == {1: "date", 2: "nut", 3: "fig"}
    assert statistics(join(many, many))["classes"]["nut"]["objects"] == 20
    assert many.categories == {1: "date", 3: "nut", 9: "fig"}  # as it was


def test_written_coco_is_read_again_here_and_by_pycocotools(many, tmp_path, capsys):
    out = tmp_path / "out"
    path = write_coco(many, out)
    again = read_dataset(out)
    assert path == out / "annotations.json" and again.categories == many.categories
    assert again.problems == () and len(again) == 10
    for (image, truth), (other, same) in zip(many, again, strict=True):
        np.testing.assert_array_equal(image, other)
        np.testing.assert_array_equal(truth.masks, same.masks)
        np.testing.assert_array_equal(truth.labels, same.labels)
    theirs = COCO(path)
    assert len(theirs.anns) == 13 and theirs.annToMask(theirs.anns[1]).sum() == 100


def test_pairs_become_coco(tmp_path, toy_pictures):
    again = read_dataset(write_coco(toy_pictures, tmp_path / "out"))
    assert again.categories == {1: "square", 7: "disc"}
    for (image, truth), (other, same) in zip(toy_pictures, again, strict=True):
        np.testing.assert_array_equal(image, other)
        np.testing.assert_array_equal(truth.masks, same.masks)
        np.testing.assert_array_equal(truth.boxes, same.boxes)  # tight around the masks


def test_command(tmp_path, photo, capsys):
    good = write(tmp_path / "good.json", rows(SQUARE))
    assert main(["check", str(good)]) == 0
    assert "1 pictures, 0 empty, 1 objects, 0 left out" in capsys.readouterr().out
    bad = write(
        tmp_path / "bad.json", rows(SQUARE, *([20 + i, 2, 50, 2, 50, 20] for i in range(12)))
    )
    assert main(["check", str(bad)]) == 1
    out = capsys.readouterr().out
    assert "WRONG bad.json, a.jpg, object 2: has 2 of 3 corners outside" in out
    assert out.count("WRONG") == 10 and "… and 2 more: has # of # corners outside" in out
    assert main(["check", "--fix", str(bad)]) == 0
    assert "note  bad.json" in capsys.readouterr().out
    assert main(["stats", str(good)]) == 0
    assert "nut: 1 objects in 1 pictures, areas 100 to 100 pixels" in capsys.readouterr().out
    assert main(["stats", str(good), "--rename", "nut=seed", "--leave-out", "fig"]) == 0
    assert "seed: 1 objects in 1 pictures" in capsys.readouterr().out
    assert main(["stats", str(good), "--leave-out", "pear"]) == 2
    assert "no class pear; there are nut, fig" in capsys.readouterr().err
    assert main(["convert", str(good), str(tmp_path / "out")]) == 0
    assert str(tmp_path / "out/annotations.json") in capsys.readouterr().out
    assert main(["check", str(tmp_path / "gone")]) == 2
    assert "no such file or folder" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["convert", str(good)])
    assert caught.value.code == 2


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_while_it_converts_keeps_the_older_files(
    tmp_path, photo, monkeypatch, capsys, fault
):
    folder = tmp_path / "out"
    words = ["convert", str(write(tmp_path / "good.json", rows(SQUARE))), str(folder)]
    assert main(words) == 0
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    capsys.readouterr()

    def fail(self, data, write=pathlib.Path.write_bytes):
        write(self, data[:100])
        raise fault

    monkeypatch.setattr(pathlib.Path, "write_bytes", fail)
    with contextlib.suppress(KeyboardInterrupt):
        assert main(words) == 2
        assert capsys.readouterr().err == f"{folder}: {fault.strerror}\n"
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_command_line(tmp_path, photo):
    """As typed: no traceback, no TensorFlow, and the exit code tells."""
    path = write(tmp_path / "c.json", "no JSON")
    run = subprocess.run(
        [sys.executable, "-m", "helpers.annotations", "check", str(path)],
        capture_output=True, text=True, cwd=pathlib.Path(__file__).parents[1],
    )  # fmt: skip
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.count("\n") == 1 and "c.json: cannot be read" in run.stderr
