"""Figures of notebook 01, boxes and masks: numbers in, a Figure out; its title is the claim."""

import numpy as np

from helpers.lessons.figures.axes import BLUE, COLORS, ORANGE, make_axes
from helpers.structures import require


def name_colors(axis, names):
    """A legend for a picture of `draw_detections` without labels: the name of each colour.

    Args:
        axis: matplotlib axis that shows the picture.
        names: N names, in the order of the detections; N may be 0.

    Raises:
        ValueError: more names than colours.
    """
    from matplotlib.patches import Patch

    require(len(names) <= len(COLORS), f"{len(COLORS)} names at most, got {len(names)}")
    patches = [Patch(color=color, label=name) for color, name in zip(COLORS, names, strict=False)]
    axis.legend(handles=patches, loc="upper right", fontsize=8, framealpha=0.9)


def plot_box_shares(names, shares):
    """Of each box, the share that is the object itself, other objects, or no object.

    Args:
        names: N class names.
        shares: (N, 3) float, rows that add up to 1. N is at least 1.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: not three shares for each name.
    """
    shares = np.asarray(shares)
    require(
        shares.shape == (len(names), 3) and len(names) > 0,
        f"shares must have shape ({len(names)}, 3) with one row or more, got {shares.shape}",
    )
    figure, axis = make_axes(7, 3)
    rows = np.arange(len(names))
    start = np.zeros(len(names))
    kinds = {"itself": BLUE, "other objects": ORANGE, "no object": COLORS[7]}
    for (label, color), share in zip(kinds.items(), shares.T, strict=True):
        axis.barh(rows, share, left=start, label=label, color=color)
        start = start + share
    axis.set_yticks(rows, names)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1), xlabel="share of the box")
    axis.set_title(f"Of one box only {shares[:, 0].min():.0%} is the object itself")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def plot_costs(num_bytes, ious):
    """Ways to write a mask down: a bar as long as their bytes, blue if every pixel is kept.

    Args:
        num_bytes: {way: bytes}; one of the ways is "packed RLE".
        ious: {way: IoU of what comes back with the mask}, the same ways.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the two do not name the same ways.
    """
    require(
        set(num_bytes) == set(ious),
        f"both must name the same ways, got {list(num_bytes)} and {list(ious)}",
    )
    figure, axis = make_axes(7, 2.8)
    colors = [BLUE if ious[way] == 1 else ORANGE for way in num_bytes]
    bars = axis.barh(list(num_bytes), list(num_bytes.values()), color=colors)
    axis.bar_label(
        bars, [f" {size:,} bytes, IoU {ious[way]:.2f}" for way, size in num_bytes.items()]
    )
    axis.invert_yaxis()
    axis.set(xscale="log", xlim=(10, 3e8), xlabel="bytes")
    axis.set_title(f"Every pixel is kept in {num_bytes['packed RLE']} bytes, by packed RLE")
    return figure


def plot_dataset(classes, sizes, per_picture):
    """A data set at a glance: how many objects per class, per size and per picture.

    Args:
        classes: [(name, number of objects), ...], the most common first; two or more.
        sizes: the numbers of small, medium and large objects.
        per_picture: (P,) int, the number of objects in each picture.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: there are not three sizes, or fewer than two classes.
    """
    require(len(sizes) == 3, f"sizes must be small, medium and large, got {len(sizes)} numbers")
    require(len(classes) >= 2, f"classes must be two or more, got {len(classes)}")
    figure, (left, middle, right) = make_axes(11, 2.8, columns=3)
    names, counts = zip(*classes, strict=True)
    left.barh(names, counts, color=BLUE)
    left.invert_yaxis()
    left.set(title=f"Most common: {names[0]} and {names[1]}", xlabel="objects")

    middle.bar(("small", "medium", "large"), sizes, color=ORANGE)
    share = sizes[0] / max(sum(sizes), 1)
    middle.set(title=f"{share:.0%} of the objects are small", ylabel="objects")

    right.hist(per_picture, np.arange(np.max(per_picture) + 2) - 0.5, color=BLUE)
    right.set(title=f"Half the pictures hold {np.median(per_picture):g} or fewer")
    right.set(xlabel="objects per picture", ylabel="pictures")
    right.xaxis.get_major_locator().set_params(integer=True)
    return figure
