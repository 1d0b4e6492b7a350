"""Figures of notebook 03, FCN: numbers in, a Figure out; its title is the claim."""

import numpy as np

from helpers.lessons.figures.axes import BLUE, ORANGE, VERMILION, make_axes
from helpers.structures import require

HEADS = {32: VERMILION, 16: ORANGE, 8: BLUE}  # FCN-32s, 16s, 8s


def plot_fcn_losses(history):
    """The loss of each head of an FCN, epoch by epoch; dotted in training, solid in the test.

    A training loss is the mean over an epoch, so it stands in its middle; a test comes at its end.

    Args:
        history: what Keras kept: {"fcn32s_loss": [...], "val_fcn32s_loss": [...], ...}.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a head is missing.
    """
    figure, axis = make_axes(6, 3.2)
    for factor, color in HEADS.items():
        name = f"fcn{factor}s_loss"
        require(
            name in history and f"val_{name}" in history,
            f"history must hold {name} and val_{name}, got {sorted(history)}",
        )
        epochs = np.arange(1, len(history[name]) + 1)
        axis.plot(epochs - 0.5, history[name], ":", color=color)
        axis.plot(epochs, history[f"val_{name}"], "o-", color=color, label=f"FCN-{factor}s")
    axis.set(xlabel="epoch", ylabel="loss", xticks=epochs)
    axis.set_title("Finer heads have the lower loss (dotted: in training)")
    axis.legend()
    return figure


def plot_class_ious(ious, classes):
    """Bars: the IoU of each class, head by head.

    Args:
        ious: {32: [...], 16: [...], 8: [...]}, an IoU per class.
        classes: their names.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a head has not an IoU per class.
    """
    figure, axis = make_axes(7, 3.2)
    places = np.arange(len(classes))
    for k, (factor, color) in enumerate(HEADS.items()):
        require(
            len(ious[factor]) == len(classes),
            f"FCN-{factor}s needs {len(classes)} IoUs, got {len(ious[factor])}",
        )
        shift = 0.27 * (k - 1)
        bars = axis.bar(places + shift, ious[factor], 0.25, color=color, label=f"FCN-{factor}s")
        axis.bar_label(bars, fmt="%.2f", fontsize=8)
    axis.set_xticks(places, classes)
    axis.set(ylabel="IoU", ylim=(0, 1.1), title="Thin objects are nearly lost at 1/32")
    axis.legend(loc="upper right", ncols=3, bbox_to_anchor=(1, 0.9))
    return figure
