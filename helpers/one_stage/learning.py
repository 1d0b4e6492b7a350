"""A one-stage detector learns classes of the reader's own, its masks too.

Letters as in `helpers.one_stage.model`.
"""

import numpy as np
from keras import ops

from helpers.mask_rcnn.partial_labels import PartialTargets
from helpers.one_stage.cell_losses import cell_losses
from helpers.one_stage.model import OneStageMaskRCNN

LOSS_NAMES = ("class", "box", "mask")


class LearningOneStage(OneStageMaskRCNN):
    """Called with `PartialTargets` it gives three losses; otherwise the same, weights included."""

    def __init__(self, config=None, seed=0, **kwargs):
        super().__init__(config, seed, **kwargs)
        self.keep_means(LOSS_NAMES)

    def call(self, inputs, training=False):
        if isinstance(inputs, PartialTargets):
            return self.compute_losses(inputs, training)
        return super().call(inputs, training)

    def compute_losses(self, targets, training=True):
        """The three losses of a batch by name (`LOSS_NAMES`), scalars."""
        levels = self.backbone(targets.images)
        pyramid = self.neck(levels)
        class_logits, distance_logits = self.head(pyramid)
        class_logits = self.calibration(class_logits)
        losses = cell_losses(class_logits, distance_logits, targets, self.centres)
        losses["mask"] = self.mask_loss(levels, pyramid, targets, training)
        return losses


def name_classes(source, model, old_names, names):
    """Give a model's head the classes `names`, and what it knows of sides as it is.

    A class that the source knows by that name begins as it is there, any other as the mean of all:
    something is there, and it is not known what.

    Args:
        source, model: OneStageMaskRCNN, built; the model is changed.
        old_names, names: of their classes, in order.
    """
    for old, new in zip(source.head.outputs, model.head.outputs, strict=True):
        new.kernel.assign(_columns(old.kernel, old_names, names))
        new.bias.assign(_columns(old.bias, old_names, names))
    model.calibration.scale.assign(ops.ones_like(model.calibration.scale))
    model.calibration.shift.assign(ops.zeros_like(model.calibration.shift))


def _columns(weights, old_names, names):
    """The last axis of weights, one number for each class and then those of the sides, renamed."""
    weights = np.asarray(weights)
    of_classes = weights[..., : len(old_names)]
    unknown = of_classes.mean(-1)
    known = {name: of_classes[..., number] for number, name in enumerate(old_names)}
    columns = [known.get(name, unknown) for name in names]
    return np.concatenate([np.stack(columns, -1), weights[..., len(old_names) :]], -1)
