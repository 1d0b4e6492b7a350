"""Box arithmetic, with nothing to learn in it: anchors, IoU, deltas, NMS.

A box is [x1, y1, x2, y2] in pixels of the network's input; coordinates are continuous (the first
pixel spans 0..1, its centre is at 0.5), so width = x2 - x1. Everything works on whole batches with
fixed shapes; what is missing is padding, marked as such.

Letters: A anchors, B images, N or M boxes per image.
"""

import math

import numpy as np
from keras import ops

from helpers.structures import require

# A delta may enlarge a box by this factor at most (its logarithm): beyond it, exp() of a bad
# early guess would overflow. A 16 px anchor may still become a 1,000 px box (detectron2).
MAX_LOG_SCALE = math.log(1000 / 16)


def make_anchors(image_size, strides, sides, ratios):
    """Lay reference boxes over an image: the same few shapes around every cell of every level.

    Args:
        image_size: (height, width), pixels.
        strides: pixels between cells, one number per level.
        sides: square root of the anchor's area, pixels; one tuple per level.
        ratios: height / width of each shape.

    Returns:
        (A, 4) float32 NumPy array in the order level, row, column, side, ratio. Anchors may stick
        out of the image. A is 0 if a level has no side.

    Raises:
        ValueError: strides and sides differ in length, or a side or ratio is not positive.

    Source: Ren et al. 2015 (Faster R-CNN), section 3.1.1; levels as in Lin et al. 2017 (FPN).
    """
    require(len(strides) == len(sides), f"{len(strides)} strides but {len(sides)} tuples of sides")
    require(all(r > 0 for r in ratios), f"ratios must be positive, got {ratios}")
    levels = []
    for stride, level_sides in zip(strides, sides, strict=True):
        require(all(s > 0 for s in level_sides), f"sides must be positive, got {level_sides}")
        y = (np.arange(math.ceil(image_size[0] / stride)) + 0.5) * stride
        x = (np.arange(math.ceil(image_size[1] / stride)) + 0.5) * stride
        y, x = np.meshgrid(y, x, indexing="ij")  # the centre of each cell
        half = [[s / r**0.5 / 2, s * r**0.5 / 2] for s in level_sides for r in ratios]
        half = np.array(half).reshape(1, -1, 2)  # (1, shapes, [half width, half height])
        centres = np.stack([x.ravel(), y.ravel()], -1)[:, None]  # (cells, 1, 2)
        levels.append(np.concatenate([centres - half, centres + half], -1).reshape(-1, 4))
    return np.concatenate(levels).astype(np.float32)


def area(boxes):
    """Area of boxes (..., 4) in square pixels: (...). An inside-out box has area 0."""
    boxes = ops.convert_to_tensor(boxes)
    sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return sides[..., 0] * sides[..., 1]


def intersection(a, b):
    """Area that every box of `a` shares with every box of `b`, square pixels.

    Args:
        a: (..., N, 4) float32 boxes, pixels.
        b: (..., M, 4) float32 boxes, pixels.

    Returns:
        (..., N, M) float32. N or M may be 0.
    """
    a, b = ops.convert_to_tensor(a), ops.convert_to_tensor(b)
    low = ops.maximum(a[..., :, None, :2], b[..., None, :, :2])
    high = ops.minimum(a[..., :, None, 2:], b[..., None, :, 2:])
    sides = ops.maximum(high - low, 0)
    return sides[..., 0] * sides[..., 1]


def iou(a, b):
    """Intersection over union of every box of `a` with every box of `b`.

    Args:
        a: (..., N, 4) float32 boxes, pixels.
        b: (..., M, 4) float32 boxes, pixels.

    Returns:
        (..., N, M) float32, 0..1; 0 where both boxes are empty. N or M may be 0.
    """
    shared = intersection(a, b)
    union = area(a)[..., :, None] + area(b)[..., None, :] - shared
    return shared / ops.maximum(union, 1e-6)


def share_inside(a, b):
    """Which share of every box of `a` lies in every box of `b`? Shapes as in `iou`."""
    return intersection(a, b) / ops.maximum(area(a)[..., :, None], 1e-6)


def encode(boxes, reference, scale):
    """Describe boxes relative to reference boxes: what the network learns to predict.

    Args:
        boxes: (..., 4) float32, the boxes wanted, pixels.
        reference: (..., 4) float32, anchors or proposals, pixels.
        scale: (4,), typical size of each delta; dividing by it makes all four alike.

    Returns:
        (..., 4) float32 deltas: shift of the centre in units of the reference's sides, then the
        logarithm of the change of width and height. Sides below 1 px count as 1 px.

    Source: Girshick et al. 2014 (R-CNN), appendix C.
    """
    boxes, reference = ops.convert_to_tensor(boxes), ops.convert_to_tensor(reference)
    sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 1)
    reference_sides = ops.maximum(reference[..., 2:] - reference[..., :2], 1)
    shift = (boxes[..., :2] + boxes[..., 2:] - reference[..., :2] - reference[..., 2:]) / 2
    deltas = ops.concatenate([shift / reference_sides, ops.log(sides / reference_sides)], -1)
    return deltas / ops.convert_to_tensor(scale, "float32")


def decode(deltas, reference, scale):
    """Boxes from deltas, the inverse of `encode`. Arguments and shapes as there."""
    deltas, reference = ops.convert_to_tensor(deltas), ops.convert_to_tensor(reference)
    deltas = deltas * ops.convert_to_tensor(scale, "float32")
    sides = ops.maximum(reference[..., 2:] - reference[..., :2], 1)
    centre = (reference[..., :2] + reference[..., 2:]) / 2 + deltas[..., :2] * sides
    half = sides * ops.exp(ops.clip(deltas[..., 2:], -MAX_LOG_SCALE, MAX_LOG_SCALE)) / 2
    return ops.concatenate([centre - half, centre + half], -1)


def clip(boxes, image_size):
    """Cut boxes (..., 4) at the border of an image of (height, width) pixels."""
    height, width = image_size
    x1, y1, x2, y2 = ops.unstack(boxes, 4, axis=-1)
    x1, x2 = ops.clip(x1, 0, width), ops.clip(x2, 0, width)
    y1, y2 = ops.clip(y1, 0, height), ops.clip(y2, 0, height)
    return ops.stack([x1, y1, x2, y2], -1)


def nms(boxes, valid, nms_iou):
    """Non-maximum suppression: of boxes that overlap much, keep the best.

    A box stays unless a better one that itself stays overlaps it by more than `nms_iou`. Instead
    of one box at a time, all are judged at once, again and again until nothing changes: the
    answer is the same, the shapes are fixed, and a few rounds do.

    Args:
        boxes: (B, N, 4) float32, pixels, best first.
        valid: (B, N) bool, False for padding, which neither stays nor suppresses.
        nms_iou: overlap above which the worse box goes.

    Returns:
        (B, N) bool, True for boxes that stay. N may be 0.
    """
    valid = ops.convert_to_tensor(valid, "bool")
    better = np.tril(np.ones((boxes.shape[1],) * 2, bool), -1)  # [i, j]: j comes before i
    suppressed_by = ops.cast(ops.logical_and(iou(boxes, boxes) > nms_iou, better), "float32")

    def judge(keep, _):
        rivals = ops.matmul(suppressed_by, ops.cast(keep, "float32")[..., None])[..., 0]
        return ops.logical_and(valid, rivals < 0.5), keep

    def changed(keep, before):
        return ops.any(ops.not_equal(keep, before))

    keep, _ = ops.while_loop(changed, judge, judge(valid, valid))
    return keep


def select_best(boxes, labels, scores, image_size, num_boxes, min_score, nms_iou):
    """A detector's last step: NMS within each class, then the best boxes of all classes.

    Args:
        boxes: (B, N, 4) float32, pixels, best first, clipped at the image.
        labels: (B, N) int32, 1..K.
        scores: (B, N) float32, 0..1.
        image_size: (height, width), pixels.
        num_boxes: D, how many to return; N where there are fewer.
        min_score: what scores less is dropped at once, as is a box with a side below 1 px.
        nms_iou: overlap above which the worse of two boxes of one class goes.

    Returns:
        boxes (B, D, 4) float32, labels (B, D) int32 in 1..K, scores (B, D) float32, best first.
        Where fewer are left the rest is padding: all zeros.
    """
    # Boxes of different classes never meet when each class is moved to an island of its own.
    island = ops.cast(labels, "float32")[..., None] * (2.0 * max(image_size))
    big_enough = ops.all(boxes[..., 2:] - boxes[..., :2] >= 1, -1)
    good_enough = ops.logical_and(scores >= min_score, big_enough)
    keep = nms(boxes + island, good_enough, nms_iou)
    scores, order = ops.top_k(ops.where(keep, scores, 0.0), min(num_boxes, scores.shape[1]))
    is_real = scores > 0
    boxes = ops.where(is_real[..., None], take(boxes, order), 0.0)
    labels = ops.where(is_real, take(labels, order), 0)
    return boxes, labels, scores


def take(values, indices):
    """Rows of a batch: values (B, N, ...), indices (B, M) -> (B, M, ...)."""
    batch, num = ops.shape(values)[0], ops.shape(values)[1]
    flat = ops.reshape(values, (batch * num, *values.shape[2:]))
    indices = ops.cast(indices, "int32")
    return ops.take(flat, indices + num * ops.arange(batch, dtype="int32")[:, None], axis=0)
