"""The network put together: from pixels to `Stages`, from a training batch to its five losses.

    images -> backbone -> neck -> rpn -> proposals -> box_head -> boxes -> mask_head -> masks

Letters: A anchors, B images, C channels, D detections per image, G true objects per image,
H x W pixels of the input, K classes without background, M cells along a side of a mask,
R proposals per image.
"""

from typing import NamedTuple

import keras
from keras import ops

from helpers.mask_rcnn import boxes as box_ops
from helpers.mask_rcnn.backbone import ResNet
from helpers.mask_rcnn.box_head import BoxHead, box_loss, box_targets, class_loss, select_boxes
from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.fpn import FPN
from helpers.mask_rcnn.mask_head import MaskHead, mask_loss, mask_targets, own_channel
from helpers.mask_rcnn.part import LossModel
from helpers.mask_rcnn.roi_align import roi_align
from helpers.mask_rcnn.rpn import (
    RPNHead,
    rpn_box_loss,
    rpn_class_loss,
    rpn_targets,
    select_proposals,
)
from helpers.structures import require

LOSS_NAMES = ("rpn_class", "rpn_box", "class", "box", "mask")


class Targets(NamedTuple):
    """A training batch, padded to G objects per image. Given to the model it returns the losses.

    Attributes:
        images: (B, H, W, 3) uint8.
        boxes: (B, G, 4) float32, pixels; zeros where there is no object.
        labels: (B, G) int32, 1..K; 0 where there is no object.
        masks: (B, G, H, W) uint8, 0 or 1.
    """

    images: object
    boxes: object
    labels: object
    masks: object


class Stages(NamedTuple):
    """Everything that `MaskRCNN(images)` computed, in this order; tensors, the batch first.

    Attributes:
        features: {"P2".."P6": (B, h, w, C)}, the pyramid.
        objectness_logits: (B, A), before the sigmoid.
        anchor_deltas: (B, A, 4), how each of `model.anchors` has to move.
        proposals: (B, R, 4) pixels of the input, best first; zeros are padding.
        proposal_scores: (B, R), 0..1; 0 is padding.
        roi_features: (B, R, 7, 7, C), what RoIAlign took for the box head.
        class_logits: (B, R, K + 1), before the softmax; 0 is background.
        box_deltas: (B, R, 4), how each proposal has to move.
        boxes: (B, D, 4) pixels of the input, the final boxes, best first; zeros are padding.
        labels: (B, D) int32, 1..K; 0 is padding.
        scores: (B, D), 0..1; 0 is padding.
        mask_features: (B, D, M/2, M/2, C), what RoIAlign took for the mask head.
        mask_logits: (B, D, M, M, K), before the sigmoid, a mask for each class.
        mask_scores: (B, D, M, M), 0..1, the mask of the box's own class.
    """

    features: dict
    objectness_logits: object
    anchor_deltas: object
    proposals: object
    proposal_scores: object
    roi_features: object
    class_logits: object
    box_deltas: object
    boxes: object
    labels: object
    scores: object
    mask_features: object
    mask_logits: object
    mask_scores: object


class MaskRCNN(LossModel):
    """Mask R-CNN. Call it with images for `Stages`, with `Targets` for the five losses.

    Each part can be exchanged for a layer of your own that takes and gives the same shapes; the
    class of the default one says which.

    Args:
        config: Config.
        seed: of the choice of anchors and proposals in training.
        backbone: images -> maps, as `ResNet`.
        neck: maps -> maps of equally many channels, as `FPN`.
        rpn: maps -> objectness_logits, anchor_deltas, as `RPNHead`.
        box_head: RoI features -> class_logits, box_deltas, as `BoxHead`.
        mask_head: RoI features -> mask_logits, as `MaskHead`.

    Attributes:
        anchors: (A, 4) float32 NumPy array, pixels of the input.

    Raises:
        ValueError: the config names a level that the neck does not give.

    Source: He et al. 2017 (Mask R-CNN), with the feature pyramid of Lin et al. 2017.
    """

    def __init__(
        self, config=None, seed=0, *, backbone=None, neck=None, rpn=None, box_head=None,
        mask_head=None, **kwargs,
    ):  # fmt: skip
        super().__init__(name="mask_rcnn", dtype="float32", **kwargs)
        self.config = config = config or Config()
        momentum = config.norm_momentum
        self.backbone = backbone or ResNet(config.widths, config.depths, momentum, name="backbone")
        self.neck = neck or FPN(config.fpn_channels, self.backbone.levels, name="fpn")
        num_shapes = len(config.anchor_sides[0]) * len(config.anchor_ratios)
        self.rpn = rpn or RPNHead(num_shapes, config.fpn_channels, name="rpn")
        self.box_head = box_head or BoxHead(
            config.num_classes, config.box_units, momentum, name="box_head"
        )
        self.mask_head = mask_head or MaskHead(
            config.num_classes, config.fpn_channels, config.mask_num_convs, momentum,
            name="mask_head",
        )  # fmt: skip
        wanted = {*config.anchor_levels, *config.roi_levels}
        missing = sorted(wanted - set(self.neck.levels))
        require(not missing, f"the neck gives levels {self.neck.levels}, but not {missing}")
        self.anchors = box_ops.make_anchors(
            config.image_size, config.anchor_strides, config.anchor_sides, config.anchor_ratios
        )
        self.noise = keras.random.SeedGenerator(seed)
        self.keep_means(LOSS_NAMES)

    def call(self, inputs, training=False):
        if isinstance(inputs, Targets):
            return self.compute_losses(inputs, training)
        return self.compute_stages(inputs, training)

    # Inference

    def compute_stages(self, images, training=False):
        """`Stages` of images (B, H, W, 3) uint8."""
        config = self.config
        features = self.features(images, training)
        objectness_logits, anchor_deltas = self.rpn(self.anchor_features(features))
        proposals, proposal_scores = self.propose(
            objectness_logits, anchor_deltas, config.num_proposals
        )
        roi_features = self.roi_features(features, proposals)
        class_logits, box_deltas = self.box_head(roi_features, training=training)
        boxes, labels, scores = select_boxes(
            class_logits, box_deltas, proposals, proposal_scores > 0, config.image_size,
            config.num_detections, config.min_score, config.nms_iou,
        )  # fmt: skip
        mask_features = self.mask_features(features, boxes)
        mask_logits = self.mask_head(mask_features, training=training)
        mask_scores = self.mask_scores(mask_logits, labels)
        return Stages(
            features, objectness_logits, anchor_deltas, proposals, proposal_scores, roi_features,
            class_logits, box_deltas, boxes, labels, scores, mask_features, mask_logits,
            mask_scores,
        )  # fmt: skip

    def features(self, images, training=False):
        """The pyramid of images (B, H, W, 3) uint8: {"P2": (B, h, w, C), "P3": ...}."""
        maps = self.neck(self.backbone(images, training=training), training=training)
        return {f"P{level}": one for level, one in zip(self.neck.levels, maps, strict=True)}

    def anchor_features(self, features):
        """The maps of the pyramid that have anchors, finest first."""
        return [features[f"P{level}"] for level in self.config.anchor_levels]

    def propose(self, objectness_logits, anchor_deltas, num_proposals):
        """The best proposals (B, num_proposals, 4) and their scores, without a gradient.

        What the second stage learns must not move the first: the proposals are its input only.
        """
        config = self.config
        proposals, scores = select_proposals(
            ops.stop_gradient(objectness_logits), ops.stop_gradient(anchor_deltas), self.anchors,
            config.image_size, config.num_candidates, num_proposals, config.proposal_nms_iou,
        )  # fmt: skip
        return ops.stop_gradient(proposals), ops.stop_gradient(scores)

    def roi_features(self, features, boxes):
        """What the box head sees of boxes (B, R, 4): (B, R, size, size, C)."""
        config = self.config
        return self.align(features, boxes, config.box_roi_size, config.box_sampling_ratio)

    def mask_features(self, features, boxes):
        """What the mask head sees of boxes (B, R, 4): (B, R, M/2, M/2, C)."""
        config = self.config
        return self.align(features, boxes, config.mask_side // 2, config.mask_sampling_ratio)

    def align(self, features, boxes, size, sampling_ratio):
        """The features of boxes (B, R, 4) on a grid: (B, R, size, size, C)."""
        config = self.config
        pyramid = [features[f"P{level}"] for level in config.roi_levels]
        return roi_align(
            pyramid, boxes, config.roi_strides, size, sampling_ratio, config.canonical_side
        )

    def mask_scores(self, mask_logits, labels):
        """The mask of each object's own class: (B, D, M, M), 0..1."""
        return ops.sigmoid(own_channel(mask_logits, labels))

    # Training

    def compute_losses(self, targets, training=True):
        """The five losses of a batch by name (`LOSS_NAMES`), scalars."""
        features = self.features(targets.images, training)
        objectness_logits, anchor_deltas = self.rpn(self.anchor_features(features))
        rpn_class, rpn_box = self.rpn_losses(objectness_logits, anchor_deltas, targets)

        proposals, valid = self.training_proposals(objectness_logits, anchor_deltas, targets)
        sampled = self.sample_proposals(proposals, valid, targets)
        of_class, of_box = self.box_losses(features, sampled, targets, training)
        of_mask = self.mask_losses(features, sampled, targets, training)

        losses = (rpn_class, rpn_box, of_class, of_box, of_mask)
        return dict(zip(LOSS_NAMES, losses, strict=True))

    def rpn_losses(self, objectness_logits, anchor_deltas, targets):
        """Losses of the first stage: where is an object, and how does the anchor have to move?"""
        config = self.config
        noise = self.draw_noise(ops.shape(objectness_logits)[0], len(self.anchors))
        sampled = rpn_targets(
            self.anchors, targets.boxes, noise, config.rpn_num_samples, config.rpn_fg_iou,
            config.rpn_bg_iou, config.rpn_low_quality_iou, config.rpn_foreground_share,
            self.ignored(self.anchors, targets),
        )  # fmt: skip
        return (
            rpn_class_loss(objectness_logits, sampled),
            rpn_box_loss(anchor_deltas, sampled, config.rpn_box_beta),
        )

    def training_proposals(self, objectness_logits, anchor_deltas, targets):
        """Proposals (B, R + G, 4) to learn from, and which of them are real, (B, R + G) bool.

        The true boxes, with a little jitter, join in: the heads learn before the proposals are
        good.

        Raises:
            ValueError: more proposals are wanted than candidates enter NMS.
        """
        config = self.config
        require(
            config.num_training_proposals <= config.num_candidates,
            f"num_training_proposals must be num_candidates ({config.num_candidates}) at most, "
            f"got {config.num_training_proposals}",
        )
        proposals, scores = self.propose(
            objectness_logits, anchor_deltas, config.num_training_proposals
        )
        sides = targets.boxes[..., 2:] - targets.boxes[..., :2]
        sides = ops.tile(sides, (1, 1, 2))  # width, height, width, height
        jitter = (self.draw_noise(*ops.shape(sides)) - 0.5) * 2 * config.truth_jitter
        true_boxes = box_ops.clip(targets.boxes + jitter * sides, config.image_size)
        return (
            ops.concatenate([proposals, true_boxes], 1),
            ops.concatenate([scores > 0, targets.labels > 0], 1),
        )

    def sample_proposals(self, proposals, valid, targets):
        """Proposals that the second stage learns from, and what it should answer: `BoxTargets`."""
        config = self.config
        noise = self.draw_noise(ops.shape(proposals)[0], proposals.shape[1])
        return box_targets(
            proposals, valid, targets.boxes, targets.labels, noise, config.num_rois,
            config.num_foreground, config.box_fg_iou, self.ignored(proposals, targets),
        )  # fmt: skip

    def box_losses(self, features, sampled, targets, training=True):
        """Losses of the second stage: which class, and how does the proposal have to move?"""
        roi_features = self.roi_features(features, sampled.proposals)
        class_logits, box_deltas = self.box_head(roi_features, training=training)
        return (
            self.class_loss(class_logits, sampled, targets),
            box_loss(box_deltas, sampled, self.config.box_beta),
        )

    def class_loss(self, class_logits, sampled, targets):
        """Loss of the classes; `PartialMaskRCNN` has another."""
        return class_loss(class_logits, sampled)

    def mask_losses(self, features, sampled, targets, training=True):
        """Loss of the third branch, which sees foreground only: which pixels of the box?"""
        config = self.config
        boxes = sampled.proposals[:, : config.num_foreground]
        labels = sampled.labels[:, : config.num_foreground]
        matched = sampled.matched[:, : config.num_foreground]
        mask_features = self.mask_features(features, boxes)
        mask_logits = self.mask_head(mask_features, training=training)
        cells = mask_targets(targets.masks, matched, boxes, config.mask_side)
        return self.mask_loss(mask_logits, labels, cells)

    def mask_loss(self, mask_logits, labels, cells):
        """Loss of the masks (B, S, M, M, K), given the true cells (B, S, M, M)."""
        return mask_loss(mask_logits, labels, cells)

    def ignored(self, boxes, targets):
        """Which boxes must not be called background. All objects are labelled: none."""
        return False

    def draw_noise(self, *shape):
        """Random numbers in [0, 1), float32."""
        return keras.random.uniform(shape, dtype="float32", seed=self.noise)
