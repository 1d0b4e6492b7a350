"""What the figures share: colours, axes, boxes drawn on them.

pyplot does not know the figures, so a cell whose last line is such a call shows it once.
"""

import numpy as np

from helpers.drawing import PALETTE

COLORS = np.array(PALETTE) / 255  # what matplotlib wants: 0..1
ORANGE, BLUE, VERMILION, GREEN = COLORS[[0, 2, 5, 6]]
GREY = np.array((200, 200, 200)) / 255


def make_axes(width, height, columns=1, **options):
    """A figure of so many inches, and its axes: one, or an array of them."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, columns, figsize=(width, height), dpi=100, layout="constrained", **options
    )
    plt.close(figure)
    return figure, axes


def outline(axis, boxes, color, style="-", width=1.2):
    """Draws boxes (N, 4) [x1, y1, x2, y2] on a matplotlib axis, whose limits stay. N may be 0."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    frames = [Rectangle((x1, y1), x2 - x1, y2 - y1) for x1, y1, x2, y2 in boxes]
    lines = PatchCollection(frames, fc="none", ec=color, ls=style, lw=width)
    axis.add_collection(lines, autolim=False)
