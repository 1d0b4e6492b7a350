"""The network put together: backbone, feature pyramid, three heads; from pixels to `Detections`.

    images -> Backbone -> FPN -> RPNHead -> proposals -> BoxHead -> boxes -> MaskHead -> masks

`MaskRCNN(images)` returns `Stages`, everything that was computed on the way, by name.
Letters: see `helpers.structures`.
"""

import dataclasses
from typing import NamedTuple

import keras
from keras import ops

from helpers.mask_rcnn import boxes as box_ops
from helpers.mask_rcnn.backbone import FPN, Backbone
from helpers.mask_rcnn.box_head import BoxHead, box_loss, box_targets, select_boxes
from helpers.mask_rcnn.mask_head import MaskHead, mask_loss, mask_targets, own_channel
from helpers.mask_rcnn.roi_align import roi_align
from helpers.mask_rcnn.rpn import RPNHead, rpn_loss, rpn_targets, select_proposals
from helpers.structures import require

LOSS_NAMES = ("rpn_class", "rpn_box", "class", "box", "mask")


@dataclasses.dataclass(frozen=True)
class Config:
    """Every choice that makes one Mask R-CNN differ from another. Sizes are in pixels.

    The defaults are those of the bundled model `streets`: small enough to train on two CPU cores.
    """

    num_classes: int = 8  # without background
    image_size: tuple = (256, 320)  # (height, width) of the input, divisible by 64
    widths: tuple = (32, 64, 112, 168)  # channels of C2..C5
    depths: tuple = (1, 2, 2, 2)  # residual blocks of each
    fpn_channels: int = 64
    anchor_sides: tuple = ((10, 20), (32, 48), (72, 104), (150, 220))  # on P3..P6
    anchor_ratios: tuple = (0.5, 1.0, 2.0)  # height / width
    num_candidates: int = 320  # anchors that enter the first NMS
    num_proposals: int = 64  # that leave it
    proposal_nms_iou: float = 0.7
    box_units: int = 256  # dense layers of the box head
    min_score: float = 0.05  # a detection below it is dropped inside the network
    nms_iou: float = 0.5
    num_detections: int = 24
    mask_side: int = 28
    num_training_proposals: int = 96
    num_rois: int = 40  # proposals of an image that the second stage learns from
    num_foreground: int = 12  # of these foreground at most, first; the mask head sees only them


class Targets(NamedTuple):
    """A training batch, padded to G objects per image. Given to the model it returns the losses.

    Attributes:
        images: (B, H, W, 3) uint8.
        boxes: (B, G, 4) float32, pixels; zeros where there is no object.
        labels: (B, G) int32, 1..K; 0 where there is no object; -1 where nothing is background.
        masks: (B, G, H, W) uint8, 0 or 1; an object of which only the box is known has no 1.
        labelled: (B, K) uint8, 1 for the classes that were looked for in an image.
    """

    images: object
    boxes: object
    labels: object
    masks: object
    labelled: object


class Stages(NamedTuple):
    """Everything that `MaskRCNN(images)` computed, in this order; tensors, the batch first.

    Attributes:
        features: {"P2".."P6": (B, h, w, C)}, the pyramid.
        objectness_logits: (B, A), before the sigmoid.
        anchor_deltas: (B, A, 4), how each of `model.anchors` has to move.
        proposals: (B, R, 4) pixels of the input, best first; zeros are padding.
        proposal_scores: (B, R), 0..1; 0 is padding.
        roi_features: (B, R, 7, 7, C), what RoIAlign cut for the box head.
        class_logits: (B, R, K + 1), before the softmax; 0 is background.
        box_deltas: (B, R, 4), how each proposal has to move.
        boxes: (B, D, 4) pixels of the input, the final boxes, best first; zeros are padding.
        labels: (B, D) int32, 1..K; 0 is padding.
        scores: (B, D), 0..1; 0 is padding.
        mask_features: (B, D, M/2, M/2, C), what RoIAlign cut for the mask head.
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


@keras.saving.register_keras_serializable("pixelwise")
class MaskRCNN(keras.Model):
    """Mask R-CNN. Call it with images for `Stages`, with `Targets` for the five losses.

    Args:
        config: Config.
        seed: of the choice of anchors and proposals in training.

    Attributes:
        anchors: (A, 4) float32 NumPy array, pixels of the input.

    Source: He et al. 2017 (Mask R-CNN), with the feature pyramid of Lin et al. 2017.
    """

    strides = (4, 8, 16, 32, 64)

    def __init__(self, config=None, seed=0, **kwargs):
        super().__init__(name="mask_rcnn", **kwargs)
        self.config = config = config or Config()
        sides = config.image_size
        require(all(s % 64 == 0 for s in sides), f"image_size must be divisible by 64, got {sides}")
        self.anchors = box_ops.make_anchors(
            sides, self.strides[1:], config.anchor_sides, config.anchor_ratios
        )
        num_shapes = len(config.anchor_sides[0]) * len(config.anchor_ratios)
        self.backbone = Backbone(config.widths, config.depths, name="backbone")
        self.fpn = FPN(config.fpn_channels, name="fpn")
        self.rpn = RPNHead(num_shapes, config.fpn_channels, name="rpn")
        self.box_head = BoxHead(config.num_classes, config.box_units, name="box_head")
        self.mask_head = MaskHead(config.num_classes, config.fpn_channels, name="mask_head")
        self.noise = keras.random.SeedGenerator(seed)
        self.loss_means = [keras.metrics.Mean(name) for name in LOSS_NAMES]

    def build(self, *shapes):
        self.built = True  # its layers build themselves when first called; Keras would try it twice

    def call(self, inputs, training=False):
        if isinstance(inputs, Targets):
            return self.losses_of(inputs, training)
        config, pyramid = self.config, self.pyramid(inputs, training)
        logits, deltas = self.rpn(pyramid[1:])
        proposals, proposal_scores = self.propose(logits, deltas, config.num_proposals)
        roi_features = self.cut(pyramid, proposals, 7)
        class_logits, box_deltas = self.box_head(roi_features, training=training)
        boxes, labels, scores = select_boxes(
            class_logits, box_deltas, proposals, proposal_scores > 0, config.image_size,
            config.num_detections, config.min_score, config.nms_iou,
        )  # fmt: skip
        mask_features = self.cut(pyramid, boxes, config.mask_side // 2)
        mask_logits = self.mask_head(mask_features, training=training)
        mask_scores = ops.sigmoid(own_channel(mask_logits, labels))
        features = {f"P{i + 2}": level for i, level in enumerate(pyramid)}
        return Stages(
            features, logits, deltas, proposals, proposal_scores, roi_features, class_logits,
            box_deltas, boxes, labels, scores, mask_features, mask_logits, mask_scores,
        )  # fmt: skip

    def pyramid(self, images, training=False):
        """[P2..P6] of images (B, H, W, 3) uint8."""
        return self.fpn(self.backbone(images, training=training))

    def propose(self, logits, deltas, num):
        """The `num` best proposals (B, num, 4) and their scores; nothing is learnt through them."""
        config = self.config
        proposals, scores = select_proposals(
            ops.stop_gradient(logits), ops.stop_gradient(deltas), self.anchors, config.image_size,
            config.num_candidates, num, config.proposal_nms_iou,
        )  # fmt: skip
        return ops.stop_gradient(proposals), ops.stop_gradient(scores)

    def cut(self, pyramid, boxes, size):
        """Features of boxes (B, R, 4) from P2..P5: (B, R, size, size, C)."""
        return roi_align(pyramid[:4], boxes, self.strides[:4], size, samples=2 if size == 7 else 1)

    def losses_of(self, targets, training=True):
        """The five losses of a batch by name (`LOSS_NAMES`), scalars."""
        config, pyramid = self.config, self.pyramid(targets.images, training)
        logits, deltas = self.rpn(pyramid[1:])
        batch = ops.shape(logits)[0]
        draw = lambda *shape: keras.random.uniform(shape, seed=self.noise)  # noqa: E731
        some = lambda which: ops.where(which[..., None], targets.boxes, 0.0)  # noqa: E731
        gt_boxes, left_out = some(targets.labels > 0), some(targets.labels < 0)
        unsure = lambda boxes: ops.max(box_ops.iou(boxes, left_out, True), -1) > 0.5  # noqa: E731
        lots, doubt = draw(batch, len(self.anchors)), unsure(self.anchors)
        first = rpn_targets(self.anchors, gt_boxes, lots, unsure=doubt)
        rpn_class, rpn_box = rpn_loss(logits, deltas, first)

        proposals, scores = self.propose(logits, deltas, config.num_training_proposals)
        # The true boxes, a little shaken, join in: the heads learn before the proposals are good.
        sides = ops.tile(gt_boxes[..., 2:] - gt_boxes[..., :2], (1, 1, 2))
        shaken = gt_boxes + (draw(*ops.shape(sides)) - 0.5) * 0.2 * sides
        proposals = ops.concatenate([proposals, box_ops.clip(shaken, config.image_size)], 1)
        valid = ops.concatenate([scores > 0, targets.labels > 0], 1)
        second = box_targets(
            proposals, valid, gt_boxes, targets.labels, draw(batch, proposals.shape[1]),
            config.num_rois, config.num_foreground, unsure=unsure(proposals),
        )  # fmt: skip
        roi_features = self.cut(pyramid, second.proposals, 7)
        said = self.box_head(roi_features, training=training)
        class_loss, box = box_loss(*said, second, targets.labelled)

        boxes, matched, labels = (
            part[:, : config.num_foreground]
            for part in (second.proposals, second.matched, second.labels)
        )
        mask_features = self.cut(pyramid, boxes, config.mask_side // 2)
        wanted = mask_targets(targets.masks, matched, boxes, config.mask_side)
        labels = ops.where(box_ops.take(ops.any(targets.masks > 0, (2, 3)), matched), labels, 0)
        mask = mask_loss(self.mask_head(mask_features, training=training), labels, wanted)
        losses = (rpn_class, rpn_box, class_loss, box, mask)
        return dict(zip(LOSS_NAMES, losses, strict=True))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sum of the five losses: Keras calls this with what `call(Targets)` returned."""
        for mean in self.loss_means:
            mean.update_state(y_pred[mean.name])
        return sum(y_pred.values())
