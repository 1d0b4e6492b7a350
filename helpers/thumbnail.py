"""A small drawing of some objects, without their picture, for a notebook's cell: SVG."""

import html
import math

import numpy as np

CELLS = 120  # of the longer side
WIDTH = 240  # pixels on the page, at most
MOST = 100  # objects that are drawn
GOLDEN_ANGLE = 137.5  # degrees: hues of neighbouring ids are far apart


def thumbnail(image_size, boxes, labels, names, masks=None) -> str:
    """Objects as an SVG image: masks in the colour of their class, else boxes.

    Args:
        image_size: (height, width), pixels.
        boxes: (N, 4), [x1, y1, x2, y2], pixels.
        labels: (N,) int, ids of the classes.
        names: N texts, shown where the pointer rests.
        masks: (N, height, width) bool, or None.
    """
    step = math.ceil(max(image_size) / CELLS)
    height, width = (math.ceil(side / step) for side in image_size)
    shapes = []
    for i, name in enumerate(names[:MOST]):
        hue = int(labels[i]) * GOLDEN_ANGLE % 360
        if masks is None:
            x1, y1, x2, y2 = (round(float(side) / step, 1) for side in boxes[i])
            path = f"M{x1} {y1}H{x2}V{y2}H{x1}z"
        else:
            path = _runs(masks[i][::step, ::step])
        shapes.append(
            f'<path d="{path}" stroke="hsl({hue:g} 70% 45%)" opacity=".8">'
            f"<title>{html.escape(name)}</title></path>"
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{min(WIDTH, 2 * width)}" style="background:#eee" fill="none">'
        f"{''.join(shapes)}</svg>"
    )


def _runs(mask) -> str:
    """The rows of a mask (H, W) as lines of SVG, one cell thick."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    lines = zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)
    return "".join(f"M{x1} {y}.5H{x2}" for y, x1, x2 in lines)
