"""Mask pictures of every kind of pixel, damaged."""

import numpy as np
from PIL import Image

from hostile.damage import damaged, save_photo


def check(rng, folder):
    from helpers.annotations import read_dataset

    save_photo(folder / "images/a.jpg")
    path = folder / f"masks/a{rng.choice(('.png', '.tif', '.webp', '.gif', '.bmp'))}"
    path.parent.mkdir()
    values = np.kron(np.arange(12).reshape(3, 4), np.ones((10, 10), int))
    if path.suffix == ".tif":
        Image.fromarray(values.astype(rng.choice(("<u2", "<i4", "<f4", "u1")))).save(path)
    else:
        Image.fromarray(values.astype("u1")).convert(rng.choice(("L", "RGB"))).save(path)
    path.write_bytes(damaged(path.read_bytes(), rng))
    read_dataset(folder)
