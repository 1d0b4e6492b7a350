"""Stores what the bundled weights answer today, for tests/test_kept_weights.py.

.venv/bin/python .ci/keep_weights.py NAME      for a bundled model whose weights are new

Writes its part of tests/kept_weights.npz; what is stored of the other models stays.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main():
    from helpers.models import load_detector
    from helpers.pictures import read_image

    image = read_image(ROOT / "data/pictures/street-3.jpg")
    name = sys.argv[1]
    path = ROOT / "tests/kept_weights.npz"
    with np.load(path) as archive:
        stored = dict(archive)
    candidates = load_detector(name, fast=False, say=None).candidates(image)
    stored[f"{name}_boxes"] = candidates.boxes
    stored[f"{name}_labels"] = candidates.labels
    stored[f"{name}_scores"] = candidates.scores
    stored[f"{name}_masks"] = candidates.mask_scores.mean((1, 2))
    np.savez_compressed(path, **stored)


if __name__ == "__main__":
    main()
