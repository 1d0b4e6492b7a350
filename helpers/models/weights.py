"""Our own models in files: weights (float16, one NumPy archive) and a card beside them."""

import dataclasses
import json
import pathlib

import numpy as np

from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.model import MaskRCNN
from helpers.models.cards import BROKEN, read_card, unreadable
from helpers.one_stage.model import OneStageConfig, OneStageMaskRCNN
from helpers.pictures import replacing
from helpers.structures import InputError, require


def mask_rcnn(fields) -> MaskRCNN:
    """The network of a card, with random weights, from the fields of its `Config`."""
    config = Config(**{name: _tuples(value) for name, value in fields.items()})
    model = MaskRCNN(config)
    model(np.zeros((1, *config.image_size, 3), np.uint8))  # builds the layers
    return model


def one_stage(fields) -> OneStageMaskRCNN:
    """The network of a card, with random weights, from the fields of its `OneStageConfig`."""
    config = OneStageConfig(**{name: _tuples(value) for name, value in fields.items()})
    model = OneStageMaskRCNN(config)
    model(np.zeros((1, *config.image_size, 3), np.uint8))
    return model


# What a card may name as its network, and what builds it: card["config"] -> a built model.
NETWORKS = {"MaskRCNN": mask_rcnn, "OneStageMaskRCNN": one_stage}


def save_model(model, card, folder):
    """Write weights (float16, one NumPy archive) and card of a model into `folder`.

    Each file is written under another name and then renamed: a half one is never seen.
    """
    folder = pathlib.Path(folder)
    weights = {v.path: np.asarray(v, np.float16) for v in _weights(model)}
    card = {**card, "config": dataclasses.asdict(model.config)}
    if isinstance(model, OneStageMaskRCNN):
        card["network"] = "OneStageMaskRCNN"
    with replacing(folder / f"{card['name']}.npz") as part:
        np.savez_compressed(part, **weights)
    with replacing(folder / f"{card['name']}.json") as part:
        part.write_text(json.dumps(card, indent=1), encoding="utf-8")


def load_model(path, **changes):
    """Model and card from a card's path (`….json`, its weights beside it).

    The card says which of NETWORKS it is of (`"network"`); a card that does not is of a MaskRCNN.

    Args:
        path: of the card.
        **changes: fields of its `Config` that no weight depends on, to be other than in training.

    Raises:
        InputError: card or weights are missing, or do not belong together.
        ValueError: the changes do not go together with the rest of the `Config`.
    """
    path = pathlib.Path(path)
    card = read_card(path)
    try:
        weights = read_weights(path.with_suffix(".npz"))
        network = card.get("network", "MaskRCNN")
        require(network in NETWORKS, f"its network {network!r} is none of {', '.join(NETWORKS)}")
        is_ours = network == "MaskRCNN"
        require(is_ours or card.get("notice"), "no notice of whose weights these were")
        model = NETWORKS[network](card["config"] | changes)
        given, wanted = len(card["categories"]), model.config.num_classes
        require(given == wanted, f"{given} categories for {wanted} classes")
        set_weights(model, weights)
    except BROKEN as error:
        if changes and isinstance(error, (ValueError, TypeError)):
            raise ValueError(f"{path.stem} cannot run with {changes}: {error}") from None
        raise unreadable(path, error) from None
    return model, card


def read_weights(path):
    """The weights in a file of `save_model`: {path in the network: float16 array}."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def set_weights(model, weights):
    """Put weights {path: array} into a built model.

    Raises:
        InputError: a weight is missing, left over, or of another shape; the first is named.
    """
    wanted = {v.path: v for v in _weights(model)}
    strange = sorted(set(wanted) ^ set(weights))
    if strange:
        first = strange[0]
        state = "missing" if first in wanted else "not part of this network"
        raise InputError(f"weights do not fit: {first} is {state} ({len(strange)} such)")
    for name, variable in wanted.items():
        shape = tuple(variable.shape)
        given = weights[name].shape
        if shape != given:
            raise InputError(f"weights do not fit: {name} must be {shape}, is {given}")
        variable.assign(weights[name].astype(np.float32))


def transfer(source, model, same_classes=False):
    """Start a model from a trained one: copy each weight that has the same path and shape in both.

    The layers that name the classes stay new, unless the classes are the same; but each new class
    begins with the mean of all old masks, since most of what makes a mask is the same for all.

    Args:
        source, model: MaskRCNN, built.
        same_classes: whether both have the same classes, in the same order.

    Returns:
        The paths of weights that were left as they are.
    """
    old = {v.path: np.asarray(v) for v in _weights(source)}
    left = []
    for variable in _weights(model):
        value = old.get(variable.path)
        names_classes = not same_classes and "/box_head/class/" in variable.path
        if value is not None and not same_classes and "/mask_head/logits/" in variable.path:
            mean = value.mean(-1, keepdims=True)
            value = np.repeat(mean, variable.shape[-1], axis=-1)
        if value is None or value.shape != variable.shape or names_classes:
            left.append(variable.path)
        else:
            variable.assign(value)
    return left


def _weights(model):
    """The variables that make the model: not the state of its random numbers."""
    return [v for v in model.variables if v.path.startswith(model.name + "/")]


def _tuples(value):
    """JSON's lists as the tuples that a `Config` holds."""
    if isinstance(value, list):
        return tuple(_tuples(one) for one in value)
    return value
