"""COCO: polygons, and RLE in columns for what has holes or is a crowd."""

import json

from valid.formats.parts import box_of, runs
from valid.truth import CLASSES

CAN_TELL = {"folders", "holes", "crowds", "exif", "nothing"}
PICTURES = "images"


def write(folder, photos, rng):
    ids = dict(zip(CLASSES, rng.sample(range(1, 90), len(CLASSES)), strict=True))
    images = []
    annotations = []
    for number, photo in enumerate(photos, 1):
        height, width = photo.size
        images.append({"id": number, "file_name": photo.name, "height": height, "width": width})
        for one in photo.objects:
            row = {"id": len(annotations) + 1, "image_id": number, "category_id": ids[one.label]}
            annotations.append(row | _shape(one))
    categories = [{"id": number, "name": name} for name, number in ids.items()]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(content))


def _shape(one):
    x1, y1, x2, y2 = box_of(one.mask)
    outline = [one.rings[0].ravel().tolist()]
    if len(one.rings) > 1 or one.is_crowd:
        outline = {"size": list(one.mask.shape), "counts": runs(one.mask.ravel("F"))}
    return {
        "segmentation": outline,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": int(one.mask.sum()),
        "iscrowd": int(one.is_crowd),
    }
