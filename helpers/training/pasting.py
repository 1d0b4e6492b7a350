"""Objects of one training picture are put into another."""

import numpy as np

from helpers.training.fitting import tighten
from helpers.training.variation import MIN_VISIBLE


def paste(below, above, keep):
    """Objects cut out of one picture lie over another of the same size.

    Args:
        below, above: (image (H, W, 3) uint8, Detections with masks). Each may know classes that
            the other does not, if no number stands for two names.
        keep: (N,) bool, which objects of `above` are pasted.

    Returns:
        image and Detections: what is left to see of the objects below, then those above. Regions
        to leave out (of score 0) and objects without a mask are not pasted; where more than half of
        one without a mask is hidden, its box becomes such a region.

    Source: Ghiasi et al. 2021, "Simple copy-paste".
    """
    (image, truth), (other_image, pasted) = below, above
    pasted = pasted[keep & (pasted.scores > 0) & pasted.masks.any((1, 2))]
    covered = pasted.masks.any(0)
    truth = _left_in_doubt(truth, covered)
    left = truth.masks & ~covered
    is_seen = left.sum((1, 2)) >= MIN_VISIBLE * truth.masks.sum((1, 2))
    is_seen |= truth.scores == 0
    seen, left = truth[is_seen], left[is_seen]

    both = truth.replace(
        boxes=np.concatenate([seen.boxes, pasted.boxes]),
        labels=np.concatenate([seen.labels, pasted.labels]),
        scores=np.concatenate([seen.scores, pasted.scores]),
        masks=np.concatenate([seen.masks, pasted.masks]),
        categories={**truth.categories, **pasted.categories},
    )
    image = np.where(covered[..., None], other_image, image)
    return image, tighten(both, np.concatenate([left, pasted.masks]), both.boxes)


def _left_in_doubt(truth, covered):
    """Truth in which an object without a mask gets score 0 where more than half is covered."""
    scores = truth.scores.copy()
    for i, (x1, y1, x2, y2) in enumerate(truth.boxes.astype(int)):
        if not truth.masks[i].any() and covered[y1:y2, x1:x2].mean() > 0.5:
            scores[i] = 0
    return truth.replace(scores=scores)
