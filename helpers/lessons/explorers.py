"""The network to play with: anchors, RoIAlign, a forward pass.

`helpers.lessons.sliders` says what an Explorer is, and has those that need no network.
"""

import inspect
import math

import cv2
import numpy as np

from helpers.drawing import PALETTE, Sheet, draw_detections
from helpers.lessons.sliders import Explorer, slider
from helpers.mask_rcnn.boxes import iou, make_anchors
from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.inference import candidates_of, letterbox, to_detections
from helpers.mask_rcnn.roi_align import roi_align
from helpers.mask_rcnn.rpn import rpn_targets
from helpers.structures import require

BLUE, RED, GREEN = (PALETTE[i] for i in (2, 5, 6))
DARK, GREY, LIGHT = (90, 90, 90), (77, 77, 77), (215, 215, 215)


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
    config = config or Config()
    (canvas, zoom), (height, width) = letterbox(image, config.image_size), config.image_size
    size, given = truth.image_size, image.shape[:2]
    require(size == given, f"truth must be of a picture of {given} (height, width), got {size}")
    objects, strides, ratios = truth.boxes * zoom, config.anchor_strides, config.anchor_ratios
    anchors = make_anchors(config.image_size, strides, config.anchor_sides, ratios)
    grids, num = {}, 0  # numbers of the anchors, {level: (rows, columns, scales, ratios)}
    for i, sides in enumerate(config.anchor_sides):
        shape = (-(-height // strides[i]), -(-width // strides[i]), len(sides), len(ratios))
        grids[i + 3] = num + np.arange(math.prod(shape)).reshape(shape)
        num += math.prod(shape)
    overlaps, centres = np.asarray(iou(anchors, objects)), (anchors[:, :2] + anchors[:, 2:]) / 2
    best = overlaps.max(axis=1, initial=0)
    defaults = inspect.signature(rpn_targets).parameters
    fg_iou, bg_iou = (defaults[name].default for name in ("fg_iou", "bg_iou"))
    slots = np.concatenate([objects, np.zeros((1, 4))])[None].astype(np.float32)  # one of padding
    sample = rpn_targets(anchors, slots, np.zeros((1, num), np.float32), num_samples=num)
    foreground = np.zeros(num, bool)
    foreground[np.asarray(sample.indices)[np.asarray(sample.foreground)]] = True
    background = (best < bg_iou) & ~foreground
    outside = np.maximum(-anchors[:, :2], anchors[:, 2:] - (width, height)).max(axis=1)

    def verdict(n):
        if background[n]:
            return f"background: below {bg_iou}"
        if not foreground[n]:
            return f"neither, and ignores it: between {bg_iou} and {fg_iou}"
        low_quality = f"foreground, though below {fg_iou}: no anchor fits this object better"
        return low_quality if best[n] < fg_iou else f"foreground: {fg_iou} or more"

    def view(level, scale, ratio, row, column):
        require(level in grids, f"level must be one of {list(grids)}, got {level!r}")
        grid = grids[level]
        require(0 <= scale < grid.shape[2], f"scale must be below {grid.shape[2]}, got {scale}")
        require(ratio > 0, f"ratio must be above 0, got {ratio}")
        ratio = min(ratios, key=lambda one: abs(math.log(one / ratio)))
        row, column = np.clip((row, column), 0, np.array(grid.shape[:2]) - 1)
        n = grid[row, column, scale, ratios.index(ratio)]
        sheet = Sheet(-width / 8, -height / 8, width * 9 / 8, height * 9 / 8, canvas)
        sheet.dots(*centres[grid[:, :, 0, 0].ravel()].T, LIGHT, min(8, 200 / grid.shape[1]), GREY)
        sheet.frame(objects, GREEN, dashed=True)
        sheet.frame(anchors[n], RED, 5)
        sheet.dots(*centres[n], RED, 14)
        met = [i for i in np.argsort(-overlaps[n], kind="stable") if overlaps[n, i] >= 0.005]
        for i in met:
            sheet.note(objects[i, ::2].mean(), objects[i, 1], f"{overlaps[n, i]:.2f}")
        shares = [f"{truth.names[i]} {overlaps[n, i]:.2f}" for i in met]
        if len(met) < len(objects):
            shares.append(f"0 with {'the others' if met else 'every object'}")
        (w, h), over = anchors[n, 2:] - anchors[n, :2], ", partly outside the picture"
        text = (
            f"P{level}, row {row}, column {column}: an anchor {w:.0f} px wide and {h:.0f} high"
            f"{over * bool(outside[n] > 0)}. IoU: {', '.join(shares) or 'there is no object'}. "
            f"Training calls it {verdict(n)}."
        )
        return sheet.pixels, text

    def fit(controls):
        """Another level has other rows and columns: stay at the same place of the picture."""
        shape = grids[controls["level"].value].shape
        for control, count in ((controls["row"], shape[0]), (controls["column"], shape[1])):
            if control.max != count - 1:
                place = (control.value + 0.5) / (control.max + 1)
                control.max, control.value = count - 1, int(place * count)

    telling = [  # which anchors qualify, and which of these tells most
        (foreground, best - (outside > 0)),
        (~foreground & ~background, best - (outside > 0)),
        (background & (outside <= 0), -np.abs(best - bg_iou / 2)),
        (outside > (anchors[:, 2:] - anchors[:, :2]).mean(axis=1) / 4, best - foreground),
    ]
    cases = []
    for n in (np.where(mask, worth, -9).argmax() for mask, worth in telling if mask.any()):
        level = next(name for name, grid in grids.items() if n <= grid.max())
        row, column, scale, ratio = np.argwhere(grids[level] == n)[0].tolist()
        cases.append(dict(level=level, scale=scale, ratio=ratios[ratio], row=row, column=column))
    start, shape = cases[0], grids[cases[0]["level"]].shape
    ends = dict(level=(3, max(grids)), scale=(0, shape[2] - 1))
    ends |= dict(row=(0, shape[0] - 1), column=(0, shape[1] - 1))
    controls = {n: slider(start[n], n, *ends[n], 1, "IntSlider") for n in ends}
    controls["ratio"] = slider(start["ratio"], "ratio", min(ratios), max(ratios), 0.5)
    return Explorer(view, cases, controls, fit=fit)


def _roi_pool(features, box, size):
    """RoIPool of one box on a map (H, W): (size, size), and the box after rounding, in cells.

    The edges of the box are rounded to whole cells, at least one; the parts that it is divided into
    are rounded outward; the largest number of a part counts, 0 if it is all outside the map.

    Source: Girshick 2015 (Fast R-CNN), section 2.1.
    """
    x1, y1, x2, y2 = (math.floor(edge + 0.5) for edge in box)
    x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
    spans = lambda low, high: [  # noqa: E731
        slice(low + i * (high - low) // size, low - (-(i + 1) * (high - low) // size))
        for i in range(size)
    ]
    parts = [[features[rows, columns] for columns in spans(x1, x2)] for rows in spans(y1, y2)]
    pooled = [[part.max() if part.size else 0 for part in row] for row in parts]
    return np.array(pooled), (x1, y1, x2, y2)


def explore_roi_align(features=None, box=(1.3, 0.8, 5.7, 4.9), size=2) -> Explorer:
    """Move a box over a small map: what RoIAlign reads there, and what RoIPool makes of it.

    The still figure shows this box, and one that moves by half a cell, twice: RoIPool stays, then
    jumps, while RoIAlign follows.

    Args:
        features: (H, W) numbers, 2 x 2 or more; None for a ramp, where row 2, column 3 holds 23.
        box: x1 y1 x2 y2 in cells of the map; the first cell spans 0..1, its centre is at 0.5.
        size: cells along a side of the pooled grid; RoIAlign reads 2 x 2 points in each.

    Returns:
        An Explorer: `view(x=1.3, y=0.8, width=4.4, height=4.1)`.

    Raises:
        ValueError: the map is no such grid, or the box is empty or begins outside it.

    Source: He et al. 2017 (Mask R-CNN), section 3, "RoIAlign".
    """
    ramp = 10 * np.arange(6)[:, None] + np.arange(8)
    features = np.asarray(ramp if features is None else features, np.float32)
    shape = features.shape
    require(len(shape) == 2 <= min(shape), f"features must be (H, W), 2 x 2 or more, got {shape}")
    rows, columns = shape
    plain, exact = (lambda value: f"{value:.4g}"), (lambda value: f"{value:.1f}")

    side, left = 0.46 * rows, columns + 0.5

    def view(x, y, width, height):
        box = np.array([x, y, x + width, y + height], np.float32)
        inside = 0 <= x < columns and 0 <= y < rows and width > 0 and height > 0
        require(inside, f"a box must begin on the map and have an inside, got {box.round(2)}")
        points = roi_align([features[None, ..., None]], box[None, None], (1,), 2 * size, 1)
        points = np.asarray(points)[0, 0, ..., 0]
        aligned = points.reshape(size, 2, size, 2).mean(axis=(1, 3))  # as sampling_ratio=2
        pooled, rounded = _roi_pool(features, box.tolist(), size)
        sheet = Sheet(-0.3, -0.5, left + side + 0.3, rows + 0.3)
        sheet.table(features, (0, 0, columns, rows), DARK, plain, 17, at=(0.22, 0.16))
        sheet.dots(*np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5), LIGHT, 6)
        sheet.frame(rounded, BLUE, 4, dashed=True)
        sheet.frame(box, RED, 4)
        steps = (np.arange(2 * size) + 0.5) / (2 * size)
        at_x, at_y = x + width * steps, y + height * steps
        if width >= 1.2 * size and height >= 0.9 * size:  # else the numbers would overlap
            for i, j in np.ndindex(points.shape):
                sheet.note(at_x[j], at_y[i] + 0.1, exact(points[i, j]), RED, 17, 0, 0.95)
        sheet.dots(*np.meshgrid(at_x, at_y), RED, max(4, 12 - size))
        results = [(0, "RoIAlign", aligned, RED, exact, False)]
        results += [(0.54 * rows, "RoIPool", pooled, BLUE, plain, True)]
        for top, name, values, color, form, dashed in results:
            place = (left, top, left + side, top + side)
            sheet.table(values, place, color, form, max(13, 46 // size))
            sheet.frame(place, color, 4, dashed)
            sheet.note(left + side / 2, top - 0.05, name, color, 21, 1)
        say = lambda values, form: " / ".join(" ".join(map(form, row)) for row in values[:3])  # noqa: E731
        text = (
            f"Box from x {box[0]:.1f}, y {box[1]:.1f} to x {box[2]:.1f}, y {box[3]:.1f}. RoIAlign "
            f"reads {say(aligned, exact)}. RoIPool rounds to x {rounded[0]}, y {rounded[1]} to x "
            f"{rounded[2]}, y {rounded[3]} and takes the largest: {say(pooled, plain)}."
        )
        return sheet.pixels, text

    start = dict(x=box[0], y=box[1], width=box[2] - box[0], height=box[3] - box[1])
    still = dict(y=0.8, width=columns // 2, height=max(1, 2 * rows // 3))
    cases = [start, *({"x": x, **still} for x in (0.6, 1.1, 1.6))]
    ends = dict(x=(0, columns - 0.1), y=(0, rows - 0.1), width=(0.1, columns), height=(0.1, rows))
    controls = {name: slider(start[name], name, *ends[name], 0.1) for name in start}
    return Explorer(view, cases, controls)


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
    config, (height, width) = model.config, model.config.image_size
    (canvas, zoom), num = letterbox(image, (height, width)), len(np.asarray(stages.boxes))
    require(num == 1, f"stages must be of one picture, got a batch of {num}")
    read = lambda leaf: np.asarray(leaf)[0]  # noqa: E731
    sharp, _ = letterbox(image, (2 * height, 2 * width))  # to draw on
    grey = cv2.cvtColor(cv2.cvtColor(sharp, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    texts = {"input": f"The input: {width} x {height} pixels, the picture's sides times {zoom:.2g}"}
    pictures = {"input": canvas.repeat(2, axis=0).repeat(2, axis=1)}

    def tint(values, low, high):
        """The picture in grey under a map (h, w): dark blue at low, yellow at high."""
        shares = np.uint8(255 * np.clip((values - low) / max(high - low, 1e-9), 0, 1))
        cells = cv2.resize(shares, (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST)
        colors = cv2.applyColorMap(cells, cv2.COLORMAP_VIRIDIS)[..., ::-1]
        return cv2.addWeighted(colors, 0.7, grey, 0.3, 0)

    for name, level in stages.features.items():
        mean = read(level).mean(axis=2)
        low, high, shape = mean.min(), mean.max(), " x ".join(map(str, mean.shape))
        pictures[name] = tint(mean, low, high)
        texts[name] = f"{name}: {shape} cells of {level.shape[-1]} numbers; their mean, "
        texts[name] += f"dark {low:.2f} to bright {high:.2f}"
    scores, start = 1 / (1 + np.exp(-read(stages.objectness_logits))), 0
    levels = list(stages.features.items())[1:]
    for (name, cells), sides in zip(levels, config.anchor_sides, strict=True):
        shape = (*cells.shape[1:3], len(sides) * len(config.anchor_ratios))
        level = scores[start : start + math.prod(shape)].reshape(shape)
        best, start = level.max(axis=2), start + level.size
        many = f"{(best >= 0.5).sum()} of {best.size} cells hold an anchor of 0.5 or more"
        pictures[f"objectness {name}"] = tint(best, 0, 1)
        texts[f"objectness {name}"] = f"Objectness on {name}: {many}"
    proposals = 2 * read(stages.proposals)[read(stages.proposal_scores) > 0]
    final = (stages.boxes, stages.labels, stages.scores, stages.mask_scores)
    categories = categories or {i: f"class {i}" for i in range(1, config.num_classes + 1)}
    found = candidates_of(*map(read, final), 0.5, categories)
    found = to_detections(found, sharp.shape[:2], categories, 0)
    sure = found[found.scores >= 0.5]
    frames = {"best proposals": proposals[:10], "all proposals": proposals, "boxes": sure.boxes}
    for name in ("best proposals", "all proposals"):
        texts[name] = f"{len(frames[name])} of {len(proposals)} proposals, from the best on"
    texts["boxes"] = f"{len(found)} final boxes; {len(sure)} have a score of 0.5 or more"
    pictures["masks"] = draw_detections(sharp, sure, labels=False, boxes=False)
    texts["masks"] = f"{len(sure)} masks cover {sure.masks.any(axis=0).mean():.0%} of the input"

    def view(stage):
        stage = dict(enumerate(texts)).get(stage, stage)
        require(stage in texts, f"stage must be one of {', '.join(texts)}, got {stage!r}")
        sheet = Sheet(0, 0, 2 * width, 2 * height, pictures.get(stage, sharp))
        sheet.frame(frames.get(stage, []), BLUE)
        if stage in ("boxes", "masks"):
            for name, (x1, y1, x2, _) in zip(sure.names, sure.boxes, strict=True):
                sheet.note((x1 + x2) / 2, y1 + 3, name, size=23, place=0)
        return sheet.pixels, texts[stage]

    still = "input", "P3", "objectness P4", "all proposals", "boxes", "masks"
    control = slider(0, "stage", 0, len(texts) - 1, 1, "IntSlider")
    return Explorer(view, [{"stage": name} for name in still], {"stage": control}, columns=3)
