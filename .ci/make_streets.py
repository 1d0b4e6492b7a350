"""Draws the pictures and the video that Pixelwise ships: python .ci/make_streets.py FOLDER"""

import pathlib
import sys

from helpers.pictures import save_image
from helpers.streets.scenes import SHIPPED, SHIPPED_CLIP, draw_clip, draw_scene, soundtrack
from helpers.video import write_video

folder = pathlib.Path(sys.argv[1])
for number, seed in enumerate(SHIPPED, 1):
    image, _ = draw_scene(seed, (512, 640))
    save_image(folder / "pictures" / f"street-{number}.jpg", image)
frames = (image for image, _ in draw_clip(SHIPPED_CLIP, 5 * 24, 24, (384, 640)))
write_video(folder / "street.mp4", frames, 24, soundtrack(SHIPPED_CLIP, 5))
