"""Second stage, the box head: what is it, and where exactly?

Layer, targets, losses, boxes: the order that all three heads share.

Letters: B images, C channels, D detections per image, G true objects per image, K classes without
background, R proposals per image, S sampled proposals per image.
"""

from typing import NamedTuple

from keras import initializers, layers, ops

from helpers.mask_rcnn import boxes as box_ops
from helpers.mask_rcnn.losses import cross_entropy, mean_of, smooth_l1
from helpers.mask_rcnn.matching import match, sample
from helpers.mask_rcnn.part import Part

SCALE = (0.1, 0.1, 0.2, 0.2)  # proposals are good: deltas are a tenth, a fifth (Fast R-CNN's code)


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


class BoxHead(Part):
    """(B, R, size, size, C) -> class_logits (B, R, K + 1), box_deltas (B, R, 4).

    Two dense layers, then two outputs. The deltas are the same for all classes.

    Args:
        num_classes: K, without background.
        units: width of the dense layers.
        momentum: of BatchNorm.
    """

    def __init__(self, num_classes, units, momentum=0.97, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.dense1 = layers.Dense(units, use_bias=False, dtype="float32", name="dense1")
        self.norm1 = layers.BatchNormalization(momentum=momentum, dtype="float32", name="norm1")
        self.dense2 = layers.Dense(units, activation="relu", dtype="float32", name="dense2")
        self.logits = self._output(num_classes + 1, 0.01, "class")
        self.deltas = self._output(4, 0.001, "deltas")

    def _output(self, units, stddev, name):
        """A last layer that begins small: no opinion, no movement."""
        small = initializers.RandomNormal(stddev=stddev)
        return layers.Dense(units, kernel_initializer=small, dtype="float32", name=name)

    def call(self, roi_features, training=False):
        batch = ops.shape(roi_features)[0]
        num_rois, height, width, channels = roi_features.shape[1:]
        hidden = ops.reshape(roi_features, (-1, height * width * channels))
        hidden = ops.relu(self.norm1(self.dense1(hidden), training=training))
        hidden = self.dense2(hidden)
        logits = self.logits(hidden)
        deltas = self.deltas(hidden)
        return (
            ops.reshape(logits, (batch, num_rois, logits.shape[-1])),
            ops.reshape(deltas, (batch, num_rois, 4)),
        )


def box_targets(
    proposals, valid, gt_boxes, gt_labels, noise, num_rois, num_foreground, fg_iou=0.5,
    ignored=False,
):  # fmt: skip
    """Choose proposals to learn from, and what they should have answered.

    Args:
        proposals: (B, R, 4) float32, pixels.
        valid: (B, R) bool, False for padding.
        gt_boxes: (B, G, 4) float32, pixels; all zeros is padding.
        gt_labels: (B, G) int32, 1..K; 0 is padding.
        noise: (B, R) float32, random numbers in [0, 1), for the choice.
        num_rois: S, how many to choose.
        num_foreground: how many of these are foreground at most.
        fg_iou: overlap with a true box from which a proposal is foreground.
        ignored: (B, R) bool, proposals that must not be called background.

    Returns:
        BoxTargets. An image without objects gives background only.

    Source: Girshick 2015 (Fast R-CNN), section 2.3.
    """
    overlaps = box_ops.iou(proposals, gt_boxes)  # (B, R, G)
    matched, foreground, background = match(overlaps, fg_iou, fg_iou)
    foreground = ops.logical_and(foreground, valid)
    background = ops.logical_and(background, valid)
    background = ops.logical_and(background, ops.logical_not(ignored))
    fg_indices, is_fg = sample(foreground, num_foreground, noise)
    bg_indices, is_bg = sample(background, num_rois - num_foreground, noise)
    indices = ops.concatenate([fg_indices, bg_indices], 1)
    is_foreground = ops.concatenate([is_fg, ops.zeros_like(is_bg)], 1)
    chosen = box_ops.take(proposals, indices)
    matched = box_ops.take(matched, indices)
    labels = ops.cast(box_ops.take(gt_labels, matched), "int32")
    return BoxTargets(
        proposals=chosen,
        labels=ops.where(is_foreground, labels, 0),
        matched=matched,
        deltas=box_ops.encode(box_ops.take(gt_boxes, matched), chosen, SCALE),
        valid=ops.concatenate([is_fg, is_bg], 1),
    )


def class_loss(class_logits, targets):
    """Which class is it, or is it background?

    Args:
        class_logits: (B, S, K + 1) float32.
        targets: BoxTargets of the same S proposals.

    Returns:
        A scalar, the mean cross-entropy over the sample; 0 without any.
    """
    return mean_of(cross_entropy(class_logits, targets.labels), targets.valid)


def box_loss(box_deltas, targets, beta=0.2):
    """How does the proposal have to move? Smooth L1, averaged over the four deltas.

    Args:
        box_deltas: (B, S, 4) float32.
        targets: BoxTargets of the same S proposals.
        beta: see `smooth_l1`, in units of SCALE.

    Returns:
        A scalar, the mean over foreground proposals; 0 without any.
    """
    error = ops.mean(smooth_l1(box_deltas - targets.deltas, beta), -1)
    return mean_of(error, targets.labels > 0)


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
    # Pairs of a box and a class; the best few enter NMS.
    scores = ops.reshape(scores, (-1, proposals.shape[1] * num_classes))
    scores, pairs = ops.top_k(scores, min(4 * num_boxes, scores.shape[1]))
    labels = pairs % num_classes + 1
    boxes = box_ops.take(boxes, pairs // num_classes)
    return box_ops.select_best(boxes, labels, scores, image_size, num_boxes, min_score, nms_iou)
