"""RoIAlign: cut a fixed grid of features out of a pyramid, for boxes of any size and place."""

import numpy as np
from keras import ops

# A box of this side, in pixels of the network's input, is cut from level P4 (stride 16); half
# the side from P3, and so on. FPN has 224 for inputs of 800 px; ours are a third of that.
CANONICAL_SIDE = 96


def pyramid_level(boxes, strides):
    """Which level to cut each box from: large boxes from coarse levels.

    Args:
        boxes: (..., 4) float32, pixels.
        strides: stride of each level, powers of two in a row, such as (4, 8, 16, 32).

    Returns:
        (...) int32 index into `strides`. An empty box falls on the finest level.

    Source: Lin et al. 2017 (FPN), equation 1.
    """
    sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3)
    relative = ops.log2(ops.sqrt(sides[..., 0] * sides[..., 1]) / CANONICAL_SIDE)
    level = ops.floor(4 + relative) - int(np.log2(strides[0]))
    return ops.cast(ops.clip(level, 0, len(strides) - 1), "int32")


def roi_align(pyramid, boxes, strides, size, samples=2):
    """Features of each box on a `size` x `size` grid, with nothing rounded.

    Each cell of the grid is the mean of samples x samples points, and each point is interpolated
    between the four nearest features. RoIPool rounds twice instead, and moves the mask by up to
    half a stride.

    Args:
        pyramid: list of (B, h, w, C) float32, one per stride, finest first.
        boxes: (B, R, 4) float32, pixels of the network's input. R may be 0.
        strides: stride of each level in pixels.
        size: cells along a side of the grid.
        samples: points along a side of each cell.

    Returns:
        (B, R, size, size, C) float32. Points outside the map take the value at its border.

    Source: He et al. 2017 (Mask R-CNN), section 3, "RoIAlign".
    """
    batch, num, channels = ops.shape(pyramid[0])[0], boxes.shape[1], pyramid[0].shape[-1]
    heights = np.array([level.shape[1] for level in pyramid])
    widths = np.array([level.shape[2] for level in pyramid])
    starts = np.cumsum([0, *(heights * widths)])
    # All levels in one long table: a feature is found by its row, whatever its level.
    table = [ops.reshape(level, (batch, -1, channels)) for level in pyramid]
    table = ops.reshape(ops.concatenate(table, 1), (-1, channels))

    level = pyramid_level(boxes, strides)  # (B, R)
    of_level = lambda values, dtype: ops.take(np.asarray(values, dtype), level)  # noqa: E731
    stride = of_level(strides, "float32")[..., None]
    width = of_level(widths, "int32")
    first = of_level(starts[:-1], "int32") + (ops.arange(batch) * int(starts[-1]))[:, None]

    grid = (np.arange(size * samples, dtype="float32") + 0.5) / (size * samples)

    def along(axis, lengths):
        """Left neighbour, right neighbour (B, R, points) and the weight of the right one."""
        side = boxes[..., axis + 2] - boxes[..., axis]
        at = (boxes[..., axis, None] + side[..., None] * grid) / stride - 0.5
        last = of_level(lengths - 1, "float32")[..., None]
        at = ops.clip(at, 0, last)
        low = ops.floor(at)
        high = ops.minimum(low + 1, last)
        return ops.cast(low, "int32"), ops.cast(high, "int32"), at - low

    x0, x1, wx = along(0, widths)
    y0, y1, wy = along(1, heights)

    def feature(y, x):
        rows = first[..., None, None] + y[..., :, None] * width[..., None, None] + x[..., None, :]
        return ops.take(table, rows, axis=0)  # (B, R, points, points, C)

    wx, wy = wx[..., None, :, None], wy[..., :, None, None]
    top = feature(y0, x0) * (1 - wx) + feature(y0, x1) * wx
    bottom = feature(y1, x0) * (1 - wx) + feature(y1, x1) * wx
    points = top * (1 - wy) + bottom * wy
    if samples > 1:
        points = ops.reshape(points, (-1, size * samples, size * samples, channels))
        points = ops.average_pool(points, samples, samples)
    return ops.reshape(points, (batch, num, size, size, channels))
