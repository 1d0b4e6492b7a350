"""Valid files whose truth is known, in each format that is read: for `harden.py`.

Annotations: pictures, classes and objects are drawn by chance; a writer of ours, which shares no
code with the readers, puts them into a format as its documentation has it; they are read back and
compared, object by object. An outline has its corners between pixels, so each pixel is inside or
outside for sure.
"""

import base64
import io
import json
import zlib
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

import numpy as np
from PIL import Image

CLASSES = ("nut", "bottle", "traffic light", "Straße")
NAMES = ("a", "a b", "x.y", "0001", "Straße", "IMG_(1)", "b-2")
FOLDERS = ("", "", "train/", "deep/er/")
MARGIN = 2  # pixels that stay free around an object


class TrueObject(NamedTuple):
    """A true object."""

    label: str
    mask: np.ndarray  # (H, W) bool
    rings: list  # of corners (N, 2) int, x y: the outline, then the holes
    is_crowd: bool


class Photo(NamedTuple):
    """A picture and what is in it; `size` is upright."""

    name: str
    size: tuple
    objects: list


# Truth --------------------------------------------------------------------------------------------


def draw_photos(rng, *, folders=True, holes=False, crowds=False, turned=False, labels=CLASSES):
    """One to three pictures; what a format cannot say is switched off."""
    names = rng.sample(NAMES, rng.randint(1, 3))
    photos = []
    for name in names:
        folder = rng.choice(FOLDERS) if folders else ""
        ending = rng.choice((".png", ".jpg"))
        size = rng.randint(20, 60), rng.randint(40, 90)
        photos.append(Photo(folder + name + ending, size, []))
        _place(photos[-1], rng, holes, crowds, labels)
    if turned:
        photos[0] = photos[0]._replace(name=photos[0].name.rsplit(".", 1)[0] + ".jpg")
    return photos


def _place(photo, rng, holes, crowds, labels):
    """Objects, one in each strip of the picture at most: they share no pixel."""
    height, width = photo.size
    num = rng.randint(0, 3)
    for strip in range(num):
        left = strip * width // num + MARGIN
        right = (strip + 1) * width // num - MARGIN
        x1 = rng.randint(left, right - 8)
        x2 = rng.randint(x1 + 7, right)
        y1 = rng.randint(MARGIN, height - 12)
        y2 = rng.randint(y1 + 7, height - MARGIN)
        mask = np.zeros(photo.size, bool)
        mask[y1:y2, x1:x2] = True
        ring = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
        if rng.random() < 0.5:  # an L: its upper right corner is cut out
            x, y = rng.randint(x1 + 2, x2 - 2), rng.randint(y1 + 2, y2 - 2)
            mask[y1:y, x:x2] = False
            ring = [(x1, y1), (x, y1), (x, y), (x2, y), (x2, y2), (x1, y2)]
        rings = [np.array(ring)]
        if holes and rng.random() < 0.5:
            mask[y2 - 2 : y2 - 1, x1 + 1 : x2 - 1] = False
            corners = [(x1 + 1, y2 - 2), (x2 - 1, y2 - 2), (x2 - 1, y2 - 1), (x1 + 1, y2 - 1)]
            rings.append(np.array(corners))
        is_crowd = crowds and rng.random() < 0.2
        photo.objects.append(TrueObject(rng.choice(labels), mask, rings, is_crowd))


def save_photos(folder, photos, rng, turned=False):
    """The pictures themselves; one of them lies on its side, as its EXIF tells."""
    for number, photo in enumerate(photos):
        path = folder / photo.name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((*photo.size, 3), rng.randint(40, 200), np.uint8)
        exif = Image.Exif()
        if turned and number == 0:
            exif[274] = 6  # to be seen, it has to be turned clockwise by a quarter
            pixels = np.rot90(pixels)
        Image.fromarray(np.ascontiguousarray(pixels)).save(path, exif=exif)


def stem(photo):
    """A picture's name without folders and ending."""
    return photo.name.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def runs(values):
    """Lengths of runs of a row of bools, first of what is False."""
    edges = np.flatnonzero(np.diff(values.astype(np.int8))) + 1
    lengths = np.diff([0, *edges, len(values)]).tolist()
    return [0, *lengths] if values[0] else lengths


def in_base64(image):
    """A Pillow picture as PNG, in base64."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def box_of(mask):
    """x1, y1, x2, y2 of a mask; the latter two lie behind the last pixel."""
    y, x = np.nonzero(mask)
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


# Formats: each function writes into an empty folder, and gives the pictures -----------------------


def coco(folder, rng):
    """Polygons, and RLE in columns for what has holes or is a crowd."""
    photos = draw_photos(rng, holes=True, crowds=True, turned=True)
    save_photos(folder / "images", photos, rng, turned=True)
    ids = dict(zip(CLASSES, rng.sample(range(1, 90), len(CLASSES)), strict=True))
    images, rows = [], []
    for number, photo in enumerate(photos, 1):
        height, width = photo.size
        images.append({"id": number, "file_name": photo.name, "height": height, "width": width})
        for one in photo.objects:
            x1, y1, x2, y2 = box_of(one.mask)
            outline = [one.rings[0].ravel().tolist()]
            if len(one.rings) > 1 or one.is_crowd:
                outline = {"size": [height, width], "counts": runs(one.mask.ravel("F"))}
            rows.append(
                {
                    "id": len(rows) + 1,
                    "image_id": number,
                    "category_id": ids[one.label],
                    "segmentation": outline,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": int(one.mask.sum()),
                    "iscrowd": int(one.is_crowd),
                }
            )
    if 2 * sum(row["iscrowd"] for row in rows) > len(rows):  # so many a reader has to doubt
        for row in rows:
            row["iscrowd"] = 0
        photos = [
            photo._replace(objects=[one._replace(is_crowd=False) for one in photo.objects])
            for photo in photos
        ]
    categories = [{"id": number, "name": name} for name, number in ids.items()]
    content = {"images": images, "annotations": rows, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(content))
    return photos


def panoptic(folder, rng):
    photos = draw_photos(rng, folders=False, holes=True)
    save_photos(folder / "images", photos, rng)
    (folder / "panoptic").mkdir()
    images, rows = [], []
    for number, photo in enumerate(photos, 1):
        height, width = photo.size
        segments, colours = [], np.zeros((height, width, 3), np.uint8)
        for one in photo.objects:
            colour = [rng.randint(1, 255) for _ in range(3)]
            colours[one.mask] = colour
            red, green, blue = colour
            segments.append(
                {
                    "id": red + 256 * green + 65536 * blue,
                    "category_id": CLASSES.index(one.label) + 1,
                    "iscrowd": 0,
                    "area": int(one.mask.sum()),
                }
            )
        name = f"{stem(photo)}.png"
        Image.fromarray(colours).save(folder / "panoptic" / name)
        images.append({"id": number, "file_name": photo.name, "height": height, "width": width})
        rows.append({"image_id": number, "file_name": name, "segments_info": segments})
    categories = [
        {"id": number, "name": name, "isthing": 1} for number, name in enumerate(CLASSES, 1)
    ]
    content = {"images": images, "annotations": rows, "categories": categories}
    (folder / "panoptic.json").write_text(json.dumps(content))
    return photos


def yolo(folder, rng):
    photos = draw_photos(rng, turned=True)
    save_photos(folder / "images", photos, rng, turned=True)
    lines = ["names:", *(f"  {number}: {name}" for number, name in enumerate(CLASSES))]
    (folder / "data.yaml").write_text("\n".join(lines), encoding="utf-8")
    for photo in photos:
        path = folder / "labels" / (photo.name.rsplit(".", 1)[0] + ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = []
        for one in photo.objects:
            shares = (one.rings[0] / photo.size[::-1]).ravel()
            numbers = " ".join(f"{share:.9f}" for share in shares)
            rows.append(f"{CLASSES.index(one.label)} {numbers}")
        path.write_text("\n".join(rows))
    return photos


def cvat(folder, rng):
    """Polygons, boxes, and brush masks in rows."""
    photos = draw_photos(rng, holes=True)
    save_photos(folder / "images", photos, rng)
    lines = ["<annotations><version>1.1</version>"]
    for number, photo in enumerate(photos):
        height, width = photo.size
        name = quoteattr(photo.name)
        lines.append(f'<image id="{number}" name={name} width="{width}" height="{height}">')
        for one in photo.objects:
            label = quoteattr(one.label)
            x1, y1, x2, y2 = box_of(one.mask)
            if len(one.rings) > 1:
                counts = ", ".join(map(str, runs(one.mask[y1:y2, x1:x2].ravel())))
                lines.append(
                    f'<mask label={label} rle="{counts}" left="{x1}" top="{y1}" '
                    f'width="{x2 - x1}" height="{y2 - y1}"/>'
                )
            elif len(one.rings[0]) == 4:
                lines.append(
                    f'<box label={label} xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}" rotation="0"/>'
                )
            else:
                points = ";".join(f"{x:.2f},{y:.2f}" for x, y in one.rings[0])
                lines.append(f'<polygon label={label} points="{points}"/>')
        lines.append("</image>")
    lines.append("</annotations>")
    (folder / "annotations.xml").write_text("\n".join(lines), encoding="utf-8")
    return photos


def via(folder, rng):
    photos = draw_photos(rng, folders=False, turned=True)
    save_photos(folder, photos, rng, turned=True)
    entries = {}
    for photo in photos:
        regions = []
        for one in photo.objects:
            x, y = one.rings[0].T.tolist()
            shape = {"name": "polygon", "all_points_x": x, "all_points_y": y}
            regions.append({"shape_attributes": shape, "region_attributes": {"class": one.label}})
        size = (folder / photo.name).stat().st_size
        entries[f"{photo.name}{size}"] = {
            "filename": photo.name, "size": size, "regions": regions, "file_attributes": {},
        }  # fmt: skip
    content = {"_via_settings": {}, "_via_img_metadata": entries, "_via_attributes": {}}
    (folder / "via.json").write_text(json.dumps(content if rng.random() < 0.5 else entries))
    return photos


def via3(folder, rng):
    photos = draw_photos(rng, folders=False)
    save_photos(folder, photos, rng)
    files, views, regions = {}, {}, {}
    for number, photo in enumerate(photos, 1):
        files[str(number)] = {"fid": number, "fname": photo.name, "type": 2, "loc": 1, "src": ""}
        views[str(number)] = {"fid_list": [str(number)]}
        for one in photo.objects:
            regions[f"{number}_{len(regions)}"] = {
                "vid": str(number), "flg": 0, "z": [], "xy": [7, *one.rings[0].ravel().tolist()],
                "av": {"1": str(CLASSES.index(one.label))},
            }  # fmt: skip
    options = {str(number): name for number, name in enumerate(CLASSES)}
    content = {
        "project": {"pid": "__VIA_PROJECT_ID__"}, "config": {}, "file": files, "view": views,
        "attribute": {"1": {"aname": "class", "options": options}}, "metadata": regions,
    }  # fmt: skip
    (folder / "via3.json").write_text(json.dumps(content))
    return photos


def labelme(folder, rng):
    """Polygons, rectangles, and masks for what has holes."""
    photos = draw_photos(rng, folders=False, holes=True)
    save_photos(folder, photos, rng)
    for photo in photos:
        shapes = []
        for one in photo.objects:
            row = {"label": one.label, "group_id": None, "flags": {}, "shape_type": "polygon"}
            row["points"] = one.rings[0].tolist()
            x1, y1, x2, y2 = box_of(one.mask)
            if len(one.rings) > 1:
                row["shape_type"] = "mask"
                row["points"] = [[x1, y1], [x2 - 1, y2 - 1]]
                row["mask"] = in_base64(Image.fromarray(one.mask[y1:y2, x1:x2]))
            elif len(one.rings[0]) == 4 and rng.random() < 0.5:
                row["shape_type"] = "rectangle"
                row["points"] = [[x1, y1], [x2, y2]]
            shapes.append(row)
        height, width = photo.size
        content = {
            "version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": photo.name,
            "imageData": None, "imageHeight": height, "imageWidth": width,
        }  # fmt: skip
        path = (folder / photo.name).with_suffix(".json")
        path.write_text(json.dumps(content))
    return photos


def labelme_xml(folder, rng):
    photos = draw_photos(rng, folders=False)
    save_photos(folder, photos, rng)
    for photo in photos:
        height, width = photo.size
        lines = [f"<annotation><filename>{photo.name}</filename>"]
        lines.append(f"<imagesize><nrows>{height}</nrows><ncols>{width}</ncols></imagesize>")
        for one in photo.objects:
            points = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in one.rings[0])
            lines.append(
                f"<object><name>{one.label}</name><deleted>0</deleted>"
                f"<polygon>{points}</polygon></object>"
            )
        lines.append("</annotation>")
        path = (folder / photo.name).with_suffix(".xml")
        path.write_text("\n".join(lines), encoding="utf-8")
    return [photo for photo in photos if photo.objects]  # without a polygon it is any XML


def voc(folder, rng):
    """XML with boxes, which begin at 1, and a PNG in which each object has a value of its own."""
    photos = draw_photos(rng, folders=False, holes=True)
    save_photos(folder / "JPEGImages", photos, rng)
    for name in ("Annotations", "SegmentationObject"):
        (folder / name).mkdir()
    for photo in photos:
        height, width = photo.size
        values = np.zeros(photo.size, np.uint8)
        lines = [f"<annotation><filename>{photo.name}</filename><size><width>{width}</width>"]
        lines.append(f"<height>{height}</height><depth>3</depth></size>")
        for number, one in enumerate(photo.objects, 1):
            values[one.mask] = number
            x1, y1, x2, y2 = box_of(one.mask)
            lines.append(
                f"<object><name>{one.label}</name><bndbox><xmin>{x1 + 1}</xmin>"
                f"<ymin>{y1 + 1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
            )
        lines.append("</annotation>")
        (folder / "Annotations" / f"{stem(photo)}.xml").write_text("\n".join(lines), "utf-8")
        Image.fromarray(values).save(folder / "SegmentationObject" / f"{stem(photo)}.png")
    return photos


def label_studio(folder, rng):
    photos = draw_photos(rng, folders=False)
    save_photos(folder, photos, rng)
    tasks = []
    for number, photo in enumerate(photos, 1):
        height, width = photo.size
        results = []
        for one in photo.objects:
            points = 100 * one.rings[0] / photo.size[::-1]
            results.append(
                {
                    "id": f"r{len(results)}", "type": "polygonlabels", "from_name": "label",
                    "original_width": width, "original_height": height, "image_rotation": 0,
                    "value": {"points": points.tolist(), "polygonlabels": [one.label]},
                }
            )  # fmt: skip
        address = f"/data/upload/1/{rng.randrange(16**8):08x}-{photo.name}"
        answer = {"id": number, "was_cancelled": False, "result": results}
        tasks.append({"id": number, "data": {"image": address}, "annotations": [answer]})
    (folder / "tasks.json").write_text(json.dumps(tasks))
    return photos


def supervisely(folder, rng):
    """Polygons, also with holes, and bitmaps."""
    photos = draw_photos(rng, folders=False, holes=True)
    save_photos(folder / "img", photos, rng)
    (folder / "ann").mkdir()
    classes = [{"title": name, "shape": "any", "color": "#FF0000"} for name in CLASSES]
    (folder / "meta.json").write_text(json.dumps({"classes": classes, "tags": []}))
    for photo in photos:
        objects = []
        for one in photo.objects:
            exterior, *interior = (ring.tolist() for ring in one.rings)
            row = {"classTitle": one.label, "geometryType": "polygon", "tags": []}
            row["points"] = {"exterior": exterior, "interior": interior}
            if rng.random() < 0.5:
                x1, y1, x2, y2 = box_of(one.mask)
                grey = Image.fromarray(255 * one.mask[y1:y2, x1:x2].astype(np.uint8))
                packed = zlib.compress(base64.b64decode(in_base64(grey)))
                row["geometryType"] = "bitmap"
                row["bitmap"] = {"origin": [x1, y1], "data": base64.b64encode(packed).decode()}
            objects.append(row)
        height, width = photo.size
        content = {"size": {"height": height, "width": width}, "objects": objects, "tags": []}
        (folder / "ann" / f"{photo.name}.json").write_text(json.dumps(content))
    return photos


def png_masks(folder, rng):
    """A PNG for each object, whose name has a number and a class."""
    labels = ("nut", "bottle")  # a class in a file's name is a word
    photos = draw_photos(rng, folders=False, holes=True, labels=labels)
    photos = [photo for photo in photos if photo.objects]
    save_photos(folder / "images", photos, rng)
    (folder / "masks").mkdir()
    for photo in photos:
        for number, one in enumerate(photo.objects, 1):
            grey = Image.fromarray(255 * one.mask.astype(np.uint8))
            grey.save(folder / "masks" / f"{stem(photo)}_{number}_{one.label}.png")
    return photos


def voc_masks(folder, rng):
    """Two PNGs for each picture: numbers of objects, and of classes."""
    photos = draw_photos(rng, folders=False, holes=True)
    save_photos(folder / "JPEGImages", photos, rng)
    for name in ("SegmentationObject", "SegmentationClass"):
        (folder / name).mkdir()
    lines = ["__ignore__", "_background_", *CLASSES]
    (folder / "class_names.txt").write_text("\n".join(lines), encoding="utf-8")
    for photo in photos:
        objects, classes = np.zeros((2, *photo.size), np.uint8)
        for number, one in enumerate(photo.objects, 1):
            objects[one.mask] = number
            classes[one.mask] = CLASSES.index(one.label) + 1
        Image.fromarray(objects).save(folder / "SegmentationObject" / f"{stem(photo)}.png")
        Image.fromarray(classes).save(folder / "SegmentationClass" / f"{stem(photo)}.png")
    return photos


# Label maps and graphs: these compare for themselves ----------------------------------------------


def label_map(folder, rng):
    """Names with accents, quotes and escapes, ids in any order."""
    from helpers.models.label_maps import read_label_map

    letters = "abc ÄößØ茶'\"\\/-_.{}#:"
    ids = rng.sample(range(1, 999), rng.randint(1, 12))
    truth = {}
    for number in ids:
        truth[number] = "".join(rng.choice(letters) for _ in range(rng.randint(0, 9))) + "x"
    items = []
    for number, name in truth.items():
        quoted = _quoted(name, rng)
        field = rng.choice(("name", "display_name"))
        other = "" if field == "name" else f'  name: "/m/{number}"\n'
        items.append(f"item {{\n{other}  {field}: {quoted}\n  id: {number}\n}}\n")
    (folder / "map.pbtxt").write_text("".join(items), encoding="utf-8")
    assert read_label_map(folder / "map.pbtxt") == truth


def _quoted(name, rng):
    """A name as protobuf's text format may have it: as it is, or with its bytes in octal."""
    quote = rng.choice("\"'")
    text = name.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    if rng.random() < 0.3:
        text = "".join(f"\\{byte:03o}" for byte in name.encode())
    return f"{quote}{text}{quote}"


def api_graph(folder, rng):
    """A frozen graph that finds the same in each picture: boxes, classes, scores; whole masks."""
    from helpers.models import load_detector
    from tests import api_graph as writer

    size = rng.randint(30, 90), rng.randint(30, 90)
    num = rng.randint(0, 9)
    boxes = []
    for _ in range(num):
        x1, y1 = rng.randint(0, size[1] - 9), rng.randint(0, size[0] - 9)
        boxes.append([x1, y1, rng.randint(x1 + 4, size[1]), rng.randint(y1 + 4, size[0])])
    boxes = np.array(boxes, float).reshape(-1, 4)
    labels = [rng.randint(1, 90) for _ in range(num)]
    scores = sorted((rng.uniform(0.55, 1) for _ in range(num)), reverse=True)
    shares = boxes[:, [1, 0, 3, 2]] / np.array([*size, *size])
    writer.toy(folder, shares, labels, scores, np.ones((num, 15, 15)))
    found = load_detector(str(folder), say=None)(np.zeros((*size, 3), np.uint8))
    np.testing.assert_allclose(found.boxes, boxes, atol=1e-3)
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-6)
    for mask, (x1, y1, x2, y2) in zip(found.masks, boxes.astype(int), strict=True):
        wanted = np.zeros(size, bool)
        wanted[y1:y2, x1:x2] = True
        strange = mask & ~wanted
        missing = wanted & ~mask
        missing[[y1, y2 - 1]] = False  # the API's way of pasting may lose a border of one pixel
        missing[:, [x1, x2 - 1]] = False
        assert not strange.any() and not missing.any()


FORMATS = {
    f.__name__: f
    for f in (
        coco,
        panoptic,
        yolo,
        cvat,
        via,
        via3,
        labelme,
        labelme_xml,
        voc,
        label_studio,
        supervisely,
        png_masks,
        voc_masks,
        label_map,
        api_graph,
    )
}


# Reading back -------------------------------------------------------------------------------------


def compare(photos, data):
    """Raise an AssertionError where a data set is not what was written."""
    left_out = [str(problem) for problem in data.problems if not problem.fixed]
    assert not left_out, f"left out: {left_out[0]}"
    found = {record.path.name: number for number, record in enumerate(data.records)}
    wanted = {photo.name.rsplit("/", 1)[-1] for photo in photos}
    assert wanted <= set(found), f"pictures missing: {sorted(wanted - set(found))}"
    for photo in photos:
        truth = data.truth(found[photo.name.rsplit("/", 1)[-1]])
        assert truth.image_size == photo.size, f"{photo.name}: {truth.image_size}"
        assert len(truth) == len(photo.objects), f"{photo.name}: {len(truth)} objects"
        read = {_key(*row) for row in zip(truth.names, truth.masks, truth.scores < 1, strict=True)}
        for one in photo.objects:
            key = _key(one.label, one.mask, one.is_crowd)
            assert key in read, f"{photo.name}: no {one.label} at {box_of(one.mask)}"


def _key(label, mask, is_crowd):
    return label, np.packbits(mask).tobytes(), bool(is_crowd)


def check(name, rng, folder):
    """Write a format, read it back, compare."""
    from helpers.annotations import read_dataset

    photos = FORMATS[name](folder, rng)
    if photos and any(
        photo.objects for photo in photos
    ):  # without any, there is nothing to know it by
        compare(photos, read_dataset(folder))
