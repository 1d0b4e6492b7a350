"""A training picture is never seen twice the same: another size, place, side and light.

All chance comes from the random generator that is handed over.
"""

import cv2
import numpy as np

from helpers.training.fitting import (
    GREY,
    place,
    place_masks,
    rescale,
    scale_to_fit,
    tighten,
)

ZOOM = (0.7, 1.5)  # range of sizes, in units of what fits the input
MIN_VISIBLE = 0.25  # of an object; if less is left in the cut, it is no longer truth


def vary(image, truth, size, rng, zoom=None):
    """A picture in the network's input, varied by chance.

    It is mirrored or not, larger (then a part of it is cut out) or smaller (then it lies anywhere
    on the grey), in other colours. Masks go through the same steps as the pixels, so they stay
    exact.

    Args:
        image: (h, w, 3) uint8.
        truth: Detections with masks.
        size: (height, width) of the input.
        rng: numpy Generator.
        zoom: range of sizes, in units of what fits the input; None is `ZOOM`.

    Returns:
        image (height, width, 3) uint8, and Detections of that size.
    """
    scale = scale_to_fit(image, size) * np.exp(rng.uniform(*np.log(zoom or ZOOM)))
    image, truth = rescale(image, truth, scale)
    slack = np.subtract(size, image.shape[:2])  # below 0 where the picture is larger
    corner = rng.integers(np.minimum(slack, 0), np.maximum(slack, 0) + 1)
    image = place(recolor(image, rng), corner, size, GREY)
    masks = place_masks(truth.masks, corner, size)
    boxes = truth.boxes + np.tile(corner[::-1], 2)
    if rng.random() < 0.5:
        image, masks = image[:, ::-1], masks[:, :, ::-1]
        boxes = _mirror(boxes, size[1])
    return image, tighten(truth, masks, boxes, MIN_VISIBLE)


def _mirror(boxes, width):
    """Boxes (N, 4) in a picture that is seen in a mirror."""
    x1, y1, x2, y2 = boxes.T
    return np.stack([width - x2, y1, width - x1, y2], 1)


def recolor(image, rng):
    """Another light: brightness, contrast, saturation and tint change a little. uint8 to uint8."""
    saturation, contrast = rng.uniform(0.6, 1.4), rng.uniform(0.7, 1.3)
    mix = saturation * np.eye(3) + (1 - saturation) * np.full((3, 3), 1 / 3)
    mix *= contrast * rng.uniform(0.9, 1.1, (3, 1))
    offset = 127 * (1 - contrast) + rng.uniform(-25, 25)
    return cv2.transform(image, np.column_stack([mix, [offset] * 3]))
