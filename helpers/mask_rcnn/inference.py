"""Around the network: an image fitted into its input, its results fitted back into the image."""

import math
from typing import NamedTuple

import cv2
import numpy as np

from helpers.mask_rcnn.mask_head import paste_masks
from helpers.structures import Detections, require_image


def letterbox(image, size):
    """Fit an image into the network's input: scaled as a whole, grey below or to the right.

    Args:
        image: (h, w, 3) uint8, any size.
        size: (height, width) of the input.

    Returns:
        (height, width, 3) uint8, and the scale: pixels of the input per pixel of the image.

    Raises:
        ValueError: image is not (h, w, 3) uint8, or is empty.
    """
    require_image(image)
    scale = min(size[0] / image.shape[0], size[1] / image.shape[1])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.full((*size, 3), 127, np.uint8)
    canvas[:height, :width] = cv2.resize(image, (width, height), interpolation=method)
    return canvas, scale


def filled_size(image_size, size, step):
    """How much of the network's input an image fills: the rest is grey alone.

    Args:
        image_size: (height, width) of the image, pixels.
        size: (height, width) of the input, as for `letterbox`; divisible by step.
        step: the stride of the network's coarsest map, pixels.

    Returns:
        (height, width), the sides of the image in the input, each rounded up to whole cells of
        that map.
    """
    scale = min(size[0] / image_size[0], size[1] / image_size[1])
    cells = (math.ceil(max(1, round(side * scale)) / step) for side in image_size)
    return tuple(number * step for number in cells)


class Candidates(NamedTuple):
    """What a network says of one image, before any threshold; NumPy, best first, no padding.

    Attributes:
        boxes: (N, 4) float32, pixels of the image; they may reach beyond it.
        labels: (N,) int32, category ids.
        scores: (N,) float32, 0..1.
        mask_scores: (N, M, M) float32, 0..1, on the grid of the box; None from a box detector.
        is_whole: whether they are (N, H, W) instead, of the whole image.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    mask_scores: np.ndarray | None
    is_whole: bool = False


def candidates_of(boxes, labels, scores, mask_scores, scale, categories):
    """One image's final stages without their padding, in the image's own pixels.

    Args:
        boxes, labels, scores, mask_scores: one image's rows of the `Stages` of these names.
        scale: from `letterbox`.
        categories: {category id: name}, in the order of the network's classes 1..K.

    Returns:
        Candidates; there may be none.
    """
    boxes, labels, scores, mask_scores = map(np.asarray, (boxes, labels, scores, mask_scores))
    real, ids = scores > 0, np.array(list(categories), np.int32)
    return Candidates(boxes[real] / scale, ids[labels[real] - 1], scores[real], mask_scores[real])


def to_detections(candidates, image_size, categories, threshold=0.5, corners=False):
    """The candidates that score enough, boxes cut at the image's border, masks pasted.

    Args:
        candidates: Candidates of one image.
        image_size: (height, width) of the image, pixels.
        categories: {category id: name}.
        threshold: lowest score to keep.
        corners: see `paste_masks`.

    Returns:
        Detections, in the order of the candidates; none may be left.
    """
    keep = candidates.scores >= threshold
    boxes, masks = candidates.boxes[keep], candidates.mask_scores
    if candidates.is_whole:
        masks = masks[keep] > 0.5
    elif masks is not None:  # a mask belongs to the whole box, also where that leaves the image
        masks = paste_masks(masks[keep], boxes, image_size, corners=corners)
    boxes, labels = np.clip(boxes, 0, [*image_size[::-1]] * 2), candidates.labels[keep]
    return Detections(boxes, labels, candidates.scores[keep], image_size, categories, masks)
