"""Makes the pictures of what `everyday` finds in photographs, and of what it gets wrong.

.venv/bin/python .ci/make_photos.py     of data/photographs: data/everyday-found.jpg, -wrong.jpg
"""

import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
ROWS = {
    "found": ("grace_hopper", "astronaut", "chelsea"),
    "wrong": ("coins", "coffee"),
}
HEIGHT, GAP = 300, 8


def smaller(image, detections):
    """A picture and its detections, HEIGHT pixels high."""
    factor = HEIGHT / image.shape[0]
    size = (round(image.shape[1] * factor), HEIGHT)  # (width, height), as OpenCV wants it
    masks = [cv2.resize(mask.astype(np.uint8), size) for mask in detections.masks]
    detections = detections.replace(
        boxes=detections.boxes * factor,
        masks=np.array(masks, bool).reshape(-1, HEIGHT, size[0]),
        image_size=(HEIGHT, size[0]),
    )
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), detections


def main():
    from helpers.drawing import draw_detections
    from helpers.models import load_detector
    from helpers.pictures import read_image, save_image

    detector = load_detector("everyday")
    for row, names in ROWS.items():
        tiles = []
        for name in names:
            image = read_image(ROOT / f"data/photographs/{name}.jpg")
            detections = detector(image)
            told = zip(detections.names, detections.scores.round(2).tolist(), strict=True)
            print(row, name, *told)
            tiles.append(draw_detections(*smaller(image, detections)))
            tiles.append(np.full((HEIGHT, GAP, 3), 255, np.uint8))
        tiles.pop()  # no gap after the last
        save_image(ROOT / f"data/everyday-{row}.jpg", np.concatenate(tiles, 1), quality=85)


if __name__ == "__main__":
    sys.exit(main())
