"""Figures of notebook 04, Mask R-CNN: numbers in, a Figure out; its title is the claim."""

import numpy as np

from helpers.lessons.figures.axes import BLUE, GREEN, ORANGE, VERMILION, make_axes
from helpers.structures import require


def plot_iou_by_size(sizes, panels):
    """Lines side by side: the mean mask IoU of small to large objects, a line per mistake.

    Args:
        sizes: S names of sizes, the smallest first.
        panels: {title: {mistake: S values, 0..1}}, up to four mistakes each.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a line has not a value per size.
    """
    figure, axes = make_axes(4.5 * len(panels), 3.2, columns=len(panels), sharey=True)
    axes = np.atleast_1d(axes)
    looks = (("o-", BLUE), ("s--", ORANGE), ("^-.", GREEN), ("v:", VERMILION))
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        for (name, values), (style, color) in zip(lines.items(), looks, strict=False):
            require(
                len(values) == len(sizes), f"{name} needs {len(sizes)} values, got {len(values)}"
            )
            axis.plot(sizes, values, style, label=name, color=color)
        axis.set(title=title, xlabel="side of the box, pixels", ylim=(0, 1.03))
        axis.legend()
    axes[0].set_ylabel("mean mask IoU")
    return figure


def plot_loss_ratios(ratios, losses, lies):
    """A table of colours: how many times its honest value each loss has, for each kind of lie.

    Args:
        ratios: (number of lies, number of losses), above 0.
        losses, lies: their names.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the shape of ratios does not fit the names.
    """
    ratios = np.asarray(ratios)
    wanted = (len(lies), len(losses))
    require(ratios.shape == wanted, f"ratios must have shape {wanted}, got {ratios.shape}")
    figure, axis = make_axes(7, 2.8)
    axis.imshow(np.log2(ratios), cmap="cividis", vmin=-1, vmax=5, aspect="auto")
    axis.set_xticks(range(len(losses)), losses)
    axis.set_yticks(range(len(lies)), lies)
    for (row, column), value in np.ndenumerate(ratios):
        ink = "black" if value > 4 else "white"
        axis.text(column, row, f"{value:.1f}", ha="center", va="center", color=ink)
    axis.set_title("Each lie has its own pattern: times the honest loss")
    return figure
