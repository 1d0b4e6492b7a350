"""What Mask R-CNN adds: which pixels of the box belong to the object?

Layer, targets, loss, pasted masks: the order that all three heads share. Without this file a
Faster R-CNN is left.

Letters: B images, C channels, D detections per image, G true objects per image, H x W pixels of
the input, K classes without background, M cells along a side of a mask, N detections, S sampled
proposals per image.
"""

import numpy as np
from keras import layers, ops

from helpers.mask_rcnn.losses import binary_cross_entropy, mean_of
from helpers.mask_rcnn.part import Part
from helpers.structures import require

VOTES = 2  # a cell of a mask target looks at VOTES x VOTES points


class MaskHead(Part):
    """(B, D, M/2, M/2, C) -> mask_logits (B, D, M, M, K): a mask for each class.

    Convolutions, one transposed convolution that doubles the side, and a 1x1 convolution. A mask
    head of your own needs the same shapes; with one channel instead of K it is class-agnostic.

    Args:
        num_classes: K, without background; 1 for a class-agnostic head.
        channels: width of the convolutions.
        num_convs: how many of them.
        momentum: of BatchNorm.
    """

    def __init__(self, num_classes, channels, num_convs=3, momentum=0.97, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        options = {"data_format": "channels_last", "dtype": "float32"}
        self.convs = []
        self.norms = []
        for i in range(num_convs):
            self.convs.append(
                layers.Conv2D(
                    channels, 3, padding="same", use_bias=False, name=f"conv{i}", **options
                )
            )
            self.norms.append(
                layers.BatchNormalization(momentum=momentum, dtype="float32", name=f"norm{i}")
            )
        self.up = layers.Conv2DTranspose(channels, 2, 2, activation="relu", name="up", **options)
        self.logits = layers.Conv2D(num_classes, 1, name="logits", **options)

    def call(self, mask_features, training=False):
        batch = ops.shape(mask_features)[0]
        num_rois, side, _, channels = mask_features.shape[1:]
        hidden = ops.reshape(mask_features, (-1, side, side, channels))
        for conv, norm in zip(self.convs, self.norms, strict=True):
            hidden = ops.relu(norm(conv(hidden), training=training))
        logits = self.logits(self.up(hidden))
        return ops.reshape(logits, (batch, num_rois, 2 * side, 2 * side, logits.shape[-1]))


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
    batch = ops.shape(gt_masks)[0]
    num_objects, height, width = gt_masks.shape[1:]
    num_points = side * VOTES
    x, x_inside = _pixels(boxes[..., 0], boxes[..., 2], width, num_points)
    y, y_inside = _pixels(boxes[..., 1], boxes[..., 3], height, num_points)
    # All bitmaps in one long row: a pixel is found by its number, whatever its image and object.
    first_object = ops.arange(batch, dtype="int32")[:, None] * num_objects
    first_pixel = (first_object + ops.cast(matched, "int32")) * (height * width)
    pixels = first_pixel[..., None, None] + y[..., :, None] * width + x[..., None, :]
    votes = ops.cast(ops.take(ops.reshape(gt_masks, (-1,)), pixels), "float32")
    inside = ops.logical_and(y_inside[..., :, None], x_inside[..., None, :])
    votes = ops.where(inside, votes, 0.0)
    votes = ops.reshape(votes, (-1, num_points, num_points, 1))
    cells = ops.average_pool(votes, VOTES, VOTES, data_format="channels_last")
    return ops.reshape(cells, (batch, boxes.shape[1], side, side))


def _pixels(low, high, length, num_points):
    """The pixel under each of a box's points along one axis, and whether the image reaches there.

    Args:
        low, high: (B, S) float32, edges of the boxes, pixels.
        length: of the image along this axis, pixels.
        num_points: how many points, evenly spread.

    Returns:
        (B, S, num_points) int32 and bool.
    """
    grid = (np.arange(num_points, dtype="float32") + 0.5) / num_points
    pixel = ops.floor(low[..., None] + (high - low)[..., None] * grid)
    inside = ops.logical_and(pixel >= 0, pixel < length)
    return ops.cast(ops.clip(pixel, 0, length - 1), "int32"), inside


def own_channel(mask_logits, labels):
    """The mask of each object's own class.

    Args:
        mask_logits: (B, S, M, M, K) float32; or with one channel, which serves every class.
        labels: (B, S) int32, 1..K; 0 (background, padding) gives zeros.

    Returns:
        (B, S, M, M) float32.
    """
    num_channels = mask_logits.shape[-1]
    channel = labels - 1
    if num_channels == 1:
        channel = ops.minimum(channel, 0)
    is_own = ops.one_hot(channel, num_channels, dtype="bool")[:, :, None, None, :]
    return ops.sum(ops.where(is_own, mask_logits, 0.0), -1)


def mask_loss(mask_logits, labels, targets):
    """For each cell, in or out? The other classes' masks do not count.

    Args:
        mask_logits: (B, S, M, M, K) float32.
        labels: (B, S) int32, 1..K; 0 (background, padding) is left out.
        targets: (B, S, M, M) float32, 0..1.

    Returns:
        A scalar, mean binary cross-entropy over cells and objects; 0 without objects.

    Source: He et al. 2017, section 3, L_mask.
    """
    error = binary_cross_entropy(own_channel(mask_logits, labels), targets)
    error = ops.mean(error, (-2, -1))
    return mean_of(error, labels > 0)


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
        pixels = (pixels - 0.5) * length / (length - 1)  # in this order the last is at `length`
    inside = (pixels >= low) & (pixels <= high if corners else pixels < high) & (high > low)
    first = int(inside.argmax())
    at = (pixels[inside] - low) / max(high - low, 1e-6)
    at = at * (cells - 1) if corners else np.clip(at * cells - 0.5, 0, cells - 1)
    weights = np.maximum(1 - np.abs(at[:, None] - np.arange(cells)), 0)
    return slice(first, first + len(at)), weights.astype(np.float32)
