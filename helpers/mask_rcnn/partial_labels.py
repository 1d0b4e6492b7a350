"""Learning from truth that tells a part only: `PartialMaskRCNN` is `MaskRCNN` with three changes.

COCO marks crowds as regions where nobody may count; some data sets label people and no cats; some
objects have a box and no mask. What is not known must not be learnt: not as background, not as the
wrong class, not as an empty mask.

Letters: B images, G true objects per image, H x W pixels of the input, I ignored regions per
image, K classes without background, N boxes per image.
"""

from typing import NamedTuple

from keras import ops

from helpers.mask_rcnn import boxes as box_ops
from helpers.mask_rcnn.losses import mean_of
from helpers.mask_rcnn.model import MaskRCNN, Targets
from helpers.structures import require

IGNORED_SHARE = 0.5  # a box of which more lies in an ignored region is no background


class PartialTargets(NamedTuple):
    """A training batch, padded to G objects and I ignored regions per image.

    Attributes:
        images: (B, H, W, 3) uint8.
        boxes: (B, G, 4) float32, pixels; zeros where there is no object.
        labels: (B, G) int32, 1..K; 0 where there is no object.
        masks: (B, G, H, W) uint8, 0 or 1; an object of which only the box is known has no 1.
        ignored_boxes: (B, I, 4) float32, pixels, regions such as crowds where nothing is
            background; zeros are padding.
        labelled: (B, K) uint8, 1 for the classes that were looked for in an image.
    """

    images: object
    boxes: object
    labels: object
    masks: object
    ignored_boxes: object
    labelled: object


class PartialMaskRCNN(MaskRCNN):
    """Mask R-CNN that learns from `PartialTargets`; otherwise the same, weights included."""

    def call(self, inputs, training=False):
        if isinstance(inputs, PartialTargets):
            return self.compute_losses(inputs, training)
        require(not isinstance(inputs, Targets), "PartialMaskRCNN learns from PartialTargets")
        return super().call(inputs, training)

    def ignored(self, boxes, targets):
        """Which boxes (N, 4) or (B, N, 4) lie for the most part in an ignored region: (B, N)."""
        inside = box_ops.share_inside(boxes, targets.ignored_boxes)  # (B, N, I)
        return ops.any(inside > IGNORED_SHARE, -1)

    def class_loss(self, class_logits, sampled, targets):
        """Loss of the classes where some were not looked for."""
        return partial_class_loss(class_logits, sampled, targets.labelled)

    def mask_losses(self, features, sampled, targets, training=True):
        """Loss of the masks of those objects that have one."""
        has_mask = ops.any(targets.masks > 0, (2, 3))
        is_known = box_ops.take(has_mask, sampled.matched)
        known = sampled._replace(labels=ops.where(is_known, sampled.labels, 0))
        return super().mask_losses(features, known, targets, training)


def partial_class_loss(class_logits, targets, labelled):
    """Cross-entropy where background may hide objects of the classes that were not looked for.

    For a proposal that should be background, each of these classes is as right as background is.

    Args:
        class_logits: (B, S, K + 1) float32.
        targets: BoxTargets of the same S proposals.
        labelled: (B, K) uint8, 1 for the classes that were looked for in an image.

    Returns:
        A scalar, the mean over the sample; 0 without any.
    """
    is_right = ops.one_hot(targets.labels, class_logits.shape[-1], dtype="bool")
    not_looked_for = ops.pad(ops.cast(labelled, "int32") == 0, ((0, 0), (1, 0)))[:, None]
    is_background = targets.labels[..., None] == 0
    is_right = ops.logical_or(is_right, ops.logical_and(is_background, not_looked_for))
    log_scores = ops.where(is_right, ops.log_softmax(class_logits, -1), -1e9)
    return mean_of(-ops.logsumexp(log_scores, -1), targets.valid)
