"""An outline made inside a notebook: a box goes in, a polygon comes out."""

import cv2
import numpy as np

from helpers.drawing import PALETTE
from helpers.lessons.explorer import Explorer, slider
from helpers.structures import require, require_image

FINE = 4  # outlines are drawn on a grid so many times as fine as the pixels
SLACK = 1.0  # pixels that the polygon may leave the outline, to have fewer corners
BLUE, ORANGE = PALETTE[2], PALETTE[0]


def outline_in_box(image, box, num_rounds=4):
    """The outline of what stands out in a box: GrabCut, then the polygon around its largest region.

    GrabCut learns the colours inside and outside of the box, gives each pixel to the side that
    explains it better, learns again, and so on.

    Args:
        image: (H, W, 3) uint8 RGB.
        box: x1 y1 x2 y2, pixels; some of the picture must lie outside.
        num_rounds: how often it learns the colours.

    Returns:
        (N, 2) float64, the corners x, y in pixels: an outline as COCO has them. If nothing in the
        box stands out, the corners of the box.

    Raises:
        ValueError: the image is not RGB uint8, or the box is empty, leaves the picture or fills it.

    Source: Rother, Kolmogorov and Blake 2004 (GrabCut), as OpenCV has it.
    """
    require_image(image)
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (round(float(edge)) for edge in box)
    require(
        0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height,
        f"a box must lie in the picture of {width} x {height} and have an inside, got {box}",
    )
    require(
        (x2 - x1, y2 - y1) != (width, height),
        "the box fills the picture: leave some background around the object",
    )
    owner = np.zeros((height, width), np.uint8)
    colours = np.zeros((2, 1, 65))  # of background and object, for OpenCV to fill
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(image[..., ::-1]), owner, (x1, y1, x2 - x1, y2 - y1), colours[0],
        colours[1], num_rounds, cv2.GC_INIT_WITH_RECT,
    )  # fmt: skip
    corners = _around(np.isin(owner, (cv2.GC_FGD, cv2.GC_PR_FGD)))
    if len(corners) < 3:
        corners = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], float)
    return corners


def _around(mask):
    """The corners (N, 2) around the largest region of a mask (H, W); none of an empty one."""
    fine = mask.astype(np.uint8).repeat(FINE, axis=0).repeat(FINE, axis=1)
    contours, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.zeros((0, 2))
    largest = max(contours, key=cv2.contourArea)
    few = cv2.approxPolyDP(largest, SLACK * FINE, True)[:, 0]
    return (few + 0.5) / FINE


def explore_outline(image, box) -> Explorer:
    """Four sliders that move a box, and the outline of what stands out in it.

    Args:
        image: (H, W, 3) uint8 RGB.
        box: x1 y1 x2 y2, pixels, to begin with.

    Returns:
        An Explorer: `view(left=10, top=20, right=90, bottom=80)`. Where its sliders stand is
        `[control.value for control in explorer.controls.values()]`; [] in a still.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = (round(float(edge)) for edge in box)

    def view(left, top, right, bottom):
        corners = outline_in_box(image, (left, top, right, bottom))
        picture = cv2.rectangle(image.copy(), (left, top), (right, bottom), BLUE, 1)
        cv2.polylines(picture, [corners.round().astype(int)], True, ORANGE, 2)
        area = cv2.contourArea(corners.astype(np.float32))
        text = f"Box {left}, {top} to {right}, {bottom}: an outline of {len(corners)} corners"
        return picture, f"{text} around {area:.0f} pixels."

    start = {"left": left, "top": top, "right": right, "bottom": bottom}
    reach = {"left": width, "top": height, "right": width, "bottom": height}
    controls = {name: slider(start[name], name, 0, reach[name], 1, "IntSlider") for name in start}
    return Explorer(view, [start], controls, columns=1)
