"""Objects cut out of their pictures."""

import numpy as np
from PIL import Image

from helpers.pictures import write_picture


def write_crops(folder, image, detections) -> list:
    """Cut out each object of a picture: a PNG each, clear around the mask.

    Args:
        folder: where to; it is made if need be.
        image: (H, W, 3) uint8 RGB.
        detections: of this picture; without masks the whole box is kept. N may be 0.

    Returns:
        The paths in the order of the objects, such as folder/01-person.png; None for an object
        whose box lies outside the picture.
    """
    height, width = detections.image_size
    paths = []
    for i, (name, box) in enumerate(zip(detections.names, detections.boxes, strict=True)):
        box = np.clip(box, 0, [width, height, width, height])
        x1, y1 = np.floor(box[:2]).astype(int)
        x2, y2 = np.ceil(box[2:]).astype(int)
        if x1 >= x2 or y1 >= y2:
            paths.append(None)
            continue
        alpha = np.full((y2 - y1, x2 - x1), 255, np.uint8)
        if detections.masks is not None:
            alpha[~detections.masks[i, y1:y2, x1:x2]] = 0
        safe = "".join(letter if letter.isalnum() else "_" for letter in name)
        path = folder / f"{i + 1:02d}-{safe}.png"
        write_picture(path, Image.fromarray(np.dstack([image[y1:y2, x1:x2], alpha])))
        paths.append(path)
    return paths
