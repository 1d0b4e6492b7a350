"""A one-stage detector with masks put together: from pixels to `OneStageResult`.

    images -> CspBackbone -> PathNeck -> OneStageHead -> boxes -> MaskBranch -> masks

Everything but the last step is NanoDet, trained on COCO by others; the mask branch is ours.

Letters: A cells of all levels, B images, D detections per image, H x W pixels of the input,
K classes, M cells along a side of a mask.
"""

import dataclasses
from typing import NamedTuple

import keras
from keras import layers, ops

from helpers.mask_rcnn.boxes import clip
from helpers.mask_rcnn.mask_head import mask_loss, mask_targets
from helpers.mask_rcnn.model import Targets
from helpers.mask_rcnn.part import LossModel
from helpers.one_stage.backbone import CspBackbone
from helpers.one_stage.head import OneStageHead, make_centres, select_boxes
from helpers.one_stage.mask_branch import MaskBranch
from helpers.one_stage.neck import PathNeck
from helpers.structures import require

JITTER = 0.12  # of a true box's sides: how far its corners move in training


@dataclasses.dataclass(frozen=True)
class OneStageConfig:
    """Every choice that makes one such network differ from another. Sizes are in pixels."""

    num_classes: int = 80
    image_size: tuple = (416, 416)  # (height, width) of the input, divisible by 32
    num_candidates: int = 500  # pairs of a cell and a class that enter NMS
    min_score: float = 0.005  # a detection below it is dropped inside the network
    nms_iou: float = 0.45
    num_detections: int = 100
    mask_side: int = 28
    mask_channels: int = 48
    fine_channels: int = 24

    def __post_init__(self):
        size = self.image_size
        fits = len(size) == 2 and all(side > 0 and side % 32 == 0 for side in size)
        require(fits, f"image_size must be (height, width), each divisible by 32, got {size}")
        require(
            self.num_detections <= self.num_candidates,
            f"num_detections must be num_candidates ({self.num_candidates}) at most, "
            f"got {self.num_detections}",
        )


class OneStageResult(NamedTuple):
    """Everything that `OneStageMaskRCNN(images)` computed; tensors, the batch first.

    Attributes:
        levels: {"C2".."C5": (B, h, w, C)}, the body's maps.
        features: {"N3".."N5": (B, h, w, C)}, the neck's.
        class_logits: (B, A, K), before the sigmoid, calibrated.
        distance_logits: (B, A, 4, bins), before the softmax.
        boxes: (B, D, 4) pixels of the input, the final boxes, best first; zeros are padding.
        labels: (B, D) int32, 1..K; 0 is padding.
        scores: (B, D), 0..1; 0 is padding.
        mask_logits: (B, D, M, M, 1), before the sigmoid, whatever the class.
        mask_scores: (B, D, M, M), 0..1.
    """

    levels: dict
    features: dict
    class_logits: object
    distance_logits: object
    boxes: object
    labels: object
    scores: object
    mask_logits: object
    mask_scores: object


class Calibration(layers.Layer):
    """(B, A, K) -> (B, A, K): class logits times a scale plus a shift of each class.

    The detector's raw scores are low. Neither number changes the order within a class; they are
    set once, after training, so that a score of .5 is a sensible threshold.
    """

    def build(self, shape):
        self.scale = self.add_weight(
            shape=(shape[-1],), initializer="ones", trainable=False, name="scale"
        )
        self.shift = self.add_weight(
            shape=(shape[-1],), initializer="zeros", trainable=False, name="shift"
        )

    def call(self, class_logits):
        return class_logits * self.scale + self.shift


class OneStageMaskRCNN(LossModel):
    """One-stage detector with masks. Called with images it gives `OneStageResult`, with `Targets`
    the loss of its mask branch.

    Args:
        config: OneStageConfig.
        seed: of the jitter in training.

    Attributes:
        centres: (A, 3) float32 NumPy array, see `make_centres`.
    """

    def __init__(self, config=None, seed=0, **kwargs):
        super().__init__(name="one_stage", dtype="float32", **kwargs)
        self.config = config = config or OneStageConfig()
        self.centres = make_centres(config.image_size, PathNeck.strides)
        self.backbone = CspBackbone(name="backbone")
        self.neck = PathNeck(name="neck")
        self.head = OneStageHead(config.num_classes, name="head")
        self.calibration = Calibration(dtype="float32", name="calibration")
        self.mask_branch = MaskBranch(
            config.mask_side, config.mask_channels, config.fine_channels, name="mask_branch"
        )
        self.noise = keras.random.SeedGenerator(seed)
        self.keep_means(["mask"])

    def call(self, inputs, training=False):
        if isinstance(inputs, Targets):
            return self.compute_losses(inputs, training)
        levels = self.backbone(inputs)
        pyramid = self.neck(levels)
        class_logits, distance_logits = self.head(pyramid)
        class_logits = self.calibration(class_logits)
        boxes, labels, scores = self.select(class_logits, distance_logits)
        mask_logits = self.mask_branch(levels, pyramid, boxes)
        return OneStageResult(
            {f"C{i + 2}": level for i, level in enumerate(levels)},
            {f"N{i + 3}": level for i, level in enumerate(pyramid)},
            class_logits, distance_logits, boxes, labels, scores, mask_logits,
            ops.sigmoid(mask_logits[..., 0]),
        )  # fmt: skip

    def select(self, class_logits, distance_logits):
        """Boxes, labels and scores of the final detections, see `select_boxes`."""
        config = self.config
        return select_boxes(
            class_logits, distance_logits, self.centres, config.image_size, config.num_candidates,
            config.num_detections, config.min_score, config.nms_iou,
        )  # fmt: skip

    def detect(self, images):
        """The first half of `call`: boxes, labels and scores, then the mask branch's maps.

        Returns:
            Tuple of the three, the coarse maps and the fine ones, see `MaskMaps`.
        """
        levels = self.backbone(images)
        pyramid = self.neck(levels)
        class_logits, distance_logits = self.head(pyramid)
        detections = self.select(self.calibration(class_logits), distance_logits)
        coarse, fine = self.mask_branch.maps(levels, pyramid)
        return *detections, *coarse, *fine

    def cut_out(self, boxes, *maps):
        """The second half of `call`: boxes (B, D, 4) and the maps of `detect` -> one output, masks.

        A mask depends on its box alone: D may be less than `detect` gave.

        Returns:
            Tuple of one: mask_scores (B, D, M, M).
        """
        num = len(self.mask_branch.maps.coarse_strides)
        coarse, fine = self.mask_branch.roi_features(maps[:num], maps[num:], boxes)
        return (ops.sigmoid(self.mask_branch.head(coarse, fine)[..., 0]),)

    def compute_losses(self, targets, training=True):
        """The loss of the mask branch, by name: body, neck and head stay as they are."""
        levels = self.backbone(targets.images)
        pyramid = [ops.stop_gradient(level) for level in self.neck(levels)]
        levels = [ops.stop_gradient(level) for level in levels]
        return {"mask": self.mask_loss(levels, pyramid, targets, training)}

    def mask_loss(self, levels, pyramid, targets, training=True):
        """Which pixels of the box?

        The true boxes, with jitter, stand for detections, which are never exact. Padding and
        objects without a mask do not count.
        """
        sides = ops.tile(targets.boxes[..., 2:] - targets.boxes[..., :2], (1, 1, 2))
        moves = keras.random.normal(
            ops.shape(sides), stddev=JITTER / 2, dtype="float32", seed=self.noise
        )
        boxes = targets.boxes + ops.clip(moves, -JITTER, JITTER) * sides
        boxes = clip(boxes, self.config.image_size)
        logits = self.mask_branch(levels, pyramid, boxes, training=training)
        objects = ops.broadcast_to(ops.arange(boxes.shape[1]), ops.shape(targets.labels))
        cells = mask_targets(targets.masks, objects, boxes, self.config.mask_side)
        counts = ops.logical_and(targets.labels > 0, ops.any(targets.masks > 0, (2, 3)))
        return mask_loss(logits, ops.cast(counts, "int32"), cells)
