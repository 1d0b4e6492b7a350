"""Weights and cards, damaged, and weights with code in them."""

import dataclasses
import pickle
import zipfile

import numpy as np

from hostile.damage import damaged, write_bent


class Bomb:
    """Unpickled, it leaves a file behind."""

    def __reduce__(self):
        return open, ("ran", "w")


def check(rng, folder):
    from helpers.mask_rcnn import Config
    from helpers.models.weights import BROKEN, load_model, read_card, read_weights

    kind = rng.randrange(4)
    card = {"name": "a", "categories": {"1": "nut"}, "config": dataclasses.asdict(Config(1))}
    arrays = {"mask_rcnn/x": np.zeros((2, 3), np.float16)}
    if kind == 0:
        arrays["mask_rcnn/y"] = np.array([Bomb()], object)
    np.savez(folder / "a.npz", **arrays)
    if kind == 1:
        with zipfile.ZipFile(folder / "a.npz", "w") as archive:
            archive.writestr("mask_rcnn/x.npy", pickle.dumps(Bomb()))
    if kind == 2:
        (folder / "a.npz").write_bytes(damaged((folder / "a.npz").read_bytes(), rng))
    if kind == 3:
        (folder / "a.npz").write_bytes(pickle.dumps(Bomb()))
    try:
        read_weights(folder / "a.npz")
    except BROKEN:  # `load_model` turns these into one line
        pass
    path = folder / "a.json"
    write_bent(path, card, rng)
    read_card(path)
    if rng.random() < 0.1:
        load_model(path)  # builds a network: takes a second
