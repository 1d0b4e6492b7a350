"""Figures of notebook 04b, build and train: numbers in, a Figure out; its title is the claim."""

import numpy as np

from helpers.lessons.figures.axes import BLUE, COLORS, ORANGE, make_axes


def plot_steps(curve, every):
    """The five losses while a network learns, on logarithmic axes.

    Args:
        curve: {loss: (P,) float}, its mean over so many steps, one after the other; five of them.
        every: steps in a point.

    Returns:
        matplotlib Figure.
    """
    figure, axis = make_axes(8, 3.2)
    num = len(next(iter(curve.values())))
    steps = every * (np.arange(num) + 0.5)
    for (name, values), color in zip(curve.items(), COLORS[[0, 2, 5, 6, 4]], strict=True):
        axis.plot(steps, values, color=color, label=name, marker="." if num < 3 else None)
    left = {name: values[-1] / values[0] for name, values in curve.items()}
    first, last = min(left, key=left.get), max(left, key=left.get)
    axis.set(xscale="log", yscale="log", xlabel="steps", ylabel="loss")
    axis.set_title(f"{left[first]:.0%} of {first} is left, and {left[last]:.0%} of {last}")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def plot_choices(groups):
    """What each choice is worth: a bar per variant, its interval; a dot per seed.

    Args:
        groups: {title: {variant: row}}, rows as in `read_choices`; the first of each is 0.

    Returns:
        matplotlib Figure.
    """
    sizes = [len(rows) for rows in groups.values()]
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        len(groups), 1, figsize=(8, 0.36 * sum(sizes) + 0.9 * len(groups)), dpi=100,
        layout="constrained", sharex=True, squeeze=False, height_ratios=sizes,
    )  # fmt: skip
    plt.close(figure)
    for axis, (title, rows) in zip(axes[:, 0], groups.items(), strict=True):
        first = np.array(next(iter(rows.values()))["mask_AP"])
        for y, row in enumerate(rows.values()):
            axis.plot(row["interval"], [y, y], lw=7, color=BLUE, solid_capstyle="butt")
            seeds = np.array(row["mask_AP"])
            axis.plot(seeds - first[: len(seeds)], np.full(len(seeds), y), ".", color=ORANGE)
        axis.set_yticks(range(len(rows)), [row["text"] for row in rows.values()])
        axis.set(ylim=(len(rows) - 0.5, -0.5), title=f"{title}: mask AP {first.mean():.3f} at 0")
        axis.axvline(0, color="0.6", zorder=0)
    axes[-1, 0].set_xlabel("difference in mask AP: bar, 95 % interval; dots, seeds")
    return figure
