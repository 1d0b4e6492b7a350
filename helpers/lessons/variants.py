"""Mask R-CNN as it could also be: the choices that it decided against, as parts to exchange.

`benchmarks/ablations.py` trains each of them. Letters: B images, R boxes or S sampled proposals per
image, h x w cells of a map, C channels, M cells along a side of a mask, K classes.
"""

import numpy as np
from keras import ops

from helpers.mask_rcnn.fpn import FPN
from helpers.mask_rcnn.losses import mean_of
from helpers.mask_rcnn.mask_head import own_channel
from helpers.mask_rcnn.model import MaskRCNN
from helpers.mask_rcnn.roi_align import CANONICAL_SIDE, level_table, pyramid_level


def roi_pool(pyramid, boxes, strides, size, canonical_side=CANONICAL_SIDE, num_cells=4):
    """Features of each box as RoIPool reads them: box and bins rounded, the largest of each bin.

    Args:
        pyramid, boxes, strides, size, canonical_side: as in `roi_align`.
        num_cells: cells along a side of a bin that are looked at. Of a larger bin they lie evenly
            spread: with 4, that is for boxes of more than 4 * size cells only.

    Returns:
        (B, R, size, size, C) float32, 0 where a bin lies outside the map. R may be 0.

    Source: Girshick 2015 (Fast R-CNN), section 2.1, by the rule of its code, which
        `torchvision.ops.roi_pool` shares: the cell in which a box ends belongs to it.
    """
    batch = ops.shape(pyramid[0])[0]
    num_boxes = boxes.shape[1]
    channels = pyramid[0].shape[-1]
    level = pyramid_level(boxes, strides, canonical_side)  # (B, R)
    stride = ops.take(np.asarray(strides, "float32"), level)
    table, first_row, height, width = level_table(pyramid, level)
    columns, has_columns = _cells(boxes[..., 0], boxes[..., 2], stride, width, size, num_cells)
    rows, has_rows = _cells(boxes[..., 1], boxes[..., 3], stride, height, size, num_cells)

    places = rows[..., :, None] * width[..., None, None] + columns[..., None, :]
    cells = ops.take(table, first_row[..., None, None] + places, axis=0)
    cells = ops.reshape(cells, (-1, size * num_cells, size * num_cells, channels))
    pooled = ops.max_pool(cells, num_cells, num_cells, data_format="channels_last")
    pooled = ops.reshape(pooled, (batch, num_boxes, size, size, channels))
    is_inside = ops.logical_and(has_rows[..., :, None], has_columns[..., None, :])
    return ops.where(is_inside[..., None], pooled, 0.0)


def _cells(low, high, stride, length, size, num_cells):
    """Which cells each bin looks at along one axis.

    Args:
        low, high: (B, R) float32, edges of the boxes, pixels.
        stride: (B, R) float32, pixels per cell.
        length: (B, R) int32, cells of the map.

    Returns:
        (B, R, size * num_cells) int32, and (B, R, size) bool: whether a bin has any cell.
    """
    first = ops.cast(ops.floor(low / stride + 0.5), "int32")[..., None]
    last = ops.cast(ops.floor(high / stride + 0.5), "int32")[..., None]
    span = ops.maximum(last - first + 1, 1)  # the end cell counts
    bins = np.arange(size, dtype="int32")
    begin = first + ops.floor_divide(span * bins, size)
    end = first + ops.floor_divide(span * (bins + 1) + (size - 1), size)  # rounded up
    begin = ops.clip(begin, 0, length[..., None])
    end = ops.clip(end, 0, length[..., None])
    steps = np.arange(num_cells, dtype="int32")
    cells = begin[..., None] + ops.floor_divide((end - begin)[..., None] * steps, num_cells)
    cells = ops.reshape(cells, (ops.shape(cells)[0], cells.shape[1], size * num_cells))
    return ops.clip(cells, 0, length[..., None] - 1), end > begin


class PlainPyramid(FPN):
    """[C2..C5] -> [P2..P6] without the way down: no map learns from a coarser one.

    As many weights as `FPN`, and the same names.

    Source: Lin et al. 2017 (FPN), table 1 (e), "w/o top-down".
    """

    def call(self, maps, training=False):
        narrow = [lateral(one) for lateral, one in zip(self.lateral, maps, strict=True)]
        pyramid = [smooth(one) for smooth, one in zip(self.smooth, narrow, strict=True)]
        every_second = pyramid[-1][:, ::2, ::2]
        return [*pyramid, every_second]


def coupled_mask_loss(mask_logits, labels, targets):
    """The mask loss where all classes and background compete for each cell, as in an FCN.

    Args:
        mask_logits: (B, S, M, M, K + 1) float32; channel 0 is background.
        labels: (B, S) int32, 1..K; 0 (background, padding) is left out.
        targets: (B, S, M, M) float32, 0..1.

    Returns:
        A scalar, mean cross-entropy over cells and objects; 0 without objects.

    Source: He et al. 2017, table 2b, "softmax".
    """
    log_scores = ops.log_softmax(mask_logits, -1)
    of_class = own_channel(log_scores[..., 1:], labels)
    error = -targets * of_class - (1 - targets) * log_scores[..., 0]
    return mean_of(ops.mean(error, (-2, -1)), labels > 0)


def coupled_mask_scores(mask_logits, labels):
    """The share of each cell that its object's class won: (B, S, M, M), 0..1.

    Args:
        mask_logits: (B, S, M, M, K + 1) float32; channel 0 is background.
        labels: (B, S) int32, 1..K; 0 gives zeros.
    """
    return own_channel(ops.softmax(mask_logits, -1)[..., 1:], labels)


class PoolingMaskRCNN(MaskRCNN):
    """Mask R-CNN that reads its boxes by RoIPool instead of RoIAlign; otherwise the same."""

    def align(self, features, boxes, size, sampling_ratio):
        config = self.config
        pyramid = [features[f"P{level}"] for level in config.roi_levels]
        return roi_pool(pyramid, boxes, config.roi_strides, size, config.canonical_side)


class CoupledMaskRCNN(MaskRCNN):
    """Mask R-CNN whose classes compete for each cell; its mask head gives K + 1 channels."""

    def mask_loss(self, mask_logits, labels, cells):
        return coupled_mask_loss(mask_logits, labels, cells)

    def mask_scores(self, mask_logits, labels):
        return coupled_mask_scores(mask_logits, labels)
