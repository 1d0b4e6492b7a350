"""First stage, the region proposal network: where might an object be?

Layer, targets, losses, proposals: the order that all three heads share.

Letters: A anchors, B images, C channels, G true objects per image, R proposals per image,
S sampled anchors per image, h x w cells of a map.
"""

from typing import NamedTuple

from keras import initializers, layers, ops

from helpers.mask_rcnn import boxes as box_ops
from helpers.mask_rcnn.losses import binary_cross_entropy, mean_of, smooth_l1
from helpers.mask_rcnn.matching import match, sample
from helpers.mask_rcnn.part import Part

SCALE = (1.0, 1.0, 1.0, 1.0)  # anchors are coarse: their deltas are of order one as they are
OBJECT_PRIOR_BIAS = -3.0  # sigmoid(-3) = 0.05: at the start almost every anchor is background


class RPNTargets(NamedTuple):
    """What a sample of S anchors should have answered. Foreground comes first.

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


class RPNHead(Part):
    """(B, h, w, C) of each level -> objectness_logits (B, A), anchor_deltas (B, A, 4).

    One 3x3 convolution, then two of 1x1, shared by all levels.

    Args:
        num_shapes: anchors per cell.
        channels: width of the 3x3 convolution.
    """

    def __init__(self, num_shapes, channels, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        options = {"data_format": "channels_last", "dtype": "float32"}
        small = initializers.RandomNormal(stddev=0.01)
        prior = initializers.Constant(OBJECT_PRIOR_BIAS)
        self.conv = layers.Conv2D(
            channels, 3, padding="same", activation="relu", name="conv", **options
        )
        self.objectness = layers.Conv2D(
            num_shapes, 1, kernel_initializer=small, bias_initializer=prior, name="objectness",
            **options,
        )  # fmt: skip
        self.deltas = layers.Conv2D(
            num_shapes * 4, 1, kernel_initializer=small, name="deltas", **options
        )

    def call(self, pyramid):
        batch = ops.shape(pyramid[0])[0]
        logits, deltas = [], []
        for level in pyramid:
            hidden = self.conv(level)
            logits.append(ops.reshape(self.objectness(hidden), (batch, -1)))
            deltas.append(ops.reshape(self.deltas(hidden), (batch, -1, 4)))
        return ops.concatenate(logits, 1), ops.concatenate(deltas, 1)


def rpn_targets(
    anchors, gt_boxes, noise, num_samples=128, fg_iou=0.6, bg_iou=0.3, low_quality_iou=0.2,
    foreground_share=0.25, ignored=False,
):  # fmt: skip
    """Choose anchors to learn from, and what they should have answered.

    Args:
        anchors: (A, 4) float32, pixels.
        gt_boxes: (B, G, 4) float32, pixels; all zeros is padding.
        noise: (B, A) float32, random numbers in [0, 1), for the choice.
        num_samples: S, anchors per image.
        fg_iou: from this overlap on an anchor is foreground.
        bg_iou: below this overlap it is background.
        low_quality_iou: from here on the best anchor of each object is foreground, too.
        foreground_share: how much of the sample is foreground at most.
        ignored: (B, A) bool, anchors that must not be called background.

    Returns:
        RPNTargets. An image without objects gives background only.

    Source: Ren et al. 2015, section 3.1.2.
    """
    overlaps = box_ops.iou(anchors, gt_boxes)  # (B, A, G)
    matched, foreground, background = match(overlaps, fg_iou, bg_iou, low_quality_iou)
    background = ops.logical_and(background, ops.logical_not(ignored))
    num_fg = int(num_samples * foreground_share)
    fg_indices, is_fg = sample(foreground, num_fg, noise)
    bg_indices, is_bg = sample(background, num_samples - num_fg, noise)
    indices = ops.concatenate([fg_indices, bg_indices], 1)
    objects = box_ops.take(gt_boxes, box_ops.take(matched, indices))
    return RPNTargets(
        indices,
        foreground=ops.concatenate([is_fg, ops.zeros_like(is_bg)], 1),
        background=ops.concatenate([ops.zeros_like(is_fg), is_bg], 1),
        deltas=box_ops.encode(objects, ops.take(anchors, indices, axis=0), SCALE),
    )


def rpn_class_loss(objectness_logits, targets):
    """Is there an object at the anchor? Half the mean over foreground, half over background.

    Objects are few: one mean over all would hardly hear them.

    Args:
        objectness_logits: (B, A) float32.
        targets: RPNTargets.

    Returns:
        A scalar; a half that has no anchor counts 0.
    """
    logits = box_ops.take(objectness_logits[..., None], targets.indices)[..., 0]
    of_foreground = mean_of(binary_cross_entropy(logits, 1.0), targets.foreground)
    of_background = mean_of(binary_cross_entropy(logits, 0.0), targets.background)
    return of_foreground / 2 + of_background / 2


def rpn_box_loss(anchor_deltas, targets, beta=1 / 9):
    """How does the anchor have to move? Smooth L1, summed over the four deltas.

    Args:
        anchor_deltas: (B, A, 4) float32.
        targets: RPNTargets.
        beta: see `smooth_l1`.

    Returns:
        A scalar, the mean over foreground anchors; 0 without any.
    """
    difference = box_ops.take(anchor_deltas, targets.indices) - targets.deltas
    error = ops.sum(smooth_l1(difference, beta), -1)
    return mean_of(error, targets.foreground)


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
