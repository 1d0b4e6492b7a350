"""A detection walked back: mask grid, points of RoIAlign, proposal, anchor, feature level."""

import inspect
import pathlib
from typing import NamedTuple

import cv2
import numpy as np

from helpers import REPOSITORY, ROOT
from helpers.drawing import PALETTE
from helpers.lessons.explorer import Explorer, slider
from helpers.lessons.sheet import Sheet
from helpers.mask_rcnn.box_head import select_boxes
from helpers.mask_rcnn.fpn import FPN
from helpers.mask_rcnn.inference import letterbox
from helpers.mask_rcnn.mask_head import MaskHead
from helpers.mask_rcnn.roi_align import roi_align
from helpers.mask_rcnn.rpn import select_proposals
from helpers.mask_rcnn.trace import trace_back
from helpers.structures import percent, require

BLUE, RED = PALETTE[2], PALETTE[5]
ENLARGED = 2  # times the network's input, to draw on
AROUND = 1.4  # how much more than the box is shown where the box is looked at
HALF = 0.5


class Step(NamedTuple):
    """A step of the way back.

    Attributes:
        name: such as "mask grid".
        text: what the picture shows.
        picture: (H, W, 3) uint8.
        source: the lines that do it, such as "helpers/mask_rcnn/fpn.py, lines 13 to 60".
        address: of these lines on the web.
    """

    name: str
    text: str
    picture: np.ndarray
    source: str
    address: str


def explore_xray(image, stages, model, categories=None) -> Explorer:
    """Choose a detection and walk back: mask grid, RoIAlign, proposal, anchor, feature level.

    The line under the picture names the lines of `helpers/mask_rcnn` that do the step. The still
    figure shows the whole way of the best detection.

    Args:
        image: (H, W, 3) uint8 RGB, any size.
        stages: `Stages` of `letterbox(image, model.config.image_size)`, a batch of one.
        model: the MaskRCNN that they come from.
        categories: {category id: name} in the order of the classes; None for "class 1" and so on.

    Returns:
        An Explorer: `view(detection=1, step=1)`, both counted from 1.

    Raises:
        ValueError: the batch is not of one picture, or nothing was detected; in `view`: there is
            no such detection or step.
    """
    num = int((np.asarray(stages.scores)[0] > 0).sum())
    require(num > 0, "stages must hold a detection to walk back from, and hold none")
    kept = {}  # {detection: its steps}

    def view(detection, step):
        if detection not in kept:
            kept[detection] = walk_back(image, stages, model, detection - 1, categories)
        steps = kept[detection]
        require(1 <= step <= len(steps), f"step must be 1 to {len(steps)}, got {step}")
        chosen = steps[step - 1]
        return chosen.picture, f"{chosen.name}: {chosen.text} See {chosen.source}."

    controls = {
        "detection": slider(1, "detection", 1, num, 1, "IntSlider"),
        "step": slider(1, "step back", 1, len(STEPS), 1, "IntSlider"),
    }
    still = [{"detection": 1, "step": step} for step in range(1, len(STEPS) + 1)]
    return Explorer(view, still, controls, columns=3)


def walk_back(image, stages, model, index, categories=None) -> list[Step]:
    """The way back of one detection, in five steps.

    Args:
        image, stages, model, categories: see `explore_xray`.
        index: of the detection, from 0, the best.

    Raises:
        ValueError: the batch is not of one picture; there is no such detection.
    """
    num = len(np.asarray(stages.boxes))
    require(num == 1, f"stages must be of one picture, got a batch of {num}")
    way = trace_back(model, stages, index)
    name = f"class {way.label}"
    if categories is not None:
        name = list(categories.values())[way.label - 1]
    height, width = model.config.image_size
    sharp, _ = letterbox(image, (ENLARGED * height, ENLARGED * width))
    steps = []
    for title, draw, function in STEPS:
        picture, text = draw(sharp, way, stages, model.config, name)
        steps.append(Step(title, text, picture, *where(function)))
    return steps


def where(function) -> tuple[str, str]:
    """The lines of a function or class of ours, in words, and their address on the web."""
    lines, first = inspect.getsourcelines(function)
    path = pathlib.Path(inspect.getsourcefile(function)).relative_to(ROOT).as_posix()
    last = first + len(lines) - 1
    address = f"{REPOSITORY}/blob/main/{path}#L{first}-L{last}"
    return f"{path}, lines {first} to {last}", address


# The steps: (the input enlarged, Trace, Stages, Config, class) -> picture, sentence ---------------


def _mask_grid(sharp, way, stages, config, name):
    """The scores of the mask, each cell where it lies in the picture."""
    left, top, right, bottom = _window(way.box, config.image_size)
    sheet = _sheet(sharp, left, top, right, bottom)
    side = len(way.mask_scores)
    x, y = (np.linspace(*edges, side + 1) for edges in (way.box[0::2], way.box[1::2]))
    for i, j in np.ndindex(side, side):
        corners = (x[j], y[i], x[j + 1], y[i + 1])
        sheet.fill(_shifted(corners, left, top), RED, 0.75 * way.mask_scores[i, j])
    sheet.frame(_shifted(way.box, left, top), RED, 3)
    num_inside = int((way.mask_scores >= HALF).sum())
    return sheet.pixels, (
        f"{side} x {side} scores of the mask head for this {name} ({percent(way.score)}); "
        f"{num_inside} of {side * side} reach one half."
    )


def _samples(sharp, way, stages, config, name):
    """The points that RoIAlign reads for the mask head, among the cells of its level."""
    left, top, right, bottom = _window(way.box, config.image_size)
    sheet = _sheet(sharp, left, top, right, bottom)
    stride = 2**way.mask_level
    x = np.arange(left - left % stride, right, stride)
    y = np.arange(top - top % stride, bottom, stride)
    sheet.grid(ENLARGED * (x - left), ENLARGED * (y - top), BLUE, 1)
    sheet.frame(_shifted(way.box, left, top), RED, 3)
    points = np.meshgrid(ENLARGED * (way.samples_x - left), ENLARGED * (way.samples_y - top))
    sheet.dots(*points, RED, 5)
    num = len(way.samples_x)
    return sheet.pixels, (
        f"{num} x {num} points inside the box, read from P{way.mask_level}, whose cells (blue) are "
        f"{stride} pixels wide."
    )


def _proposal(sharp, way, stages, config, name):
    """The proposal, and the box that the box head made of it."""
    sheet = _sheet(sharp)
    sheet.frame(ENLARGED * way.proposal, BLUE, 4, dashed=True)
    sheet.frame(ENLARGED * way.box, RED, 4)
    moves = np.abs(way.box - way.proposal)
    return sheet.pixels, (
        f"number {way.proposal_rank + 1} of {config.num_proposals}, objectness "
        f"{percent(way.proposal_score)} (dashed): the box head moved its edges by up to "
        f"{moves.max():.1f} pixels and called it {name}."
    )


def _anchor(sharp, way, stages, config, name):
    """The anchor, and the proposal that the RPN made of it."""
    sheet = _sheet(sharp)
    sheet.frame(ENLARGED * way.anchor, BLUE, 4, dashed=True)
    sheet.frame(ENLARGED * way.proposal, RED, 4)
    x1, y1, x2, y2 = way.anchor
    row, column = way.cell
    sheet.dots(ENLARGED * (x1 + x2) / 2, ENLARGED * (y1 + y2) / 2, BLUE, 12)
    return sheet.pixels, (
        f"number {way.anchor_index + 1:,} of {config.num_anchors:,} (dashed): {x2 - x1:.0f} x "
        f"{y2 - y1:.0f} pixels around row {row}, column {column} of P{way.anchor_level}. The RPN "
        f"moved it to the proposal."
    )


def _level(sharp, way, stages, config, name):
    """The level where the anchor was laid, and its cell."""
    level = np.asarray(stages.features[f"P{way.anchor_level}"])[0]
    rows, columns, channels = level.shape
    mean = level.mean(axis=2)
    span = max(mean.max() - mean.min(), 1e-6)
    grey = np.uint8(255 * (mean - mean.min()) / span)
    height, width = sharp.shape[:2]
    grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_NEAREST)
    sheet = Sheet(0, 0, width, height, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))
    row, column = way.cell
    side = ENLARGED * 2**way.anchor_level
    sheet.frame(side * np.array([column, row, column + 1, row + 1]), RED, 4)
    return sheet.pixels, (
        f"P{way.anchor_level}, {rows} x {columns} cells of {channels} numbers each, their mean as "
        f"grey. All began at the framed cell."
    )


STEPS = (
    ("mask grid", _mask_grid, MaskHead),
    ("RoIAlign", _samples, roi_align),
    ("proposal", _proposal, select_boxes),
    ("anchor", _anchor, select_proposals),
    ("feature level", _level, FPN),
)


def _window(box, image_size):
    """The part of the input around a box, of its shape: left, top, right, bottom, pixels."""
    height, width = image_size
    x1, y1, x2, y2 = box
    share = min(1.0, AROUND * max((x2 - x1) / width, (y2 - y1) / height))
    sides = np.maximum(np.ceil(np.multiply(share, (width, height))), 2)
    room = np.subtract((width, height), sides)
    left, top = np.clip(np.floor(((x1 + x2 - sides[0]) / 2, (y1 + y2 - sides[1]) / 2)), 0, room)
    return int(left), int(top), int(left + sides[0]), int(top + sides[1])


def _sheet(sharp, left=0, top=0, right=None, bottom=None):
    """A Sheet of a part of the input, whose pixels it spans `ENLARGED` times."""
    if right is None:
        bottom, right = np.floor_divide(sharp.shape[:2], ENLARGED)
    part = sharp[ENLARGED * top : ENLARGED * bottom, ENLARGED * left : ENLARGED * right]
    height, width = part.shape[:2]
    return Sheet(0, 0, width, height, part)


def _shifted(box, left, top):
    """A box of the input on a Sheet that begins at `left`, `top`."""
    return ENLARGED * np.subtract(box, (left, top, left, top))
