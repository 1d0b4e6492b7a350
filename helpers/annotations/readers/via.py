"""The JSON of the VGG Image Annotator.

VIA 1 has the regions of a picture in a dict, VIA 2 in a list, and there all may lie in a project.
"""

from collections import Counter

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
    entries = dicts_in({"files": content.get(PROJECT, content)}, "files", report)
    key = class_key(_attributes(entries))
    pictures = []
    for entry in entries:
        picture = Picture(file, str(entry.get("filename")), (), [])
        pictures.append(picture)
        with guard(report, "regions", picture.name):
            regions = dicts_in(entry, "regions", report, None, picture.name)
            for number, region in enumerate(regions, 1):
                with guard(report, number, picture.name):
                    shape, *notes = shape_of(region["shape_attributes"])
                    label, *more = class_of(region.get("region_attributes"), key)
                    note = "; ".join(notes + more)
                    picture.items.append(Item(number, label, shape, note))
    return pictures


def _attributes(entries):
    """The attributes of all regions that have some."""
    found = []
    for entry in entries:
        regions = entry.get("regions") or ()
        for region in regions.values() if isinstance(regions, dict) else regions:
            attributes = region.get("region_attributes") if isinstance(region, dict) else None
            if isinstance(attributes, dict) and attributes:
                found.append(attributes)
    return found


def class_key(attributes):
    """Which of the attributes is the class: it must be the same in the whole file.

    Args:
        attributes: list of dicts, those of each region.

    Returns:
        The key; None if no region has an attribute; a list of keys if several are as likely.
    """
    counts = Counter(key for each in attributes for key in each)
    if not counts:
        return None
    for key in CLASS_KEYS:
        if 2 * counts[key] >= len(attributes):
            return key
    most = max(counts.values())
    likely = [key for key, count in counts.items() if count == most]
    return likely[0] if len(likely) == 1 else likely


def class_of(attributes, key):
    """The class of a region, and a note if it has none; see `class_key`."""
    if key is None:
        return "object", "has no class: it is called 'object'"
    if isinstance(key, list):
        keys = ", ".join(map(str, key[:5]))
        raise Left(f"has the attributes {keys}: call the one that is the class 'class'")
    label = (attributes or {}).get(key)
    if isinstance(label, dict):  # check boxes
        label = " and ".join(name for name, is_ticked in label.items() if is_ticked)
    label = str(label or "").strip()
    if not label:
        raise Left(f"has no class under {key!r}")
    return [label]


def shape_of(shape):
    """The shape, and a note if it was converted."""
    kind = shape["name"]
    if kind in ("polygon", "polyline"):
        corners = polygon(np.stack([shape["all_points_x"], shape["all_points_y"]], 1))
        if kind == "polyline" and (len(corners) < 4 or (corners[0] != corners[-1]).any()):
            raise Left("is an open line: that has no area; draw a polygon")
        return [[corners]]
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
