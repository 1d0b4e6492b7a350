"""What the notebooks stand on, in eight rooms; on the ground structures, pictures and drawing."""

import os
import pathlib

# TensorFlow greets its developers, on file 2, when it is first imported. Readers need none of it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

ROOT = pathlib.Path(__file__).parents[1]  # the project
DATA = ROOT / "data"  # weights, cards, pictures that come with it
