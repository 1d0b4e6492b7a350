"""Figures of notebook 05, test on images: numbers in, a Figure out; its title is the claim."""

import numpy as np

from helpers.drawing import show
from helpers.lessons.figures.axes import BLUE, make_axes
from helpers.structures import require


def show_long_axes(image, detections):
    """The long axis of each object, its centroid (a dot), and the middle of its box (a cross).

    Args:
        image: (H, W, 3) uint8.
        detections: Detections with masks; may be empty.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the detections have no masks.
    """
    require(detections.masks is not None, "detections must have masks, got boxes alone")
    figure = show(image, "The middle of the box need not lie on the object", height=4)
    axis = figure.axes[0]
    for row, (x1, y1, x2, y2) in zip(detections.to_table(), detections.boxes, strict=True):
        x, y = row["centroid"]
        angle = np.radians(row["angle"])
        half = row["area"] ** 0.5 / 2
        dx, dy = half * np.cos(angle), half * np.sin(angle)
        for color, width in (("black", 5), ("gold", 3)):
            axis.plot([x - dx, x + dx], [y - dy, y + dy], color=color, lw=width)
        axis.plot(x, y, "k.", (x1 + x2) / 2, (y1 + y2) / 2, "kx", ms=11, mew=3)
    return figure


def plot_staircase(recall, precision):
    """Precision against recall as counted, and the staircase that AP averages, at 101 points.

    Args:
        recall, precision: (N,) float, after each detection, best score first; N may be 0.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the lengths differ.
    """
    require(
        len(recall) == len(precision),
        f"recall and precision must be as long, got {len(recall)} and {len(precision)}",
    )
    recall, precision = np.asarray(recall), np.asarray(precision)
    levels = np.linspace(0, 1, 101)
    best = [max(precision[recall >= level], default=0) for level in levels]
    figure, axis = make_axes(6, 3.2)
    axis.plot(recall, precision, "o-", color="0.6", label="counted, detection by detection")
    axis.fill_between(levels, best, step="pre", color=BLUE, alpha=0.15)
    axis.plot(levels, best, ".", color=BLUE, ms=3, label="staircase at 101 points")
    for number, place in enumerate(zip(recall, precision, strict=True), 1):
        axis.annotate(str(number), place, (5, 5), textcoords="offset points")
    axis.set(xlim=(-0.02, 1.05), ylim=(0, 1.1), xlabel="recall", ylabel="precision")
    axis.set_title(f"AP is the mean height of the stairs: {np.mean(best):.4f}")
    axis.legend(loc="lower left")
    return figure
