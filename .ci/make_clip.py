"""Makes README's moving picture: the bundled video, and its objects behind an edge that wanders.

.venv/bin/python .ci/make_clip.py       writes data/street-found.webp
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SECONDS, EVERY, WIDTH, MOST = 5, 3, 480, 1_500_000  # every third frame: 8 a second


def main():
    from helpers.models import load_detector
    from helpers.video import process_video, read_frames

    source = ROOT / "data/street.mp4"
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "drawn.mp4"
        process_video(source, drawn, load_detector("streets"), max_seconds=SECONDS)
        pairs = list(zip(read_frames(source), read_frames(drawn), strict=False))[::EVERY]
    pictures = []
    for i, (before, after) in enumerate(pairs):
        edge = round(before.shape[1] * (0.5 - 0.5 * np.cos(2 * np.pi * i / len(pairs))))
        frame = np.hstack([after[:, :edge], before[:, edge:]])
        frame[:, max(0, edge - 2) : edge + 2] = 255
        size = (WIDTH, round(WIDTH * frame.shape[0] / frame.shape[1]))
        pictures.append(Image.fromarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA)))
    path = ROOT / "data/street-found.webp"
    more = {"save_all": True, "append_images": pictures[1:], "loop": 0, "quality": 70, "method": 6}
    pictures[0].save(path, duration=EVERY * 1000 // 24, **more)
    print(f"{path.relative_to(ROOT)}: {len(pictures)} pictures, {path.stat().st_size / 1e3:.0f} kB")
    return int(path.stat().st_size > MOST)


if __name__ == "__main__":
    sys.exit(main())
