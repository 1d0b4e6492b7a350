"""What a `Config` refuses, each in a line that names both values."""

import dataclasses

import pytest

from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.model import MaskRCNN

REFUSED = {
    "image_size must be (height, width), each divisible by 64, got (250, 320)": {
        "image_size": (250, 320)
    },
    "num_classes must be 1 or more, got 0": {"num_classes": 0},
    "widths has 3 stages, but depths has 4": {"widths": (16, 32, 64)},
    "anchor_levels has 5 levels, but anchor_sides has 4 tuples": {
        "anchor_levels": (2, 3, 4, 5, 6)
    },
    "anchor_sides must have as many sides on each level, since all share one head, "
    "got [2, 2, 1, 2]": {"anchor_sides": ((10, 20), (32, 48), (72,), (150, 220))},
    "an anchor needs a side and a ratio": {"anchor_ratios": ()},
    "roi_levels must follow each other, got (2, 4)": {"roi_levels": (2, 4)},
    "mask_side must be even, since the mask head doubles its grid, got 15": {"mask_side": 15},
    "box_roi_size must be 1 or more, got 0": {"box_roi_size": 0},
    "num_proposals must be num_candidates (48) at most, got 64": {
        "num_candidates": 48
    },
    "num_detections must be num_proposals (64) at most, got 100": {"num_detections": 100},
    "num_candidates must be num_anchors (10200) at most, got 20000": {"num_candidates": 20000},
    "num_rois must be num_training_proposals (96) at most, got 100": {"num_rois": 100},
    "num_foreground must be num_rois (40) at most, got 41": {"num_foreground": 41},
    "rpn_bg_iou must be rpn_fg_iou (0.2) at most, got 0.3": {"rpn_fg_iou": 0.2},
}  # fmt: skip


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_work_is_refused(message):
    with pytest.raises(ValueError) as refusal:
        Config(**REFUSED[message])
    assert str(refusal.value) == message


def test_the_bundled_architecture():
    config = Config()
    assert config.anchor_strides == (8, 16, 32, 64) and config.roi_strides == (4, 8, 16, 32)
    # P3 to P6 of 256 x 320, 2 sides x 3 ratios: 6 * (32 * 40 + 16 * 20 + 8 * 10 + 4 * 5)
    assert config.num_anchors == len(MaskRCNN(config).anchors) == 10200


def test_the_levels_of_the_fpn_paper(tiny_config, toy_pictures):
    sides = ((8,), (16,), (24,), (40,), (60,))
    config = dataclasses.replace(tiny_config, anchor_levels=(2, 3, 4, 5, 6), anchor_sides=sides)
    model = MaskRCNN(config)
    logits = model(toy_pictures[0][0][None]).objectness_logits
    # 3 ratios on P2 to P6 of 64 x 64
    assert logits.shape[1] == len(model.anchors) == 3 * (256 + 64 + 16 + 4 + 1)


def test_a_network_that_cannot_learn_may_still_look(tiny_config, toy_targets):
    model = MaskRCNN(dataclasses.replace(tiny_config, num_candidates=16))  # 24 are for training
    assert model(toy_targets.images).proposals.shape == (2, 12, 4)
    refused = r"num_training_proposals must be num_candidates \(16\) at most, got 24"
    with pytest.raises(ValueError, match=refused):
        model(toy_targets)


def test_masks_of_half_the_side(tiny_config, toy_pictures):
    stages = MaskRCNN(dataclasses.replace(tiny_config, mask_side=14))(toy_pictures[0][0][None])
    assert stages.mask_features.shape[2:4] == (7, 7) and stages.mask_scores.shape[2:] == (14, 14)
