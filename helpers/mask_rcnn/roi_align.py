"""RoIAlign: the features of a box on a fixed grid, whatever the box's size and place.

Letters: B images, R boxes per image, h x w cells of a map, C channels.
"""

import numpy as np
from keras import ops

# A box of this side, in pixels of the input, takes its features from P4 (stride 16), one of half
# the side from P3, and so on. FPN has 224 for inputs of 800 px; 96 was chosen for 256 x 320 px.
CANONICAL_SIDE = 96.0
CANONICAL_LEVEL = 4


def pyramid_level(boxes, strides, canonical_side=CANONICAL_SIDE):
    """Which level each box takes its features from: large boxes from coarse levels.

    Args:
        boxes: (..., 4) float32, pixels.
        strides: stride of each level, powers of two in a row, such as (4, 8, 16, 32).
        canonical_side: of a box that belongs to level 4, pixels.

    Returns:
        (...) int32 index into `strides`. An empty box falls on the finest level.

    Source: Lin et al. 2017 (FPN), equation 1.
    """
    sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3)
    relative = ops.log2(ops.sqrt(sides[..., 0] * sides[..., 1]) / canonical_side)
    finest = int(np.log2(strides[0]))
    level = ops.floor(CANONICAL_LEVEL + relative) - finest
    return ops.cast(ops.clip(level, 0, len(strides) - 1), "int32")


def roi_align(pyramid, boxes, strides, size, sampling_ratio=2, canonical_side=CANONICAL_SIDE):
    """Features of each box on a `size` x `size` grid, with nothing rounded.

    Each cell of the grid is the mean of sampling_ratio x sampling_ratio points, and each point is
    interpolated between the four nearest features. RoIPool rounds twice instead, and moves the
    mask by up to half a stride.

    Args:
        pyramid: list of (B, h, w, C) float32, one per stride, finest first.
        boxes: (B, R, 4) float32, pixels of the network's input. R may be 0.
        strides: stride of each level in pixels.
        size: cells along a side of the grid.
        sampling_ratio: points along a side of each cell.
        canonical_side: see `pyramid_level`.

    Returns:
        (B, R, size, size, C) float32. Points outside the map take the value at its border.

    Source: He et al. 2017 (Mask R-CNN), section 3, "RoIAlign".
    """
    batch = ops.shape(pyramid[0])[0]
    num_boxes = boxes.shape[1]
    channels = pyramid[0].shape[-1]
    level = pyramid_level(boxes, strides, canonical_side)  # (B, R)
    stride = _of_level(level, strides, "float32")
    table, first_row, height, width = level_table(pyramid, level)

    num_points = size * sampling_ratio
    last_x = ops.cast(width - 1, "float32")
    last_y = ops.cast(height - 1, "float32")
    x0, x1, weight_x = _neighbours(boxes[..., 0], boxes[..., 2], stride, last_x, num_points)
    y0, y1, weight_y = _neighbours(boxes[..., 1], boxes[..., 3], stride, last_y, num_points)

    def features_at(y, x):
        """(B, R, points, points, C), rows y and columns x of each box's level."""
        rows = y[..., :, None] * width[..., None, None] + x[..., None, :]
        return ops.take(table, first_row[..., None, None] + rows, axis=0)

    weight_x = weight_x[..., None, :, None]
    weight_y = weight_y[..., :, None, None]
    top = features_at(y0, x0) * (1 - weight_x) + features_at(y0, x1) * weight_x
    bottom = features_at(y1, x0) * (1 - weight_x) + features_at(y1, x1) * weight_x
    points = top * (1 - weight_y) + bottom * weight_y
    if sampling_ratio > 1:
        points = ops.reshape(points, (-1, num_points, num_points, channels))
        points = ops.average_pool(
            points, sampling_ratio, sampling_ratio, data_format="channels_last"
        )
    return ops.reshape(points, (batch, num_boxes, size, size, channels))


def level_table(pyramid, level):
    """All levels in one long table: a feature is found by its row, whatever its level.

    Args:
        pyramid: list of (B, h, w, C) float32.
        level: (B, R) int32, the level of each box.

    Returns:
        The table, (rows, C) float32, and of each box's level the first row in the table, the
        height and the width in cells, each (B, R) int32.
    """
    batch = ops.shape(pyramid[0])[0]
    channels = pyramid[0].shape[-1]
    heights = np.array([one.shape[1] for one in pyramid])
    widths = np.array([one.shape[2] for one in pyramid])
    starts = np.cumsum([0, *(heights * widths)])
    table = [ops.reshape(one, (batch, -1, channels)) for one in pyramid]
    table = ops.reshape(ops.concatenate(table, 1), (-1, channels))
    first_row_of_image = (ops.arange(batch, dtype="int32") * int(starts[-1]))[:, None]
    first_row = _of_level(level, starts[:-1], "int32") + first_row_of_image
    return table, first_row, _of_level(level, heights, "int32"), _of_level(level, widths, "int32")


def _of_level(level, values, dtype):
    """One number per level -> the number of each box's level, (B, R)."""
    return ops.take(np.asarray(values, dtype), level)


def _neighbours(low, high, stride, last, num_points):
    """Where the points of each box lie along one axis of its map.

    Args:
        low, high: (B, R) float32, edges of the boxes, pixels.
        stride, last: (B, R) float32, pixels per cell and index of the last cell.
        num_points: how many points, evenly spread.

    Returns:
        Cell before and cell after each point, (B, R, points) int32, and the weight of the latter.
    """
    grid = (np.arange(num_points, dtype="float32") + 0.5) / num_points
    pixels = low[..., None] + (high - low)[..., None] * grid
    cells = pixels / stride[..., None] - 0.5  # the centre of cell 0 is at half a stride
    cells = ops.clip(cells, 0, last[..., None])
    before = ops.floor(cells)
    after = ops.minimum(before + 1, last[..., None])
    return ops.cast(before, "int32"), ops.cast(after, "int32"), cells - before
