"""What several formats have in common: stems, boxes, runs, pictures in base64."""

import base64
import io

import numpy as np


def stem(photo):
    """A picture's name without folders and ending."""
    return photo.name.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def box_of(mask):
    """x1, y1, x2, y2 of a mask; the latter two lie behind the last pixel."""
    y, x = np.nonzero(mask)
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


def cut_out(mask):
    """The part of a mask within its box."""
    x1, y1, x2, y2 = box_of(mask)
    return mask[y1:y2, x1:x2]


def runs(values):
    """Lengths of runs of a row of bools, first of what is False."""
    edges = np.flatnonzero(np.diff(values.astype(np.int8))) + 1
    lengths = np.diff([0, *edges, len(values)]).tolist()
    return [0, *lengths] if values[0] else lengths


def in_base64(image):
    """A Pillow picture as PNG, in base64."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()
