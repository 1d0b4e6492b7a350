"""The head of `everyday` learns cats and dogs in poses and places that COCO hardly has.

Body and neck stay as they are. Where photographs tell of cats and dogs, their truth is what the
head learns; of all else it goes on to say what it said, see `helpers.one_stage.head_learner`.
"""

import pathlib

import numpy as np

from helpers.models.label_maps import read_label_map
from helpers.models.sources import COCO_LABELS
from helpers.one_stage.head_learner import Cells, HeadLearner
from helpers.structures import InputError
from helpers.training.head_cells import CellBatches, collect, read_cells, write_cells
from helpers.training.mask_branch import MaskRun, learn_only
from helpers.training.mosaics import Source
from helpers.training.photos import Photos

LEARNT = "cat", "dog"
# How often photographs of a kind are shown. Of cats and dogs those of COCO tell, too; the last
# three kinds do not.
WEIGHTS = {
    "feralcat": 0.4, "pets": 0.1, "coco343": 0.2, "cocobox": 0.15, "cocoperson": 0.1, "ccp": 0.05,
}  # fmt: skip
EVERY = 5  # each fifth photograph is held out
PICTURES = 400  # whose cells make a file
BATCH = 1024  # cells
HOLD = 0.4  # share of the training at full rate


def partial_sources(data, weights=None):
    """What there is to learn from, without the photographs that are held out: a list of Source.

    Args:
        data: see `helpers.training.everyday`.
        weights: how often photographs of a kind are shown, by its name; None for `WEIGHTS`.

    Raises:
        InputError: there is no photograph of cats or dogs.
    """
    data = pathlib.Path(data)
    sources = []
    for name, weight in (weights or WEIGHTS).items():
        folder, part = ("coco343", "") if name == "coco343" else ("everyday", "train")
        photos = Photos(data / folder, part, LEARNT)
        some = list(range(len(photos)))
        if part:
            some = [i for i in some if photos.sources[i] == name]
        shown = [i for k, i in enumerate(some) if k % EVERY]
        if shown:
            sources.append(Source(photos, shown, weight))
    if not any(source.photos.known(source.indices[0]) for source in sources):
        raise InputError(f"{data}: no photographs of {', '.join(LEARNT)} to learn from")
    return sources


def learnt_classes(categories):
    """{id: number of the class in a network, 1..K} of those that are learnt.

    Args:
        categories: {id: name} of all classes, in the network's order.
    """
    numbers = enumerate(categories.items(), 1)
    return {key: number for number, (key, name) in numbers if name in LEARNT}


def teach_head(model, data, folder, parts, epochs, rate=5e-4):
    """The head learns cats and dogs; called again on the folder after a stop, it goes on.

    Args:
        model: OneStageMaskRCNN, built and started; its head is changed.
        data: see `helpers.training.everyday`.
        folder: for cells, checkpoint and curve.
        parts: how many times PICTURES photographs to collect cells from.
        epochs: how often each cell is shown.
        rate: of learning, at its peak.
    """
    sources = partial_sources(data)
    classes = learnt_classes(read_label_map(COCO_LABELS))
    collected = []
    for part in range(parts):
        path = folder / "cells" / f"{part}.npz"
        if not path.exists():
            write_cells(collect(model, sources, classes, PICTURES, seed=part), path)
        collected.append(read_cells(path))
    cells = Cells(*(np.concatenate(values) for values in zip(*collected, strict=True)))
    learn_only(model, model.head)
    learner = HeadLearner(model, list(classes.values()))
    batches = CellBatches(cells, BATCH)
    MaskRun(learner, batches, dict, folder, epochs, names=("head", "head-curve")).train(rate, HOLD)
