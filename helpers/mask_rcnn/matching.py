"""Which box learns from which true object, and which boxes learn at all.

Letters: B images, N boxes per image, G true objects per image.
"""

from keras import ops


def match(overlaps, fg_iou, bg_iou, low_quality_iou=None):
    """Tell each box which true object it stands for: that one, none, or "do not ask me".

    Args:
        overlaps: (B, N, G) float32, IoU of N boxes with G true ones; 0 for padding.
        fg_iou: from here on a box is foreground.
        bg_iou: below it a box is background. In between it is neither.
        low_quality_iou: if given, low-quality matches count, too: the best box of each true object
            is foreground, however low its IoU, as long as it is above this. No object is left
            without a box.

    Returns:
        matched (B, N) int32: index of the best true box; foreground (B, N) bool; background
        (B, N) bool.

    Source: Ren et al. 2015, section 3.1.2; the word is detectron2's.
    """
    overlaps = ops.convert_to_tensor(overlaps)
    best = ops.max(overlaps, -1)
    foreground = best >= fg_iou
    if low_quality_iou is not None:
        best_of_object = ops.max(overlaps, 1, keepdims=True)  # (B, 1, G)
        is_best = overlaps >= best_of_object - 1e-6
        low_quality = ops.logical_and(is_best, best_of_object > low_quality_iou)
        foreground = ops.logical_or(foreground, ops.any(low_quality, -1))
        # Such a box stands for the object that it is the best of, not for the one it overlaps most.
        overlaps = overlaps + ops.cast(low_quality, "float32")
    background = ops.logical_and(best < bg_iou, ops.logical_not(foreground))
    return ops.argmax(overlaps, -1), foreground, background


def sample(candidates, num_samples, noise):
    """Choose up to `num_samples` candidates at random, with a fixed shape.

    Args:
        candidates: (B, N) bool.
        num_samples: how many to choose, at most N.
        noise: (B, N) float32, random numbers in [0, 1): the largest are chosen.

    Returns:
        indices (B, num_samples) int32 and chosen (B, num_samples) bool, False where candidates ran
        out.
    """
    priority = ops.cast(candidates, "float32") + noise  # 1 and above for candidates
    priority, indices = ops.top_k(priority, num_samples)
    return indices, priority >= 1
