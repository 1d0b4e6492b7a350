"""Body, neck and head of a one-stage detector learn a few classes better; all else stays as it is.

The first half of the body, up to C3, stays as it is, and so does the mask branch: its fine maps
come from there, and its coarse ones shall stay as they were. The rest learns from whole pictures in
which some classes were looked for.

Letters: A cells of all levels, B images, K classes.
"""

import numpy as np
from keras import ops

from helpers.mask_rcnn.part import LossModel
from helpers.one_stage.cell_losses import losses_of_cells, owners_and_told
from helpers.one_stage.head import make_centres
from helpers.one_stage.head_losses import divergence, sides_moved

FROZEN = 2  # stages of the body that stay as they are: C2 and C3
KEEP = 2.0  # how much it counts that all else stays, beside what is learnt,
KEEP_MAPS = 1.0  # and that the mask branch's maps do
SURE = 0.1  # of a cell of which the detector said less its sides are of no interest
# A class that was not looked for, and of which the detector saw no more than this in a whole
# picture, is taken for absent.
ABSENT = 0.1
CELLS = 16.0  # by which the losses of an image are divided: about as many stand for its objects


class BodyLearner(LossModel):
    """Called with `PartialTargets` it gives the losses of what a detector learns.

    Args:
        model: OneStageMaskRCNN, built; half of its body, its neck and its head learn.
        before: another with the same weights, which stays as it is.
        classes: numbers, 1..K, of the classes that are learnt.
        size: (height, width) of the training pictures.

    Source: Li and Hoiem 2016 (Learning without Forgetting) for what is kept.
    """

    def __init__(self, model, before, classes, size, **kwargs):
        super().__init__(name="body_learner", dtype="float32", **kwargs)
        self.model = model
        self.before = before
        self.centres = make_centres(size, model.neck.strides)
        self.is_learnt = np.isin(np.arange(1, model.config.num_classes + 1), classes)
        self.noise = model.noise
        self.keep_means(["class", "box", "kept", "maps"])
        before.trainable = False
        for part in (model.backbone, model.neck, model.head):
            part.trainable = True
        frozen = model.backbone.stem, *model.backbone.stages[:FROZEN]
        for part in (*frozen, model.calibration, model.mask_branch):
            part.trainable = False
        self.built = True  # as its parts are; only then does Keras load a checkpoint

    def call(self, targets, training=False):
        old_levels = self.before.backbone(targets.images)
        old_pyramid = self.before.neck(old_levels)
        old_logits, old_distances = self.before.head(old_pyramid)
        levels = list(old_levels[:FROZEN])
        for stage in self.model.backbone.stages[FROZEN:]:
            levels.append(stage(levels[-1]))
        pyramid = self.model.neck(levels)
        logits, distances = self.model.head(pyramid)

        targets = targets._replace(labelled=self.looked_for(targets.labelled, old_logits))
        owners, is_told = owners_and_told(targets, self.centres)
        of_class, of_box = losses_of_cells(
            logits, distances, targets, owners, is_told, self.centres
        )
        scores = ops.where(is_told, 0.0, divergence(logits, old_logits))
        surest = ops.max(ops.sigmoid(old_logits), -1)
        matters = ops.logical_and(owners < 0, surest > SURE)
        sides = ops.where(matters, surest * sides_moved(distances, old_distances), 0.0)
        maps = self.maps_moved(levels, pyramid, old_levels, old_pyramid)
        return {
            "class": _per_image(of_class),
            "box": _per_image(of_box),
            "kept": KEEP * (_per_image(scores) + _per_image(sides)),
            "maps": KEEP_MAPS * maps,
        }

    def looked_for(self, labelled, old_logits):
        """(B, K) bool: of which classes it is known whether they are in an image."""
        highest = ops.max(ops.sigmoid(old_logits), 1)
        is_absent = ops.logical_and(self.is_learnt, highest < ABSENT)
        return ops.logical_or(ops.cast(labelled, "bool"), is_absent)

    def maps_moved(self, levels, pyramid, old_levels, old_pyramid):
        """How far the mask branch's coarse maps have moved, as a share of what they were."""
        maps = self.model.mask_branch.maps(levels, pyramid)[0]
        old_maps = self.before.mask_branch.maps(old_levels, old_pyramid)[0]
        shares = [
            ops.mean(ops.square(new - old)) / ops.mean(ops.square(old))
            for new, old in zip(maps, old_maps, strict=True)
        ]
        return sum(shares)


def _per_image(losses):
    """The sum of losses (B, A, ...) of an image, in units of `CELLS`, in the mean of all."""
    axes = tuple(range(1, len(losses.shape)))
    return ops.mean(ops.sum(losses, axes)) / CELLS
