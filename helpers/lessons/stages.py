"""A walk through a forward pass: input, pyramid, objectness, proposals, boxes, masks."""

import math

import cv2
import numpy as np

from helpers.drawing import PALETTE, draw_detections
from helpers.lessons.explorer import Explorer, slider
from helpers.lessons.sheet import Sheet
from helpers.mask_rcnn.inference import candidates_of, letterbox, to_detections
from helpers.structures import require

BLUE = PALETTE[2]
ENLARGED = 2  # times the network's input, to draw on
SURE = 0.5  # objectness or score


def explore_stages(image, stages, model, categories=None) -> Explorer:
    """Walk through a forward pass: input, pyramid, objectness, proposals, boxes, masks.

    Args:
        image: (H, W, 3) uint8 RGB, any size.
        stages: Stages of `letterbox(image, model.config.image_size)`, a batch of one.
        model: the MaskRCNN that they come from.
        categories: {category id: name} in the order of the classes; None for "class 1" and so on.

    Returns:
        An Explorer: `view(stage="all proposals")`, or its number from 0 on; the still figure has
        six of the stages.

    Raises:
        ValueError: the image is not RGB uint8, or the batch is not of one; in `view`: there is no
            such stage.
    """
    num = len(np.asarray(stages.boxes))
    require(num == 1, f"stages must be of one picture, got a batch of {num}")
    config = model.config
    if categories is None:
        categories = {i: f"class {i}" for i in range(1, config.num_classes + 1)}
    slides = _Slides(image, config.image_size)
    slides.add_input()
    slides.add_features(stages)
    slides.add_objectness(stages, config)
    slides.add_proposals(stages)
    slides.add_detections(stages, categories)

    still = ("input", "P3", "objectness P4", "all proposals", "boxes", "masks")
    control = slider(0, "stage", 0, len(slides.texts) - 1, 1, "IntSlider")
    return Explorer(slides.view, [{"stage": name} for name in still], {"stage": control}, columns=3)


def _first(leaf):
    """The only image's part of a batch."""
    return np.asarray(leaf)[0]


class _Slides:
    """What each stage shows: a sentence, and a picture, or boxes on the input.

    Attributes:
        texts: {stage: sentence}, in order.
        pictures: {stage: (2H, 2W, 3) uint8}; where there is none, the input.
        boxes: {stage: (N, 4), pixels of these pictures}.
        notes: {stage: list of (x, y, text)}.
    """

    def __init__(self, image, image_size):
        self.image_size = image_size
        self.canvas, self.zoom = letterbox(image, image_size)
        height, width = image_size
        self.sharp, _ = letterbox(image, (ENLARGED * height, ENLARGED * width))
        self.grey = cv2.cvtColor(cv2.cvtColor(self.sharp, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        self.texts = {}
        self.pictures = {}
        self.boxes = {}
        self.notes = {}

    def view(self, stage):
        """The picture of a stage, by name or number, and its sentence."""
        names = list(self.texts)
        if not isinstance(stage, str) and stage in range(len(names)):
            stage = names[stage]
        require(stage in self.texts, f"stage must be one of {', '.join(names)}, got {stage!r}")
        height, width = self.sharp.shape[:2]
        sheet = Sheet(0, 0, width, height, self.pictures.get(stage, self.sharp))
        sheet.frame(self.boxes.get(stage, []), BLUE)
        for x, y, text in self.notes.get(stage, []):
            sheet.note(x, y, text, size=23, anchor=0)
        return sheet.pixels, self.texts[stage]

    def add_input(self):
        """The letterboxed picture, each pixel as a square."""
        height, width = self.image_size
        size = f"{width} x {height} pixels"
        self.texts["input"] = f"The input: {size}, the picture's sides times {self.zoom:.2g}"
        self.pictures["input"] = self.canvas.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)

    def add_features(self, stages):
        """The mean of each level's channels."""
        for name, level in stages.features.items():
            mean = _first(level).mean(axis=2)
            low, high = mean.min(), mean.max()
            cells = " x ".join(str(side) for side in mean.shape)
            self.pictures[name] = self._tinted(mean, low, high)
            self.texts[name] = (
                f"{name}: {cells} cells of {level.shape[-1]} numbers; their mean, "
                f"dark {low:.2f} to bright {high:.2f}"
            )

    def add_objectness(self, stages, config):
        """The best objectness in each cell of each level that has anchors."""
        scores = 1 / (1 + np.exp(-_first(stages.objectness_logits)))
        num_before = 0
        for level, sides in zip(config.anchor_levels, config.anchor_sides, strict=True):
            rows, columns = stages.features[f"P{level}"].shape[1:3]
            shape = (rows, columns, len(sides) * len(config.anchor_ratios))
            num = math.prod(shape)
            of_level = scores[num_before : num_before + num].reshape(shape)
            num_before += num
            best = of_level.max(axis=2)
            num_sure = (best >= SURE).sum()
            name = f"objectness P{level}"
            self.pictures[name] = self._tinted(best, 0, 1)
            self.texts[name] = (
                f"Objectness on P{level}: {num_sure} of {best.size} cells hold an anchor of "
                f"{SURE} or more"
            )

    def add_proposals(self, stages):
        """The proposals: the ten best, and all."""
        is_real = _first(stages.proposal_scores) > 0  # the rest is padding
        proposals = ENLARGED * _first(stages.proposals)[is_real]
        for name, boxes in (("best proposals", proposals[:10]), ("all proposals", proposals)):
            self.boxes[name] = boxes
            text = f"{len(boxes)} of {len(proposals)} proposals, from the best on"
            self.texts[name] = text

    def add_detections(self, stages, categories):
        """The final boxes, and their masks."""
        leaves = (stages.boxes, stages.labels, stages.scores, stages.mask_scores)
        boxes, labels, scores, mask_scores = (_first(leaf) for leaf in leaves)
        candidates = candidates_of(boxes, labels, scores, mask_scores, 1 / ENLARGED, categories)
        detections = to_detections(candidates, self.sharp.shape[:2], categories, 0)
        sure = detections[detections.scores >= SURE]
        self.boxes["boxes"] = sure.boxes
        self.texts["boxes"] = (
            f"{len(detections)} final boxes; {len(sure)} have a score of {SURE} or more"
        )
        covered = sure.masks.any(axis=0).mean()
        self.pictures["masks"] = draw_detections(self.sharp, sure, labels=False, boxes=False)
        self.texts["masks"] = f"{len(sure)} masks cover {covered:.0%} of the input"
        notes = []
        for name, (x1, y1, x2, _) in zip(sure.names, sure.boxes, strict=True):
            notes.append(((x1 + x2) / 2, y1 + 3, name))
        self.notes["boxes"] = notes
        self.notes["masks"] = notes

    def _tinted(self, values, low, high):
        """The picture in grey under a map (h, w): dark blue at low, yellow at high."""
        height, width = self.sharp.shape[:2]
        shares = np.uint8(255 * np.clip((values - low) / max(high - low, 1e-9), 0, 1))
        cells = cv2.resize(shares, (width, height), interpolation=cv2.INTER_NEAREST)
        colors = cv2.applyColorMap(cells, cv2.COLORMAP_VIRIDIS)[..., ::-1]
        return cv2.addWeighted(colors, 0.7, self.grey, 0.3, 0)
