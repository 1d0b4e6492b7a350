"""labelme: a JSON file beside each picture; polygons, rectangles, and masks for holes."""

import json

from PIL import Image

from valid.formats.parts import box_of, cut_out, in_base64

CAN_TELL = {"holes", "nothing"}
PICTURES = ""


def write(folder, photos, rng):
    for photo in photos:
        height, width = photo.size
        content = {
            "version": "5.5.0",
            "flags": {},
            "shapes": [_shape(one, rng) for one in photo.objects],
            "imagePath": photo.name,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        path = (folder / photo.name).with_suffix(".json")
        path.write_text(json.dumps(content))


def _shape(one, rng):
    row = {"label": one.label, "group_id": None, "flags": {}}
    x1, y1, x2, y2 = box_of(one.mask)
    if len(one.rings) > 1:
        mask = in_base64(Image.fromarray(cut_out(one.mask)))
        corners = [[x1, y1], [x2 - 1, y2 - 1]]
        return row | {"shape_type": "mask", "points": corners, "mask": mask}
    if len(one.rings[0]) == 4 and rng.random() < 0.5:
        return row | {"shape_type": "rectangle", "points": [[x1, y1], [x2, y2]]}
    return row | {"shape_type": "polygon", "points": one.rings[0].tolist()}
