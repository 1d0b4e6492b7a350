"""Our own models in files: weights (float16, one NumPy archive) and a card beside them."""

import dataclasses
import json
import pathlib
import zlib
from zipfile import BadZipFile

import numpy as np

from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.model import MaskRCNN
from helpers.structures import InputError, require

# What damaged cards and weights raise, down to the archive's own checks.
BROKEN = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    RecursionError,
    BadZipFile,
    zlib.error,
)


def save_model(model, card, folder):
    """Write weights (float16, one NumPy archive) and card of a model into `folder`.

    Each file is written under another name and then renamed: a half one is never seen.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    card = {**card, "config": dataclasses.asdict(model.config)}
    weights = {v.path: np.asarray(v, np.float16) for v in _weights(model)}
    for name, write in (
        (f"{card['name']}.npz", lambda file: np.savez_compressed(file, **weights)),
        (f"{card['name']}.json", lambda file: file.write(json.dumps(card, indent=1).encode())),
    ):
        part = folder / f".{name}.part"
        with open(part, "wb") as file:
            write(file)
        part.replace(folder / name)


def load_model(path, **changes):
    """Model and card from a card's path (`….json`, its weights beside it).

    Args:
        path: of the card.
        **changes: fields of its `Config` that no weight depends on, to be other than in training.

    Raises:
        InputError: card or weights are missing, or do not belong together.
    """
    path, card = pathlib.Path(path), read_card(path)
    try:
        weights = read_weights(path.with_suffix(".npz"))
        fields = (card["config"] | changes).items()
        config = Config(**{key: _tuples(value) for key, value in fields})
        num, wanted = len(card["categories"]), config.num_classes
        require(num == wanted, f"{num} categories for {wanted} classes")
        model = MaskRCNN(config)
        model(np.zeros((1, *config.image_size, 3), np.uint8))
        set_weights(model, weights)
    except BROKEN as error:
        raise _unreadable(path, error) from None
    return model, card


def read_weights(path):
    """The weights in a file of `save_model`: {path in the network: float16 array}."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def read_card(path):
    """A card from its file: a dict with at least a name and categories."""
    try:
        card = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        require(isinstance(card["name"], str), "the card has no name")
        require(all(int(key) > 0 for key in card["categories"].keys()), "ids must be above 0")
    except BROKEN as error:
        raise _unreadable(path, error) from None
    return card


def _unreadable(path, error):
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{path}: no readable model here ({reason}); fetch it anew")


def set_weights(model, weights):
    """Put weights {path: array} into a built model.

    Raises:
        InputError: a weight is missing, left over, or of another shape; the first is named.
    """
    wanted = {v.path: v for v in _weights(model)}
    odd = sorted(set(wanted) ^ set(weights))
    if odd:
        state = "missing" if odd[0] in wanted else "not part of this network"
        raise InputError(f"weights do not fit: {odd[0]} is {state} ({len(odd)} such)")
    for name, variable in wanted.items():
        shape, given = tuple(variable.shape), weights[name].shape
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
    old, left = {v.path: np.asarray(v) for v in _weights(source)}, []
    for v in _weights(model):
        value = old.get(v.path)
        if value is not None and not same_classes and "/mask_head/logits/" in v.path:
            value = np.repeat(value.mean(-1, keepdims=True), v.shape[-1], -1)
        new = value is None or value.shape != v.shape
        if new or (not same_classes and "/box_head/class/" in v.path):
            left.append(v.path)
        else:
            v.assign(value)
    return left


def _weights(model):
    """The variables that make the model: not the state of its random numbers."""
    return [v for v in model.variables if v.path.startswith(model.name + "/")]


def _tuples(value):
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
