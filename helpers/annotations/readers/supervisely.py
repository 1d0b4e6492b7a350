"""Supervisely's JSON: `ann/a.png.json` for `img/a.png`, and a `meta.json` with the classes."""

import base64
import io
import zlib

import numpy as np
from PIL import Image

from helpers.annotations.records import (
    Item,
    Left,
    Picture,
    Stamp,
    dicts_in,
    guard,
    polygon,
    rectangle,
)

NAME = "Supervisely JSON"


def recognises(content):
    if not isinstance(content, dict):
        return False
    return _is_of_picture(content) or _is_meta(content)


def _is_of_picture(content):
    return isinstance(content.get("objects"), list) and isinstance(content.get("size"), dict)


def _is_meta(content):
    rows = content.get("classes")
    return isinstance(rows, list) and all(isinstance(row, dict) and "title" in row for row in rows)


def read(file, content, surroundings, report):
    if not _is_of_picture(content):
        return []
    size = content["size"].get("height"), content["size"].get("width")
    picture = Picture(file, file.stem, size, [])
    for place, row in enumerate(dicts_in(content, "objects", report, None, file.stem), 1):
        number = row.get("id", place)
        with guard(report, number, picture.name):
            picture.items.append(_item(number, row))
    return [picture]


def _item(number, row):
    label = str(row["classTitle"]).strip()
    kind = row.get("geometryType")
    if kind == "bitmap":
        left, top = row["bitmap"]["origin"]
        return Item(number, label, [Stamp(_pixels(row["bitmap"]["data"]), int(left), int(top))])
    if kind not in ("polygon", "rectangle"):
        raise Left(f"is a {kind}: that has no area")
    points = polygon(row["points"]["exterior"])
    if kind == "rectangle":
        return Item(number, label, *rectangle(*points.ravel()))
    holes = [polygon(ring) for ring in row["points"].get("interior") or ()]
    return Item(number, label, [points], holes=holes)


def _pixels(text):
    """A PNG, packed and in base64, as (h, w) bool."""
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(base64.b64decode(text), 10**8)
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        if image.has_transparency_data:
            return np.asarray(image.convert("RGBA"))[..., 3] > 0
        return np.asarray(image.convert("L")) > 0
