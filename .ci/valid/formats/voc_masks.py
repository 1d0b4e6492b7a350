"""Pascal VOC without XML: two PNGs for each picture, numbers of objects and of classes."""

import numpy as np
from PIL import Image

from valid.formats.parts import stem
from valid.truth import CLASSES

CAN_TELL = {"holes", "nothing"}
PICTURES = "JPEGImages"


def write(folder, photos, rng):
    for name in ("SegmentationObject", "SegmentationClass"):
        (folder / name).mkdir()
    lines = ["__ignore__", "_background_", *CLASSES]
    (folder / "class_names.txt").write_text("\n".join(lines), encoding="utf-8")
    for photo in photos:
        objects, classes = np.zeros((2, *photo.size), np.uint8)
        for number, one in enumerate(photo.objects, 1):
            objects[one.mask] = number
            classes[one.mask] = CLASSES.index(one.label) + 1
        Image.fromarray(objects).save(folder / "SegmentationObject" / f"{stem(photo)}.png")
        Image.fromarray(classes).save(folder / "SegmentationClass" / f"{stem(photo)}.png")
