"""What a one-stage head learns from: which cells stand for an object, and how wrong they are.

Letters: A cells of all levels, B images, G true objects of an image.
"""

import numpy as np
from keras import ops

from helpers.mask_rcnn import boxes as box_ops
from helpers.mask_rcnn.losses import binary_cross_entropy

CELL_SIDE = 5  # of the square that stands for a cell when it is compared with objects, in strides
NUM_NEAREST = 9  # cells of each level that an object chooses from


def assign(boxes, is_object, centres):
    """Which object does each cell stand for?

    An object chooses, of each level, the cells nearest to its centre, and keeps those that fit it
    better than most and have their centres inside it. A cell that several objects want goes to
    the one that it fits best.

    Args:
        boxes: (B, G, 4) float32 true boxes, pixels. G may be 0.
        is_object: (B, G) bool, False for padding.
        centres: (A, 3) float32 NumPy, see `make_centres`.

    Returns:
        (B, A) int32, the index of an object, or -1.

    Source: Zhang et al. 2020 (ATSS), algorithm 1.
    """
    points = centres[:, :2]
    half = centres[:, 2:] * CELL_SIDE / 2
    squares = np.concatenate([points - half, points + half], 1)
    overlaps = box_ops.iou(boxes, squares)  # (B, G, A)
    is_near = _nearest(boxes, centres)
    num = ops.sum(ops.cast(is_near, "float32"), -1, keepdims=True)
    mean = ops.sum(ops.where(is_near, overlaps, 0.0), -1, keepdims=True) / num
    squared = ops.where(is_near, ops.square(overlaps - mean), 0.0)
    deviation = ops.sqrt(ops.sum(squared, -1, keepdims=True) / num)

    low, high = boxes[..., None, :2], boxes[..., None, 2:]
    is_inside = ops.logical_and(ops.all(points > low, -1), ops.all(points < high, -1))
    fits = ops.logical_and(is_near, overlaps >= mean + deviation)
    fits = ops.logical_and(fits, ops.logical_and(is_inside, is_object[..., None]))
    wanted = ops.where(fits, overlaps, 0.0)
    nobody = ops.zeros((ops.shape(boxes)[0], 1, len(centres)))  # wins where nobody wants the cell
    return ops.argmax(ops.concatenate([nobody, wanted], 1), 1) - 1


def _nearest(boxes, centres):
    """Whether a cell is among the NUM_NEAREST of its level to a box's centre: (B, G, A) bool."""
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    distances = ops.norm(centres[:, :2] - middle[..., None, :], axis=-1)
    sizes = np.unique(centres[:, 2], return_counts=True)[1]  # cells of each level, finest first
    parts = []
    for level in ops.split(distances, np.cumsum(sizes)[:-1].tolist(), -1):
        nearest = ops.top_k(-level, min(NUM_NEAREST, level.shape[-1]))[0]
        parts.append(-level >= nearest[..., -1:])
    return ops.concatenate(parts, -1)


def quality_loss(logits, wanted):
    """Quality focal loss, element by element: what is far off counts most.

    Args:
        logits: float32.
        wanted: the same shape, 0..1: IoU of a cell's box with its object, 0 without an object.

    Source: Li et al. 2020 (Generalized Focal Loss), equation 6.
    """
    return ops.square(wanted - ops.sigmoid(logits)) * binary_cross_entropy(logits, wanted)


def divergence(logits, old_logits):
    """How far scores have moved, element by element: 0 where they are the same."""
    scores = ops.sigmoid(old_logits)
    return binary_cross_entropy(logits, scores) - binary_cross_entropy(old_logits, scores)


def sides_moved(logits, old_logits):
    """How far the four sides of cells have moved: 0 where they are the same.

    Args:
        logits, old_logits: (..., 4, NUM_BINS) float32.

    Returns:
        (...) float32: divergence of the bins' distributions, the mean of the sides.
    """
    old = ops.log_softmax(old_logits, -1)
    return ops.mean(ops.sum(ops.exp(old) * (old - ops.log_softmax(logits, -1)), -1), -1)
