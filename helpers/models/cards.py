"""A model's card: a JSON file that says its name, its categories and how it came to be."""

import json
import pathlib
import zlib
from zipfile import BadZipFile

from helpers.spelling import hint
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
NAMED = 10  # classes of a line on what a model knows


def read_card(path) -> dict:
    """A card from its file: a dict with at least "name" and "categories" ({id: name}).

    Raises:
        InputError: the file is missing, no JSON, or lacks one of these.
    """
    try:
        card = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        is_card = isinstance(card, dict) and {"name", "categories"} <= card.keys()
        require(is_card, "it is no model's card, which has a name and categories")
        require(isinstance(card["name"], str), "the card has no name")
        require(all(int(key) > 0 for key in card["categories"].keys()), "ids must be above 0")
    except BROKEN as error:
        raise unreadable(path, error) from None
    return card


def ids_of(names, card) -> list[int]:
    """The category ids of some classes.

    Raises:
        InputError: the model of this card knows no class of such a name.
    """
    ids = {name: int(key) for key, name in card["categories"].items()}
    for name in names:
        if name not in ids:
            known = ", ".join(list(ids)[:NAMED]) or "no names at all"
            more = f" and {len(ids) - NAMED} more (run.py models info)" if len(ids) > NAMED else ""
            raise InputError(
                f"{card['name']} knows no class {name!r}, but {known}{more}{hint(name, ids)}"
            )
    return [ids[name] for name in names]


def unreadable(path, error) -> InputError:
    """What to raise where card or weights cannot be read."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{path}: no readable model here ({reason}); fetch it anew")
