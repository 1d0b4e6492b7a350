"""What the notebooks stand on, in rooms; on the ground structures, pictures and drawing."""

import pathlib

from helpers.silence import silence_tensorflow

silence_tensorflow()

ROOT = pathlib.Path(__file__).parents[1]  # the project
DATA = ROOT / "data"  # weights, cards, pictures that come with it
REPOSITORY = "https://github.com/pixelwise-tutorial/pixelwise"
