"""Figures of notebook 02, Faster R-CNN: numbers in, a Figure out; its title is the claim."""

import numpy as np

from helpers.drawing import show
from helpers.lessons.figures.axes import BLUE, GREEN, GREY, ORANGE, make_axes, outline
from helpers.structures import require


def show_boxes(claim, panels, colors, picture, truth=(), width=1.2):
    """The same picture several times, each time with other boxes; the true ones green and dashed.

    Args:
        claim: the title above all.
        panels: {title: (N, 4) boxes in pixels of the picture}; N may be 0.
        colors: a colour per panel, or an array of them with a colour per box.
        picture: (H, W, 3) uint8.
        truth: (G, 4), the true boxes.
        width: of the lines, points.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: not as many colours as panels.
    """
    require(
        len(panels) == len(colors), f"{len(panels)} panels need as many colors, got {len(colors)}"
    )
    height = 4.5 if len(panels) == 1 else 3
    figure = show([picture] * len(panels), list(panels), height=height)
    figure.suptitle(claim)
    for axis, boxes, color in zip(figure.axes, panels.values(), colors, strict=True):
        outline(axis, boxes, color, width=width)
        outline(axis, truth, GREEN, "--", 1.8)
    return figure


def show_centres(claim, kinds, boxes, picture, truth=()):
    """A picture with a dot at the centre of each box: kind by kind, the last one on top.

    Args:
        claim: the title.
        kinds: {name: (N,) bool, which boxes are of this kind}, two at most; grey, then orange.
        boxes: (N, 4), pixels of the picture.
        picture: (H, W, 3) uint8.
        truth: (G, 4), the true boxes, green and dashed.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a kind does not have an entry per box.
    """
    boxes = np.reshape(boxes, (-1, 4))
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    figure = show(picture, claim, height=4.5)
    (axis,) = figure.axes
    outline(axis, truth, GREEN, "--", 1.8)
    for (name, which), color, size in zip(kinds.items(), (GREY, ORANGE), (3, 6), strict=False):
        require(len(which) == len(boxes), f"'{name}' needs {len(boxes)} entries, got {len(which)}")
        x, y = (
            centres[np.asarray(which, bool)].T - 0.5
        )  # matplotlib counts from the middle of the first pixel
        axis.plot(x, y, "o", color=color, ms=size, mec="black", mew=0.3, label=name)
    axis.legend(loc="lower right", fontsize=9)
    return figure


def plot_anchors(anchors, image_size, stride, cell):
    """A grid of anchors, those of one cell in blue, a dot in the middle of each cell.

    Args:
        anchors: (A, 4) boxes, cell by cell, as many for each.
        image_size: (height, width), pixels, multiples of the stride.
        stride: pixels from one cell to the next.
        cell: the number of the cell to point out, row by row.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the anchors do not share out evenly among the cells.
    """
    height, width = image_size
    y, x = np.mgrid[0:height:stride, 0:width:stride] + stride / 2
    require(
        len(anchors) % x.size == 0, f"{len(anchors)} anchors do not share out to {x.size} cells"
    )
    shapes = len(anchors) // x.size
    figure, axis = make_axes(4.2, 4.2)
    outline(axis, anchors, "0.7", width=0.8)
    outline(axis, anchors[cell * shapes : (cell + 1) * shapes], BLUE, width=2.5)
    axis.plot(x.ravel(), y.ravel(), "k.")
    around = 1.25 * stride
    axis.set(xlim=(-around, width + around), ylim=(height + around, -around))
    axis.set(xticks=range(0, width + 1, stride), yticks=range(0, height + 1, stride))
    axis.set(aspect="equal", title=f"{x.size} cells, {shapes} shapes each: {len(anchors)} anchors")
    return figure


def show_objectness(maps, boxes, image_size):
    """The best objectness at each cell of each level, the true boxes in white over it.

    Args:
        maps: {level: (rows, columns) float, 0..1}.
        boxes: (G, 4), pixels of the image.
        image_size: (height, width), pixels.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a map has not two axes.
    """
    import matplotlib.pyplot as plt

    for level, values in maps.items():
        shape = np.shape(values)
        require(len(shape) == 2, f"the map of {level} must be (rows, columns), got {shape}")
    figure = show([plt.cm.viridis(values) for values in maps.values()], list(maps), height=2.6)
    figure.suptitle("Objectness: where something is, level by level", fontsize=12)
    height, width = image_size
    for axis, values in zip(figure.axes, maps.values(), strict=True):
        rows, columns = values.shape
        to_cells = np.array([columns / width, rows / height] * 2)
        outline(axis, np.asarray(boxes) * to_cells - 0.5, "white", "--")
    return figure


def plot_recall_of_steps(recalls):
    """Bars: what share of the true objects each step still covers, at IoU 0.5 and 0.75.

    Args:
        recalls: {step: {0.5: recall, 0.75: recall}}.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: there is no step.
    """
    require(len(recalls) > 0, "recalls must hold a step or more, got none")
    figure, axis = make_axes(8, 3.2)
    places = np.arange(len(recalls))
    for iou, shift, color in ((0.5, -0.2, BLUE), (0.75, 0.2, ORANGE)):
        shares = [recall[iou] for recall in recalls.values()]
        bars = axis.bar(places + shift, shares, 0.38, color=color, label=f"at IoU {iou}")
        axis.bar_label(bars, fmt="%.2f", fontsize=9)
    axis.set_xticks(places, list(recalls))
    axis.set(ylim=(0, 1.35), yticks=[0, 0.5, 1], ylabel="recall")
    axis.set_title("The deltas find the objects; the selection hardly loses any")
    axis.legend(loc="upper left", ncols=2)
    return figure


def plot_recall_of_places(num_proposals, curves):
    """Lines: recall against the number of proposals, for several thresholds of NMS.

    Args:
        num_proposals: P numbers, each twice the one before.
        curves: {NMS IoU: P recalls}; 1 stands for no NMS.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a curve is not as long as num_proposals.
    """
    figure, axis = make_axes(7, 3.2)
    for (nms_iou, recalls), style in zip(curves.items(), ("s:", "o-", "^--"), strict=False):
        require(
            len(recalls) == len(num_proposals),
            f"the curve of {nms_iou} must hold {len(num_proposals)} recalls, got {len(recalls)}",
        )
        label = f"NMS at {nms_iou}" if nms_iou < 1 else "no NMS"
        axis.plot(num_proposals, recalls, style, label=label)
    axis.set_xscale("log", base=2)
    axis.set_xticks(num_proposals, num_proposals)
    axis.set(xlabel="num_proposals", ylabel="recall at IoU 0.5")
    axis.set_title("Without NMS, copies take the places of other objects")
    axis.legend()
    return figure
