"""Label Studio's JSON: tasks with results, whose places are per cent of the picture's sides."""

import math
import re
from urllib.parse import unquote

import numpy as np

from helpers.annotations.records import (
    Item,
    Left,
    Picture,
    Stamp,
    dicts_in,
    ellipse,
    guard,
    polygon,
)
from helpers.pictures import SUFFIXES

NAME = "Label Studio JSON"
SHAPES = ("polygonlabels", "brushlabels", "rectanglelabels", "ellipselabels")
BLOCK = re.compile(r"^[0-9a-f]{8}-")  # what it puts before the names of uploaded files


def recognises(content):
    rows = content if isinstance(content, list) else [content]
    return bool(rows) and all(_is_task(row) for row in rows)


def _is_task(row):
    """A task as *JSON* has it, or one answer alone, as *JSON-MIN* has it."""
    if not isinstance(row, dict):
        return False
    answers = row.get("annotations", row.get("completions"))
    is_whole = isinstance(row.get("data"), dict) and isinstance(answers, list)
    return is_whole or "annotation_id" in row


def read(file, content, surroundings, report):
    pictures = []
    for task in content if isinstance(content, list) else [content]:
        task = task if "data" in task else _whole(task)
        name = _name(task["data"], surroundings)
        key = "annotations" if "annotations" in task else "completions"
        answers = dicts_in(task, key, report, None, name)
        for answer in [answer for answer in answers if not answer.get("was_cancelled")]:
            picture = Picture(file, name, (), [])
            for place, row in enumerate(dicts_in(answer, "result", report, None, name), 1):
                number = row.get("id", place)
                with guard(report, number, name):
                    size = int(row["original_height"]), int(row["original_width"])
                    picture = picture._replace(size=size)
                    picture.items.append(_item(number, row, size))
            pictures.append(picture)
    return pictures


def _whole(row):
    """An entry of *JSON-MIN* as a task: there each result has its type as one of its keys."""
    results = []
    for value in row.values():
        for each in value if isinstance(value, list) else ():
            kind = next((kind for kind in each if str(kind).endswith("labels")), None)
            results.append({**each, "type": kind, "value": each})
    return {"data": row, "annotations": [{"result": results}]}


def _name(data, surroundings):
    """The picture's name in an address: /data/upload/1/1a2b3c4d-a.png, …?d=folder/a.png."""
    texts = [unquote(value) for value in data.values() if isinstance(value, str)]
    names = [re.sub(r"^.*\?d=|[?#].*$", "", text) for text in texts]
    names = [name for name in names if name.lower().endswith(SUFFIXES)] or names or ["None"]
    name = names[0].replace("\\", "/").split("/")[-1]
    is_here = name.lower() in surroundings.index.by_name
    return name if is_here else BLOCK.sub("", name)


def _item(number, row, size):
    kind = row.get("type")
    value = row["value"]
    if kind not in SHAPES:
        raise Left(f"is of type {kind}: that has no area")
    labels = value.get(kind) or ()
    if not labels:
        raise Left("has no label")
    label = " and ".join(str(label).strip() for label in labels)
    return Item(number, label, *_parts(kind, value, size))


def _parts(kind, value, size):
    """Parts of a shape, and a note if it was converted."""
    scale = np.array(size[::-1]) / 100
    if kind == "polygonlabels":
        return [[polygon(value["points"]) * scale]]
    if kind == "brushlabels":
        return [[_brush(value["rle"], size)]]
    x, y = np.array([float(value["x"]), float(value["y"])]) * scale
    angle = math.radians(float(value.get("rotation", 0)))
    if kind == "ellipselabels":
        a, b = np.array([float(value["radiusX"]), float(value["radiusY"])]) * scale
        return ellipse(x, y, a, b, angle)
    across, down = np.array([float(value["width"]), float(value["height"])]) * scale
    right = across * np.array([math.cos(angle), math.sin(angle)])  # turned around its first corner
    below = down * np.array([-math.sin(angle), math.cos(angle)])
    corners = [x, y] + np.array([[0, 0], right, right + below, below])
    return [corners], "is a rectangle: its corners are used"


def _brush(numbers, size):
    """A brush mask, of the bytes of an RGBA picture that is packed by runs."""
    values = unpack(bytes(numbers), 4 * size[0] * size[1])
    return Stamp(values.reshape(*size, 4)[..., 3] > 0, 0, 0)


def unpack(packed, num):
    """What rle-pack made of `num` numbers: (num,) uint8.

    A head tells how many there are, their bits, and the bits of four lengths; then come runs of
    one number, and stretches of different ones.

    Raises:
        Left: it holds another number of them.

    Source: github.com/thi-ng/umbrella, packages/rle-pack, which Label Studio uses.
    """
    bits = _Bits(packed)
    if bits.take(32) != num:
        raise Left("has a mask that is not of the picture's size")
    width = bits.take(5) + 1
    lengths = [bits.take(4) + 1 for _ in range(4)]
    values = np.zeros(num, np.uint8)
    place = 0
    while place < num:
        is_run = bits.take(1)
        end = place + 1 + bits.take(lengths[bits.take(2)])
        for i in range(place, end if not is_run else place):
            values[i] = bits.take(width)
        if is_run:
            values[place:end] = bits.take(width)
        place = end
    return values


class _Bits:
    """Bytes as a row of bits, from which numbers are taken."""

    def __init__(self, data):
        self.text = "".join(f"{byte:08b}" for byte in data)
        self.place = 0

    def take(self, num):
        """The next `num` bits as a number."""
        start, self.place = self.place, self.place + num
        return int(self.text[start : self.place], 2)
