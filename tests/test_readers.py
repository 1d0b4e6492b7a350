"""The formats of annotation tools, on files as these write them; each with a refusal."""

import base64
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from helpers.annotations import read_dataset, write_coco
from helpers.annotations.readers import FOLDERS, KNOWN, READERS
from helpers.annotations.readers.label_studio import unpack
from helpers.annotations.records import Left
from helpers.pictures import read_image, save_image
from helpers.structures import InputError
from tests.test_formats import POINTS, SIZE, labelme, only, photo, save_mask, square, write

__all__ = ["photo"]  # a fixture

L_SHAPE = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]], bool)


def placed(pixels, left, top):
    """A small mask on the picture."""
    mask = np.zeros(SIZE, bool)
    mask[top : top + len(pixels), left : left + pixels.shape[1]] = pixels
    return mask


def png(pixels, mode="L"):
    stream = io.BytesIO()
    Image.fromarray(np.uint8(pixels) * 255).convert(mode).save(stream, "PNG")
    return stream.getvalue()


def wrong_lines(dataset):
    return [str(problem) for problem in dataset.problems if not problem.fixed]


def test_every_reader_has_the_same_form():
    for reader in READERS:
        assert reader.NAME in KNOWN and reader.__doc__ and callable(reader.read)
        for content in ({}, [], "x", 3, None, {"a": {"b": 1}}, [{"a": 1}]):
            assert not reader.recognises(content), reader.NAME
    assert all(reader.NAME in KNOWN and callable(reader.read) for reader in FOLDERS)


# YOLO ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layout", ["images/train labels/train", "train/images train/labels", "a a"]
)
def test_yolo(tmp_path, layout):
    images, labels = layout.split()
    save_image(tmp_path / images / "a.jpg", np.full((*SIZE, 3), 90, np.uint8))
    save_image(tmp_path / images / "b.jpg", np.full((*SIZE, 3), 91, np.uint8))
    lines = ["1 .25 .1666667 .5 .1666667 .5 .5 .25 .5", "", "0 .75 .5 .9 .5 .9 .75"]
    write(tmp_path / labels / "a.txt", "\n".join(lines))
    write(tmp_path / labels / "b.txt", "")  # nothing in it
    write(tmp_path / "readme.txt", "1 2 3")
    write(tmp_path / "data.yaml", "nc: 2\nnames: [fig, nut]\n")
    dataset = read_dataset(tmp_path)
    assert dataset.problems == () and len(dataset) == 2
    assert dataset.truth(0).names == ["nut", "fig"] and len(dataset.truth(1)) == 0
    np.testing.assert_array_equal(dataset.truth(0).masks[0], square())
    assert read_dataset(tmp_path / "data.yaml").paths == dataset.paths


def test_yolo_what_is_wrong(tmp_path):
    save_image(tmp_path / "images/a.png", np.full((*SIZE, 3), 90, np.uint8))
    lines = ["0 .5 .5 .2 .2", "7 .1 .1 .4 .1 .4 .4", "0 .1 .1 .4 .1 .4", "x", "0 .2 .2 .6 .2 .6 .8"]
    write(tmp_path / "labels/a.txt", "\n".join(lines))
    write(tmp_path / "labels/gone.txt", lines[-1])
    write(tmp_path / "data.yaml", "names: {0: nut}")
    write(tmp_path / "other.yaml", "name: [not, closed")  # is of something else
    dataset = read_dataset(tmp_path)
    unnamed, letters, gone, box, short = wrong_lines(dataset)
    assert "object a.txt line 1: has no outline, at most a box" in box
    assert "line 2: has the class 7, which data.yaml does not name" in unnamed
    assert "line 3: has no outline" in short and "line 4: cannot be read" in letters
    assert "labels/gone.txt: is missing" in gone and dataset.truth(0).names == ["nut"]


def test_yolo_without_names(tmp_path):
    save_image(tmp_path / "images/a.png", np.full((*SIZE, 3), 90, np.uint8))
    write(tmp_path / "labels/a.txt", "0 .2 .2 .6 .2 .6 .8")
    with pytest.raises(
        InputError, match="a.txt: may be YOLO's, but no data.yaml names the classes"
    ):
        read_dataset(tmp_path)
    write(tmp_path / "data.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nnames: [[*b, *b]]")
    with pytest.raises(InputError, match="has a class name that is no word"):
        read_dataset(tmp_path)


def test_yolo_outlines_are_those_of_the_upright_picture(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", SIZE[::-1]).save(tmp_path / "a.png", exif=exif)
    write(tmp_path / "a.txt", "0 0 0 1 0 1 .5 0 .5")
    write(tmp_path / "data.yaml", "names: [nut]")
    truth = read_dataset(tmp_path).truth(0)
    assert truth.image_size == (40, 30) and truth.boxes[0].tolist() == [0, 0, 30, 20]


# CVAT ---------------------------------------------------------------------------------------------


def cvat(*shapes, size='width="40" height="30"'):
    image = f'<image id="0" name="a.jpg" {size}>{"".join(shapes)}<tag label="x"/></image>'
    return f"<annotations><version>1.1</version><meta/>{image}</annotations>"


def test_cvat(tmp_path, photo):
    shapes = [
        '<polygon label="nut" occluded="0" points="10,5;20,5;20,15;10,15" z_order="0"/>',
        '<mask label="fig" rle="0,1,3,1,3,8" left="30" top="20" width="4" height="4"/>',
        '<box label="nut" xtl="22" ytl="5" xbr="28" ybr="15"/>',
        '<box label="bar" xtl="20" ytl="18" xbr="30" ybr="22" rotation="90"/>',
        '<ellipse label="egg" cx="8" cy="22" rx="6" ry="3" rotation="90"/>',
    ]
    truth = only(write(tmp_path / "annotations.xml", cvat(*shapes)), nut=2, fig=1, bar=1, egg=1)
    np.testing.assert_array_equal(truth.masks[0], square())
    np.testing.assert_array_equal(truth.masks[1], placed(L_SHAPE, 30, 20))
    assert truth.boxes[2].tolist() == [22, 5, 28, 15]
    assert truth.boxes[3].tolist() == [23, 15, 27, 25]  # upright now
    assert np.abs(truth.boxes[4] - [5, 16, 11, 28]).max() <= 1


def test_cvat_what_is_wrong(tmp_path, photo):
    shapes = [
        '<polyline label="nut" points="10,5;20,5"/>',
        '<mask label="nut" rle="0,99" left="0" top="0" width="4" height="4"/>',
        '<mask label="nut" rle="0,16" left="37" top="0" width="4" height="4"/>',
        '<polygon points="10,5;20,5;20,15"/>',
        '<polygon label="fig" points="10,5;20,5;20,15"/>',
    ]
    path = write(tmp_path / "annotations.xml", cvat(*shapes))
    dataset = read_dataset(path)
    line, runs, label, outside = wrong_lines(dataset)
    assert "is a polyline" in line and "do not add up to its box" in runs
    assert "has 4 of 16 pixels outside the picture" in outside and "has no label" in label
    assert dataset.truth(0).names == ["fig"]
    assert sorted(read_dataset(path, fix=True).truth(0).names) == ["fig", "nut"]


def test_cvat_tracks(tmp_path):
    for frame in (0, 1, 7):
        save_image(tmp_path / f"images/frame_{frame:06}.PNG", np.full((*SIZE, 3), frame, np.uint8))
    points = "10,5;20,5;20,15;10,15"
    shapes = [
        f'<polygon frame="{frame}" keyframe="1" outside="{outside}" points="{points}"/>'
        for frame, outside in ((0, 0), (1, 0), (7, 1))
    ]
    size = "<original_size><width>40</width><height>30</height></original_size>"
    other = f'<track id="1" label="fig"><polygon frame="7" outside="0" points="{points}"/></track>'
    text = f"<annotations><version>1.1</version><meta><task>{size}</task></meta>"
    text += f'<track id="0" label="nut">{"".join(shapes)}</track>{other}</annotations>'
    dataset = read_dataset(write(tmp_path / "annotations.xml", text).parent)
    assert wrong_lines(dataset) == [] and len(dataset) == 3
    assert [dataset.truth(i).names for i in range(3)] == [["nut"], ["nut"], ["fig"]]
    np.testing.assert_array_equal(dataset.truth(2).masks[0], square())


# labelme ------------------------------------------------------------------------------------------


def test_labelme_masks(tmp_path, photo):
    """Its "AI mask": a PNG of what lies between two points, the second one included."""
    text = base64.b64encode(png(L_SHAPE, "1")).decode()
    mask = {"shape_type": "mask", "points": [[30, 20], [33, 23]], "mask": text}
    more = {**mask, "points": [[2, 20], [5, 23]], "group_id": 1, "label": "fig"}
    joined = {"points": POINTS, "group_id": 1, "label": "fig"}  # an outline of the same object
    truth = only(write(tmp_path / "a.json", labelme(mask, more, joined)), nut=1, fig=1)
    np.testing.assert_array_equal(truth.masks[0], placed(L_SHAPE, 30, 20))
    np.testing.assert_array_equal(truth.masks[1], placed(L_SHAPE, 2, 20) | square())
    write(tmp_path / "a.json", labelme({**mask, "mask": "iVBORw0"}, {"points": POINTS}))
    assert "object 1: cannot be read" in wrong_lines(read_dataset(tmp_path))[0]


def test_labelme_pictures_inside_the_json(tmp_path, photo):
    wanted = read_image(photo)
    data = labelme({"points": POINTS}, imageData=base64.b64encode(photo.read_bytes()).decode())
    path = write(tmp_path / "a.json", data)
    assert read_dataset(path).paths == (photo,)  # the file goes first
    photo.unlink()
    dataset = read_dataset(path)
    image, truth = dataset[0]
    np.testing.assert_array_equal(image, wanted)
    np.testing.assert_array_equal(truth.masks[0], square())
    assert "is inside the annotation file" in str(dataset.problems[0]) and dataset.problems[0].fixed
    again = read_dataset(write_coco(dataset, tmp_path / "out"))
    np.testing.assert_array_equal(again[0][0], wanted)
    write(path, labelme({"points": POINTS}))
    with pytest.raises(InputError, match="holds no picture any more"):
        dataset[0]
    with pytest.raises(InputError, match="a.jpg: is missing"):
        read_dataset(path)
    write(path, labelme({"points": POINTS}, imageData="AAAA"))
    with pytest.raises(InputError, match="cannot be read .UnidentifiedImageError"):
        read_dataset(path)


@pytest.mark.parametrize("names", ["class_names.txt", "labels.txt", None])
def test_voc_as_labelme_exports_it(tmp_path, names):
    save_image(tmp_path / "JPEGImages/a.b.jpg", np.full((*SIZE, 3), 90, np.uint8))
    objects = 1 * square() + 2 * square(24) + 3 * square(1, 20, 8)
    classes = 15 * square() + 2 * square(24) + 15 * square(1, 20, 8)
    save_mask(tmp_path / "SegmentationObject/a.b.png", objects, "P")
    save_mask(tmp_path / "SegmentationClass/a.b.png", classes, "P")
    save_image(tmp_path / "SegmentationClassVisualization/a.b.jpg", np.zeros((*SIZE, 3), np.uint8))
    wanted = {"bicycle": 1, "person": 2}  # VOC's own, of 20
    if names:
        lines = ["__ignore__", "_background_", "c1", "fig", *(f"c{i}" for i in range(3, 15)), "nut"]
        write(tmp_path / names, "\n".join(lines) + "\n")
        wanted = {"fig": 1, "nut": 2}
    truth = only(tmp_path, **wanted)
    np.testing.assert_array_equal(truth.masks[0], square())
    save_mask(tmp_path / "SegmentationClass/a.b.png", classes * 2, "P")
    assert "has the class" in wrong_lines(read_dataset(tmp_path))[0]
    (tmp_path / "SegmentationClass/a.b.png").unlink()
    with pytest.raises(InputError, match="has no SegmentationClass/a.b.png"):
        read_dataset(tmp_path)
    if names:
        (tmp_path / names).write_bytes("坚果\n".encode("gbk"))
        with pytest.raises(InputError, match=f"{names}: is not text in UTF-8: save it as UTF-8"):
            read_dataset(tmp_path)


def test_labelme_of_the_web(tmp_path, photo):
    points = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in POINTS)
    shape = f"<object><name>nut\n</name><deleted>0</deleted><polygon>{points}</polygon></object>"
    gone = shape.replace("<deleted>0", "<deleted>1")
    mask = "<object><name>nut</name><segm><mask>a.png</mask></segm></object>"
    size = "<imagesize><nrows>30</nrows><ncols>40</ncols></imagesize>"
    text = f"<annotation><filename>\na.jpg\n</filename>{gone}{shape}{mask}{size}</annotation>"
    dataset = read_dataset(write(tmp_path / "a.xml", text))
    assert dataset.truth(0).names == ["nut"]
    np.testing.assert_array_equal(dataset.truth(0).masks[0], square())
    assert [p.object for p in dataset.problems if not p.fixed] == [3]


# VIA 3 --------------------------------------------------------------------------------------------


def via3(*regions):
    """Regions are (numbers, attributes)."""
    return {
        "project": {"pid": "x"},
        "config": {},
        "attribute": {
            "1": {"aname": "ripe", "type": 3, "options": {"0": "yes", "1": "no"}},
            "2": {"aname": "class", "type": 4, "options": {"0": "nut", "1": "fig"}},
        },
        "file": {"1": {"fid": "1", "fname": "a.jpg", "type": 2, "loc": 1, "src": "a.jpg"}},
        "metadata": {
            f"1_{i}": {"vid": "1", "flg": 0, "z": [], "xy": numbers, "av": values}
            for i, (numbers, values) in enumerate(regions)
        },
        "view": {"1": {"fid_list": ["1"]}},
    }


def test_via_3(tmp_path, photo):
    data = via3(
        ([7, 10, 5, 20, 5, 20, 15, 10, 15], {"2": "0", "1": "1"}),
        ([2, 24, 5, 6, 10], {"2": "1"}),
        ([3, 20, 22, 5], {"2": "1"}),
        ([4, 8, 22, 6, 3], {"2": "1"}),
        ([], {"1": "0"}),  # of the whole picture
    )
    truth = only(write(tmp_path / "via.json", data), nut=1, fig=3)
    np.testing.assert_array_equal(truth.masks[0], square())
    assert truth.boxes[1].tolist() == [24, 5, 30, 15]
    assert abs(truth.masks[2].sum() - np.pi * 25) < 8
    assert np.abs(truth.boxes[3] - [2, 19, 14, 25]).max() <= 1


def test_via_3_what_is_wrong(tmp_path, photo):
    data = via3(
        ([6, 10, 5, 20, 5, 20, 15], {"2": "0"}),
        ([1, 10, 5], {"2": "0"}),
        ([7, 10, 5, 20, 5, 20, 15], {}),
        ([7, 10, 5, 20, 5, 20, 15], {"2": "0"}),
    )
    data["metadata"]["1_9"] = {"vid": "8", "xy": [7, 1, 2, 3], "av": {}}
    line, point, nameless, lost = wrong_lines(read_dataset(write(tmp_path / "via.json", data)))
    assert "is a polyline" in line and "is a point" in point
    assert "no class under 'class'" in nameless and "object 5: cannot be read (KeyError" in lost


# COCO panoptic ------------------------------------------------------------------------------------


def panoptic(folder):
    """Two nuts, sky, a crowd of figs; the colours are 1, 258, 65536 + 3 and 4."""
    numbers = np.zeros(SIZE, int)
    segments = []
    for number, category, part, crowd in (
        (1, 1, square(), 0),
        (258, 1, square(24), 0),
        (65539, 2, square(1, 18), 0),
        (4, 3, square(24, 18), 1),
    ):
        numbers[part] = number
        row = {"id": number, "category_id": category, "iscrowd": crowd, "area": 100}
        segments.append(row)
    colours = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], 2)
    save_image(folder / "pan/a.png", colours.astype(np.uint8))
    rows = [{"image_id": 7, "file_name": "a.png", "segments_info": segments}]
    names = (("nut", 1), ("sky", 0), ("fig", 1))
    categories = [{"id": i, "name": n, "isthing": t} for i, (n, t) in enumerate(names, 1)]
    image = {"id": 7, "file_name": "a.jpg", "height": 30, "width": 40}
    return {"images": [image], "annotations": rows, "categories": categories}


def test_coco_panoptic(tmp_path, photo):
    path = write(tmp_path / "pan.json", panoptic(tmp_path))
    dataset = read_dataset(path)
    assert wrong_lines(dataset) == [] and dataset.categories == {1: "nut", 3: "fig"}
    truth = dataset.truth(0)
    assert truth.names == ["nut", "nut", "fig"] and truth.scores.tolist() == [1, 1, 0]
    np.testing.assert_array_equal(truth.masks, [square(), square(24), square(24, 18)])
    assert any("1 segments of stuff" in str(problem) for problem in dataset.problems)
    (tmp_path / "pan/a.png").unlink()
    with pytest.raises(InputError, match="has its segments in pan/a.png, which is missing"):
        read_dataset(path)


# Label Studio -------------------------------------------------------------------------------------


def studio(*results, image="/data/upload/3/1a2b3c4d-a.jpg"):
    rows = []
    for kind, label, value in results:
        whole = {"original_width": 40, "original_height": 30, "type": kind, "id": f"r{len(rows)}"}
        rows.append({**whole, "value": {**value, kind: [label]}})
    return [{"id": 1, "data": {"image": image}, "annotations": [{"id": 1, "result": rows}]}]


def packed(values):
    """rle-pack of numbers, as Label Studio's own encoder does it: runs and single numbers."""
    bits = f"{len(values):032b}{7:05b}" + "".join(f"{n - 1:04b}" for n in (3, 4, 8, 16))
    place = 0
    while place < len(values):
        end = place
        while end + 1 < len(values) and values[end + 1] == values[place] and end - place < 65535:
            end += 1
        num = end - place
        size = next(i for i, n in enumerate((3, 4, 8, 16)) if num < 2**n)
        kind = "1" if num else "0"
        bits += f"{kind}{size:02b}{num:0{(3, 4, 8, 16)[size]}b}{values[place]:08b}"
        place = end + 1
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def test_label_studio(tmp_path, photo):
    corners = [[100 * x / 40, 100 * y / 30] for x, y in POINTS]
    box = {"x": 50, "y": 50, "width": 25, "height": 20, "rotation": 0}
    rgba = np.zeros((*SIZE, 4), int)
    rgba[placed(L_SHAPE, 30, 20)] = 255
    brush = {"format": "rle", "rle": packed(rgba.ravel().tolist())}
    results = [
        ("polygonlabels", "nut", {"points": corners, "closed": True}),
        ("rectanglelabels", "fig", box),
        ("rectanglelabels", "fig", {**box, "x": 25, "y": 60, "rotation": 90}),
        ("ellipselabels", "egg", {"x": 20, "y": 75, "radiusX": 15, "radiusY": 10, "rotation": 0}),
        ("brushlabels", "date", brush),
    ]
    truth = only(write(tmp_path / "e.json", studio(*results)), nut=1, fig=2, egg=1, date=1)
    np.testing.assert_array_equal(truth.masks[0], square())
    assert truth.boxes[1].tolist() == [20, 15, 30, 21]
    assert truth.boxes[2].tolist() == [4, 18, 10, 28]  # turned clockwise around its first corner
    assert np.abs(truth.boxes[3] - [2, 19.5, 14, 25.5]).max() <= 1
    np.testing.assert_array_equal(truth.masks[4], placed(L_SHAPE, 30, 20))


@pytest.mark.parametrize(
    "address", ["a.jpg", "/data/local-files/?d=x/a.jpg", "s3://pail/x/a.jpg", "http://h/a.jpg?t=1"]
)
def test_label_studio_names_pictures_by_addresses(tmp_path, photo, address):
    corners = [[100 * x / 40, 100 * y / 30] for x, y in POINTS]
    data = studio(("polygonlabels", "nut", {"points": corners}), image=address)
    only(write(tmp_path / "e.json", data), nut=1)


def test_label_studio_in_its_short_form(tmp_path, photo):
    corners = [[100 * x / 40, 100 * y / 30] for x, y in POINTS]
    whole = {"original_width": 40, "original_height": 30}
    row = {**whole, "points": corners, "polygonlabels": ["nut"], "closed": True}
    box = {**whole, "x": 50, "y": 50, "width": 25, "height": 20, "rectanglelabels": ["fig"]}
    task = {"image": "/data/upload/1/1a2b3c4d-a.jpg", "id": 1, "label": [row], "box": [box]}
    task |= {"annotator": 1, "annotation_id": 3, "lead_time": 4.5}
    truth = only(write(tmp_path / "e.json", [task]), nut=1, fig=1)
    np.testing.assert_array_equal(truth.masks[0], square())


def test_label_studio_what_is_wrong(tmp_path, photo):
    points = {"points": [[10, 10], [50, 10], [50, 50]]}
    data = studio(
        ("keypointlabels", "nut", {"x": 1, "y": 2}),
        ("polygonlabels", "nut", points),
        ("brushlabels", "nut", {"rle": packed([0] * 40)}),
    )
    data[0]["annotations"].append({"was_cancelled": True, "result": []})
    point, mask = wrong_lines(read_dataset(write(tmp_path / "e.json", data)))
    assert "object r0: is of type keypointlabels" in point
    assert "object r2: has a mask that is not of the picture's size" in mask
    other = studio(("polygonlabels", "fig", points))[0]["annotations"][0]
    data[0]["annotations"][1] = other  # another person labelled the same picture otherwise
    with pytest.raises(InputError, match="keypointlabels|is listed twice, with other objects"):
        read_dataset(write(tmp_path / "e.json", data))


@pytest.mark.parametrize("seed", range(3))
def test_packed_runs_come_back(seed):
    rng = np.random.default_rng(seed)
    values = np.repeat(rng.integers(0, 256, 60), rng.integers(1, 400, 60))
    np.testing.assert_array_equal(unpack(bytes(packed(values.tolist())), len(values)), values)
    with pytest.raises(Left, match="not of the picture's size"):
        unpack(bytes(packed([1, 2])), 3)


# Supervisely --------------------------------------------------------------------------------------


def test_supervisely(tmp_path):
    save_image(tmp_path / "ds/img/a.png", np.full((*SIZE, 3), 90, np.uint8))
    hole = [[12, 7], [16, 7], [16, 11], [12, 11]]
    data = base64.b64encode(zlib.compress(png(L_SHAPE))).decode()
    objects = [
        {"classTitle": "nut", "geometryType": "polygon",
         "points": {"exterior": POINTS, "interior": [hole]}},
        {"classTitle": "fig", "geometryType": "bitmap",
         "bitmap": {"data": data, "origin": [30, 20]}},
        {"classTitle": "fig", "geometryType": "rectangle",
         "points": {"exterior": [[22, 5], [28, 15]], "interior": []}},
        {"classTitle": "fig", "geometryType": "line",
         "points": {"exterior": [[22, 5], [28, 15]], "interior": []}},
    ]  # fmt: skip
    content = {"size": {"height": 30, "width": 40}, "tags": [], "objects": objects}
    write(tmp_path / "ds/ann/a.png.json", content)
    write(tmp_path / "meta.json", {"classes": [{"title": "nut", "shape": "polygon"}], "tags": []})
    dataset = read_dataset(tmp_path)
    assert dataset.truth(0).names == ["nut", "fig", "fig"]
    np.testing.assert_array_equal(dataset.truth(0).masks[0], square() & ~square(12, 7, 4))
    np.testing.assert_array_equal(dataset.truth(0).masks[1], placed(L_SHAPE, 30, 20))
    (line,) = wrong_lines(dataset)
    assert "a.png.json, a.png, object 4: is a line" in line


# DSB 2018 -----------------------------------------------------------------------------------------


def test_a_folder_for_each_picture(tmp_path):
    """As in the Data Science Bowl 2018: names of random digits, a mask for each nucleus."""
    for name, left in (("0a1b2c3d4e", 3), ("77777777", 9)):
        save_image(
            tmp_path / f"train/{name}/images/{name}.png", np.full((*SIZE, 3), left, np.uint8)
        )
        for i, top in enumerate((1, 16)):
            save_mask(tmp_path / f"train/{name}/masks/{i}23abc45f.png", 255 * square(left, top))
    save_mask(tmp_path / "train/lost/masks/123abc45f.png", 255 * square())
    dataset = read_dataset(tmp_path)
    assert [dataset.truth(i).names for i in range(2)] == [["object"] * 2] * 2
    np.testing.assert_array_equal(dataset.truth(1).masks, [square(9, 1), square(9, 16)])
    assert wrong_lines(dataset) == ["123abc45f.png: fits no picture's name; left out"]


# Encodings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding, head",
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("gbk", "gbk"), ("big5", "Big5")],
)
def test_encodings_that_are_sure(tmp_path, photo, encoding, head):
    """UTF-16 has its mark, an XML may say what it is in."""
    points = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in POINTS)
    shape = f"<object><name>果</name><polygon>{points}</polygon></object>"
    text = f"<annotation><filename>a.jpg</filename>{shape}</annotation>"
    head = f'<?xml version="1.0" encoding="{head}"?>\n' if head else ""
    (tmp_path / "a.xml").write_bytes((head + text).encode(encoding))
    only(tmp_path / "a.xml", 果=1)


@pytest.mark.parametrize("head, told", [("", "UTF-8"), ("<?xml encoding='ascii'?>", "ASCII")])
def test_encodings_that_nobody_can_tell(tmp_path, photo, head, told):
    (tmp_path / "a.xml").write_bytes(head.encode() + "<annotation>坚果</annotation>".encode("gbk"))
    with pytest.raises(InputError, match=f"a.xml: is not text in {told}: save it as UTF-8"):
        read_dataset(tmp_path)


# Others beside ------------------------------------------------------------------------------------


def test_captions_are_no_annotations(tmp_path, photo):
    rows = [{"id": 1, "image_id": 7, "caption": "a nut"}]
    data = {"images": [{"id": 7, "file_name": "a.jpg"}], "annotations": rows, "categories": []}
    write(tmp_path / "captions_val.json", data)
    with pytest.raises(InputError, match="no annotations; known are"):
        read_dataset(tmp_path)
    write(tmp_path / "b.json", labelme({"points": POINTS}))
    dataset = read_dataset(tmp_path)
    assert len(dataset) == 1 and dataset.truth(0).names == ["nut"]
    assert [str(problem) for problem in dataset.problems] == [
        "captions_val.json: holds captions, no outlines: it is not read"
    ]


def test_classes_that_are_none(tmp_path, photo):
    """Roboflow puts a class above all others, labelme2coco one for the background."""
    data = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "categories": [
            {"id": 0, "name": "nuts-kz7", "supercategory": "none"},
            {"id": 1, "name": "nut", "supercategory": "nuts-kz7"},
            {"id": 2, "name": "_background_"},
            {"id": 3, "name": "fig", "supercategory": "nuts-kz7"},
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [sum(POINTS, [])]}
        ],
    }
    path = write(tmp_path / "c.json", data)
    dataset = read_dataset(path)
    assert dataset.categories == {1: "nut", 3: "fig"} and wrong_lines(dataset) == []
    data["annotations"][0]["category_id"] = 0  # somebody uses it: then it is one
    assert set(read_dataset(write(path, json.dumps(data))).categories.values()) >= {"nuts-kz7"}
