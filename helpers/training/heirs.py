"""A new network for the reader's classes that begins with all that a trained one knows."""

import dataclasses

import numpy as np

from helpers.mask_rcnn.partial_labels import PartialMaskRCNN
from helpers.models import find_source, load_model, transfer
from helpers.one_stage.learning import LearningOneStage, name_classes
from helpers.one_stage.model import OneStageMaskRCNN
from helpers.structures import InputError

MAX_DETECTIONS = 100  # AP looks at no more
PASSED_ON = "notice", "licence"  # of a card: whose work the weights contain, too


def heir(start, to_learn, image_size=None):
    """A new model that can learn, and what its card takes over from the old one.

    Args:
        start: a bundled model, or the folder of a training.
        to_learn: Survey.
        image_size: (height, width) of the input, pixels; None as in the start.

    Returns:
        PartialMaskRCNN or LearningOneStage, built; dict with "name", and "notice" and "licence" if
        the old card has them.

    Raises:
        InputError: the start is no model of ours.
    """
    origin = find_source(start, say=None)
    if origin.kind != "network":
        raise InputError(f"{start}: only our own models can be taught; this is a graph")
    source, card = load_model(origin.path)
    old_names, names = (list(those.values()) for those in (card["categories"], to_learn.categories))
    changes = {
        "num_classes": len(names),
        "image_size": tuple(image_size or source.config.image_size),
        "num_detections": _enough_detections(source.config, to_learn),
    }
    if isinstance(source, OneStageMaskRCNN):
        model = _one_stage(source, changes)
        transfer(source, model)
        name_classes(source, model, old_names, names)
    else:
        model = _two_stage(source, changes)
        transfer(source, model, old_names == names)
    return model, {key: card[key] for key in ("name", *PASSED_ON) if key in card}


def _enough_detections(config, to_learn):
    """A picture may hold more objects than the old model could find."""
    wanted = min(MAX_DETECTIONS, to_learn.most + to_learn.most // 4)
    return max(config.num_detections, wanted)


def _two_stage(source, changes):
    """A Mask R-CNN that can learn."""
    old = source.config
    num_proposals = max(old.num_proposals, changes["num_detections"])
    config = dataclasses.replace(
        old,
        **changes,
        num_proposals=num_proposals,
        num_candidates=max(old.num_candidates, num_proposals),
    )
    return _built(PartialMaskRCNN(config))


def _one_stage(source, changes):
    """A one-stage detector that can learn."""
    config = dataclasses.replace(source.config, **changes)
    return _built(LearningOneStage(config))


def _built(model):
    """The model with its layers built: they are when it is first called."""
    model(np.zeros((1, *model.config.image_size, 3), np.uint8))
    return model
