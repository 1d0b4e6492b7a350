"""CVAT's own XML, version 1.1: pictures with their shapes, or tracks with a shape for each frame.

https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

import math

import numpy as np

from helpers.annotations.records import (
    Item,
    Left,
    Picture,
    Stamp,
    ellipse,
    guard,
    polygon,
    rectangle,
)

NAME = "CVAT XML"
SHAPES = ("polygon", "mask", "box", "ellipse", "polyline", "points", "cuboid", "skeleton")

MAX_PIXELS = 2 * 10**8  # of a mask: no picture is larger


def recognises(content):
    return getattr(content, "tag", None) == "annotations"


def read(file, content, surroundings, report):
    pictures = []
    for row in content.findall("image"):
        size = tuple(int(row.get(side, 0)) for side in ("height", "width"))
        picture = Picture(file, row.get("name", ""), size, [])
        pictures.append(picture)
        shapes = [shape for shape in row if shape.tag in SHAPES]
        for number, shape in enumerate(shapes, 1):
            _take(picture, number, shape, shape.get("label"), report)
    return pictures + _frames(file, content, report)


def _frames(file, content, report):
    """Pictures of a video: CVAT calls the frames that it exports frame_000000.png and so on."""
    sides = [content.findtext(f".//original_size/{side}") for side in ("height", "width")]
    size = tuple(int(side) for side in sides) if all(sides) else ()
    pictures = {}
    for track in content.findall("track"):
        for shape in track:
            if shape.tag not in SHAPES or shape.get("outside") == "1":
                continue
            frame = int(shape.get("frame", -1))
            new = Picture(file, f"frame_{frame:06}", size, [])
            picture = pictures.setdefault(frame, new)
            _take(picture, f"track {track.get('id')}", shape, track.get("label"), report)
    return [pictures[frame] for frame in sorted(pictures)]


def _take(picture, number, shape, label, report):
    with guard(report, number, picture.name):
        if not label:
            raise Left("has no label")
        picture.items.append(Item(number, label.strip(), *_parts(shape)))


def _parts(shape):
    """Parts of a shape, and a note if it was converted."""
    if shape.tag == "polygon":
        return [[polygon([pair.split(",") for pair in shape.get("points").split(";")])]]
    if shape.tag == "mask":
        return [[_stamp(shape)]]
    angle = math.radians(float(shape.get("rotation", 0)))
    if shape.tag == "box":
        x1, y1, x2, y2 = (float(shape.get(side)) for side in ("xtl", "ytl", "xbr", "ybr"))
        (corners,), note = rectangle(x1, y1, x2, y2)
        return [[_turned(corners, angle)], note]
    if shape.tag == "ellipse":
        x, y, a, b = (float(shape.get(side)) for side in ("cx", "cy", "rx", "ry"))
        return ellipse(x, y, a, b, angle)
    raise Left(f"is a {shape.tag}: that has no area")


def _stamp(shape):
    """A brush mask: runs along the rows of its box, first of what is not object."""
    height, width, top, left = (int(shape.get(key)) for key in ("height", "width", "top", "left"))
    counts = [int(run) for run in shape.get("rle").split(",")]
    if min(counts) < 0 or sum(counts) != height * width or height * width > MAX_PIXELS:
        raise Left("has a mask whose runs do not add up to its box")
    pixels = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return Stamp(pixels.reshape(height, width), left, top)


def _turned(corners, angle):
    """Corners (N, 2), turned around their middle, clockwise on the screen."""
    if not angle:
        return corners
    middle = corners.mean(0)
    cos, sin = math.cos(angle), math.sin(angle)
    return (corners - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle
