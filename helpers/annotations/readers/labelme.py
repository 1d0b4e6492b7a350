"""The JSON of labelme, one for each picture.

Shapes of one label and group_id are parts of one object.
"""

import base64
import io

import numpy as np
from PIL import Image

from helpers.annotations.embedded import has_picture
from helpers.annotations.records import (
    Item,
    Left,
    Picture,
    Stamp,
    dicts_in,
    ellipse,
    guard,
    polygon,
    rectangle,
)

NAME = "labelme JSON"
NO_OBJECT = ("__ignore__", "_background_")  # labels of what is not to be learnt
KINDS = ("polygon", "rectangle", "circle", "mask", None)  # None, of old versions, is a polygon


def recognises(content):
    return isinstance(content, dict) and "shapes" in content


def read(file, content, surroundings, report):
    size = content.get("imageHeight"), content.get("imageWidth")
    name = str(content["imagePath"])
    is_inside = has_picture(content)
    picture = Picture(file, name, size, [], has_own_file=True, is_inside=is_inside)
    first_parts = {}  # {(label, group): the first part of an object}
    for number, row in enumerate(dicts_in(content, "shapes", report, None, name), 1):
        with guard(report, number, picture.name):
            item = _item(number, row)
            group = row.get("group_id")
            key = (item.label, number if group is None else f"group {group}")
            if key in first_parts:
                first_parts[key].shape.extend(item.shape)
            else:
                first_parts[key] = item
                picture.items.append(item)
    return [picture]


def _item(number, row):
    label = str(row["label"]).strip()
    kind = row.get("shape_type")
    points = polygon(row["points"])
    if label in NO_OBJECT:
        raise Left(f"is marked {label}; left out", True)
    if kind not in KINDS:
        raise Left(f"is a {kind}: export it as a polygon")
    if kind == "mask":  # of what lies between its two points
        left, top = np.round(points[0]).astype(int).tolist()
        return Item(number, label, [Stamp(_pixels(row["mask"]), left, top)])
    if kind == "rectangle" and len(points) == 2:
        return Item(number, label, *rectangle(*points.ravel()))
    if kind == "circle":  # its centre, and a point on its rim
        radius = np.hypot(*(points[1] - points[0]))
        return Item(number, label, *ellipse(*points[0], radius, radius))
    return Item(number, label, [points])


def _pixels(text):
    """A PNG in base64 as (h, w) bool."""
    with Image.open(io.BytesIO(base64.b64decode(text)), formats=["PNG"]) as image:
        return np.asarray(image.convert("L")) > 0
