"""Charts of what an evaluation says: each function takes its data and returns a Figure."""

import numpy as np

from helpers.drawing import color_of


def _axes(width, height, **settings):
    """A figure and its axes; pyplot does not know it, so a cell shows it once."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(width, height), dpi=100, layout="constrained")
    plt.close(figure)
    axes.set(**settings)
    return figure, axes


def plot_precision_recall(curves, title="Precision falls as recall rises"):
    """A line for each class, and a black one for their mean, the area under which is the AP.

    Args:
        curves: {name: (101,) float}, from `precision_recall`; may be empty.
        title: what the figure claims.

    Returns:
        matplotlib Figure.
    """
    figure, axes = _axes(
        7.5, 3.6, title=title, xlabel="recall: share of the true objects that is found",
        ylabel="precision", xlim=(0, 1), ylim=(0, 1.03),
    )  # fmt: skip
    recalls = np.linspace(0, 1, 101)
    for i, (name, curve) in enumerate(curves.items()):
        color = np.divide(color_of(i), 255)
        axes.plot(recalls, curve, color=color, label=f"{name} {curve.mean():.2f}")
    if curves:
        mean = np.mean(list(curves.values()), axis=0)
        axes.plot(recalls, mean, "k", lw=2.5, label=f"mean {mean.mean():.2f}")
        axes.legend(title="AP", fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def plot_confusion(names, matrix, title="What was taken for what"):
    """The matrix as a grid of counts; the darker, the larger a share of its row.

    Args:
        names, matrix: from `confusion`.
        title: what the figure claims.

    Returns:
        matplotlib Figure.
    """
    side = 1.8 + 0.45 * len(matrix)
    figure, axes = _axes(
        side + 0.6, side, title=title, xlabel="predicted class", ylabel="true class"
    )
    axes.imshow(matrix / np.maximum(matrix.sum(1, keepdims=True), 1), "Blues", vmin=0, vmax=1.6)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            axes.text(column, row, count, ha="center", va="center", fontsize=9)
    axes.set_xticks(range(len(matrix)), [*names, "missed"], rotation=45, ha="right")
    axes.set_yticks(range(len(matrix)), [*names, "nothing"])
    return figure


def plot_calibration(bins, title="Is a score of .8 right in 8 of 10 cases?"):
    """The share that is right against the score; on the diagonal a score means what it says.

    Args:
        bins: from `calibration`; dots grow with the number of detections.
        title: what the figure claims.

    Returns:
        matplotlib Figure.
    """
    figure, axes = _axes(
        4.6, 4.2, title=title, xlabel="score", ylabel="share that is right", xlim=(0, 1.03),
        ylim=(0, 1.03),
    )  # fmt: skip
    color = np.divide(color_of(2), 255)
    axes.plot([0, 1], [0, 1], "--", color="0.6")
    area = 20 + 300 * bins["num"] / max(bins["num"].max(), 1)
    axes.plot(bins["score"], bins["right"], color=color)
    axes.scatter(bins["score"], bins["right"], area, color=color, edgecolor="white", zorder=2)
    for x, y, num in zip(bins["score"], bins["right"], bins["num"], strict=True):
        if num:
            axes.annotate(num, (x, y), (6, -10), textcoords="offset points", fontsize=8)
    return figure
