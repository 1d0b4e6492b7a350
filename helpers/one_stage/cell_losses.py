"""What the cells of a one-stage head shall say, and how wrong they are: class, box, sides.

Letters: A cells of all levels, B images, G true objects of an image, I ignored regions, K classes.
"""

import numpy as np
from keras import ops

from helpers.mask_rcnn import boxes as box_ops
from helpers.one_stage.head import NUM_BINS, decode
from helpers.one_stage.head_losses import assign, quality_loss

BOX_WEIGHT = 2.0  # of the boxes' loss beside that of the classes, and
SIDES_WEIGHT = 0.25  # of the bins' loss: both as NanoDet was trained


def cell_losses(class_logits, distance_logits, targets, centres):
    """Losses of a one-stage head, by name.

    Args:
        class_logits: (B, A, K) float32.
        distance_logits: (B, A, 4, NUM_BINS) float32.
        targets: PartialTargets.
        centres: (A, 3) float32 NumPy, see `make_centres`.

    Returns:
        {"class": what is in the cell, "box": how far is it from its object's box}, scalars, per
        cell that stands for an object.

    Source: Li et al. 2020 (Generalized Focal Loss), equations 2 and 6.
    """
    owners, is_told = owners_and_told(targets, centres)
    of_class, of_box = losses_of_cells(
        class_logits, distance_logits, targets, owners, is_told, centres
    )
    num_owned = ops.maximum(ops.sum(ops.cast(owners >= 0, "float32")), 1.0)
    return {"class": ops.sum(of_class) / num_owned, "box": ops.sum(of_box) / num_owned}


def losses_of_cells(class_logits, distance_logits, targets, owners, is_told, centres):
    """The same cell by cell, 0 where nothing is told.

    Args:
        class_logits, distance_logits, targets, centres: see `cell_losses`.
        owners: (B, A) int32, and
        is_told: (B, A, K) bool, see `owners_and_told`.

    Returns:
        (B, A, K) of classes and (B, A) of boxes, float32.
    """
    is_owned = owners >= 0
    objects = ops.maximum(owners, 0)
    true_boxes = box_ops.take(targets.boxes, objects)
    boxes = decode(distance_logits, centres)

    quality = ops.stop_gradient(paired_iou(boxes, true_boxes))
    labels = ops.where(is_owned, box_ops.take(targets.labels, objects), 0)
    is_class = ops.one_hot(labels, class_logits.shape[-1] + 1, dtype="bool")[..., 1:]
    wanted = ops.where(is_class, quality[..., None], 0.0)
    of_class = ops.where(is_told, quality_loss(class_logits, wanted), 0.0)

    of_box = box_loss(distance_logits, boxes, true_boxes, centres)
    return of_class, ops.where(is_owned, of_box, 0.0)


def box_loss(distance_logits, boxes, true_boxes, centres):
    """How far boxes are from true ones, cell by cell, by IoU and by the bins of their sides.

    Args:
        distance_logits: (..., 4, NUM_BINS) float32.
        boxes, true_boxes: (..., 4) float32, pixels; `boxes` from `decode`.
        centres: (..., 3) float32, see `make_centres`.
    """
    of_sides = sides_loss(distance_logits, true_boxes, centres)
    return BOX_WEIGHT * giou_loss(boxes, true_boxes) + SIDES_WEIGHT * of_sides


def owners_and_told(targets, centres):
    """Which object does a cell stand for, and of which classes is it known whether it sees one?

    An object is of no other class. Where there is none, a class that nobody looked for may be
    there, and in an ignored region any.

    Args:
        targets: PartialTargets.
        centres: (A, 3) float32 NumPy, see `make_centres`.

    Returns:
        Owners (B, A) int32, see `assign`; what is known (B, A, K) bool.
    """
    owners = assign(targets.boxes, targets.labels > 0, centres)
    is_owned = owners >= 0
    points = centres[:, None, :2]
    low, high = targets.ignored_boxes[:, None, :, :2], targets.ignored_boxes[:, None, :, 2:]
    inside = ops.logical_and(ops.all(points > low, -1), ops.all(points < high, -1))  # (B, A, I)
    looked_for = ops.cast(targets.labelled, "bool")[:, None]
    is_known = ops.logical_and(ops.logical_not(ops.any(inside, -1))[..., None], looked_for)
    return owners, ops.logical_or(is_owned[..., None], is_known)


def paired_iou(boxes, others):
    """IoU of each box with the one in the same place: (..., 4) float32 twice, pixels -> (...)."""
    shared, union = _shared_and_union(boxes, others)
    return shared / ops.maximum(union, 1e-6)


def giou_loss(boxes, others):
    """How far boxes are from others, also where they do not meet.

    Args:
        boxes, others: (..., 4) float32, pixels.

    Returns:
        (...) float32: 0 for the same box, up to 2 the further they are apart.

    Source: Rezatofighi et al. 2019 (Generalized Intersection over Union), algorithm 1.
    """
    shared, union = _shared_and_union(boxes, others)
    low = ops.minimum(boxes[..., :2], others[..., :2])
    high = ops.maximum(boxes[..., 2:], others[..., 2:])
    around = ops.prod(high - low, -1)
    empty = (around - union) / ops.maximum(around, 1e-6)
    return 1 - shared / ops.maximum(union, 1e-6) + empty


def _shared_and_union(boxes, others):
    """Areas that two boxes share and cover, box by box, square pixels."""
    low = ops.maximum(boxes[..., :2], others[..., :2])
    high = ops.minimum(boxes[..., 2:], others[..., 2:])
    shared = ops.prod(ops.maximum(high - low, 0), -1)
    return shared, box_ops.area(boxes) + box_ops.area(others) - shared


def sides_loss(distance_logits, true_boxes, centres):
    """How little of each side's probability is in the two bins around the true distance.

    Args:
        distance_logits: (B, A, 4, NUM_BINS) float32.
        true_boxes: (B, A, 4) float32, pixels.
        centres: (A, 3) float32 NumPy.

    Returns:
        (B, A) float32, the mean of the four sides.

    Source: Li et al. 2020 (Generalized Focal Loss), equation 6 (distribution focal loss).
    """
    points, strides = centres[:, :2], centres[:, 2:]
    sides = ops.concatenate([points - true_boxes[..., :2], true_boxes[..., 2:] - points], -1)
    distances = ops.clip(sides / strides, 0, NUM_BINS - 1)  # in strides; what is further is cut off
    bins = np.arange(NUM_BINS, dtype=np.float32)
    # A distance of 3.2 wants .8 in bin 3 and .2 in bin 4.
    wanted = ops.maximum(1 - ops.abs(distances[..., None] - bins), 0)
    return -ops.mean(ops.sum(wanted * ops.log_softmax(distance_logits, -1), -1), -1)
