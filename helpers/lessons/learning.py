"""A network while it learns: what it proposes and draws, from one look to the next."""

import numpy as np

from helpers import DATA
from helpers.drawing import PALETTE, draw_detections
from helpers.lessons.explorer import Explorer, slider
from helpers.lessons.recorded import ENLARGED, pick, read_recorded, side_by_side, street
from helpers.lessons.sheet import Sheet
from helpers.mask_rcnn.inference import candidates_of, to_detections

BLUE = PALETTE[2]
NUM_PROPOSALS = 20  # drawn, the best ones
SURE = 0.5  # detections that score less are not drawn
LOSSES = ("rpn_class", "rpn_box", "class", "box", "mask")
BUNDLED = "streets"  # the last look of a recorded training: the model that comes with Pixelwise


def explore_learning(image, truth, looks) -> Explorer:
    """Move through a training: in each look the best proposals, and the masks that are sure.

    Args:
        image: (H, W, 3) uint8 RGB, of the size of the network's input.
        truth: Detections, its true objects.
        looks: list of (when, losses, stages): words such as "after 40 steps", {name: number}, and
            the Stages of this image, a batch of one.

    Returns:
        An Explorer: `view(look=0)`, counted from 0. The still figure shows the first look, the
        middle one and the last two.

    Raises:
        ValueError: in `view`: there is no such look.
    """

    def view(look):
        when, losses, stages = pick(looks, look, "look")
        proposals = np.asarray(stages.proposals)[0, :NUM_PROPOSALS]
        detections = _detections(stages, truth)
        pair = _drawn(image, truth, proposals, detections)
        return pair, _told(when, losses, truth, proposals, detections)

    control = slider(0, "look", 0, len(looks) - 1, 1, "IntSlider")
    return Explorer(view, [{"look": look} for look in _some(len(looks))], {"look": control})


def explore_checkpoints() -> Explorer:
    """Move through a longer training, which `benchmarks/checkpoints.py` ran and recorded.

    Returns:
        An Explorer: `view(look=0, picture=0)`, both counted from 0. The last look is the bundled
        model. The still figure shows the first look of the first picture, the middle one and
        the last two.

    Raises:
        ValueError: in `view`: there is no such look or picture.
    """
    with np.load(DATA / "checkpoints.npz") as archive:
        recorded = dict(archive)
    seeds = recorded["seeds"].tolist()
    steps = [*recorded["steps"].tolist(), BUNDLED]

    def view(look, picture):
        step, seed = pick(steps, look, "look"), pick(seeds, picture, "picture")
        image, truth = street(seed)
        losses = dict(zip(LOSSES, recorded["losses"][look], strict=True))
        proposals = ENLARGED * recorded[f"{step}/{seed}/proposals"].astype(np.float32)
        detections = read_recorded(recorded, f"{step}/{seed}", SURE)
        when = "The bundled model" if step == BUNDLED else after_steps(step)
        pair = _drawn(image, truth, proposals, detections)
        return pair, _told(when, losses, truth, proposals, detections)

    controls = {
        "look": slider(0, "look", 0, len(steps) - 1, 1, "IntSlider"),
        "picture": slider(0, "picture", 0, len(seeds) - 1, 1, "IntSlider"),
    }
    cases = [{"look": look, "picture": 0} for look in _some(len(steps))]
    return Explorer(view, cases, controls)


def _some(num_looks):
    """The numbers of the looks that a still figure shows."""
    return sorted({0, num_looks // 2, max(num_looks - 2, 0), num_looks - 1})


def after_steps(num_steps) -> str:
    """How far a training has come, in words: "After 1 step"."""
    if num_steps == 0:
        return "Before the first step"
    return "After 1 step" if num_steps == 1 else f"After {num_steps:,} steps"


def _drawn(image, truth, proposals, detections):
    """Left the proposals, right the detections."""
    height, width = image.shape[:2]
    left = Sheet(0, 0, width, height, image)
    left.frame(proposals[proposals.any(axis=1)], BLUE, 2)  # the rest is padding
    right = Sheet(0, 0, width, height, draw_detections(image, detections, labels=False))
    return side_by_side(left.pixels, right.pixels)


def _told(when, losses, truth, proposals, detections):
    """The same in words."""
    told = ", ".join(f"{name} {value:.2f}" for name, value in losses.items())
    covered = num_covered(truth.boxes, proposals)
    are = "detection scores" if len(detections) == 1 else "detections score"
    return (
        f"{when}. Losses: {told}. Left: the best proposals cover {covered} of {len(truth)} "
        f"objects. Right: {len(detections)} {are} {SURE} or more."
    )


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
