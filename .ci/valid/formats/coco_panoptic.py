"""COCO panoptic: a PNG for each picture whose colours are the numbers of segments."""

import json

import numpy as np
from PIL import Image

from valid.formats.parts import stem
from valid.truth import CLASSES

CAN_TELL = {"holes", "nothing"}
PICTURES = "images"


def write(folder, photos, rng):
    (folder / "panoptic").mkdir()
    images = []
    annotations = []
    for number, photo in enumerate(photos, 1):
        height, width = photo.size
        images.append({"id": number, "file_name": photo.name, "height": height, "width": width})
        colours = np.zeros((height, width, 3), np.uint8)
        segments = [_paint(one, colours, rng) for one in photo.objects]
        name = f"{stem(photo)}.png"
        Image.fromarray(colours).save(folder / "panoptic" / name)
        annotations.append({"image_id": number, "file_name": name, "segments_info": segments})
    categories = [
        {"id": number, "name": name, "isthing": 1} for number, name in enumerate(CLASSES, 1)
    ]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "panoptic.json").write_text(json.dumps(content))


def _paint(one, colours, rng):
    """Paint an object in a colour by chance; gives the segment's row."""
    red, green, blue = (rng.randint(1, 255) for _ in range(3))
    colours[one.mask] = red, green, blue
    return {
        "id": red + 256 * green + 65536 * blue,
        "category_id": CLASSES.index(one.label) + 1,
        "iscrowd": 0,
        "area": int(one.mask.sum()),
    }
