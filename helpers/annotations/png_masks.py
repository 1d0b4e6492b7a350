"""Masks in PNG files: what their colours and greys mean, and which pixel is whose."""

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as rle
from scipy.optimize import linear_sum_assignment

from helpers.pictures import FORMATS

MARGIN = 1 / 8  # of a box's side, by which its object may stick out: boxes are drawn by hand


def rle_of(mask):
    return rle.encode(np.asfortranarray(mask, np.uint8))


def codes_of(path):
    """A mask's picture as (H, W) int32, and a note if it is noisy.

    0 is background. In a clean mask each object, or each class, has a number of its own.
    VOC's rim (255 of a palette) and what is not object in a trimap (2 of 1, 2, 3) become 0. Greys
    between two values, as JPEG and soft edges leave them, are cut at half of the brightest; lines
    and specks of less than 3 pixels across go.
    """
    with Image.open(path, formats=FORMATS) as image:
        exact, plain = image.mode in ("1", "P"), image.mode in ("1", "P", "L", "I", "I;16")
        pixels = np.asarray(image if plain else image.convert("RGB"))
    pixels = (pixels if pixels.ndim == 3 else pixels[..., None]).astype(np.int32)
    codes = pixels @ (256 ** np.arange(pixels.shape[2]))
    values, index = np.unique(codes, return_inverse=True)
    if set(values.tolist()) <= {1, 2, 3} and 2 in values:
        return (codes != 2).astype(np.int32), ""
    if exact:
        return np.where((codes == 255) & (len(values) > 2), 0, codes), ""
    # An object of a clean mask has a spot of 3 x 3 equal pixels; the greys of a noisy one have none
    index, spot = index.reshape(codes.shape).astype(np.float32), np.ones((3, 3), np.uint8)
    solid = np.unique(index[cv2.erode(index, spot) == cv2.dilate(index, spot)])
    if len(values) <= 2 + 2 * len(solid):
        return codes, ""
    bright = pixels.max(2)
    mask = (bright > bright.max() / 2).astype(np.uint8)
    _, parts = cv2.connectedComponents(mask)
    core = cv2.erode(mask, spot, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    note = f"has a noisy mask of {len(values)} values: it is cut at half of its brightest"
    return np.isin(parts, parts[core > 0]).astype(np.int32), note


def share_out(codes, boxes):
    """Which pixels of a mask belong to which box: an RLE for each box.

    If every object has a value of its own, each box takes the one that it fits. Else a pixel goes
    to the box that it is deepest in, so boxes that overlap share no pixel.
    """
    values = np.unique(codes[codes > 0])
    if len(values) >= len(boxes) > 1:
        corners = np.array([cv2.boundingRect((codes == v).astype(np.uint8)) for v in values], float)
        corners[:, 2:] += corners[:, :2]
        pairs = linear_sum_assignment(np.abs(boxes[:, None] - corners).sum(2))
        return [rle_of(codes == values[j]) for j in pairs[1]]
    y, x = (axis + 0.5 for axis in np.indices(codes.shape, sparse=True))
    depth = [
        np.maximum(np.abs(2 * x - x1 - x2) / (x2 - x1 + 1), np.abs(2 * y - y1 - y2) / (y2 - y1 + 1))
        for x1, y1, x2, y2 in boxes
    ]
    inside = [d < 1 + 2 * MARGIN for d in depth]
    return [
        rle_of((codes > 0) & near & (np.argmin(depth, 0) == i)) for i, near in enumerate(inside)
    ]
