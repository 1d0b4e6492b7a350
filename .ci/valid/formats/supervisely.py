"""Supervisely: a JSON file for each picture; polygons, also with holes, and bitmaps."""

import base64
import json
import zlib

import numpy as np
from PIL import Image

from valid.formats.parts import box_of, cut_out, in_base64
from valid.truth import CLASSES

CAN_TELL = {"holes", "nothing"}
PICTURES = "img"


def write(folder, photos, rng):
    (folder / "ann").mkdir()
    classes = [{"title": name, "shape": "any", "color": "#FF0000"} for name in CLASSES]
    (folder / "meta.json").write_text(json.dumps({"classes": classes, "tags": []}))
    for photo in photos:
        height, width = photo.size
        objects = [_object(one, rng) for one in photo.objects]
        content = {"size": {"height": height, "width": width}, "objects": objects, "tags": []}
        (folder / "ann" / f"{photo.name}.json").write_text(json.dumps(content))


def _object(one, rng):
    exterior, *interior = (ring.tolist() for ring in one.rings)
    row = {"classTitle": one.label, "geometryType": "polygon", "tags": []}
    row["points"] = {"exterior": exterior, "interior": interior}
    if rng.random() < 0.5:
        row["geometryType"] = "bitmap"
        row["bitmap"] = {"origin": list(box_of(one.mask)[:2]), "data": _packed(one.mask)}
    return row


def _packed(mask):
    """A mask within its box as a PNG, packed by zlib, in base64."""
    grey = Image.fromarray(255 * cut_out(mask).astype(np.uint8))
    packed = zlib.compress(base64.b64decode(in_base64(grey)))
    return base64.b64encode(packed).decode()
