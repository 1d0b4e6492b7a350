"""Damaged and hostile files, a file for each kind, all of one form: for `harden.py`.

check(rng, folder)      makes an input in an empty folder, and reads it

A reader may refuse by a ValueError; what else is raised is a failure. To add a kind, write such a
file and name it here.
"""

from hostile import (
    annotations,
    archives,
    arguments,
    graphs,
    label_maps,
    masks,
    pictures,
    videos,
    weights,
)

CHECKS = {
    "annotations": annotations.check,
    "masks": masks.check,
    "label_maps": label_maps.check,
    "pictures": pictures.check,
    "weights": weights.check,
    "graphs": graphs.check,
    "archives": archives.check,
    "videos": videos.check,
    "arguments": arguments.check,
}
SHARE = {"videos": 0.5, "arguments": 0.5, "weights": 0.7, "graphs": 0.7}  # of --inputs
