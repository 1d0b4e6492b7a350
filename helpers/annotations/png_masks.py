"""Masks in PNG files: what their colours and greys mean."""

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as rle

from helpers.pictures import FORMATS

SPOT = np.ones((3, 3), np.uint8)
EXACT = 2**24  # up to here float32 holds every whole number


def rle_of(mask):
    """A mask (H, W) as COCO's RLE."""
    mask = np.ascontiguousarray(mask).astype(np.uint8, copy=False)
    by_columns = cv2.transpose(mask).reshape(mask.shape[::-1])  # NumPy takes four times as long
    return rle.encode(by_columns.T)


def box_of(mask):
    """The box [x1, y1, x2, y2] around a mask (H, W) bool; zeros if it is empty."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return [x, y, x + width, y + height]


def values_of(codes):
    """The different values of an array, sorted; of each run of equal ones only one is looked at."""
    flat = codes.ravel()
    if not len(flat):
        return flat
    starts = np.flatnonzero(flat[1:] != flat[:-1])
    return np.unique(np.append(flat[starts], flat[-1]))


def codes_of(path):
    """A mask's picture as (H, W) of whole numbers, and a note if it is noisy.

    0 is background. In a clean mask each object, or each class, has a number of its own.
    VOC's rim (255 of a palette) and what is not object in a trimap (2 of 1, 2, 3) become 0. What is
    transparent is background; where colours tell nothing, transparency is the mask. Greys
    between two values, as JPEG and soft edges leave them, are cut at half of the brightest; lines
    and specks of less than 3 pixels across go.
    """
    pixels, alpha, is_palette = _pixels(path)
    codes = _joined(pixels)
    if alpha is not None:
        codes = np.where(alpha > 0, codes, 0)
        if len(values_of(codes[alpha > 0])) < 2 or _is_noisy(codes, values_of(codes)):
            codes, pixels = alpha, alpha[..., None]
    values = values_of(codes)
    if set(values[:4].tolist()) <= {1, 2, 3} and 2 in values:
        return (codes != 2).astype(np.int32), ""
    if is_palette:
        has_rim = len(values) > 2
        return (np.where(codes == 255, 0, codes) if has_rim else codes), ""
    if not _is_noisy(codes, values):
        return codes, ""
    note = f"has a noisy mask of {len(values)} values: it is cut at half of its brightest"
    return _cut_at_half(pixels.max(2)), note


def colour_numbers(path):
    """A picture as (H, W) int32, one number for each colour: red + 256 green + 65536 blue."""
    with Image.open(path, formats=FORMATS) as image:
        return _joined(np.asarray(image.convert("RGB")).astype(np.int32))


def _joined(pixels):
    """One number for each colour: (H, W) from (H, W, channels) integers."""
    if pixels.shape[2] == 1:
        return pixels[..., 0]
    red, green, blue = (pixels[..., i] for i in range(3))
    return red + 256 * green + 65536 * blue


def _pixels(path):
    """(H, W, channels); alpha (H, W) int32 if it varies, or None; are values those of a palette?"""
    with Image.open(path, formats=FORMATS) as image:
        if image.mode == "F":
            return _whole_numbers(np.asarray(image))[..., None], None, False
        if image.mode in ("1", "P", "L"):
            return np.asarray(image, np.uint8)[..., None], None, image.mode != "L"
        if image.mode.startswith("I"):
            pixels = np.asarray(image).astype(np.int32)
            return np.maximum(pixels, 0)[..., None], None, False
        if not image.has_transparency_data:
            return np.asarray(image.convert("RGB")).astype(np.int32), None, False
        pixels = np.asarray(image.convert("RGBA")).astype(np.int32)
    alpha = pixels[..., 3]
    varies = alpha.min() < alpha.max()
    return pixels[..., :3], alpha if varies else None, False


def _whole_numbers(values):
    """Floats (H, W) as int32: as they are if they are whole, else as greys up to 255."""
    values = np.maximum(np.nan_to_num(values), 0)
    if (values == np.round(values)).all() and values.max() < 2**31:
        return values.astype(np.int32)
    return np.round(values * (255 / values.max())).astype(np.int32)


def _is_noisy(codes, values):
    """Are there more values than spots of 3 x 3 equal pixels could explain?

    An object of a clean mask has such a spot; the greys of a noisy mask have none.
    """
    if len(values) <= 2:
        return False
    if values[-1] >= EXACT:
        codes = np.searchsorted(values, codes)
    levels = codes.astype(np.uint8 if values[-1] < 256 else np.float32, copy=False)
    is_even = cv2.erode(levels, SPOT) == cv2.dilate(levels, SPOT)
    return len(values) > 2 + 2 * len(values_of(levels[is_even]))


def _cut_at_half(bright):
    """1 where a picture (H, W) is brighter than half of its brightest, in spots of 3 x 3."""
    mask = (bright > bright.max() / 2).astype(np.uint8)
    _, parts = cv2.connectedComponents(mask)
    core = cv2.erode(mask, SPOT, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.isin(parts, parts[core > 0]).astype(np.int32)
