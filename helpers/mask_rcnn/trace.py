"""Where a detection came from: its way back through both stages, to one cell of the pyramid.

The network does not keep the way: each stage sorts and drops. But a box is its proposal moved by
the deltas, and a proposal its anchor, so that the way can be found by computing both moves again.
"""

import math
from typing import NamedTuple

import numpy as np
from keras import ops

from helpers.mask_rcnn import box_head, rpn
from helpers.mask_rcnn import boxes as box_ops
from helpers.mask_rcnn.roi_align import pyramid_level
from helpers.structures import require


class Trace(NamedTuple):
    """The way of a detection. Boxes are x1 y1 x2 y2 in pixels of the network's input.

    Attributes:
        box: (4,) float32, the final box.
        label: 1..K.
        score: 0..1.
        mask_scores: (M, M) float32, 0..1.
        mask_level: of the pyramid, from which RoIAlign read for the mask head, such as 3 of P3.
        samples_x, samples_y: (P,) float32, columns and rows of the points that it read, pixels.
        proposal: (4,) float32, which the box head moved to the final box.
        proposal_rank: its place among the proposals, from 0, the best.
        proposal_score: 0..1.
        anchor: (4,) float32, which the RPN moved to the proposal.
        anchor_index: its row in `model.anchors`.
        anchor_level: of the pyramid, where it was laid.
        cell: (row, column) there.
    """

    box: np.ndarray
    label: int
    score: float
    mask_scores: np.ndarray
    mask_level: int
    samples_x: np.ndarray
    samples_y: np.ndarray
    proposal: np.ndarray
    proposal_rank: int
    proposal_score: float
    anchor: np.ndarray
    anchor_index: int
    anchor_level: int
    cell: tuple


def trace_back(model, stages, index) -> Trace:
    """Walk back from a detection.

    Args:
        model: the MaskRCNN that the stages come from.
        stages: `Stages` of a batch of one picture.
        index: of the detection, from 0, the best.

    Raises:
        ValueError: there is no such detection.
    """
    config = model.config
    leaves = stages._asdict()
    del leaves["features"]
    first = {name: np.asarray(leaf)[0] for name, leaf in leaves.items()}
    num = int((first["scores"] > 0).sum())
    require(0 <= index < num, f"index must be that of one of {num} detections, got {index}")
    box, score = first["boxes"][index], float(first["scores"][index])
    label = int(first["labels"][index])

    logits = first["class_logits"]
    class_scores = np.asarray(ops.softmax(logits))[:, label]
    rank = _origin(
        box, score, first["box_deltas"], first["proposals"], class_scores, box_head.SCALE, config
    )
    proposal, proposal_score = first["proposals"][rank], float(first["proposal_scores"][rank])

    objectness = np.asarray(ops.sigmoid(first["objectness_logits"]))
    anchor_index = _origin(
        proposal, proposal_score, first["anchor_deltas"], model.anchors, objectness, rpn.SCALE,
        config,
    )  # fmt: skip
    anchor_level, cell = place_of_anchor(anchor_index, config)

    place = int(pyramid_level(box, config.roi_strides, config.canonical_side))
    num_points = config.mask_side // 2 * config.mask_sampling_ratio
    shares = (np.arange(num_points, dtype=np.float32) + 0.5) / num_points
    return Trace(
        box=box,
        label=label,
        score=score,
        mask_scores=first["mask_scores"][index],
        mask_level=config.roi_levels[place],
        samples_x=box[0] + (box[2] - box[0]) * shares,
        samples_y=box[1] + (box[3] - box[1]) * shares,
        proposal=proposal,
        proposal_rank=rank,
        proposal_score=proposal_score,
        anchor=model.anchors[anchor_index],
        anchor_index=anchor_index,
        anchor_level=anchor_level,
        cell=cell,
    )


def _origin(box, score, deltas, references, scores, scale, config) -> int:
    """Which of some reference boxes was moved to a box (4,) of this score.

    Args:
        deltas, references: (N, 4) float32.
        scores: (N,) float32, what each reference box scores.
        scale: of the deltas, see `boxes.decode`.
    """
    moved = box_ops.clip(box_ops.decode(deltas, references, scale), config.image_size)
    pixels_apart = np.abs(np.asarray(moved) - box).max(axis=1)
    return int(np.argmin(pixels_apart + 100 * np.abs(scores - score)))


def place_of_anchor(index, config) -> tuple:
    """The level of an anchor, and its cell there, (row, column).

    Args:
        index: row in the anchors of `boxes.make_anchors`.
        config: Config.
    """
    height, width = config.image_size
    for level, sides in zip(config.anchor_levels, config.anchor_sides, strict=True):
        columns = math.ceil(width / 2**level)
        num_cells = math.ceil(height / 2**level) * columns
        num_shapes = len(sides) * len(config.anchor_ratios)
        if index < num_cells * num_shapes:
            return level, divmod(index // num_shapes, columns)
        index -= num_cells * num_shapes
    raise ValueError(f"there are {config.num_anchors} anchors, and none {index} beyond them")
