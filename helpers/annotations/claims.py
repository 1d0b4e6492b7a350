"""An outline against the box and the area that its file gives for the object."""

import numpy as np
from pycocotools import mask as rle

from helpers.annotations.outlines import counts_of
from helpers.annotations.png_masks import rle_of

SAME_BOX = 0.5  # IoU from which on two boxes agree: some are rounded, some drawn by hand
SURE = 0.95  # IoU of boxes, ratio of areas, from which on another reading is the right one
SAME_AREA = 0.5  # ratio of the smaller area to the larger


def settle(code, item, mend, note):
    """The mask of an object, read so that it agrees with what else its file says.

    Runs that go row by row, and holes that are listed as further outlines, give another box or
    area than the file: where the other reading fits, it is taken.

    Args:
        code: RLE, from `outlines.encode`.
        item: `records.Item`.
        mend: see `picture_files.locate`; raises `Left` where nothing may be mended.
        note: is called with what cannot be explained; the outline is used then.

    Returns:
        RLE.
    """
    box, area = _box(item), _area(item)
    for what, how, read in READINGS:
        other = read(code, item, box, area)
        if other is not None:
            mend(what, how)
            return other
    own = rle.toBbox(code)
    if box is not None and _iou(box, own) < SAME_BOX:
        note(f"has the box {_short(box)}, but its outline {_short(own)}: the outline is used")
    elif area is not None and _ratio(area, float(rle.area(code))) < SAME_AREA:
        is_of_box = box is not None and _ratio(area, box[2] * box[3]) > SURE
        if not is_of_box:
            num = int(rle.area(code))
            note(f"has the area {area:.0f}, but its outline {num}: the outline is used")
    return code


def _row_by_row(code, item, box, area):
    """The mask, if its runs fit the box only when they are laid along the rows."""
    is_runs = len(item.shape) == 1 and isinstance(item.shape[0], dict)
    if not is_runs or box is None or _iou(box, rle.toBbox(code)) >= SAME_BOX:
        return None
    counts = counts_of(item.shape[0], code["size"])
    values = np.arange(len(counts)) % 2
    mask = np.repeat(values, counts).reshape(code["size"])
    other = rle_of(mask)
    return other if _iou(box, rle.toBbox(other)) >= SURE else None


def _with_holes(code, item, box, area):
    """The mask, if the area fits only when rings inside other rings are holes."""
    rings = [part for part in item.shape if isinstance(part, np.ndarray) and len(part) >= 3]
    if len(rings) < 2 or len(rings) < len(item.shape) or area is None:
        return None
    if _ratio(area, float(rle.area(code))) >= SURE:
        return None
    codes = rle.frPyObjects([ring.ravel().tolist() for ring in rings], *code["size"])
    is_odd = rle.decode(codes).sum(2) % 2
    other = rle_of(is_odd)
    return other if _ratio(area, float(rle.area(other))) >= SURE else None


READINGS = (
    ("has a mask whose runs go row by row, its box says", "read so", _row_by_row),
    ("has a hole as a further outline, its area says", "cut out", _with_holes),
)


def _box(item):
    """The claimed box [x, y, width, height] float, or None if there is none to speak of."""
    box = item.claim[0] if item.claim else None
    if not isinstance(box, list) or len(box) != 4:
        return None
    box = np.array([_number(value) for value in box])
    is_sound = np.isfinite(box).all() and (box[2:] > 0).all()
    return box if is_sound else None


def _area(item):
    """The claimed area, or None."""
    area = _number(item.claim[1]) if item.claim else np.nan
    return area if np.isfinite(area) and area > 0 else None


def _number(value):
    """A number as float; NaN of anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e9 else np.nan


def _iou(a, b):
    """IoU of two boxes [x, y, width, height]."""
    low = np.maximum(a[:2], b[:2])
    high = np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    overlap = np.maximum(high - low, 0).prod()
    return overlap / max(a[2:].prod() + b[2:].prod() - overlap, 1e-9)


def _ratio(a, b):
    return min(a, b) / max(a, b, 1e-9)


def _short(box):
    return [round(float(value)) for value in box]
