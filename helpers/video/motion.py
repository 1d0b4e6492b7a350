"""Objects moved on to the next frame by what the pixels below them do, without a detector."""

import cv2
import numpy as np

from helpers.structures import Detections, require

SIDE = 320  # pixels, the longer side of the grey pictures in which corners are sought


def carry(previous_image, image, detections: Detections) -> Detections:
    """The same objects in the next frame, where the pixels below them have gone.

    Corners within each object are looked up in the next frame; the median of their ways is how the
    object moves. One without a corner stays. benchmarks/between.py compares the ways to do it.

    Args:
        previous_image, image: (H, W, 3) uint8, two frames in a row.
        detections: the objects of the first; N may be 0, without masks the boxes stand in.

    Returns:
        Detections for the second; what has left the picture is left out.

    Raises:
        ValueError: the two images differ in size from each other or from the detections.

    Source: Lucas and Kanade 1981, in pyramids (Bouguet 2001); Shi and Tomasi 1994 for the corners.
    """
    height, width = detections.image_size
    shapes = previous_image.shape, image.shape
    wanted = f"both images must be {height} x {width}, like the detections"
    require(shapes == ((height, width, 3), (height, width, 3)), f"{wanted}; got {shapes}")

    zoom = min(1, SIDE / max(height, width))
    old, new = _small_grey(previous_image, zoom), _small_grey(image, zoom)
    boxes = detections.boxes.copy()
    masks = None if detections.masks is None else detections.masks.copy()
    for i, shift in _shifts(old, new, boxes * zoom, masks).items():
        shift = shift / zoom
        boxes[i] += np.tile(shift, 2)
        if masks is not None:
            masks[i] = shift_mask(masks[i], shift)

    boxes = np.clip(boxes, 0, (width, height, width, height))
    is_left = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) >= 1
    if masks is not None:
        is_left &= masks.any(axis=(1, 2))
    return detections.replace(boxes=boxes, masks=masks)[is_left]


def _small_grey(image, zoom):
    """An image (H, W, 3) in grey, made smaller."""
    small = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)


def _shifts(old, new, boxes, masks):
    """How objects move from one grey picture to the next.

    Args:
        old, new: (h, w) uint8.
        boxes: (N, 4), pixels of these pictures.
        masks: (N, H, W) bool of the full-size picture, or None.

    Returns:
        {number of the object: (dx, dy)}, those without a corner left out.
    """
    corners, owners = [], []
    for i, box in enumerate(np.rint(boxes).astype(int)):
        mask = None if masks is None else masks[i]
        of_object = _corners(old, box, mask)
        corners.append(of_object)
        owners.append(np.full(len(of_object), i))
    if not any(len(of_object) for of_object in corners):
        return {}
    begin, owner = np.concatenate(corners), np.concatenate(owners)
    end, is_found, _ = cv2.calcOpticalFlowPyrLK(old, new, begin, None, winSize=(11, 11))
    is_found = is_found[:, 0] > 0
    shifts = {}
    for i in np.unique(owner[is_found]):
        is_of_object = (owner == i) & is_found
        shifts[i] = np.median((end - begin)[is_of_object], axis=0)
    return shifts


def _corners(grey, box, mask):
    """Up to 40 corners of an object, (P, 2) float32: x, y in the grey picture."""
    (x1, y1), (x2, y2) = np.maximum(box, 0).reshape(2, 2)
    window = np.ascontiguousarray(grey[y1:y2, x1:x2])
    if window.size == 0:
        return np.zeros((0, 2), np.float32)
    inside = None
    if mask is not None:
        size = grey.shape[1], grey.shape[0]
        small = cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        inside = np.ascontiguousarray(small[y1:y2, x1:x2])
    corners = cv2.goodFeaturesToTrack(window, 40, 0.01, 2, mask=inside)
    if corners is None:
        return np.zeros((0, 2), np.float32)
    return np.float32(corners[:, 0] + (x1, y1))


def shift_mask(mask, shift):
    """A mask (H, W), moved by (dx, dy) pixels, rounded; what leaves the picture is lost."""
    dx, dy = np.rint(shift).astype(int).tolist()
    height, width = mask.shape
    moved = np.zeros_like(mask)
    if abs(dx) < width and abs(dy) < height:
        part = mask[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
        y, x = max(0, dy), max(0, dx)
        moved[y : y + part.shape[0], x : x + part.shape[1]] = part
    return moved
