"""Masks as outlines for a page."""

import cv2
import numpy as np

TOLERANCE = 0.7  # pixels of the page's picture that an outline may lie beside the mask's edge


def outline(mask, width, height) -> str:
    """A mask as a path of SVG, drawn on a smaller or larger picture; holes are paths, too.

    Args:
        mask: (H, W) bool.
        width, height: of the picture on the page, pixels.

    Returns:
        Such as "M3 4L9 4L9 8Z"; "" for a mask without a pixel.
    """
    scale = np.array([width / mask.shape[1], height / mask.shape[0]])
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    parts = []
    for contour in contours:
        points = ((contour[:, 0] + 0.5) * scale).astype(np.float32)
        points = cv2.approxPolyDP(points, TOLERANCE, True)[:, 0].round(1)
        parts.append("M" + "L".join(f"{x:g} {y:g}" for x, y in points.tolist()) + "Z")
    return "".join(parts)
