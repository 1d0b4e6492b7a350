"""A box to move over a small map: what RoIAlign reads there, and what RoIPool makes of it."""

import math

import numpy as np

from helpers.drawing import PALETTE
from helpers.lessons.explorer import Explorer, slider
from helpers.lessons.sheet import Sheet
from helpers.mask_rcnn.roi_align import roi_align
from helpers.structures import require

BLUE, RED = PALETTE[2], PALETTE[5]
DARK, LIGHT = (90, 90, 90), (215, 215, 215)


def explore_roi_align(features=None, box=(1.3, 0.8, 5.7, 4.9), size=2) -> Explorer:
    """Move a box over a small map: what RoIAlign reads there, and what RoIPool makes of it.

    The still figure shows this box, and one that moves by half a cell, twice: RoIPool stays, then
    jumps, while RoIAlign follows.

    Args:
        features: (H, W) numbers, 2 x 2 or more; None for a ramp, where row 2, column 3 holds 23.
        box: x1 y1 x2 y2 in cells of the map; the first cell spans 0..1, its centre is at 0.5.
        size: cells along a side of the pooled grid; RoIAlign reads 2 x 2 points in each.

    Returns:
        An Explorer: `view(x=1.3, y=0.8, width=4.4, height=4.1)`.

    Raises:
        ValueError: the map is no such grid, or the box is empty or begins outside it.

    Source: He et al. 2017 (Mask R-CNN), section 3, "RoIAlign".
    """
    if features is None:
        features = 10 * np.arange(6)[:, None] + np.arange(8)
    features = np.asarray(features, np.float32)
    shape = features.shape
    fits = len(shape) == 2 and min(shape) >= 2
    require(fits, f"features must be (H, W), 2 x 2 or more, got {shape}")
    rows, columns = shape

    def view(x, y, width, height):
        box = np.array([x, y, x + width, y + height], np.float32)
        inside = 0 <= x < columns and 0 <= y < rows and width > 0 and height > 0
        require(inside, f"a box must begin on the map and have an inside, got {box.round(2)}")
        points = _read_points(features, box, 2 * size)
        aligned = points.reshape(size, 2, size, 2).mean(axis=(1, 3))
        pooled, rounded = roi_pool(features, box.tolist(), size)
        picture = _draw(features, (x, y, width, height), points, aligned, pooled, rounded)
        x1, y1, x2, y2 = rounded
        text = (
            f"Box from x {box[0]:.1f}, y {box[1]:.1f} to x {box[2]:.1f}, y {box[3]:.1f}. RoIAlign "
            f"reads {_in_words(aligned, _exact)}. RoIPool takes the cells from x {x1}, y {y1} to x "
            f"{x2}, y {y2} and of each part the largest: {_in_words(pooled, _plain)}."
        )
        return picture, text

    start = {"x": box[0], "y": box[1], "width": box[2] - box[0], "height": box[3] - box[1]}
    moving = {"y": 0.8, "width": columns // 2, "height": max(1, 2 * rows // 3)}
    cases = [start] + [{"x": x, **moving} for x in (0.6, 1.1, 1.6)]
    controls = {
        "x": slider(start["x"], "x", 0, columns - 0.1, 0.1),
        "y": slider(start["y"], "y", 0, rows - 0.1, 0.1),
        "width": slider(start["width"], "width", 0.1, columns, 0.1),
        "height": slider(start["height"], "height", 0.1, rows, 0.1),
    }
    return Explorer(view, cases, controls)


def _read_points(features, box, num):
    """What RoIAlign reads at num x num points of a box; with 2 x 2 in a cell, their mean is it."""
    pyramid = [features[None, ..., None]]
    points = roi_align(pyramid, box[None, None], (1,), num, 1)
    return np.asarray(points)[0, 0, ..., 0]


def roi_pool(features, box, size):
    """RoIPool of one box on a map (H, W): (size, size), and the first and last cells it takes.

    The edges of the box are rounded to whole cells, and the last cell counts; the parts that these
    cells are divided into are rounded outward, so that neighbours may share a cell. The largest
    number of a part counts, 0 if it is all outside the map.

    Args:
        features: (H, W) numbers.
        box: x1 y1 x2 y2 in cells of the map.
        size: parts along a side.

    Returns:
        (size, size), and the columns and rows x1, y1, x2, y2 of the first and last cells.

    Source: Girshick 2015 (Fast R-CNN), section 2.1; its code and `torchvision.ops.roi_pool`.
    """
    x1, y1, x2, y2 = (math.floor(edge + 0.5) for edge in box)
    x2, y2 = max(x2, x1), max(y2, y1)
    pooled = np.zeros((size, size), features.dtype)
    for i, rows in enumerate(_parts(y1, y2, size)):
        for j, columns in enumerate(_parts(x1, x2, size)):
            part = features[rows, columns]
            if part.size:
                pooled[i, j] = part.max()
    return pooled, (x1, y1, x2, y2)


def _parts(first, last, size):
    """`size` equal parts of the cells from first to last, both included, rounded outward: slices.

    What lies before the map is cut off here, and what lies beyond it by the slice.
    """
    length = last - first + 1
    parts = []
    for i in range(size):
        begin = first + i * length // size
        end = first - (-(i + 1) * length // size)  # rounded up
        parts.append(slice(max(begin, 0), max(end, 0)))
    return parts


def _plain(value):
    """A number of the map as text."""
    return f"{value:.4g}"


def _exact(value):
    """A number between those of the map as text."""
    return f"{value:.2f}"


def _in_words(values, form):
    """A small table in a sentence; of a large one, its first three rows."""
    rows = [" ".join(form(value) for value in row) for row in values[:3]]
    return " / ".join(rows)


def _draw(features, place, points, aligned, pooled, rounded):
    """The map with the box and the points in it; beside it, what both ways read."""
    rows, columns = features.shape
    size = len(aligned)
    x, y, width, height = place
    side, left = 0.46 * rows, columns + 0.5  # of the two results
    sheet = Sheet(-0.3, -0.5, left + side + 0.3, rows + 0.3)
    sheet.grid(np.arange(columns + 1), np.arange(rows + 1), LIGHT, 2, (0, 0, columns, rows))
    sheet.dots(*np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5), LIGHT, 6)
    first_x, first_y, last_x, last_y = rounded
    whole_cells = np.array([first_x, first_y, last_x + 1, last_y + 1])
    sheet.frame(whole_cells, BLUE, 4, dashed=True)
    sheet.frame(np.array([x, y, x + width, y + height], np.float32), RED, 4)
    numbers_at = (0.22, 0.16)
    sheet.numbers(features, (0, 0, columns, rows), DARK, _plain, 17, numbers_at, ground=0.8)

    steps = (np.arange(2 * size) + 0.5) / (2 * size)
    points_x, points_y = x + width * steps, y + height * steps
    if width >= 1.2 * size and height >= 0.9 * size:  # else the numbers would overlap
        for i, j in np.ndindex(points.shape):
            text = f"{points[i, j]:.1f}"
            sheet.note(points_x[j], points_y[i] + 0.1, text, RED, 17, anchor=0, ground=0.95)
    sheet.dots(*np.meshgrid(points_x, points_y), RED, max(4, 12 - size))

    results = [
        ("RoIAlign", aligned, 0, RED, _exact, False),
        ("RoIPool", pooled, 0.54 * rows, BLUE, _plain, True),
    ]
    for name, values, top, color, form, dashed in results:
        square = (left, top, left + side, top + side)
        sheet.table(values, square, color, form, max(13, 46 // size))
        sheet.frame(square, color, 4, dashed)
        sheet.note(left + side / 2, top - 0.05, name, color, 21, anchor=1)
    return sheet.pixels
