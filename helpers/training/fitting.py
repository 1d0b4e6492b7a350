"""A picture and its truth at another size or place: pixels, masks and boxes go together.

`truth` is Detections with masks. An object whose mask has no pixel is known by its box alone.
"""

import cv2
import numpy as np

GREY = 127  # lies beside a picture that does not fill the input
MIN_AREA = 20  # square pixels of an object that a crop has cut


def fit(image, truth, size):
    """A picture in the network's input, as `letterbox` fits it.

    Args:
        image: (h, w, 3) uint8.
        truth: Detections with masks.
        size: (height, width) of the input.

    Returns:
        image (height, width, 3) uint8, and Detections of that size.
    """
    image, truth = rescale(image, truth, scale_to_fit(image, size))
    masks = place_masks(truth.masks, (0, 0), size)
    return place(image, (0, 0), size, GREY), tighten(truth, masks, truth.boxes)


def scale_to_fit(image, size):
    """By how much a picture grows to be as large as it can in `size` (height, width)."""
    return min(size[0] / image.shape[0], size[1] / image.shape[1])


def rescale(image, truth, scale):
    """A picture and its truth `scale` times as large, to whole pixels."""
    return resize(image, truth, [max(1, round(side * scale)) for side in image.shape[:2]])


def resize(image, truth, size):
    """A picture and its masks at another size (height, width); boxes tight around the masks."""
    grows = size[0] > image.shape[0]
    method = cv2.INTER_LINEAR if grows else cv2.INTER_AREA
    masks = np.zeros((len(truth), *size), bool)
    for new, mask in zip(masks, truth.masks, strict=True):
        grey = cv2.resize(255 * mask.astype(np.uint8), size[::-1], interpolation=method)
        new[:] = grey >= 128
    boxes = truth.boxes * np.tile(np.divide(size, image.shape[:2])[::-1], 2)
    image = cv2.resize(image, size[::-1], interpolation=method)
    return image, tighten(truth, masks, boxes)


def place(array, corner, size, empty):
    """An array (h, w, ...) with its corner at (y, x) of a canvas (height, width, ...).

    What sticks out is cut off; `empty` fills the rest.
    """
    y, x = corner
    part = array[max(-y, 0) :, max(-x, 0) :][: size[0], : size[1]]
    canvas = np.full((*size, *array.shape[2:]), empty, array.dtype)
    canvas[max(y, 0) : max(y, 0) + len(part), max(x, 0) : max(x, 0) + part.shape[1]] = part
    return canvas


def place_masks(masks, corner, size):
    """Masks (N, h, w) bool on a canvas (height, width), see `place`: (N, height, width)."""
    placed = np.zeros((len(masks), *size), bool)
    for new, mask in zip(placed, masks, strict=True):
        new[:] = place(mask, corner, size, False)
    return placed


def tighten(truth, masks, boxes, least_share=0.0):
    """Truth with other masks, without the objects of which too little is left.

    Args:
        truth: Detections with masks, as it was.
        masks: (N, H, W) bool, the new masks. New boxes are tight around them.
        boxes: (N, 4), the new boxes of objects that are known by their boxes alone.
        least_share: of its area, that must be left of an object, and `MIN_AREA`; with 0, and of
            a region to leave out, a pixel is enough.

    Returns:
        Detections of size (H, W).
    """
    has_mask = truth.masks.any((1, 2))
    tight = np.array([cv2.boundingRect(mask.view(np.uint8)) for mask in masks]).reshape(-1, 4)
    tight[:, 2:] += tight[:, :2]
    height, width = masks.shape[1:]
    boxes = np.clip(boxes, 0, [width, height, width, height])
    boxes = np.where(has_mask[:, None], tight, boxes)
    new = truth.replace(boxes=boxes, masks=masks, image_size=(height, width))

    before, left = _areas(truth, has_mask), _areas(new, has_mask)
    keep = left > 0
    if least_share:
        is_enough = left >= np.maximum(least_share * before, np.minimum(MIN_AREA, before))
        keep &= is_enough | (truth.scores == 0)
    return new[keep]


def _areas(truth, has_mask):
    """The area of each object in square pixels: of its mask, or of its box if it has none."""
    of_boxes = np.prod(truth.boxes[:, 2:] - truth.boxes[:, :2], 1)
    return np.where(has_mask, truth.masks.sum((1, 2)), of_boxes)
