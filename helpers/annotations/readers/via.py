"""The JSON of the VGG Image Annotator.

VIA 1 has the regions of a picture in a dict, VIA 2 in a list, and there all may lie in a project.
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

NAME = "VIA JSON"
CLASS_KEYS = ("class", "name", "label", "type", "category")  # of an attribute, the likeliest first
PROJECT = "_via_img_metadata"


def recognises(content):
    if not isinstance(content, dict):
        return False
    entries = [entry for entry in content.values() if isinstance(entry, dict)]
    return PROJECT in content or any("regions" in entry for entry in entries)


def read(file, content, surroundings, report):
    pictures = []
    for entry in dicts_in({"files": content.get(PROJECT, content)}, "files", report):
        picture = Picture(file, str(entry.get("filename")), (), [])
        pictures.append(picture)
        for number, region in enumerate(dicts_in(entry, "regions", report), 1):
            with guard(report, number, picture.name):
                picture.items.append(_item(number, region))
    return pictures


def _item(number, region):
    shape, *notes = _shape(region["shape_attributes"])
    attributes = region.get("region_attributes")
    if not attributes:
        notes.append("has no class: it is called 'object'")
        return Item(number, "object", shape, "; ".join(notes))
    key = next(key for key in (*CLASS_KEYS, *attributes) if key in attributes)
    label = attributes[key]
    if isinstance(label, dict):  # check boxes
        label = " and ".join(name for name, is_ticked in label.items() if is_ticked)
    label = str(label or "").strip()
    if not label:
        raise Left(f"has no class under {key!r}")
    return Item(number, label, shape, "; ".join(notes))


def _shape(shape):
    """The shape, and a note if it was converted."""
    kind = shape["name"]
    if kind in ("polygon", "polyline"):
        return [[polygon(np.stack([shape["all_points_x"], shape["all_points_y"]], 1))]]
    if kind == "rect":
        x, y, width, height = _numbers(shape, "x", "y", "width", "height")
        return rectangle(x, y, x + width, y + height)
    if kind == "circle":
        x, y, radius = _numbers(shape, "cx", "cy", "r")
        return ellipse(x, y, radius, radius)
    if kind == "ellipse":
        x, y, a, b = _numbers(shape, "cx", "cy", "rx", "ry")
        return ellipse(x, y, a, b, shape.get("theta", 0))
    raise Left(f"is a {kind}: that has no area")


def _numbers(shape, *keys):
    return [float(shape[key]) for key in keys]
