"""The detector of `everyday` learns cats and dogs in poses and places that COCO hardly has.

Half of the body, neck and head learn. Where photographs tell of cats and dogs, their truth is what
is learnt; of all else it goes on to say what it said, see `helpers.one_stage.body_learner`.
"""

import numpy as np

from helpers.models.label_maps import read_label_map
from helpers.models.sources import COCO_LABELS
from helpers.one_stage.body_learner import BodyLearner
from helpers.one_stage.model import OneStageMaskRCNN
from helpers.training.mask_branch import MaskBatches, MaskRun
from helpers.training.mosaics import Mixture
from helpers.training.targets import to_partial_targets
from helpers.training.teach_head import learnt_classes, partial_sources
from helpers.training.variation import vary

# How often photographs of a kind are shown, see `helpers.training.teach_head`.
WEIGHTS = {
    "feralcat": 0.55, "pets": 0.07, "coco343": 0.2, "cocobox": 0.08, "cocoperson": 0.07,
    "ccp": 0.03,
}  # fmt: skip
SIZE = 320, 320  # (height, width) of a training picture
# In units of what fits it. The detector sees photographs 1.3 times as large as what fits here.
ZOOM = (0.8, 1.8)
TINY = 100  # square pixels: the box of what is smaller is not learnt
STEPS = 80  # batches per epoch
BATCH = 4
HOLD = 0.6  # share of the training at full rate


class Pictures(Mixture):
    """`pictures(number)` is a training picture, always the same for a number."""

    def __call__(self, number):
        """Image, truth, and the ids that were looked for, as `to_partial_targets` takes them."""
        rng = np.random.default_rng([self.seed, number])
        photos, index = self.choose(rng)
        image, truth = vary(*photos[index], self.size, rng, ZOOM)
        areas = np.prod(truth.boxes[:, 2:] - truth.boxes[:, :2], 1)
        is_region = truth.scores == 0
        return image, truth[is_region | (areas >= TINY)], photos.known(index)


def teach_body(model, data, folder, epochs, rate=6e-5, seed=0):
    """The detector learns cats and dogs; called again on the folder after a stop, it goes on.

    Args:
        model: OneStageMaskRCNN, built and started; changed.
        data: see `helpers.training.everyday`.
        folder: for checkpoint and curve.
        epochs: of STEPS batches.
        rate: of learning, at its peak. No batch normalisation is left to hold the body: at twice
            this rate it forgets.
        seed: of the pictures. A model that has learnt from those of one seed learns more from
            those of another.
    """
    categories = read_label_map(COCO_LABELS)

    def collate(pictures):
        targets = to_partial_targets(pictures, categories)
        return targets._replace(masks=targets.masks[:, :, :1, :1])  # boxes are enough

    before = OneStageMaskRCNN(model.config)
    before(np.zeros((1, *model.config.image_size, 3), np.uint8))  # builds the layers
    before.set_weights(model.get_weights())
    learner = BodyLearner(model, before, list(learnt_classes(categories).values()), SIZE)
    pictures = Pictures(partial_sources(data, WEIGHTS), SIZE, seed)
    batches = MaskBatches(pictures, STEPS, BATCH, collate=collate)
    MaskRun(learner, batches, dict, folder, epochs, names=("body", "body-curve")).train(rate, HOLD)
