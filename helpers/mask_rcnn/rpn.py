"""First stage, the region proposal network: where might something be?

Head, targets, loss, proposals: the order that all three heads share. Letters: `helpers.structures`.
"""

from typing import NamedTuple

import keras
from keras import layers, ops

from helpers.mask_rcnn import boxes as box_ops

SCALE = (1.0, 1.0, 1.0, 1.0)  # anchors are coarse: their deltas are of order one as they are
OBJECT_PRIOR_BIAS = -3.0  # sigmoid(-3) = 0.05: at the start almost every anchor is background


class RPNTargets(NamedTuple):
    """What a sample of S anchors should have said. Foreground comes first.

    Attributes:
        indices: (B, S) int32 into the anchors.
        foreground: (B, S) bool.
        background: (B, S) bool; a slot that is neither is padding.
        deltas: (B, S, 4) float32, from anchor to object; meaningless outside the foreground.
    """

    indices: object
    foreground: object
    background: object
    deltas: object


@keras.saving.register_keras_serializable("pixelwise")
class RPNHead(layers.Layer):
    """(B, h, w, C) of each level -> objectness_logits (B, A), anchor_deltas (B, A, 4).

    One 3x3 convolution, then two of 1x1, shared by all levels.

    Args:
        num_shapes: anchors per cell.
        channels: width of the 3x3 convolution.
    """

    def __init__(self, num_shapes, channels, **kwargs):
        super().__init__(**kwargs)
        small = keras.initializers.RandomNormal(stddev=0.01)
        prior = keras.initializers.Constant(OBJECT_PRIOR_BIAS)
        self.conv = layers.Conv2D(channels, 3, padding="same", activation="relu", name="conv")
        self.objectness = layers.Conv2D(
            num_shapes, 1, kernel_initializer=small, bias_initializer=prior, name="objectness"
        )
        self.deltas = layers.Conv2D(num_shapes * 4, 1, kernel_initializer=small, name="deltas")

    def call(self, pyramid):
        hidden = [self.conv(level) for level in pyramid]
        batch = ops.shape(pyramid[0])[0]
        logits = [ops.reshape(self.objectness(h), (batch, -1)) for h in hidden]
        deltas = [ops.reshape(self.deltas(h), (batch, -1, 4)) for h in hidden]
        return ops.concatenate(logits, 1), ops.concatenate(deltas, 1)


def rpn_targets(anchors, gt_boxes, noise, num_samples=128, fg_iou=0.6, bg_iou=0.3, unsure=False):
    """Choose anchors to learn from, and what they should have said.

    Args:
        anchors: (A, 4) float32, pixels.
        gt_boxes: (B, G, 4) float32, pixels; all zeros is padding.
        noise: (B, A) float32 random numbers in [0, 1), for the choice.
        num_samples: anchors per image, a quarter of them foreground where there are enough.
        fg_iou: from this overlap on an anchor is foreground (so is the best of each object).
        bg_iou: below this overlap it is background,
        unsure: (B, A) bool, unless nobody has looked what is there.

    Returns:
        RPNTargets. An image without objects gives background only.

    Source: Ren et al. 2015, section 3.1.2.
    """
    overlaps = box_ops.iou(anchors, gt_boxes)  # (B, A, G)
    matched, foreground, background = box_ops.match(overlaps, fg_iou, bg_iou, rescue_iou=0.2)
    background = ops.logical_and(background, ops.logical_not(unsure))
    fg_indices, is_fg = box_ops.sample(foreground, num_samples // 4, noise)
    bg_indices, is_bg = box_ops.sample(background, num_samples - num_samples // 4, noise)
    indices = ops.concatenate([fg_indices, bg_indices], 1)
    wanted = box_ops.take(gt_boxes, box_ops.take(matched, indices))
    deltas = box_ops.encode(wanted, ops.take(anchors, indices, axis=0), SCALE)
    return RPNTargets(
        indices,
        ops.concatenate([is_fg, ops.zeros_like(is_bg)], 1),
        ops.concatenate([ops.zeros_like(is_fg), is_bg], 1),
        deltas,
    )


def rpn_loss(objectness_logits, anchor_deltas, targets):
    """Losses of the first stage: is it an object, and how does the anchor have to move?

    Args:
        objectness_logits: (B, A) float32.
        anchor_deltas: (B, A, 4) float32.
        targets: RPNTargets.

    Returns:
        rpn_class, rpn_box: two scalars. The first is half the mean over foreground plus half the
        mean over background, since objects are few; the second is 0 without foreground.
    """
    logits = box_ops.take(objectness_logits[..., None], targets.indices)[..., 0]
    foreground = ops.cast(targets.foreground, "float32")
    background = ops.cast(targets.background, "float32")
    num_fg, num_bg = ops.maximum(ops.sum(foreground), 1), ops.maximum(ops.sum(background), 1)
    class_loss = ops.sum(ops.softplus(-logits) * foreground) / num_fg / 2
    class_loss = class_loss + ops.sum(ops.softplus(logits) * background) / num_bg / 2
    error = box_ops.smooth_l1(
        box_ops.take(anchor_deltas, targets.indices) - targets.deltas, beta=1 / 9
    )
    return class_loss, ops.sum(error * foreground) / num_fg


def select_proposals(
    objectness_logits, anchor_deltas, anchors, image_size, num_candidates, num_proposals, nms_iou
):
    """Proposals: the best anchors, moved by their deltas, without near-copies.

    Args:
        objectness_logits: (B, A) float32.
        anchor_deltas: (B, A, 4) float32.
        anchors: (A, 4) float32, pixels.
        image_size: (height, width), pixels, to clip at.
        num_candidates: anchors that enter NMS, the best ones.
        num_proposals: R, how many to return.
        nms_iou: overlap above which the worse proposal goes.

    Returns:
        proposals (B, R, 4) float32, pixels, best first, and their scores (B, R) float32, 0..1.
        Where fewer are left the rest is padding: box 0 0 0 0, score 0.
    """
    logits, indices = ops.top_k(objectness_logits, num_candidates)
    reference = ops.take(anchors, indices, axis=0)
    candidates = box_ops.decode(box_ops.take(anchor_deltas, indices), reference, SCALE)
    candidates = box_ops.clip(candidates, image_size)
    sides = candidates[..., 2:] - candidates[..., :2]
    keep = box_ops.nms(candidates, ops.all(sides >= 1, -1), nms_iou)
    scores = ops.where(keep, ops.sigmoid(logits), 0.0)
    scores, order = ops.top_k(scores, num_proposals)
    proposals = box_ops.take(candidates, order)
    return ops.where(scores[..., None] > 0, proposals, 0.0), scores
