"""What a one-stage head learns from: which cells stand for an object, and how wrong they are.

Letters: A cells of all levels, E classes that are learnt, G true objects of an image, N cells.
"""

import numpy as np
from keras import ops

CELL_SIDE = 5  # of the square that stands for a cell when it is compared with objects, in strides
NUM_NEAREST = 9  # cells of each level that an object chooses from
KEEP = 10.0  # how much what was not looked for counts; with 1, far more cats are made up


def assign(boxes, centres):
    """Which object does each cell stand for?

    An object chooses, of each level, the cells nearest to its centre, and keeps those that fit it
    better than most and have their centres inside it. A cell that several objects want goes to
    the one that it fits best.

    Args:
        boxes: (G, 4) float32 true boxes, pixels. G may be 0.
        centres: (A, 3) float32, see `make_centres`.

    Returns:
        (A,) int32 NumPy, the index of an object, or -1.

    Source: Zhang et al. 2020 (ATSS), algorithm 1.
    """
    owners = np.full(len(centres), -1, np.int32)
    best = np.zeros(len(centres))
    half = centres[:, 2:] * CELL_SIDE / 2
    squares = np.concatenate([centres[:, :2] - half, centres[:, :2] + half], 1)
    for i, box in enumerate(boxes):
        middle = (box[:2] + box[2:]) / 2
        distances = np.hypot(*(centres[:, :2] - middle).T)
        nearest = []
        for stride in np.unique(centres[:, 2]):
            level = np.flatnonzero(centres[:, 2] == stride)
            nearest.extend(level[np.argsort(distances[level], kind="stable")[:NUM_NEAREST]])
        overlaps = _overlaps(squares[nearest], box)
        points = centres[nearest, :2]
        inside = ((points > box[:2]) & (points < box[2:])).all(1)
        fits = inside & (overlaps >= overlaps.mean() + overlaps.std())
        for cell, overlap in zip(np.array(nearest)[fits], overlaps[fits], strict=True):
            if overlap > best[cell]:
                best[cell] = overlap
                owners[cell] = i
    return owners


def _overlaps(boxes, box):
    """IoU of boxes (N, 4) with one box: (N,)."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    shared = np.prod(np.maximum(high - low, 0), 1)
    return shared / (np.prod(boxes[:, 2:] - boxes[:, :2], 1) + np.prod(box[2:] - box[:2]) - shared)


def head_losses(logits, cells):
    """How wrong a head is about the classes that it learns, by name.

    Where a class was not looked for, the head shall go on to say what it said before.

    Args:
        logits: (N, E) float32.
        cells: Cells, see `helpers.one_stage.learner`.

    Returns:
        {"class": about what is known; "kept": how far it has moved elsewhere}, scalars, per object.

    Source: Li and Hoiem 2016 (Learning without Forgetting) for what is kept.
    """
    is_told = ops.cast(cells.told, "bool")
    num_objects = ops.maximum(ops.sum(ops.cast(cells.wanted > 0, "float32")), 1.0)
    wrong = ops.where(is_told, quality_loss(logits, cells.wanted), 0.0)
    moved = ops.where(is_told, 0.0, divergence(logits, ops.cast(cells.old_logits, "float32")))
    return {
        "class": ops.sum(ops.sum(wrong, -1) * cells.weights) / num_objects,
        "kept": KEEP * ops.sum(ops.sum(moved, -1) * cells.weights) / num_objects,
    }


def quality_loss(logits, wanted):
    """Quality focal loss, element by element: what is far off counts most.

    Args:
        logits: float32.
        wanted: the same shape, 0..1: IoU of a cell's box with its object, 0 without an object.

    Source: Li et al. 2020 (Generalized Focal Loss), equation 6.
    """
    return ops.square(wanted - ops.sigmoid(logits)) * _cross_entropy(logits, wanted)


def divergence(logits, old_logits):
    """How far scores have moved, element by element: 0 where they are the same."""
    scores = ops.sigmoid(old_logits)
    return _cross_entropy(logits, scores) - _cross_entropy(old_logits, scores)


def _cross_entropy(logits, wanted):
    """Binary cross-entropy of logits with wanted scores 0..1, element by element."""
    return ops.softplus(logits) - logits * wanted
