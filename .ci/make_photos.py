"""Makes the pictures of what `everyday` finds in photographs, and of what it makes up.

.venv/bin/python .ci/make_photos.py FOLDER     FOLDER holds skimage/, as in scikit-image's wheel

Writes data/everyday-found.jpg and data/everyday-wrong.jpg. All six are in the public domain:
Matplotlib's grace_hopper, and five of scikit-image's.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
ROWS = {
    "found": ("grace_hopper", "astronaut.png", "chelsea.png"),
    "wrong": ("moon.png", "gravel.png", "coffee.png"),
}
HEIGHT, GAP = 300, 8


def main():
    from helpers.drawing import draw_detections
    from helpers.models import load_detector
    from helpers.pictures import read_image, sample_photos, save_image

    detector, folder = load_detector("everyday"), Path(sys.argv[1]) / "skimage/data"
    for row, names in ROWS.items():
        tiles = []
        for name in names:
            image = read_image(sample_photos().get(name, folder / name))
            width = round(image.shape[1] * HEIGHT / image.shape[0])
            image = cv2.resize(image, (width, HEIGHT), interpolation=cv2.INTER_AREA)
            found = detector(image)
            print(row, name, dict(zip(found.names, found.scores.round(2).tolist(), strict=True)))
            gap = np.full((HEIGHT, GAP * bool(tiles), 3), 255, np.uint8)
            tiles += [gap, draw_detections(image, found)]
        save_image(ROOT / f"data/everyday-{row}.jpg", np.concatenate(tiles, 1), quality=85)


if __name__ == "__main__":
    sys.exit(main())
