"""Each kind of annotation, on files of a few lines: the objects come out one by one, by name."""

import json
import pathlib
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle

from helpers.annotations import read_dataset, statistics, write_coco
from helpers.pictures import save_image
from helpers.structures import InputError

SIZE = (30, 40)  # of every picture here
SQUARE = [10, 5, 20, 5, 20, 15, 10, 15]  # COCO's rule fills columns 10..19 of rows 5..14
FIG_AT = [30, 5, 36, 5, 36, 15, 30, 15]
POINTS = [[10, 5], [20, 5], [20, 15], [10, 15]]


def square(left=10, top=5, side=10):
    mask = np.zeros(SIZE, bool)
    mask[top : top + side, left : left + side] = True
    return mask


@pytest.fixture
def photo(tmp_path):
    """A picture `a.jpg`; no two pixels next to each other are equal."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return save_image(
        tmp_path / "a.jpg", np.stack([6 * x, 8 * y, 5 * (x + y) % 256], 2).astype("u1")
    )


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def save_mask(path, codes, mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(codes, np.uint8))
    if mode == "P":
        image.putpalette(np.random.default_rng(0).integers(0, 255, 768).tolist())
    image.save(path)


def only(path, **wanted):
    """The one picture of a data set where nothing is wrong; `wanted`: how many of each class."""
    dataset = read_dataset(path)
    assert [str(problem) for problem in dataset.problems if not problem.fixed] == []
    assert len(dataset) == 1 and dataset[0][0].shape == (*SIZE, 3)
    truth = dataset.truth(0)
    assert sorted(truth.names) == sorted(name for name, num in wanted.items() for _ in range(num))
    assert (truth.scores == 1).all()
    return truth


def coco(*annotations, **fields):
    rows = [
        {"id": i, "image_id": 7, "category_id": 3, "iscrowd": 0, **row}
        for i, row in enumerate(annotations, 1)
    ]
    return {
        "images": [{"id": 7, "file_name": "a.jpg", "height": 30, "width": 40}],
        "categories": [{"id": 3, "name": "nut"}, {"id": 9, "name": "fig"}],
        "annotations": rows,
        **fields,
    }


# COCO ---------------------------------------------------------------------------------------------


def test_coco_polygons(tmp_path, photo):
    two_parts = [SQUARE, [30, 5, 34, 5, 34, 15, 30, 15]]
    path = write(
        tmp_path / "c.json",
        coco({"segmentation": [SQUARE]}, {"segmentation": two_parts, "category_id": 9}),
    )
    truth = only(path, nut=1, fig=1)
    assert truth.categories == {3: "nut", 9: "fig"}, "ids keep their gaps"
    np.testing.assert_array_equal(truth.labels, [3, 9])
    np.testing.assert_array_equal(truth.masks[0], square())
    np.testing.assert_array_equal(truth.boxes, [[10, 5, 20, 15], [10, 5, 34, 15]])
    assert truth.masks[1].sum() == 100 + 40


def test_coco_rle_compressed_and_not(tmp_path, photo):
    ring = square() & ~square(13, 8, 4)  # a hole, which a polygon cannot have
    code = rle.encode(np.asfortranarray(ring, np.uint8))
    runs = np.flatnonzero(np.diff(np.concatenate([[0], ring.T.ravel(), [0]])))
    counts = np.diff(np.concatenate([[0], runs, [ring.size]])).tolist()  # by hand, column by column
    short = {"size": [30, 40], "counts": code["counts"].decode()}
    path = write(
        tmp_path / "c.json",
        coco(
            {"segmentation": short},
            {"segmentation": {"size": [30, 40], "counts": counts}, "category_id": 9},
        ),
    )
    truth = only(path, nut=1, fig=1)
    np.testing.assert_array_equal(truth.masks, [ring, ring])


def test_coco_polygon_masks_are_those_of_pycocotools(tmp_path, photo):
    rng = np.random.default_rng(0)
    angles = np.sort(rng.uniform(0, 2 * np.pi, (5, 9)), axis=1)
    shapes = np.stack([20 + 12 * np.cos(angles), 15 + 11 * np.sin(angles)], 2).reshape(5, -1)
    path = write(tmp_path / "c.json", coco(*({"segmentation": [s.tolist()]} for s in shapes)))
    wanted = [rle.decode(rle.frPyObjects([s.tolist()], *SIZE))[..., 0] for s in shapes]
    np.testing.assert_array_equal(only(path, nut=5).masks, np.array(wanted, bool))


@pytest.mark.parametrize("yes, no", [(1, 0), ("1", "0"), (True, None)])
def test_coco_crowds_are_regions_to_leave_out(tmp_path, photo, yes, no):
    region = {"size": [30, 40], "counts": [0, 300, 900]}  # the ten columns on the left
    path = write(
        tmp_path / "c.json",
        coco(
            {"segmentation": [SQUARE], "iscrowd": no},
            {"segmentation": [FIG_AT], "iscrowd": no},
            {"segmentation": region, "iscrowd": yes},
        ),
    )
    dataset = read_dataset(path)
    truth = dataset.truth(0)
    assert truth.scores.tolist() == [1, 1, 0] and truth.boxes[2].tolist() == [0, 0, 10, 30]
    (problem,) = dataset.problems
    assert problem.object == 3 and "crowd" in problem.what and problem.fixed
    counts = statistics(dataset)
    assert (counts["objects"], counts["crowds"], counts["classes"]["nut"]["objects"]) == (2, 1, 2)
    again = json.loads(write_coco(dataset, tmp_path / "out").read_text())
    assert [row["iscrowd"] for row in again["annotations"]] == [0, 0, 1]


def test_a_crowd_may_have_a_box_alone(tmp_path, photo):
    rows = {"segmentation": [SQUARE]}, {"segmentation": [], "bbox": [20, 0, 20, 30], "iscrowd": 1}
    truth = read_dataset(write(tmp_path / "c.json", coco(*rows))).truth(0)
    assert truth.scores.tolist() == [1, 0] and truth.boxes[1].tolist() == [20, 0, 40, 30]


def test_brush_masks_that_cvat_marks_as_crowds_are_called_that(tmp_path, photo):
    runs = [310, 5, 25, 5, 25, 5, 25, 5, 25, 5, 765]
    brush = {"segmentation": {"size": [30, 40], "counts": runs}, "iscrowd": 1}
    brush["attributes"] = {"occluded": False}
    path = write(tmp_path / "c.json", coco({"segmentation": [FIG_AT]}, brush))
    plain = read_dataset(path)
    (line,) = [str(problem) for problem in plain.problems if not problem.fixed]
    assert "as CVAT marks every brush mask (fix=True: taken as an object)" in line
    assert plain.truth(0).scores.tolist() == [1, 0]
    mended = read_dataset(path, fix=True)
    assert mended.truth(0).scores.tolist() == [1, 1]
    assert mended.truth(0).masks[1].sum() == 25 and mended.problems[0].fixed


def test_coco_pictures_in_the_usual_places(tmp_path, photo):
    data = coco({"segmentation": [SQUARE]})
    for folder in ("images", "val2017", "train/images"):
        home = tmp_path / folder.replace("/", "-")
        save_image(home / folder / "b.png", np.full((*SIZE, 3), 80, np.uint8))
        data["images"][0]["file_name"] = "b.png"
        only(write(home / "annotations/instances.json", data), nut=1)
    data["images"][0]["file_name"] = "images\\b.png"  # as Windows writes it
    only(write(tmp_path / "images/instances.json", data), nut=1)


def test_ids_may_be_text_and_classes_start_above_0(tmp_path, photo):
    data = coco({"segmentation": [SQUARE], "image_id": "7", "category_id": "0"})
    data["categories"] = [{"id": 1, "name": "nut"}, {"id": 0, "name": "fig"}]
    truth = only(write(tmp_path / "c.json", data), fig=1)
    assert truth.categories == {1: "fig", 2: "nut"}  # 0 would be the background


# VIA ----------------------------------------------------------------------------------------------


def via_region(label="nut", key="name", **shape):
    return {"shape_attributes": shape, "region_attributes": {key: label} if key else {}}


POLYGON = {"name": "polygon", "all_points_x": [10, 20, 20, 10], "all_points_y": [5, 5, 15, 15]}
FIG = {"name": "polygon", "all_points_x": [30, 36, 36, 30], "all_points_y": [5, 5, 15, 15]}


@pytest.mark.parametrize("version", ["1", "2", "2 project"])
def test_via(tmp_path, photo, version):
    regions = [via_region(**POLYGON), via_region("fig", **FIG)]
    if version == "1":
        regions = {str(i): region for i, region in enumerate(regions)}
    data = {"a.jpg123": {"filename": "a.jpg", "size": 123, "regions": regions}}
    data = {"_via_settings": {}, "_via_img_metadata": data} if "project" in version else data
    truth = only(write(tmp_path / "via.json", data), nut=1, fig=1)
    assert truth.categories == {1: "fig", 2: "nut"}
    np.testing.assert_array_equal(truth.masks[0], square())


def test_via_rectangles_circles_and_ellipses_become_polygons(tmp_path, photo):
    regions = [
        via_region(name="rect", x=10, y=5, width=10, height=10),
        via_region("disc", name="circle", cx=20, cy=15, r=8),
        via_region("egg", name="ellipse", cx=20, cy=15, rx=12, ry=6),
        via_region("tilted egg", name="ellipse", cx=20, cy=15, rx=12, ry=6, theta=np.pi / 2),
    ]
    path = write(tmp_path / "via.json", {"a": {"filename": "a.jpg", "regions": regions}})
    dataset = read_dataset(path)
    notes = [problem.what.split(":")[0] for problem in dataset.problems]
    assert notes == ["is a rectangle"] + 3 * ["is an ellipse or a circle"]
    assert all(problem.fixed for problem in dataset.problems)
    rectangle, disc, egg, tilted = dataset.truth(0).masks
    np.testing.assert_array_equal(rectangle, square())
    y, x = np.mgrid[:30, :40] + 0.5
    for mask, a, b in ((disc, 8, 8), (egg, 12, 6), (tilted, 6, 12)):
        exact = ((x - 20) / a) ** 2 + ((y - 15) / b) ** 2 <= 1
        assert (mask != exact).sum() < 0.1 * exact.sum()


def test_via_names_its_classes_in_many_ways(tmp_path, photo):
    boxes = [via_region({"nut": True, "fig": False}, "type", **POLYGON)]  # check boxes
    write(tmp_path / "1/via.json", {"a": {"filename": "../a.jpg", "regions": boxes}})
    only(tmp_path / "1/via.json", nut=1)
    both = via_region("good", "quality", **POLYGON)
    both["region_attributes"] |= {"type": "nut", "colour": "brown"}
    write(tmp_path / "2/via.json", {"a": {"filename": "../a.jpg", "regions": [both]}})
    only(tmp_path / "2/via.json", nut=1)
    none = [via_region(key=None, **POLYGON), via_region(key=None, **FIG)]
    write(tmp_path / "3/via.json", {"a": {"filename": "../a.jpg", "regions": none}})
    only(tmp_path / "3/via.json", object=2)
    assert "has no class: it is called" in str(read_dataset(tmp_path / "3/via.json").problems[0])


def test_via_open_lines_have_no_area(tmp_path, photo):
    x, y = POLYGON["all_points_x"], POLYGON["all_points_y"]
    line = {**POLYGON, "name": "polyline"}
    closed = {"name": "polyline", "all_points_x": [*x, x[0]], "all_points_y": [*y, y[0]]}
    regions = [via_region(**line), via_region("fig", **closed)]
    write(tmp_path / "via.json", {"a": {"filename": "a.jpg", "regions": regions}})
    dataset = read_dataset(tmp_path)
    assert dataset.truth(0).names == ["fig"] and dataset.truth(0).masks.sum() == 100
    assert "object 1: is an open line: that has no area" in str(dataset.problems[0])


def test_via_has_one_class_key_for_the_whole_file(tmp_path, photo):
    def region(shape, **attributes):
        return {"shape_attributes": shape, "region_attributes": attributes}

    regions = [
        region(POLYGON, occluded="no", plant="leaf"),
        region(FIG, image_quality={"good": True, "sharp": True}, plant="stem"),
        region({**FIG, "all_points_y": [20, 20, 28, 28]}, ripe="yes"),
    ]
    path = write(tmp_path / "via.json", {"a": {"filename": "a.jpg", "regions": regions}})
    dataset = read_dataset(path)
    assert dataset.truth(0).names == ["leaf", "stem"]
    assert "object 3: has no class under 'plant'" in str(dataset.problems[0])
    for each in regions:
        each["region_attributes"] = {"plant": "leaf", "occluded": "no"}
    write(path, {"a": {"filename": "a.jpg", "regions": regions}})
    with pytest.raises(
        InputError, match="attributes (plant, occluded|occluded, plant): call the one .* 'class'"
    ):
        read_dataset(path)


def test_via_regions_without_a_class_or_an_area_are_named(tmp_path, photo):
    regions = [
        via_region(**POLYGON),
        via_region("", **FIG),
        via_region(name="point", cx=3, cy=4),
        via_region(name="polygon", all_points_x=[1, 2, 3]),  # KeyError: all_points_y, elsewhere
        via_region(name="rect", x=1, y=2, width="wide", height=3),
    ]
    write(tmp_path / "via.json", {"a": {"filename": "a.jpg", "regions": regions}})
    dataset = read_dataset(tmp_path / "via.json")
    assert dataset.truth(0).names == ["nut"]
    wrong = {problem.object: problem.what for problem in dataset.problems}
    assert "no class under 'name'" in wrong[2] and "is a point" in wrong[3]
    assert "all_points_y" in wrong[4] and "'wide'" in wrong[5] and len(wrong) == 4


# labelme ------------------------------------------------------------------------------------------


def labelme(*shapes, **fields):
    rows = [
        {"label": "nut", "shape_type": "polygon", "group_id": None, **shape} for shape in shapes
    ]
    return {"shapes": rows, "imagePath": "a.jpg", "imageHeight": 30, "imageWidth": 40, **fields}


def test_labelme(tmp_path, photo):
    other = [[30, 5], [36, 5], [36, 15], [30, 15]]
    shapes = [
        {"points": POINTS},
        {"points": POINTS, "label": "fig", "group_id": 0},  # one object of two parts
        {"points": other, "label": "fig", "group_id": 0},
        {"points": other, "label": "nut", "group_id": 0},  # of another class: not the same object
        {"points": [[2, 20], [12, 28]], "shape_type": "rectangle"},
        {"points": [[25, 22], [30, 22]], "shape_type": "circle", "label": "disc"},
        {"points": POINTS, "label": "__ignore__"},
    ]
    truth = only(write(tmp_path / "a.json", labelme(*shapes)), nut=3, fig=1, disc=1)
    by_name = dict(zip(truth.names, truth.masks.sum((1, 2)).tolist(), strict=True))
    assert by_name["fig"] == 100 + 60 and abs(by_name["disc"] - np.pi * 25) < 8
    np.testing.assert_array_equal(truth.boxes[3], [2, 20, 12, 28])


def test_labelme_lines_have_no_area(tmp_path, photo):
    line = {"points": [[1, 2], [30, 20]], "shape_type": "line"}
    write(tmp_path / "a.json", labelme({"points": POINTS}, line, {"points": "oops"}))
    assert [p.object for p in read_dataset(tmp_path).problems] == [2, 3]


# VOC and PNG --------------------------------------------------------------------------------------


def voc(*objects, name="a.jpg"):
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = name
    for label, *box in objects:
        row = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(row, "name").text = label
        bndbox = ElementTree.SubElement(row, "bndbox")
        for side, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
            ElementTree.SubElement(bndbox, side).text = str(value)
    return ElementTree.tostring(root, encoding="unicode")


BOXES = ("nut", 10, 5, 20, 15), ("fig", 24, 5, 34, 15)


def test_voc_one_colour_for_all_objects_is_parted_by_the_boxes(tmp_path, photo):
    """The Object Detection API's own example gives every object the whole mask."""
    (tmp_path / "images").mkdir()
    photo.rename(tmp_path / "images/a.jpg")
    write(tmp_path / "annotations/xmls/a.xml", voc(*BOXES))
    save_mask(tmp_path / "annotations/masks/a.png", 255 * (square() | square(24)))
    truth = only(tmp_path, nut=1, fig=1)
    np.testing.assert_array_equal(truth.masks, [square(), square(24)])


def test_voc_objects_that_touch_share_no_pixel(tmp_path, photo):
    write(tmp_path / "xmls/a.xml", voc(("nut", 10, 5, 20, 15), ("nut", 18, 5, 28, 15)))
    both = square() | square(18)
    save_mask(tmp_path / "masks/a.png", both)
    one, two = only(tmp_path, nut=2).masks
    np.testing.assert_array_equal(one | two, both)
    assert not (one & two).any() and abs(int(one.sum()) - int(two.sum())) <= 4  # the seam's ends


def test_voc_a_colour_for_each_object(tmp_path, photo):
    """Here the boxes are poor, and one lies inside the other: the colours know better."""
    write(tmp_path / "xmls/a.xml", voc(("fig", 13, 8, 16, 11), ("nut", 8, 3, 22, 17)))
    codes = np.where(square(13, 8, 4), 2, square() * 1)
    codes[:2] = 255  # VOC's rim: "I cannot tell"
    save_mask(tmp_path / "SegmentationClass/a.png", square() * 7, "P")
    save_mask(tmp_path / "SegmentationObject/a.png", codes, "P")
    truth = only(tmp_path, nut=1, fig=1)
    np.testing.assert_array_equal(truth.masks, [codes == 2, codes == 1])


def test_voc_trimaps_of_the_pets(tmp_path, photo):
    write(tmp_path / "xmls/a.xml", voc(BOXES[0]))
    rim = square() & ~square(11, 6, 8)
    save_mask(tmp_path / "trimaps/a.png", np.where(rim, 3, np.where(square(), 1, 2)))
    np.testing.assert_array_equal(only(tmp_path, nut=1).masks, [square()])


@pytest.mark.parametrize("noise", ["jpeg", "soft edge", "colour and a frame"])
def test_noisy_masks_are_cut_at_half(tmp_path, photo, noise):
    write(tmp_path / "xmls/a.xml", voc(BOXES[0]))
    grey = 255 * square().astype(np.uint8)
    if noise == "jpeg":
        _, data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 60])
        grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        save_mask(tmp_path / "masks/a.png", grey)
    elif noise == "soft edge":
        save_mask(tmp_path / "masks/a.png", cv2.GaussianBlur(grey, (5, 5), 1))
    else:  # like the screen shots of the toy aeroplane
        colour = np.where(square()[..., None], (220, 20, 60), (0, 0, 0))
        colour[::3, ::2] += (3, 0, 0)
        colour[1::3, ::2] += (3, 3, 3)
        colour[0], colour[4::7, 3] = 255, (192, 186, 101)
        save_mask(tmp_path / "masks/a.png", colour)
    mask = only(tmp_path, nut=1).masks[0]
    assert (mask != square()).sum() <= 4  # corners of a blurred square are lost
    assert [p.what for p in read_dataset(tmp_path).problems if "noisy mask" in p.what]


def test_only_what_trainval_txt_lists_is_read(tmp_path, photo):
    for name in ("a", "b"):
        write(tmp_path / f"annotations/xmls/{name}.xml", voc(BOXES[0], name=f"{name}.jpg"))
    write(tmp_path / "annotations/trainval.txt", "a 1 1 1\nc 1 1 1\n")
    save_mask(tmp_path / "annotations/masks/a.png", square())
    lines = [str(problem) for problem in read_dataset(tmp_path).problems]
    assert lines == [
        "trainval.txt, c: is listed, but has no XML file; left out",
        "trainval.txt: does not list 1 XML files: they are not read",
    ]


def test_a_mask_beside_a_damaged_xml_is_no_object_without_a_class(tmp_path, photo):
    """What class it has stands in the XML; the mask of another picture is read on."""
    write(tmp_path / "annotations/a.xml", voc(BOXES[0])[:-20])
    save_mask(tmp_path / "annotations/masks/a.png", square())
    with pytest.raises(InputError, match=r"a\.xml: cannot be read \(ParseError"):
        read_dataset(tmp_path)
    save_image(tmp_path / "b.jpg", np.full((*SIZE, 3), 90, np.uint8))
    save_mask(tmp_path / "annotations/masks/b.png", square())
    dataset = read_dataset(tmp_path)
    assert [path.name for path in dataset.paths] == ["b.jpg"]
    assert [problem.file.name for problem in dataset.problems] == ["a.xml"]


def test_png_masks_alone(tmp_path, photo):
    save_image(tmp_path / "images/a.png", np.full((*SIZE, 3), 90, np.uint8))
    save_image(tmp_path / "images/a_1.png", np.full((*SIZE, 3), 91, np.uint8))
    photo.unlink()
    save_mask(tmp_path / "masks/a_1_nut.png", 255 * square(1))  # belongs to a_1: the longer name
    save_mask(tmp_path / "masks/a-2-nut.png", 255 * square(2))
    save_mask(tmp_path / "masks/a_dried fig_3.png", 255 * square(3))
    save_mask(tmp_path / "masks/a/4_nut.png", 255 * square(4))
    save_mask(tmp_path / "masks/a/5.png", 255 * square(5))
    save_mask(tmp_path / "masks/a_mask.png", 1 * square(6, 2, 9) + 2 * square(20, 2, 9))
    save_mask(tmp_path / "masks/zebra.png", 255 * square())
    write(tmp_path / "masks/a_7_broken.png", "no picture")
    dataset = read_dataset(tmp_path)
    assert [path.name for path in dataset.paths] == ["a.png", "a_1.png"]
    objects = {
        (name, int(mask.argmax(1).max()))  # its left edge
        for name, mask in zip(dataset.truth(0).names, dataset.truth(0).masks, strict=True)
    }
    wanted = {
        ("nut", 2),
        ("dried_fig", 3),
        ("nut", 4),
        ("object", 5),
        ("object", 6),
        ("object", 20),
    }
    assert objects == wanted
    assert dataset.truth(1).names == ["nut"]
    broken, zebra = map(str, dataset.problems)
    assert broken.startswith("a_7_broken.png: cannot be read (UnidentifiedImageError")
    assert zebra == "zebra.png: fits no picture's name; left out"


def test_png_masks_of_the_nearer_of_two_folders(tmp_path):
    """As in Penn-Fudan's pedestrians: one mask a picture, one value a person."""
    for part, left in (("train", 3), ("val", 21)):
        save_image(tmp_path / part / "PNGImages/a.png", np.full((*SIZE, 3), left, np.uint8))
        save_mask(tmp_path / part / "PedMasks/a_mask.png", 1 * square(left) + 2 * square(left, 18))
    dataset = read_dataset(tmp_path)
    assert [truth.masks[0].argmax(1).max() for _, truth in dataset] == [3, 21]
    assert all(truth.names == ["object"] * 2 for _, truth in dataset) and dataset.problems == ()


# What is no annotation ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, hint",
    [
        ("", "Expecting value"),
        ("{'images': []", "Expecting property name"),
        ("[" * 100_000, "Recursion"),
        ("\x00\xff\xfe", "Expecting value|decode"),
        ("[1, 2]", "unknown kind"),
        ("17", "unknown kind"),
        ('{"hello": {"regions": 3}}', "not iterable"),
        ('{"name": "pixelwise", "version": {"major": 1}}', "unknown kind; known are COCO"),
        ('{"images": 3, "annotations": [], "categories": []}', "not iterable"),
        ('{"images": [3], "annotations": [], "categories": []}', "1 entries that are no records"),
    ],
)
def test_json_that_is_none_or_of_no_known_kind(tmp_path, photo, text, hint):
    path = write(tmp_path / "c.json", text)
    with pytest.raises(InputError, match=hint) as caught:
        read_dataset(path)
    assert "c.json" in str(caught.value) and "\n" not in str(caught.value)


def test_a_broken_file_among_good_ones(tmp_path, photo):
    write(tmp_path / "a.json", labelme({"points": POINTS}))
    write(tmp_path / "b.json", '{"shapes": [')
    write(tmp_path / "c.xml", "<annotation><object>")
    dataset = read_dataset(tmp_path)
    assert len(dataset) == 1
    assert [p.file.name for p in dataset.problems] == ["b.json", "c.xml"]


def test_what_is_hidden_stays_hidden(tmp_path, photo):
    for folder in ("", ".ipynb_checkpoints/", "sub/.old/"):
        write(tmp_path / f"{folder}a.json", labelme({"points": POINTS}))
    only(tmp_path, nut=1)


@pytest.mark.parametrize("name", ["gone", "empty"])
def test_there_is_nothing(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no such file|no annotations; known are COCO") as caught:
        read_dataset(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


ODD = (None, -1, 1e308, 10**400, float("nan"), "x", [], {}, [[]])


def changed(data):
    """`data` with each value in turn, at any depth, replaced by each odd one, or left out."""
    holders = [data]
    for holder in holders:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            old = holder[key]
            if isinstance(old, dict | list):
                holders.append(old)
            for odd in ODD:
                holder[key] = odd
                yield f"{key} = {odd!r:.20}"
            holder[key] = old
            if isinstance(holder, dict):
                del holder[key]
                yield f"no {key}"
                holder[key] = old


SAMPLES = {
    "coco": coco(
        {"segmentation": [SQUARE[:6]]},
        {"segmentation": {"size": [30, 40], "counts": [310, 9, 881]}},
    ),
    "via": {
        "a": {
            "filename": "a.jpg",
            "regions": [via_region(**FIG), via_region(name="circle", cx=9, cy=9, r=4)],
        }
    },
    "labelme": labelme({"points": POINTS[:3]}, {"points": POINTS[:2], "shape_type": "circle"}),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_no_value_whatever_gives_a_traceback(tmp_path, photo, name):
    """Every value of a file becomes every odd one: it is read, or refused in one line."""
    path, data = tmp_path / "c.json", SAMPLES[name]
    read = refused = 0
    for _ in changed(data):
        path.write_text(json.dumps(data))
        try:
            dataset = read_dataset(path, fix=True)
            read += len([dataset.truth(i) for i in range(len(dataset))])
        except InputError as error:
            refused += "\n" not in str(error)
    assert read > 50 and refused > 20


# Real samples -------------------------------------------------------------------------------------

REAL = pathlib.Path(__file__).parents[1] / "../shared/data"
real = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real samples (../shared/data) are not here"
)


@real
@pytest.mark.parametrize(
    "name, pictures, classes",
    [
        ("custom/nuts", 18, {"date": 71, "fig": 41, "hazelnut": 53}),
        ("custom/balloon_val", 13, {"object": 50}),
        (
            "custom/labelme",
            3,
            {"person": 6, "bus": 2, "car": 1, "sofa": 1, "chair": 1, "bottle": 1},
        ),
        ("custom/toy", 29, {"toy": 29}),
    ],
)
def test_real_samples(name, pictures, classes):
    dataset = read_dataset(REAL / name)
    assert len(dataset) == pictures
    found = [label for i in range(pictures) for label in dataset.truth(i).names]
    assert {label: found.count(label) for label in set(found)} == classes
    image, truth = dataset[pictures - 1]
    assert image.shape[:2] == truth.image_size


@real
def test_real_polygons_are_rasterised_as_pycocotools_does():
    from pycocotools.coco import COCO

    coco, dataset = COCO(REAL / "custom/nuts/trainval.json"), read_dataset(REAL / "custom/nuts")
    for i, path in enumerate(dataset.paths):
        (image,) = [row for row in coco.dataset["images"] if row["file_name"] == path.name]
        rows = coco.loadAnns(coco.getAnnIds(image["id"]))
        truth = dataset.truth(i)
        np.testing.assert_array_equal(truth.masks, [coco.annToMask(row) for row in rows])
        np.testing.assert_array_equal(truth.labels, [row["category_id"] for row in rows])


@real
def test_the_toy_aeroplanes_masks_lose_their_noise_but_not_the_toy():
    dataset = read_dataset(REAL / "custom/toy")
    lines = [str(problem) for problem in dataset.problems]
    assert sum("noisy mask" in line for line in lines) == 22
    assert "trainval.txt, toy4: is listed, but has no XML file; left out" in lines
    for i, path in enumerate(dataset.paths):
        box = ElementTree.parse(REAL / f"custom/toy/annotations/xmls/{path.stem}.xml").find(
            ".//bndbox"
        )
        box = np.array([int(side.text) for side in box], float)
        sides = np.ptp(box.reshape(2, 2), axis=0)
        assert (np.abs(dataset.truth(i).boxes[0] - box) < 0.13 * np.tile(sides, 2)).all(), path.name


@real
def test_everyday_photos_with_fields_of_their_own():
    dataset = read_dataset(REAL / "everyday/instances_val.json")
    data = json.loads((REAL / "everyday/instances_val.json").read_text())
    assert len(dataset.categories) == 11 and max(dataset.categories) == 21
    wrong = [problem for problem in dataset.problems if not problem.fixed]
    twins = [problem for problem in wrong if "same picture" in problem.what]
    assert len(dataset) == len(data["images"]) - len(twins) and wrong == twins
    by_name = {row["file_name"]: row["id"] for row in data["images"]}
    for i in range(0, len(dataset), 20):
        rows = [r for r in data["annotations"] if r["image_id"] == by_name[dataset.paths[i].name]]
        wanted = [rle.decode(r["segmentation"]) for r in rows if not r["iscrowd"]]
        np.testing.assert_array_equal(
            dataset.truth(i).masks, np.reshape(wanted, dataset.truth(i).masks.shape)
        )
