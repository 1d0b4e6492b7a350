"""Every choice that makes one Mask R-CNN differ from another, and what cannot work."""

import dataclasses
import math

from helpers.structures import require


@dataclasses.dataclass(frozen=True)
class Config:
    """The choices, with the values of the bundled model `streets`, which two CPU cores can train.

    Lengths are in pixels of the network's input. A level k of the pyramid has a stride of 2 ** k.
    The last column of comments has the name in detectron2 or the value in a paper, where it helps.

    Raises:
        ValueError: values that do not go together; the message names both.
    """

    # Input
    num_classes: int = 8  # K, without background
    image_size: tuple = (256, 320)  # (height, width), divisible by the coarsest stride, 64

    # Backbone and neck
    widths: tuple = (32, 64, 112, 168)  # channels of C2..C5
    depths: tuple = (1, 2, 2, 2)  # residual blocks of each
    fpn_channels: int = 64  # 256 in the FPN paper
    norm_momentum: float = 0.97  # of the means that BatchNorm keeps, in backbone and heads

    # Anchors
    anchor_levels: tuple = (3, 4, 5, 6)  # 2 to 6 in the FPN paper
    anchor_sides: tuple = ((10, 20), (32, 48), (72, 104), (150, 220))  # one tuple per level
    anchor_ratios: tuple = (0.5, 1.0, 2.0)  # height / width

    # First stage, the region proposal network
    num_candidates: int = 320  # anchors that enter NMS; PRE_NMS_TOPK, there per level
    num_proposals: int = 64  # that leave it; POST_NMS_TOPK
    proposal_nms_iou: float = 0.7
    rpn_fg_iou: float = 0.6  # from here on an anchor is foreground; .7 in Faster R-CNN
    rpn_bg_iou: float = 0.3  # below it is background
    rpn_low_quality_iou: float = 0.2  # the best anchor of an object is foreground from here on
    rpn_num_samples: int = 128  # anchors per image that learn; 256 in Faster R-CNN
    rpn_foreground_share: float = 0.25  # of them at most; .5 in Faster R-CNN
    rpn_box_beta: float = 1 / 9  # where smooth L1 turns from a parabola into a line

    # RoIAlign
    roi_levels: tuple = (2, 3, 4, 5)  # boxes take their features from these
    canonical_side: float = 96.0  # a box of this side uses level 4; 224 for inputs of 800 px
    box_roi_size: int = 7  # cells along a side of the box head's grid; POOLER_RESOLUTION
    box_sampling_ratio: int = 2  # points along a side of a cell; POOLER_SAMPLING_RATIO
    mask_side: int = 28  # cells along a side of a mask; the mask head's grid has half as many
    mask_sampling_ratio: int = 1

    # Second stage, the box head
    box_units: int = 256  # of its dense layers
    box_fg_iou: float = 0.5  # from here on a proposal is foreground, below it is background
    box_beta: float = 0.2  # where smooth L1 turns
    min_score: float = 0.05  # a detection below it is dropped inside the network
    nms_iou: float = 0.5
    num_detections: int = 24

    # The mask head
    mask_num_convs: int = 3  # 4 in the Mask R-CNN paper

    # Training of the second stage
    num_training_proposals: int = 96
    num_rois: int = 40  # proposals per image that the second stage learns from
    num_foreground: int = 12  # of these foreground at most, first; the mask head sees only them
    truth_jitter: float = 0.1  # true boxes join the proposals, each edge moved by this share

    def __post_init__(self):
        self._check_input()
        self._check_anchors()
        self._check_regions()
        self._check_numbers()

    @property
    def anchor_strides(self):
        """The stride of each of `anchor_levels`, pixels."""
        return tuple(2**level for level in self.anchor_levels)

    @property
    def roi_strides(self):
        """The stride of each of `roi_levels`, pixels."""
        return tuple(2**level for level in self.roi_levels)

    @property
    def num_anchors(self):
        """How many anchors the whole input has."""
        height, width = self.image_size
        total = 0
        for stride, sides in zip(self.anchor_strides, self.anchor_sides, strict=True):
            cells = math.ceil(height / stride) * math.ceil(width / stride)
            total += cells * len(sides) * len(self.anchor_ratios)
        return total

    def _check_input(self):
        size, coarsest = self.image_size, 2 ** max(*self.anchor_levels, *self.roi_levels)
        fits = len(size) == 2 and all(side > 0 and side % coarsest == 0 for side in size)
        require(
            fits, f"image_size must be (height, width), each divisible by {coarsest}, got {size}"
        )
        require(self.num_classes >= 1, f"num_classes must be 1 or more, got {self.num_classes}")
        require(
            len(self.widths) == len(self.depths),
            f"widths has {len(self.widths)} stages, but depths has {len(self.depths)}",
        )

    def _check_anchors(self):
        levels, sides = self.anchor_levels, self.anchor_sides
        require(
            len(levels) == len(sides),
            f"anchor_levels has {len(levels)} levels, but anchor_sides has {len(sides)} tuples",
        )
        counts = [len(level_sides) for level_sides in sides]
        require(
            len(set(counts)) == 1,
            "anchor_sides must have as many sides on each level, since all share one head, "
            f"got {counts}",
        )
        require(counts[0] > 0 and len(self.anchor_ratios) > 0, "an anchor needs a side and a ratio")

    def _check_regions(self):
        levels = list(self.roi_levels)
        in_a_row = levels == list(range(levels[0], levels[0] + len(levels)))
        require(in_a_row, f"roi_levels must follow each other, got {self.roi_levels}")
        require(
            self.mask_side >= 2 and self.mask_side % 2 == 0,
            f"mask_side must be even, since the mask head doubles its grid, got {self.mask_side}",
        )
        for name in ("box_roi_size", "box_sampling_ratio", "mask_sampling_ratio"):
            value = getattr(self, name)
            require(value >= 1, f"{name} must be 1 or more, got {value}")

    def _check_numbers(self):
        at_most = (
            ("num_detections", "num_proposals"),
            ("num_proposals", "num_candidates"),
            ("num_candidates", "num_anchors"),
            ("rpn_num_samples", "num_anchors"),
            ("num_rois", "num_training_proposals"),
            ("num_foreground", "num_rois"),
            ("rpn_bg_iou", "rpn_fg_iou"),
        )
        for low, high in at_most:
            small, large = getattr(self, low), getattr(self, high)
            require(small <= large, f"{low} must be {high} ({large}) at most, got {small}")
