"""Figures of notebook 07, compare models: numbers in, a Figure out; its title is the claim."""

import numpy as np

from helpers.lessons.figures.axes import COLORS, make_axes
from helpers.structures import require


def plot_calls(milliseconds):
    """How long each call of a model took, on a scale of factors; the first stands out.

    Args:
        milliseconds: (N,) float, in the order of the calls; N is at least 2.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: fewer than two calls.
    """
    require(len(milliseconds) >= 2, f"two calls or more are needed, got {len(milliseconds)}")
    first, later = milliseconds[0], milliseconds[1:]
    low, middle, high = np.percentile(later, [10, 50, 90])
    figure, axis = make_axes(7, 2.6)
    axis.semilogy(range(1, len(milliseconds) + 1), milliseconds, "o")
    axis.axhspan(low, high, alpha=0.3, label=f"8 of 10 lie between {low:.0f} and {high:.0f} ms")
    axis.axhline(middle, label=f"median {middle:.0f} ms")
    axis.set(xlabel="call", ylabel="ms")
    axis.set_title(f"The first call takes as long as {first / middle:.0f} others")
    axis.legend()
    return figure


def plot_intervals(aps, differences, base):
    """Bars side by side: the interval of each model's AP, and of its difference from one of them.

    Args:
        aps: {model: (S,) mask AP on S sets of pictures}.
        differences: {model: (S,) AP minus that of `base`}; models may be missing.
        base: the name of the model that the others are compared with.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: base is none of the models.
    """
    from helpers.evaluation import interval

    require(base in aps, f"base must be one of {list(aps)}, got '{base}'")
    figure, (left, right) = make_axes(9, 0.45 * len(aps) + 1.2, columns=2, sharey=True)
    for y, (name, values) in enumerate(aps.items()):
        color = COLORS[y % len(COLORS)]
        for axis, drawn in ((left, values), (right, differences.get(name, np.zeros(1)))):
            axis.plot(interval(drawn) or (0, 0), [y, y], lw=7, color=color)
            axis.plot(np.mean(drawn), y, "k.")
    left.set_yticks(range(len(aps)), list(aps))
    left.set(title="Alone, nearly all overlap", xlabel="mask AP", ylim=(len(aps) - 0.5, -0.5))
    right.set(title="On the same sets, the bars shrink", xlabel=f"mask AP minus that of {base}")
    right.set_xlim(np.array(left.get_xlim()) - np.mean(aps[base]))  # the same scale
    right.locator_params(axis="x", nbins=5)
    right.axvline(0, color="0.6")
    return figure


def plot_front(models, front):
    """A dot per model: its cost to the right, its AP upwards; a dashed line joins the front.

    Args:
        models: {name: {"cpu": ms, "mask": AP, "mask_span": (low, high)}}.
        front: the names of those on the Pareto front, from cheap to dear.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the front names a model that is not there.
    """
    require(set(front) <= set(models), f"the front must be among {list(models)}, got {list(front)}")
    figure, axis = make_axes(8, 4)
    costs = [models[name]["cpu"] for name in front]
    aps = [models[name]["mask"] for name in front]
    axis.plot(costs, aps, "k--", lw=1)
    for i, (name, row) in enumerate(models.items()):
        reach = np.abs(np.subtract(row["mask_span"], row["mask"]))[:, None]
        axis.errorbar(
            row["cpu"], row["mask"], reach, fmt="o" if name in front else "x", capsize=4, ms=9,
            color=COLORS[i % len(COLORS)], label=name,
        )  # fmt: skip
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    axis.set(xlabel="CPU time per picture (ms)", ylabel="mask AP")
    verb = "is" if len(front) == 1 else "are"
    axis.set_title(f"{len(front)} of {len(models)} {verb} worth discussing")
    return figure
