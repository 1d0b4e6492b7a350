"""One anchor to move over a picture: its IoU with each object, and what training makes of it."""

import math

import numpy as np

from helpers.drawing import PALETTE
from helpers.lessons.explorer import Explorer, slider
from helpers.lessons.sheet import Sheet
from helpers.mask_rcnn.boxes import iou, make_anchors
from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.inference import letterbox
from helpers.mask_rcnn.rpn import rpn_targets
from helpers.structures import require

RED, GREEN = PALETTE[5], PALETTE[6]
GREY, LIGHT = (77, 77, 77), (215, 215, 215)
MIN_IOU = 0.005  # less is not worth a number


def explore_anchors(image, truth, config=None) -> Explorer:
    """Move one anchor over a picture: its IoU with each object, and what training makes of it.

    The still figure shows four anchors: one of the foreground, one that is ignored, one of the
    background, one that sticks out of the picture; where there is no object only the last two.

    Args:
        image: (H, W, 3) uint8 RGB, any size; it is letterboxed as for the network.
        truth: the objects of this picture; masks are not looked at; N may be 0.
        config: Config of the network; None for that of the bundled model.

    Returns:
        An Explorer: `view(level=4, scale=0, ratio=0.5, row=3, column=7)`. Level 4 is P4; scales
        count from 0; a ratio is height / width, the nearest of the network's counts; a row or
        column beyond the level's last one is the last one.

    Raises:
        ValueError: the image is not RGB uint8, or of another size than the truth; in `view`: there
            is no such level or scale, or the ratio is not above 0.
    """
    size = image.shape[:2]
    wanted = f"truth must be of a picture of {size} (height, width)"
    require(truth.image_size == size, f"{wanted}, got {truth.image_size}")
    scene = _Scene(image, truth, config or Config())
    cases = scene.telling_cases()
    start = cases[0]
    num_rows, num_columns, num_scales, _ = scene.numbers[start["level"]].shape
    first_level, last_level = min(scene.numbers), max(scene.numbers)
    ratios = scene.config.anchor_ratios
    controls = {
        "level": slider(start["level"], "level", first_level, last_level, 1, "IntSlider"),
        "scale": slider(start["scale"], "scale", 0, num_scales - 1, 1, "IntSlider"),
        "row": slider(start["row"], "row", 0, num_rows - 1, 1, "IntSlider"),
        "column": slider(start["column"], "column", 0, num_columns - 1, 1, "IntSlider"),
        "ratio": slider(start["ratio"], "ratio", min(ratios), max(ratios), 0.5),
    }
    return Explorer(scene.view, cases, controls, fit=scene.fit)


class _Scene:
    """A picture with its objects, and all anchors of a network over it.

    Attributes:
        numbers: {level: (rows, columns, scales, ratios) int}, which of all anchors is where.
        overlaps: (A, N), IoU of each anchor with each object; best: (A,), the largest of a row.
        is_foreground, is_background: (A,) bool, what training makes of the anchors.
        overhang: (A,), pixels by which an anchor sticks out of the picture; below 0: not at all.
    """

    def __init__(self, image, truth, config):
        self.config = config
        self.names = truth.names
        self.canvas, zoom = letterbox(image, config.image_size)
        self.objects = truth.boxes * zoom
        self.anchors = make_anchors(
            config.image_size, config.anchor_strides, config.anchor_sides, config.anchor_ratios
        )
        self.centres = (self.anchors[:, :2] + self.anchors[:, 2:]) / 2
        self.numbers = _number_anchors(config)
        self.overlaps = np.asarray(iou(self.anchors, self.objects))
        self.best = self.overlaps.max(axis=1, initial=0)
        self.is_foreground = self._ask_training()
        self.is_background = (self.best < config.rpn_bg_iou) & ~self.is_foreground
        height, width = config.image_size
        sticks_out = np.maximum(-self.anchors[:, :2], self.anchors[:, 2:] - (width, height))
        self.overhang = sticks_out.max(axis=1)

    def _ask_training(self):
        """Which anchors training takes for foreground: (A,) bool."""
        num = len(self.anchors)
        padding = np.zeros((1, 4))
        slots = np.concatenate([self.objects, padding])[None].astype(np.float32)
        targets = rpn_targets(
            self.anchors,
            slots,
            noise=np.zeros((1, num), np.float32),
            num_samples=num,
            fg_iou=self.config.rpn_fg_iou,
            bg_iou=self.config.rpn_bg_iou,
            low_quality_iou=self.config.rpn_low_quality_iou,
        )
        is_foreground = np.zeros(num, bool)
        chosen = np.asarray(targets.indices)[np.asarray(targets.foreground)]
        is_foreground[chosen] = True
        return is_foreground

    def verdict(self, n):
        """What training calls anchor n, in words."""
        fg_iou, bg_iou = self.config.rpn_fg_iou, self.config.rpn_bg_iou
        if self.is_background[n]:
            return f"background: below {bg_iou}"
        if not self.is_foreground[n]:
            return f"neither, and ignores it: between {bg_iou} and {fg_iou}"
        if self.best[n] < fg_iou:  # a low-quality match
            return f"foreground, though below {fg_iou}: no anchor fits this object better"
        return f"foreground: {fg_iou} or more"

    def view(self, level, scale, ratio, row, column):
        """The picture with one anchor, and a sentence about it."""
        require(level in self.numbers, f"level must be one of {list(self.numbers)}, got {level!r}")
        numbers = self.numbers[level]
        num_rows, num_columns, num_scales, _ = numbers.shape
        require(0 <= scale < num_scales, f"scale must be below {num_scales}, got {scale}")
        require(ratio > 0, f"ratio must be above 0, got {ratio}")
        row, column = np.clip(row, 0, num_rows - 1), np.clip(column, 0, num_columns - 1)
        n = numbers[row, column, scale, self._nearest_ratio(ratio)]
        return self._draw(n, numbers), self._describe(n, f"P{level}, row {row}, column {column}")

    def _nearest_ratio(self, ratio):
        """Which of the network's ratios is meant."""
        ratios = self.config.anchor_ratios
        distances = [abs(math.log(one / ratio)) for one in ratios]
        return distances.index(min(distances))

    def _met(self, n):
        """The objects that anchor n overlaps, most first."""
        order = np.argsort(-self.overlaps[n], kind="stable")
        return [i for i in order if self.overlaps[n, i] >= MIN_IOU]

    def _draw(self, n, numbers):
        """The picture with the objects, the centres of a level's cells, and anchor n."""
        height, width = self.config.image_size
        sheet = Sheet(-width / 8, -height / 8, width * 9 / 8, height * 9 / 8, self.canvas)
        cells = self.centres[numbers[:, :, 0, 0].ravel()]
        dot_size = min(8, 200 / numbers.shape[1])
        sheet.dots(cells[:, 0], cells[:, 1], LIGHT, dot_size, GREY)
        sheet.frame(self.objects, GREEN, dashed=True)
        sheet.frame(self.anchors[n], RED, 5)
        sheet.dots(*self.centres[n], RED, 14)
        for i in self._met(n):
            x1, y1, x2, _ = self.objects[i]
            sheet.note((x1 + x2) / 2, y1, f"{self.overlaps[n, i]:.2f}")
        return sheet.pixels

    def _describe(self, n, where):
        """What is to be said of anchor n."""
        met = self._met(n)
        shares = [f"{self.names[i]} {self.overlaps[n, i]:.2f}" for i in met]
        if len(met) < len(self.objects):
            shares.append("0 with the others" if met else "0 with every object")
        width, height = self.anchors[n, 2:] - self.anchors[n, :2]
        size = f"{width:.0f} px wide and {height:.0f} high"
        if self.overhang[n] > 0:
            size += ", partly outside the picture"
        return (
            f"{where}: an anchor {size}. IoU: {', '.join(shares) or 'there is no object'}. "
            f"Training calls it {self.verdict(n)}."
        )

    def fit(self, controls):
        """Another level has other rows and columns: stay at the same place of the picture."""
        num_rows, num_columns, _, _ = self.numbers[controls["level"].value].shape
        for control, count in ((controls["row"], num_rows), (controls["column"], num_columns)):
            if control.max != count - 1:
                place = (control.value + 0.5) / (control.max + 1)
                control.max = count - 1
                control.value = int(place * count)

    def telling_cases(self):
        """Settings of up to four anchors: of those of a kind the one that tells most."""
        is_outside = self.overhang > 0
        is_ignored = ~self.is_foreground & ~self.is_background
        sides = self.anchors[:, 2:] - self.anchors[:, :2]
        sticks_far_out = self.overhang > sides.mean(axis=1) / 4
        half_way = -np.abs(self.best - self.config.rpn_bg_iou / 2)
        kinds = [  # which anchors, and how much each of them tells
            (self.is_foreground, self.best - is_outside),
            (is_ignored, self.best - is_outside),
            (self.is_background & ~is_outside, half_way),
            (sticks_far_out, self.best - self.is_foreground),
        ]
        cases = []
        for is_of_kind, worth in kinds:
            if is_of_kind.any():
                n = np.where(is_of_kind, worth, -9).argmax()
                cases.append(self._settings(n))
        return cases

    def _settings(self, n):
        """The settings of `view` that show anchor n."""
        level = next(level for level, numbers in self.numbers.items() if n <= numbers.max())
        row, column, scale, ratio = np.argwhere(self.numbers[level] == n)[0].tolist()
        return {
            "level": level,
            "scale": scale,
            "ratio": self.config.anchor_ratios[ratio],
            "row": row,
            "column": column,
        }


def _number_anchors(config):
    """Which of all anchors is where: {level: (rows, columns, scales, ratios) int}."""
    height, width = config.image_size
    numbers = {}
    num_before = 0
    levels = zip(config.anchor_levels, config.anchor_strides, config.anchor_sides, strict=True)
    for level, stride, sides in levels:
        num_rows, num_columns = math.ceil(height / stride), math.ceil(width / stride)
        shape = (num_rows, num_columns, len(sides), len(config.anchor_ratios))
        numbers[level] = num_before + np.arange(math.prod(shape)).reshape(shape)
        num_before += math.prod(shape)
    return numbers
