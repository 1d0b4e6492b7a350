"""Masks in folders: a PNG for each object, whose name has a number and a class."""

import numpy as np
from PIL import Image

from valid.formats.parts import stem

CAN_TELL = {"holes", "words only"}
PICTURES = "images"


def write(folder, photos, rng):
    (folder / "masks").mkdir()
    for photo in photos:
        for number, one in enumerate(photo.objects, 1):
            grey = Image.fromarray(255 * one.mask.astype(np.uint8))
            grey.save(folder / "masks" / f"{stem(photo)}_{number}_{one.label}.png")
