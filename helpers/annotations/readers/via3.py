"""The JSON of VIA 3: files, attributes and regions apart, joined by ids.

A region is a list of numbers of which the first says its kind.
"""

import numpy as np

from helpers.annotations.readers.via import class_key, class_of
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

NAME = "VIA 3 JSON"
KINDS = ("", "point", "rectangle", "circle", "ellipse", "line", "polyline", "polygon")


def recognises(content):
    return isinstance(content, dict) and {"project", "file", "metadata"} <= set(content)


def read(file, content, surroundings, report):
    views, attributes = content.get("view") or {}, content.get("attribute") or {}
    pictures = {
        str(number): Picture(file, str(row.get("fname")), (), [])
        for number, row in content["file"].items()
    }
    regions = [row for row in dicts_in(content, "metadata", report) if row.get("xy")]
    values = [_named(row.get("av"), attributes) for row in regions]
    key = class_key([row for row in values if row])
    for number, (row, value) in enumerate(zip(regions, values, strict=True), 1):
        name = None
        with guard(report, number):
            (file_id,) = views[str(row["vid"])]["fid_list"]
            picture = pictures[str(file_id)]
            name = picture.name
        if name is None:
            continue
        with guard(report, number, name):
            shape, *notes = _shape(row["xy"])
            label, *more = class_of(value, key)
            picture.items.append(Item(number, label, shape, "; ".join(notes + more)))
    return list(pictures.values())


def _named(values, attributes):
    """{name of the attribute: value}, with an option's text in place of its number."""
    named = {}
    for number, value in (values or {}).items():
        attribute = attributes.get(str(number)) or {}
        options = attribute.get("options") or {}
        named[str(attribute.get("aname", number))] = options.get(str(value), value)
    return named


def _shape(numbers):
    """The shape, and a note if it was converted."""
    kind, *values = numbers
    kind = KINDS[int(kind)] if 0 < int(kind) < len(KINDS) else f"shape of kind {kind}"
    values = [float(value) for value in values]
    if kind == "rectangle":
        x, y, width, height = values
        return rectangle(x, y, x + width, y + height)
    if kind == "circle":
        x, y, radius = values
        return ellipse(x, y, radius, radius)
    if kind == "ellipse":
        return ellipse(*values)
    corners = polygon(values) if kind in ("polygon", "polyline") else np.zeros((0, 2))
    is_closed = len(corners) >= 4 and (corners[0] == corners[-1]).all()
    if kind == "polygon" or is_closed:
        return [[corners]]
    raise Left(f"is a {kind}: that has no area")
