"""Annotation files as people have them: COCO, VIA, labelme, VOC with PNG masks, PNG masks alone.

A reader takes (file, its content, report) and gives `Picture` records, as the file has them;
whether they fit their pictures is for `repairs` to judge. What cannot even be read goes to
`report(what, object, picture, fixed)`, and the rest is read on.
"""

import contextlib
import functools
import json
import os
import pathlib
import re
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np

from helpers.annotations.png_masks import codes_of, rle_of, share_out
from helpers.pictures import SUFFIXES
from helpers.structures import InputError

KNOWN = "COCO, VIA and labelme JSON, VOC XML with PNG masks, folders of PNG masks"
CLASS_KEYS = "class", "name", "label", "type", "category"  # in VIA, the likeliest first
UNUSED = "__ignore__", "_background_"  # labelme's words for what is no object


class Left(ValueError):
    """An object or a picture is left out: (why, and True if that does no harm)."""


class Item(NamedTuple):
    """An object: what its file calls it, its class, its shape, and how that was converted."""

    number: Any
    label: str
    shape: Any  # list of (N, 2) float x y | dict, COCO's RLE | None, if there is a box alone
    note: str = ""


class Picture(NamedTuple):
    """A picture and its objects, out of one annotation file."""

    file: pathlib.Path
    name: str  # as the file has it, perhaps with folders
    size: tuple  # (height, width) as the file claims; () if it does not say
    items: list
    ids: dict = {}  # {class name: id}; only COCO has ids


@contextlib.contextmanager
def guard(report, *where):
    """What goes wrong in the block is reported with its place, not raised."""
    try:
        with np.errstate(all="ignore"):
            yield
    except Left as left:
        report(left.args[0], *where, *left.args[1:])
    except Exception as error:  # values of a wrong kind and damaged files raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        reason = re.sub(r"'[^']*[/\\]", "'", reason)[:120]  # a file's name will do
        report(f"cannot be read ({reason})", *where)


def read(path, report):
    """Recognise what lies at `path`, and read it.

    Args:
        path: an annotation file, or a folder: every annotation file below it counts.
        report: is called with (file, what, object, picture, fixed) for what cannot be read.

    Returns:
        list of Picture; and the picture files around, for those that are not where they should be.

    Raises:
        InputError: there is no such path.
    """
    path, pictures = pathlib.Path(path).expanduser(), []
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the name")
    root = path if path.is_dir() else path.parent
    root = root.parent if root.name.lower() in ("annotations", "labels", "xmls") else root
    depths = ["**/*"] if path.is_dir() else ["*", "*/*", "*/*/*"]  # beside a file not everything
    inside = lambda p: p.relative_to(root).as_posix()  # noqa: E731
    tree = sorted(p for depth in depths for p in root.glob(depth) if p.is_file())
    tree = [p for p in tree if not re.search(r"(^|/)\.", inside(p))]  # nothing hidden
    images = [p for p in tree if p.suffix.lower() in SUFFIXES]
    # VOC has SegmentationClass and SegmentationObject: of one name the last is taken
    masks = {p.stem: p for p in images if re.search("(mask|map|segm).*/", inside(p), re.I)}
    files = [p for p in tree if path in (p, *p.parents)]
    listed = _listed(files, report)
    for file in files:
        tell = functools.partial(report, file)
        with guard(tell):
            if file.suffix.lower() == ".json":
                data = json.loads(file.read_text(encoding="utf-8-sig"))
                pictures += _reader(data)(file, data, tell)
            elif file.suffix.lower() == ".xml" and (file.stem in listed or not listed):
                pictures += _voc(file, ElementTree.parse(file).getroot(), masks, tell)
    return pictures or _png(images, root, report), images


def _listed(files, report):
    """The names in a trainval.txt: the Object Detection API reads no XML files but those."""
    xmls, names = {p.stem for p in files if p.suffix.lower() == ".xml"}, set()
    for file in (p for p in files if p.name == "trainval.txt"):
        names |= set(re.findall(r"^\s*(\S+)", file.read_text(errors="replace"), re.MULTILINE))
        for name in sorted(names - xmls):
            report(file, "is listed, but has no XML file", None, name)
        report(file, f"does not list {len(xmls - names)} XML files: they are not read", fixed=True)
    return names


def _reader(data):
    """The function that reads JSON of this kind."""
    if isinstance(data, dict):
        if "annotations" in data and "images" in data:
            return _coco
        if "shapes" in data:
            return _labelme
        rows = [row for row in data.values() if isinstance(row, dict)]
        if "_via_img_metadata" in data or any("regions" in row for row in rows):
            return _via
    raise Left(f"is JSON of an unknown kind; known are {KNOWN}")


def _rows(data, key, report):
    """The dicts in a list, or in the values of a dict; what else is there is reported."""
    rows = list(data[key].values() if isinstance(data[key], dict) else data[key])
    good = [row for row in rows if isinstance(row, dict)]
    if len(good) < len(rows):
        report(f"{key!r} holds {len(rows) - len(good)} entries that are no records in braces")
    return good


def _coco(file, data, report):
    """https://cocodataset.org/#format-data. Ids are compared as text: exports write "3" and 3."""
    names, images, ids, used = {}, {}, {}, set()
    for row in _rows(data, "categories", report):
        key = str(row.get("id"))
        name = str(row.get("name") or f"class {key}").strip()
        if names.setdefault(key, name) != name:
            report(f"category id {key} stands for {names[key]!r} and for {name!r}")
            names[key] = None
        ids[name] = row.get("id")
    for row in _rows(data, "images", report):
        key, name = str(row.get("id")), str(row.get("file_name"))
        new = Picture(file, name, (row.get("height"), row.get("width")), [], ids)
        if images.setdefault(key, new).name != name:
            report(f"image id {key} stands for {images[key].name or 'others'} and for {name}")
            images[key] = new._replace(name="")
    for row in _rows(data, "annotations", report):
        number, shape, image = row.get("id"), row.get("segmentation"), row.get("image_id")
        label, picture = names.get(str(row.get("category_id"))), images.get(str(image))
        with guard(report, number, picture and picture.name):
            if not picture or not picture.name:
                raise Left(f"belongs to image id {image}, which is unknown or in doubt")
            if label is None:
                raise Left(f"has category id {row.get('category_id')}, unknown or in doubt")
            if row.get("iscrowd"):
                raise Left("is a crowd, no single object; left out", True)
            if isinstance(shape, list):
                shape = [_points(part) for part in shape]
            note = "has the id of another object; both are kept" if str(number) in used else ""
            picture.items.append(Item(number, label, shape, note))
            used.add(str(number))
    return [picture for picture in images.values() if picture.name]


def _points(numbers):
    return np.reshape(np.asarray(numbers, float), (-1, 2))


def _rectangle(x1, y1, x2, y2):
    return [_points([x1, y1, x2, y1, x2, y2, x1, y2])], "is a rectangle: its corners are used"


def _ellipse(x, y, a, b, angle=0.0):
    turn, t = np.exp(1j * float(angle)), np.linspace(0, 2 * np.pi, 72, endpoint=False)
    z = complex(x, y) + turn * (a * np.cos(t) + 1j * b * np.sin(t))
    return [np.stack([z.real, z.imag], 1)], "is an ellipse or a circle: 72 corners stand for it"


def _via(file, data, report):
    """VIA 1 (regions in a dict) and 2 (in a list, or in a whole project)."""
    pictures = []
    for entry in _rows({"files": data.get("_via_img_metadata", data)}, "files", report):
        picture = Picture(file, str(entry.get("filename")), (), [])
        pictures.append(picture)
        for number, row in enumerate(_rows(entry, "regions", report), 1):
            with guard(report, number, picture.name):
                shape, *notes = _via_shape(row["shape_attributes"])
                texts = row.get("region_attributes") or {"": "object"}
                key = next(key for key in (*CLASS_KEYS, *texts) if key in texts)
                label = texts[key]
                if isinstance(label, dict):  # check boxes
                    label = " and ".join(name for name, ticked in label.items() if ticked)
                if not str(label or "").strip():
                    raise Left(f"has no class under {key!r}")
                notes += ["has no class: it is called 'object'"] * (key == "")
                picture.items.append(Item(number, str(label).strip(), shape, "; ".join(notes)))
    return pictures


def _via_shape(shape):
    kind, get = shape["name"], lambda keys: [float(shape[key]) for key in keys.split()]
    if kind in ("polygon", "polyline"):
        return ([_points(np.stack([shape["all_points_x"], shape["all_points_y"]], 1))],)
    if kind == "rect":
        x, y, width, height = get("x y width height")
        return _rectangle(x, y, x + width, y + height)
    if kind == "circle":
        return _ellipse(*get("cx cy r r"))
    if kind == "ellipse":
        return _ellipse(*get("cx cy rx ry"), shape.get("theta", 0))
    raise Left(f"is a {kind}: that has no area")


def _labelme(file, data, report):
    """One JSON for each picture. Shapes of one label and group_id are parts of one object."""
    size = data.get("imageHeight"), data.get("imageWidth")
    picture, parts = Picture(file, str(data["imagePath"]), size, []), {}
    for number, row in enumerate(_rows(data, "shapes", report), 1):
        with guard(report, number, picture.name):
            label, kind = str(row["label"]).strip(), row.get("shape_type")
            points = _points(row["points"])
            if label in UNUSED:
                raise Left(f"is marked {label}; left out", True)
            if kind not in ("polygon", "rectangle", "circle", None):
                raise Left(f"is a {kind}: export it as a polygon")
            shape = ([points],)
            if kind == "rectangle" and len(points) == 2:
                shape = _rectangle(*points.ravel())
            if kind == "circle":
                shape = _ellipse(*points[0], *[np.hypot(*(points[1] - points[0]))] * 2)
            item, group = Item(number, label, *shape), row.get("group_id")
            first = parts.setdefault((label, number if group is None else f"group {group}"), item)
            if first is item:
                picture.items.append(item)
            else:
                first.shape.extend(item.shape)
    return [picture]


def _voc(file, root, masks, report):
    """One XML for each picture, with boxes; a PNG of its name in a folder of masks."""
    picture = Picture(file, root.findtext("filename") or file.name, (), [])
    for number, row in enumerate(root.findall("object"), 1):
        with guard(report, number, picture.name):
            sides = [float(row.findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax")]
            picture.items.append(Item(number, row.findtext("name").strip(), sides))
    shapes, note = [None] * len(picture.items), ""
    if picture.items and file.stem in masks:
        codes, note = codes_of(masks[file.stem])
        shapes = share_out(codes, np.array([item.shape for item in picture.items]))
        picture = picture._replace(size=codes.shape)
    for i, shape in enumerate(shapes):
        picture.items[i] = picture.items[i]._replace(shape=shape, note=note)
    return [picture]


def _png(images, root, report):
    """PNG masks alone: for `a.jpg` masks/a_1_nut.png, a_nut_1.png, a/1_nut.png, a/1.png or a.png.

    The folder's name must hold "mask". What follows the picture's name is a number and a class
    ("object" if there is none). In a mask without a number each value is an object.
    """
    is_mask = lambda p: re.search("mask.*/", p.relative_to(root).as_posix(), re.I)  # noqa: E731
    photos, pictures = [p for p in images if not is_mask(p)], {}
    for file in filter(is_mask, images):
        with guard(functools.partial(report, file)):
            stem = file.with_suffix("").as_posix()
            tail = re.sub("^.*mask[^/]*/", "", stem, flags=re.IGNORECASE) + "/"
            fits = [p for p in photos if tail.startswith(tuple(p.stem + c for c in "-_./ "))]
            if not fits:
                raise Left("fits no picture's name")
            # of a.jpg and a_1.jpg the longer name; of train/a.jpg and val/a.jpg the one close by
            photo = max(fits, key=lambda p: (len(p.stem), len(os.path.commonpath([p, file]))))
            words = re.findall(r"[^-_./ ]+", tail[len(photo.stem) :])
            label = "_".join(w for w in words if not re.fullmatch(r"\d+|masks?", w)) or "object"
            codes, note = codes_of(file)
            whole = any(word.isdigit() for word in words)
            parts = [codes > 0] if whole else [codes == v for v in np.unique(codes[codes > 0])]
            picture = pictures.setdefault(photo, Picture(file, str(photo), codes.shape, []))
            for number, part in enumerate(parts, 1):
                picture.items.append(Item(f"{file.name} {number}", label, rle_of(part), note))
    return list(pictures.values())
