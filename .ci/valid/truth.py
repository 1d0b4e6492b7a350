"""Pictures, drawn by chance, and what is in them.

An outline has its corners between pixels, so each pixel is inside or outside for sure. What a
format cannot tell of is not drawn: see `formats/__init__.py`.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

CLASSES = ("nut", "bottle", "traffic light", "Straße")
WORDS = ("nut", "bottle")
NAMES = ("a", "a b", "x.y", "0001", "Straße", "IMG_(1)", "b-2")
FOLDERS = ("", "", "train/", "deep/er/")
MARGIN = 2  # pixels that stay free around an object
ORIENTATION = 274  # the number of an EXIF tag
QUARTER = 6  # to be seen, the picture has to be turned clockwise by a quarter


class TrueObject(NamedTuple):
    """A true object."""

    label: str
    mask: np.ndarray  # (H, W) bool
    rings: list  # of corners (N, 2) int, x y: the outline, then the holes
    is_crowd: bool


class Photo(NamedTuple):
    """A picture and what is in it; `size` is upright."""

    name: str
    size: tuple
    objects: list


def draw_photos(rng, can_tell):
    """One to three pictures, with none to three objects each."""
    names = rng.sample(NAMES, rng.randint(1, 3))
    photos = []
    for name in names:
        folder = rng.choice(FOLDERS) if "folders" in can_tell else ""
        ending = rng.choice((".png", ".jpg"))
        size = rng.randint(20, 60), rng.randint(40, 90)
        objects = [draw_object(rng, size, strip, can_tell) for strip in strips(rng, size)]
        photos.append(Photo(folder + name + ending, size, objects))
    if "exif" in can_tell:
        photos[0] = photos[0]._replace(name=photos[0].name.rsplit(".", 1)[0] + ".jpg")
    return with_few_crowds(photos)


def strips(rng, size):
    """The first and last x of none to three strips: objects in them share no pixel."""
    num = rng.randint(0, 3)
    width = size[1]
    for strip in range(num):
        yield strip * width // num + MARGIN, (strip + 1) * width // num - MARGIN


def draw_object(rng, size, strip, can_tell):
    """A rectangle or an L, perhaps with a slit in its foot."""
    left, right = strip
    x1 = rng.randint(left, right - 8)
    x2 = rng.randint(x1 + 7, right)
    y1 = rng.randint(MARGIN, size[0] - 12)
    y2 = rng.randint(y1 + 7, size[0] - MARGIN)
    mask = np.zeros(size, bool)
    mask[y1:y2, x1:x2] = True
    ring = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    if rng.random() < 0.5:  # an L: its upper right corner is cut out
        x = rng.randint(x1 + 2, x2 - 2)
        y = rng.randint(y1 + 2, y2 - 2)
        mask[y1:y, x:x2] = False
        ring = [(x1, y1), (x, y1), (x, y), (x2, y), (x2, y2), (x1, y2)]
    rings = [np.array(ring)]
    if "holes" in can_tell and rng.random() < 0.5:
        mask[y2 - 2 : y2 - 1, x1 + 1 : x2 - 1] = False
        slit = [(x1 + 1, y2 - 2), (x2 - 1, y2 - 2), (x2 - 1, y2 - 1), (x1 + 1, y2 - 1)]
        rings.append(np.array(slit))
    is_crowd = "crowds" in can_tell and rng.random() < 0.2
    label = rng.choice(WORDS if "words only" in can_tell else CLASSES)
    return TrueObject(label, mask, rings, is_crowd)


def with_few_crowds(photos):
    """The photos; without crowds if these are more than half, which a reader has to doubt."""
    crowds = [one.is_crowd for photo in photos for one in photo.objects]
    if 2 * sum(crowds) <= len(crowds):
        return photos
    return [
        photo._replace(objects=[one._replace(is_crowd=False) for one in photo.objects])
        for photo in photos
    ]


def save_photos(folder, photos, rng, can_tell):
    """The pictures themselves; the first lies on its side, as its EXIF tells, if that may be."""
    for number, photo in enumerate(photos):
        path = folder / photo.name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((*photo.size, 3), rng.randint(40, 200), np.uint8)
        exif = Image.Exif()
        if "exif" in can_tell and number == 0:
            exif[ORIENTATION] = QUARTER
            pixels = np.rot90(pixels)
        Image.fromarray(np.ascontiguousarray(pixels)).save(path, exif=exif)
