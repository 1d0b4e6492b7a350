"""The JSON of labelme, one for each picture.

Shapes of one label and group_id are parts of one object.
"""

import numpy as np

from helpers.annotations.records import (
    Item,
    Left,
    Picture,
    dicts_in,
    ellipse,
    guard,
    polygon,
    rectangle,
)

NAME = "labelme JSON"
NO_OBJECT = ("__ignore__", "_background_")  # labels of what is not to be learnt
KINDS = ("polygon", "rectangle", "circle", None)  # None, of old versions, is a polygon


def recognises(content):
    return isinstance(content, dict) and "shapes" in content


def read(file, content, surroundings, report):
    size = content.get("imageHeight"), content.get("imageWidth")
    picture = Picture(file, str(content["imagePath"]), size, [])
    first_parts = {}  # {(label, group): the first part of an object}
    for number, row in enumerate(dicts_in(content, "shapes", report), 1):
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
    label, kind = str(row["label"]).strip(), row.get("shape_type")
    points = polygon(row["points"])
    if label in NO_OBJECT:
        raise Left(f"is marked {label}; left out", True)
    if kind not in KINDS:
        raise Left(f"is a {kind}: export it as a polygon")
    if kind == "rectangle" and len(points) == 2:
        return Item(number, label, *rectangle(*points.ravel()))
    if kind == "circle":  # its centre, and a point on its rim
        radius = np.hypot(*(points[1] - points[0]))
        return Item(number, label, *ellipse(*points[0], radius, radius))
    return Item(number, label, [points])
