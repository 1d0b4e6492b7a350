"""One stage in place of two: each cell says what it sees and how far its four sides are.

Head, then decoding, which has nothing to learn.

Letters: A cells of all levels, B images, D detections per image, K classes.
"""

import math

import numpy as np
from keras import layers, ops

from helpers.mask_rcnn import boxes as box_ops
from helpers.mask_rcnn.part import Part
from helpers.one_stage.backbone import OPTIONS, ConvLeaky

NUM_BINS = 11  # a side's distance is a mean over 0, 1, … 10 strides


class OneStageHead(Part):
    """[(B, h, w, C) of each level] -> class_logits (B, A, K), distance_logits (B, A, 4, NUM_BINS).

    A is the number of cells of all levels, level by level, row by row. Each level has a 3x3
    convolution and a 1x1 convolution of its own.

    Args:
        num_classes: K.
        num_levels: of the pyramid.
        channels: of the 3x3 convolutions.

    Source: Li et al. 2020 (Generalized Focal Loss), figure 2.
    """

    def __init__(self, num_classes, num_levels=3, channels=128, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.num_classes = num_classes
        outputs = num_classes + 4 * NUM_BINS
        self.convs = [ConvLeaky(channels, name=f"conv{i}") for i in range(num_levels)]
        self.outputs = [
            layers.Conv2D(outputs, 1, **OPTIONS, name=f"output{i}") for i in range(num_levels)
        ]

    def call(self, pyramid):
        rows = []
        for level, conv, output in zip(pyramid, self.convs, self.outputs, strict=True):
            answers = output(conv(level))
            num_cells = math.prod(level.shape[1:3])
            rows.append(ops.reshape(answers, (-1, num_cells, answers.shape[-1])))
        rows = ops.concatenate(rows, 1)
        distances = rows[..., self.num_classes :]
        distances = ops.reshape(distances, (-1, rows.shape[1], 4, NUM_BINS))
        return rows[..., : self.num_classes], distances


def make_centres(image_size, strides):
    """Where each cell stands: x, y and stride in pixels, (A, 3) float32 NumPy.

    Centres are half a pixel up and left of the middle of their cells, as NanoDet has them.
    """
    levels = []
    for stride in strides:
        y = (np.arange(image_size[0] // stride) + 0.5) * stride - 0.5
        x = (np.arange(image_size[1] // stride) + 0.5) * stride - 0.5
        y, x = np.meshgrid(y, x, indexing="ij")
        levels.append(np.stack([x.ravel(), y.ravel(), np.full(x.size, stride)], -1))
    return np.concatenate(levels).astype(np.float32)


def decode(distance_logits, centres):
    """Boxes from what cells say of their four sides.

    Args:
        distance_logits: (..., 4, NUM_BINS) float32: left, top, right, bottom, before the softmax.
        centres: (..., 3) float32 from `make_centres`.

    Returns:
        (..., 4) float32, pixels.
    """
    bins = ops.arange(NUM_BINS, dtype="float32")
    distances = ops.sum(ops.softmax(distance_logits, -1) * bins, -1) * centres[..., 2:]
    corner = centres[..., :2] - distances[..., :2]
    opposite = centres[..., :2] + distances[..., 2:]
    return ops.concatenate([corner, opposite], -1)


def select_boxes(
    class_logits, distance_logits, centres, image_size, num_candidates, num_boxes, min_score,
    nms_iou,
):  # fmt: skip
    """Final boxes: the surest pairs of a cell and a class, near-copies of a class removed.

    Args:
        class_logits: (B, A, K) float32.
        distance_logits: (B, A, 4, NUM_BINS) float32.
        centres: (A, 3) float32, see `make_centres`.
        image_size: (height, width), pixels, to clip at.
        num_candidates: pairs that enter NMS.
        num_boxes: D, how many to return; fewer where there are not so many pairs.
        min_score: what scores less is dropped at once.
        nms_iou: overlap above which the worse of two boxes of one class goes.

    Returns:
        boxes (B, D, 4) float32, labels (B, D) int32 in 1..K, scores (B, D) float32, best first.
        Where fewer are left the rest is padding: all zeros.
    """
    logits, cells, labels = _surest(class_logits, num_candidates)
    scores = ops.sigmoid(logits)
    boxes = decode(box_ops.take(distance_logits, cells), ops.take(centres, cells, axis=0))
    boxes = box_ops.clip(boxes, image_size)
    return box_ops.select_best(boxes, labels + 1, scores, image_size, num_boxes, min_score, nms_iou)


def _surest(class_logits, num):
    """The `num` highest of class_logits (B, A, K), their cells and classes: (B, num) each.

    All of them if there are fewer, as in a small picture with one class.

    None of them is in a cell whose highest is not among the `num` highest of all cells: so most
    cells need no sorting of their classes.
    """
    num_cells, num_classes = class_logits.shape[1:]
    num = min(num, num_cells * num_classes)
    _, cells = ops.top_k(ops.max(class_logits, -1), min(num, num_cells))
    rows = box_ops.take(class_logits, cells)
    logits, pairs = ops.top_k(ops.reshape(rows, (-1, rows.shape[1] * num_classes)), num)
    return logits, ops.take_along_axis(cells, pairs // num_classes, 1), pairs % num_classes
