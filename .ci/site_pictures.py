"""Pictures of the site made fit: small ones for cards, dark ones for a dark page."""

import io

import cv2
import numpy as np
from PIL import Image, ImageOps

CARD = (640, 384)  # width and height, twice those on the page, for sharp screens
WHITE = 244  # from here on a pixel is paper
THICK = 21  # pixels; what is thinner is a letter or a line
WHOLE = 0.7  # share of its frame from which an area is a picture, and stays as a whole
GROUND = np.float32([20, 24, 31]) / 255  # what white becomes: the ground of a dark page


def small(path) -> bytes:
    """A picture for a card, as JPEG: cut to its shape, or, if it is on paper, as a whole."""
    with Image.open(path) as picture:
        picture = picture.convert("RGB")
        if is_on_paper(np.asarray(picture)):
            fitted = ImageOps.pad(picture, CARD, Image.Resampling.LANCZOS, "white")
        else:
            fitted = ImageOps.fit(picture, CARD, Image.Resampling.LANCZOS)
    return encoded(fitted, "JPEG")


def is_on_paper(image) -> bool:
    """Whether an image (H, W, 3) is a figure on white paper: all its corners are white."""
    corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
    return bool(corners.min() >= WHITE)


def dark(data):
    """A figure for a dark page: its paper dark, its letters and lines light, pictures as they are.

    Args:
        data: bytes of a picture.

    Returns:
        Bytes of a WebP; None for what is not on white paper, or is a drawing without pixels.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            image = np.asarray(picture.convert("RGB"))
    except OSError:  # a drawing in SVG
        return None
    if not is_on_paper(image):
        return None
    is_paper = image.min(axis=2) >= WHITE
    color = np.float32(image / 255)
    light = (color.max(axis=2, keepdims=True) + color.min(axis=2, keepdims=True)) / 2
    turned = GROUND + (1 - GROUND) * (1 - light) + (color - light)  # lightness alone: hues stay
    turned = np.rint(255 * turned.clip(0, 1)).astype(np.uint8)
    keep = pictures_in(~is_paper)
    turned[keep] = image[keep]
    return encoded(Image.fromarray(turned), "WEBP")


def pictures_in(inked):
    """Which pixels of a figure are those of pictures and of filled areas: (H, W) bool."""
    thick = cv2.morphologyEx(inked.astype(np.uint8), cv2.MORPH_OPEN, np.ones((THICK, THICK)))
    num, labels, stats, _ = cv2.connectedComponentsWithStats(thick)
    keep = np.zeros(inked.shape, bool)
    for i in range(1, num):
        left, top, width, height, area = stats[i]
        window = keep[top : top + height, left : left + width]
        if area > WHOLE * width * height:
            window[:] = True
        else:
            window |= labels[top : top + height, left : left + width] == i
    return keep


def encoded(picture, kind) -> bytes:
    """A picture of Pillow's as bytes."""
    file = io.BytesIO()
    picture.save(file, kind, quality=82)
    return file.getvalue()
