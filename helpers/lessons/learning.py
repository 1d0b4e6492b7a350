"""A network while it learns: what it proposes and draws, from one look to the next."""

import numpy as np

from helpers.drawing import PALETTE, draw_detections
from helpers.lessons.explorer import Explorer, slider
from helpers.lessons.recorded import pick, side_by_side
from helpers.lessons.sheet import Sheet
from helpers.mask_rcnn.inference import candidates_of, to_detections

BLUE = PALETTE[2]
NUM_PROPOSALS = 20  # drawn, the best ones
SURE = 0.5  # detections that score less are not drawn


def explore_learning(image, truth, looks) -> Explorer:
    """Move through a training: in each look the best proposals, and the masks that are sure.

    Args:
        image: (H, W, 3) uint8 RGB, of the size of the network's input.
        truth: Detections, its true objects.
        looks: list of (when, losses, stages): words such as "after 40 steps", {name: number}, and
            the Stages of this image, a batch of one.

    Returns:
        An Explorer: `view(look=0)`, counted from 0. The still figure shows every look.

    Raises:
        ValueError: in `view`: there is no such look.
    """
    height, width = image.shape[:2]

    def view(look):
        when, losses, stages = pick(looks, look, "look")
        proposals = np.asarray(stages.proposals)[0, :NUM_PROPOSALS]
        proposals = proposals[proposals.any(axis=1)]  # the rest is padding
        left = Sheet(0, 0, width, height, image)
        left.frame(proposals, BLUE, 2)
        found = _detections(stages, truth)
        right = Sheet(0, 0, width, height, draw_detections(image, found, labels=False))
        told = ", ".join(f"{name} {value:.2f}" for name, value in losses.items())
        covered = num_covered(truth.boxes, proposals)
        text = (
            f"{when}. Losses: {told}. Left: the best proposals cover {covered} of {len(truth)} "
            f"objects. Right: {len(found)} detections score {SURE} or more."
        )
        return side_by_side(left.pixels, right.pixels), text

    control = slider(0, "look", 0, len(looks) - 1, 1, "IntSlider")
    return Explorer(view, [{"look": look} for look in range(len(looks))], {"look": control})


def _detections(stages, truth):
    """The final boxes that are sure, as Detections."""
    leaves = (stages.boxes, stages.labels, stages.scores, stages.mask_scores)
    candidates = candidates_of(*(np.asarray(leaf)[0] for leaf in leaves), 1, truth.categories)
    return to_detections(candidates, truth.image_size, truth.categories, SURE)


def num_covered(boxes, proposals):
    """How many of the true boxes (N, 4) some proposal (M, 4) overlaps with an IoU of .5 or more."""
    low = np.maximum(boxes[:, None, :2], proposals[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], proposals[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.prod(some[:, 2:] - some[:, :2], axis=1) for some in (boxes, proposals)]
    union = areas[0][:, None] + areas[1][None] - shared
    overlaps = shared / np.maximum(union, 1e-6)
    return int((overlaps.max(axis=1, initial=0) >= 0.5).sum())
