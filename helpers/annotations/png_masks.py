"""Masks in PNG files: what their colours and greys mean."""

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as rle

from helpers.pictures import FORMATS

SPOT = np.ones((3, 3), np.uint8)


def rle_of(mask):
    """A mask (H, W) as COCO's RLE."""
    return rle.encode(np.asfortranarray(mask, np.uint8))


def box_of(mask):
    """The box [x1, y1, x2, y2] around a mask (H, W) bool; zeros if it is empty."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return [x, y, x + width, y + height]


def codes_of(path):
    """A mask's picture as (H, W) int32, and a note if it is noisy.

    0 is background. In a clean mask each object, or each class, has a number of its own.
    VOC's rim (255 of a palette) and what is not object in a trimap (2 of 1, 2, 3) become 0. Greys
    between two values, as JPEG and soft edges leave them, are cut at half of the brightest; lines
    and specks of less than 3 pixels across go.
    """
    pixels, is_palette = _pixels(path)
    codes = pixels @ (256 ** np.arange(pixels.shape[2]))
    values = np.unique(codes)
    if set(values.tolist()) <= {1, 2, 3} and 2 in values:
        return (codes != 2).astype(np.int32), ""
    if is_palette:
        has_rim = len(values) > 2
        return (np.where(codes == 255, 0, codes) if has_rim else codes), ""
    if len(values) <= 2 + 2 * _num_solid(codes):
        return codes, ""
    note = f"has a noisy mask of {len(values)} values: it is cut at half of its brightest"
    return _cut_at_half(pixels.max(2)), note


def _pixels(path):
    """(H, W, channels) int32, and whether the values are exact: of a palette, or of one bit."""
    with Image.open(path, formats=FORMATS) as image:
        is_palette = image.mode in ("1", "P")
        keep = is_palette or image.mode in ("L", "I", "I;16")
        pixels = np.asarray(image if keep else image.convert("RGB"))
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return pixels.astype(np.int32), is_palette


def _num_solid(codes):
    """How many values have a spot of 3 x 3 equal pixels.

    An object of a clean mask has one; the greys of a noisy mask have none.
    """
    _, index = np.unique(codes, return_inverse=True)
    index = index.reshape(codes.shape).astype(np.float32)
    is_even = cv2.erode(index, SPOT) == cv2.dilate(index, SPOT)
    return len(np.unique(index[is_even]))


def _cut_at_half(bright):
    """1 where a picture (H, W) is brighter than half of its brightest, in spots of 3 x 3."""
    mask = (bright > bright.max() / 2).astype(np.uint8)
    _, parts = cv2.connectedComponents(mask)
    core = cv2.erode(mask, SPOT, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.isin(parts, parts[core > 0]).astype(np.int32)
