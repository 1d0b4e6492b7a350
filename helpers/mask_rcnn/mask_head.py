"""What Mask R-CNN adds: which pixels of the box belong to the object?

Head, targets, loss, pasted masks: the order that all three heads share. Without this file a
Faster R-CNN is left. Letters: `helpers.structures`.
"""

import keras
import numpy as np
from keras import layers, ops

from helpers.structures import require

VOTES = 2  # a cell of a mask target looks at VOTES x VOTES points


@keras.saving.register_keras_serializable("pixelwise")
class MaskHead(layers.Layer):
    """(B, D, M/2, M/2, C) -> mask_logits (B, D, M, M, K): a mask for each class, all alike likely.

    Convolutions, one transposed convolution that doubles the side, and a 1x1 convolution.

    Args:
        num_classes: K, without background.
        channels: width of the convolutions.
        num_convs: how many of them.
    """

    def __init__(self, num_classes, channels, num_convs=3, **kwargs):
        super().__init__(**kwargs)
        self.convs = [
            layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"conv{i}")
            for i in range(num_convs)
        ]
        self.norms = [
            layers.BatchNormalization(momentum=0.97, name=f"norm{i}") for i in range(num_convs)
        ]
        self.up = layers.Conv2DTranspose(channels, 2, 2, activation="relu", name="up")
        self.logits = layers.Conv2D(num_classes, 1, name="logits")

    def call(self, mask_features, training=False):
        batch, num, side = ops.shape(mask_features)[0], *mask_features.shape[1:3]
        hidden = ops.reshape(mask_features, (-1, side, side, mask_features.shape[-1]))
        for conv, norm in zip(self.convs, self.norms, strict=True):
            hidden = ops.relu(norm(conv(hidden), training=training))
        logits = self.logits(self.up(hidden))
        return ops.reshape(logits, (batch, num, 2 * side, 2 * side, logits.shape[-1]))


def mask_targets(gt_masks, matched, boxes, side):
    """The true mask of each box, seen on the box's own grid.

    Args:
        gt_masks: (B, G, H, W) uint8 or bool, the objects of each image, pixels of the input.
        matched: (B, S) int32, which object each box stands for.
        boxes: (B, S, 4) float32, pixels.
        side: M, cells along a side of the grid.

    Returns:
        (B, S, M, M) float32, 0..1, the share of each cell that is inside: rounding it would make
        masks too large or too small. Pixels outside the image count as 0. S may be 0.

    Source: He et al. 2017, section 3, "Mask Representation".
    """
    height, width = gt_masks.shape[2:]
    grid = (np.arange(side * VOTES, dtype="float32") + 0.5) / (side * VOTES)

    def along(axis, length):
        sides = boxes[..., axis + 2] - boxes[..., axis]
        at = ops.floor(boxes[..., axis, None] + sides[..., None] * grid)  # pixel of each point
        inside = ops.logical_and(at >= 0, at < length)
        return ops.cast(ops.clip(at, 0, length - 1), "int32"), inside

    x, x_inside = along(0, width)
    y, y_inside = along(1, height)
    objects = ops.arange(ops.shape(gt_masks)[0], dtype="int32")[:, None] * gt_masks.shape[1]
    first = (objects + ops.cast(matched, "int32")) * (height * width)  # of each box's bitmap
    pixels = first[..., None, None] + y[..., :, None] * width + x[..., None, :]
    votes = ops.cast(ops.take(ops.reshape(gt_masks, (-1,)), pixels), "float32")
    inside = ops.logical_and(y_inside[..., :, None], x_inside[..., None, :])
    votes = ops.reshape(votes * ops.cast(inside, "float32"), (-1, side * VOTES, side * VOTES, 1))
    shape = (ops.shape(gt_masks)[0], boxes.shape[1], side, side)
    return ops.reshape(ops.average_pool(votes, VOTES, VOTES), shape)


def own_channel(mask_logits, labels):
    """The mask of each object's own class: (B, S, M, M, K), labels (B, S) in 1..K -> (B, S, M, M).

    Label 0 (background, padding) gives zeros.
    """
    wanted = ops.one_hot(labels - 1, mask_logits.shape[-1])
    return ops.sum(mask_logits * wanted[:, :, None, None, :], -1)


def mask_loss(mask_logits, labels, targets):
    """Loss of the third branch: for each cell, in or out? The other classes' masks do not count.

    Args:
        mask_logits: (B, S, M, M, K) float32.
        labels: (B, S) int32, 1..K; 0 (background, padding) is left out.
        targets: (B, S, M, M) float32, 0..1.

    Returns:
        mask: a scalar, mean binary cross-entropy over cells and objects; 0 without objects.

    Source: He et al. 2017, section 3, L_mask.
    """
    logits = own_channel(mask_logits, labels)
    error = ops.mean(ops.softplus(logits) - targets * logits, (-2, -1))
    objects = ops.cast(labels > 0, "float32")
    return ops.sum(error * objects) / ops.maximum(ops.sum(objects), 1)


def paste_masks(mask_scores, boxes, image_size, threshold=0.5, corners=False):
    """Put each box-sized mask back where its box is in the image. NumPy.

    The inverse of `mask_targets`: crop, then paste, keeps the mask. Cells and pixels count at
    their centres, and between centres of cells the score is interpolated.

    Args:
        mask_scores: (N, M, M) float32, 0..1, the object's own class only.
        boxes: (N, 4) float32, pixels of the image.
        image_size: (height, width), pixels.
        threshold: a pixel at or above it belongs to the object.
        corners: the Object Detection API's way: the centres of the outermost cells lie on the edges
            of the box, the centres of the outermost pixels on those of the image; above threshold.

    Returns:
        (N, height, width) bool, False outside the box. N may be 0.

    Raises:
        ValueError: mask_scores and boxes differ in N.

    Source: He et al. 2017, section 3, "Inference"; pixel centres as in detectron2;
        corners as `reframe_box_masks_to_image_masks` in the API's utils/ops.py.
    """
    mask_scores, boxes = np.asarray(mask_scores, np.float32), np.asarray(boxes, np.float32)
    require(
        len(mask_scores) == len(boxes), f"{len(mask_scores)} mask_scores, but {len(boxes)} boxes"
    )
    masks = np.zeros((len(boxes), *image_size), bool)
    for mask, scores, (x1, y1, x2, y2) in zip(masks, mask_scores, boxes, strict=True):
        rows, from_rows = _interpolation(y1, y2, image_size[0], scores.shape[0], corners)
        columns, from_columns = _interpolation(x1, x2, image_size[1], scores.shape[1], corners)
        half = np.concatenate([band for _, band in _bands(from_columns, scores.T)])
        for start, band in _bands(from_rows, half.T):
            top = rows.start + start
            above = band > threshold if corners else band >= threshold
            mask[top : top + len(band), columns] = above
    return masks


def _bands(matrix, other):
    """Yields (first row, product) of a few rows of a matrix at a time, with another matrix.

    So few that BLAS stays in one thread: where other programs work, too, its threads wait for each
    other far longer than they compute. And a huge picture fits in memory.
    """
    num = max(1, 2**19 // max(1, other.size))
    for start in range(0, max(1, len(matrix)), num):
        yield start, matrix[start : start + num] @ other


def _interpolation(low, high, length, cells, corners):
    """Pixels that lie between `low` and `high`, and a matrix (pixels, cells) of weights."""
    pixels = np.arange(length) + 0.5
    if corners and length > 1:
        pixels = (pixels - 0.5) * (length / (length - 1))
    inside = (pixels >= low) & (pixels <= high if corners else pixels < high) & (high > low)
    first = int(inside.argmax())
    at = (pixels[inside] - low) / max(high - low, 1e-6)
    at = at * (cells - 1) if corners else np.clip(at * cells - 0.5, 0, cells - 1)
    weights = np.maximum(1 - np.abs(at[:, None] - np.arange(cells)), 0)
    return slice(first, first + len(at)), weights.astype(np.float32)
