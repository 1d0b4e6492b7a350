"""Pascal VOC: XML with boxes, which begin at 1, and a PNG with a value for each object."""

import numpy as np
from PIL import Image

from valid.formats.parts import box_of, stem

CAN_TELL = {"holes", "nothing"}
PICTURES = "JPEGImages"


def write(folder, photos, rng):
    for name in ("Annotations", "SegmentationObject"):
        (folder / name).mkdir()
    for photo in photos:
        height, width = photo.size
        lines = [f"<annotation><filename>{photo.name}</filename><size><width>{width}</width>"]
        lines.append(f"<height>{height}</height><depth>3</depth></size>")
        lines += [_object(one) for one in photo.objects]
        lines.append("</annotation>")
        (folder / "Annotations" / f"{stem(photo)}.xml").write_text("\n".join(lines), "utf-8")
        values = np.zeros(photo.size, np.uint8)
        for number, one in enumerate(photo.objects, 1):
            values[one.mask] = number
        Image.fromarray(values).save(folder / "SegmentationObject" / f"{stem(photo)}.png")


def _object(one):
    x1, y1, x2, y2 = box_of(one.mask)
    box = f"<xmin>{x1 + 1}</xmin><ymin>{y1 + 1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax>"
    return f"<object><name>{one.label}</name><bndbox>{box}</bndbox></object>"
