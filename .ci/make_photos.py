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


def main():
    from helpers.drawing import draw_detections
    from helpers.models import load_detector
    from helpers.pictures import read_image, save_image

    detector = load_detector("everyday")
    for row, names in ROWS.items():
        tiles = []
        for name in names:
            image = read_image(ROOT / f"data/photographs/{name}.jpg")
            width = round(image.shape[1] * HEIGHT / image.shape[0])
            image = cv2.resize(image, (width, HEIGHT), interpolation=cv2.INTER_AREA)
            found = detector(image)
            print(row, name, dict(zip(found.names, found.scores.round(2).tolist(), strict=True)))
            tiles.append(draw_detections(image, found))
            tiles.append(np.full((HEIGHT, GAP, 3), 255, np.uint8))
        tiles.pop()  # no gap after the last
        save_image(ROOT / f"data/everyday-{row}.jpg", np.concatenate(tiles, 1), quality=85)


if __name__ == "__main__":
    sys.exit(main())
