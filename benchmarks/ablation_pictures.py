"""Drawn streets, and what `streets` says of them, computed once: for `ablations.py`."""

import shutil

import numpy as np
from ablation_variants import streets

from helpers.mask_rcnn.model import Targets
from helpers.streets import CATEGORIES, draw_scene
from helpers.structures import Detections
from helpers.training import to_targets

MAPS = ("C2", "C3", "C4", "C5")
PYRAMID = ("P2", "P3", "P4", "P5", "P6")
CHUNK = 8  # pictures that are looked at together, where nothing is learnt


def prepare(folder, first, num):
    """What `streets` says of `num` pictures from a seed on, in files; returned as arrays by name.

    Beside its maps (float16) and its boxes: the truth, masks as bits, and the proposals that the
    second stage would learn from.
    """
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _look(part, first, num)
        part.rename(folder)
    return {path.stem: np.asarray(np.load(path, mmap_mode="r")) for path in folder.glob("*.npy")}


def _look(folder, first, num):
    """Write the arrays of `prepare`, a few pictures at a time."""
    import tensorflow as tf

    model = streets()

    @tf.function
    def say(images, targets):
        maps = model.backbone(images)
        pyramid = model.neck(maps)
        features = dict(zip(PYRAMID, pyramid, strict=True))
        logits, deltas = model.rpn(model.anchor_features(features))
        proposals, valid = model.training_proposals(logits, deltas, targets)
        stages = model.compute_stages(images)
        said = dict(zip((*MAPS, *PYRAMID), (*maps, *pyramid), strict=True))
        said |= {"proposals": proposals, "valid": valid}
        return said | {"boxes": stages.boxes, "labels": stages.labels, "scores": stages.scores}

    files = {}
    for start in range(0, num, CHUNK):
        seeds = range(first + start, first + min(start + CHUNK, num))
        targets = to_targets([draw_scene(seed) for seed in seeds])
        said = {name: value.numpy() for name, value in say(targets.images, targets).items()}
        said |= {"true_boxes": targets.boxes, "true_labels": targets.labels}
        said["true_masks"] = np.packbits(targets.masks, axis=-1)
        for name, value in said.items():
            if name in (*MAPS, *PYRAMID):
                value = value.astype(np.float16)
            if name not in files:
                shape = (num, *value.shape[1:])
                path = folder / f"{name}.npy"
                files[name] = np.lib.format.open_memmap(path, "w+", value.dtype, shape)
            files[name][start : start + len(value)] = value


def targets_of(pictures, numbers, names):
    """A training batch of recorded pictures: its "images" are the maps of these names."""
    maps = tuple(pictures[name][numbers].astype(np.float32) for name in names)
    masks = np.unpackbits(pictures["true_masks"][numbers], axis=-1)
    return Targets(maps, pictures["true_boxes"][numbers], pictures["true_labels"][numbers], masks)


def truth_of(pictures):
    """The truth of recorded pictures: list of Detections."""
    truth = []
    ids = np.array(list(CATEGORIES))
    for i, labels in enumerate(pictures["true_labels"]):
        real = labels > 0
        masks = np.unpackbits(pictures["true_masks"][i], axis=-1)[real]
        boxes, size = pictures["true_boxes"][i][real], masks.shape[1:]
        ones = np.ones(len(boxes))
        truth.append(Detections(boxes, ids[labels[real] - 1], ones, size, CATEGORIES, masks > 0))
    return truth
