"""Second stage, the box head: what is it, and where exactly?

Head, targets, loss, boxes: the order that all three heads share. Letters: `helpers.structures`.
"""

from typing import NamedTuple

import keras
from keras import layers, ops

from helpers.mask_rcnn import boxes as box_ops

SCALE = (0.1, 0.1, 0.2, 0.2)  # proposals are good: deltas are a tenth, a fifth (Fast R-CNN's code)
BETA = 0.2  # where the L1 loss of the deltas turns round, in units of SCALE


class BoxTargets(NamedTuple):
    """What a sample of S proposals should have said. Foreground comes first.

    Attributes:
        proposals: (B, S, 4) float32, pixels.
        labels: (B, S) int32, 1..K, 0 for background.
        matched: (B, S) int32, index of the true object; meaningless outside the foreground.
        deltas: (B, S, 4) float32, from proposal to object; meaningless outside the foreground.
        valid: (B, S) bool, False for padding.
    """

    proposals: object
    labels: object
    matched: object
    deltas: object
    valid: object


@keras.saving.register_keras_serializable("pixelwise")
class BoxHead(layers.Layer):
    """(B, R, 7, 7, C) -> class_logits (B, R, K + 1), box_deltas (B, R, 4).

    Two dense layers, then two outputs. The deltas are the same for all classes.

    Args:
        num_classes: K, without background.
        units: width of the dense layers.
    """

    def __init__(self, num_classes, units, **kwargs):
        super().__init__(**kwargs)
        small = lambda stddev: keras.initializers.RandomNormal(stddev=stddev)  # noqa: E731
        self.dense1 = layers.Dense(units, use_bias=False, name="dense1")
        self.norm1 = layers.BatchNormalization(momentum=0.97, name="norm1")
        self.dense2 = layers.Dense(units, activation="relu", name="dense2")
        self.logits = layers.Dense(num_classes + 1, kernel_initializer=small(0.01), name="class")
        self.deltas = layers.Dense(4, kernel_initializer=small(0.001), name="deltas")

    def call(self, roi_features, training=False):
        batch, num = ops.shape(roi_features)[0], roi_features.shape[1]
        hidden = ops.reshape(roi_features, (-1, roi_features.shape[2] ** 2 * roi_features.shape[4]))
        hidden = ops.relu(self.norm1(self.dense1(hidden), training=training))
        hidden = self.dense2(hidden)
        logits, deltas = self.logits(hidden), self.deltas(hidden)
        return (
            ops.reshape(logits, (batch, num, logits.shape[-1])),
            ops.reshape(deltas, (batch, num, 4)),
        )


def box_targets(
    proposals, valid, gt_boxes, gt_labels, noise, num_rois, num_foreground, fg_iou=0.5, unsure=False
):
    """Choose proposals to learn from, and what they should have said.

    Args:
        proposals: (B, R, 4) float32, pixels.
        valid: (B, R) bool, False for padding.
        gt_boxes: (B, G, 4) float32, pixels; all zeros is padding.
        gt_labels: (B, G) int32, 1..K; 0 is padding.
        noise: (B, R) float32 random numbers in [0, 1), for the choice.
        num_rois: S, how many to choose.
        num_foreground: how many of these are foreground at most.
        fg_iou: overlap with a true box from which a proposal is foreground.
        unsure: (B, R) bool, of what is not foreground: nobody has looked what is there.

    Returns:
        BoxTargets. An image without objects gives background only.

    Source: Girshick 2015 (Fast R-CNN), section 2.3.
    """
    overlaps = box_ops.iou(proposals, gt_boxes)
    matched, foreground, background = box_ops.match(overlaps, fg_iou, fg_iou)
    fg_indices, is_fg = box_ops.sample(ops.logical_and(foreground, valid), num_foreground, noise)
    background = ops.logical_and(ops.logical_and(background, valid), ops.logical_not(unsure))
    bg_indices, is_bg = box_ops.sample(background, num_rois - num_foreground, noise)
    indices = ops.concatenate([fg_indices, bg_indices], 1)
    chosen = box_ops.take(proposals, indices)
    matched = box_ops.take(matched, indices)
    labels = ops.cast(box_ops.take(gt_labels, matched), "int32")
    is_foreground = ops.concatenate([is_fg, ops.zeros_like(is_bg)], 1)
    return BoxTargets(
        chosen,
        ops.where(is_foreground, labels, 0),
        matched,
        box_ops.encode(box_ops.take(gt_boxes, matched), chosen, SCALE),
        ops.concatenate([is_fg, is_bg], 1),
    )


def box_loss(class_logits, box_deltas, targets, labelled=None):
    """Losses of the second stage: which class, and how does the proposal have to move?

    Args:
        class_logits: (B, S, K + 1) float32.
        box_deltas: (B, S, 4) float32.
        targets: BoxTargets of the same S proposals.
        labelled: (B, K) uint8, 1 for the classes that were looked for in an image; None for all.
            What is background there may be of another class: only the scores of these are wrong.

    Returns:
        class, box: two scalars: mean cross-entropy over the sample, and the error of the deltas
        per foreground proposal (0 without any).
    """
    valid = ops.cast(targets.valid, "float32")
    log_scores = ops.log_softmax(class_logits, -1)
    right = ops.one_hot(targets.labels, class_logits.shape[-1], dtype="bool")
    if labelled is not None:
        others = ops.pad(ops.cast(labelled, "int32") == 0, ((0, 0), (1, 0)))[:, None]
        right = ops.logical_or(right, ops.logical_and(targets.labels[..., None] == 0, others))
    class_loss = -ops.sum(ops.logsumexp(ops.where(right, log_scores, -1e9), -1) * valid)
    foreground = ops.cast(targets.labels > 0, "float32")
    error = box_ops.smooth_l1(box_deltas - targets.deltas, BETA) / 4
    box = ops.sum(error * foreground) / ops.maximum(ops.sum(foreground), 1)
    return class_loss / ops.maximum(ops.sum(valid), 1), box


def select_boxes(
    class_logits, box_deltas, proposals, valid, image_size, num_boxes, min_score, nms_iou
):
    """Final boxes: each proposal moved by its deltas, near-copies of a class removed.

    Args:
        class_logits: (B, R, K + 1) float32.
        box_deltas: (B, R, 4) float32.
        proposals: (B, R, 4) float32, pixels.
        valid: (B, R) bool, False for padding.
        image_size: (height, width), pixels, to clip at.
        num_boxes: D, how many to return.
        min_score: what scores less is dropped at once.
        nms_iou: overlap above which the worse of two boxes of one class goes.

    Returns:
        boxes (B, D, 4) float32, labels (B, D) int32 in 1..K, scores (B, D) float32, best first.
        Where fewer are left the rest is padding: all zeros.
    """
    num_classes = class_logits.shape[-1] - 1
    boxes = box_ops.clip(box_ops.decode(box_deltas, proposals, SCALE), image_size)
    scores = ops.where(valid[..., None], ops.softmax(class_logits, -1)[..., 1:], 0.0)
    scores = ops.reshape(scores, (-1, proposals.shape[1] * num_classes))  # pairs (box, class)
    scores, pairs = ops.top_k(scores, min(4 * num_boxes, scores.shape[1]))
    labels = pairs % num_classes
    boxes = box_ops.take(boxes, pairs // num_classes)
    # Boxes of different classes never meet when each class is moved to an island of its own.
    island = ops.cast(labels, "float32")[..., None] * (2.0 * max(image_size))
    big_enough = ops.all(boxes[..., 2:] - boxes[..., :2] >= 1, -1)
    keep = box_ops.nms(boxes + island, ops.logical_and(scores >= min_score, big_enough), nms_iou)
    scores, order = ops.top_k(ops.where(keep, scores, 0.0), num_boxes)
    boxes, labels = box_ops.take(boxes, order), box_ops.take(labels + 1, order)
    found = scores > 0
    return ops.where(found[..., None], boxes, 0.0), ops.where(found, labels, 0), scores
