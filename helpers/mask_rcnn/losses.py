"""Three kinds of error, each per element, and their mean; the heads say over what."""

from keras import ops


def binary_cross_entropy(logits, targets):
    """-log of the probability that a sigmoid gives to what is true.

    Args:
        logits: (...) float32, before the sigmoid.
        targets: (...) float32, 0..1.

    Returns:
        (...) float32. Computed from the logits, so that sure and wrong is large, not infinite.
    """
    return ops.softplus(logits) - targets * logits


def cross_entropy(logits, labels):
    """-log of the probability that a softmax gives to the true class.

    Args:
        logits: (..., K + 1) float32, before the softmax.
        labels: (...) int32, 0..K.

    Returns:
        (...) float32.
    """
    is_true = ops.one_hot(labels, logits.shape[-1], dtype="bool")
    return -ops.sum(ops.where(is_true, ops.log_softmax(logits, -1), 0.0), -1)


def smooth_l1(difference, beta):
    """Absolute difference, rounded off to a parabola below `beta`.

    Args:
        difference: (...) float32.
        beta: where the parabola ends; 1 in Fast R-CNN.

    Returns:
        (...) float32.

    Source: Girshick 2015 (Fast R-CNN), equation 3.
    """
    size = ops.abs(difference)
    return ops.where(size < beta, size**2 / (2 * beta), size - beta / 2)


def mean_of(error, which):
    """The mean of those elements that count.

    Args:
        error: (...) float32.
        which: (...) bool, True for those that count.

    Returns:
        A scalar; 0 if none counts.
    """
    num = ops.sum(ops.cast(which, "float32"))
    return ops.sum(ops.where(which, error, 0.0)) / ops.maximum(num, 1)
