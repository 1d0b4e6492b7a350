"""The command `python3 run.py models`: list, describe, fetch, verify and export models."""

import json
import pathlib
import sys

from helpers import DATA
from helpers.commands import read_call
from helpers.models import zoo
from helpers.models.cards import read_card
from helpers.models.sources import ALIASES, BUNDLED, card_in_zoo, find_card, find_source
from helpers.models.telling import describe, table
from helpers.pictures import explain_system
from helpers.structures import InputError

# Keras, which takes seconds to import, waits in the functions that need it.


def list_models(options):
    """A row for each model, or the same as JSON."""
    rows = [_bundled_row(name) for name in BUNDLED]
    rows += [_zoo_row(card) for card in zoo.catalogue().values()]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    print(table(rows))
    print("\nmAP and ms: as published, on other machines; `models info NAME` says of what")
    for alias, name in ALIASES.items():
        print(f"{alias} is short for {name}")


def _bundled_row(name):
    card = read_card(DATA / f"{name}.json")
    return {
        "name": name,
        "classes": len(card["categories"]),
        "MB": round((DATA / f"{name}.npz").stat().st_size / 1e6),
        "mask": card["config"]["mask_side"],
        "mAP": None,
        "ms": None,
        "where": "bundled",
    }


def _zoo_row(card):
    published = card.get("published", {})
    return {
        "name": card["name"],
        "classes": 80 if card.get("categories") == "coco" else None,
        "MB": round(card["bytes"] / 1e6) if card["bytes"] else None,
        "mask": card.get("mask_size"),
        "mAP": published.get("mAP"),
        "ms": published.get("ms"),
        "where": "cached" if zoo.find_cached(card) else "to fetch",
    }


def info(options):
    """The card of a model."""
    card = find_card(options.name)
    if options.json:
        print(json.dumps(card, indent=1, ensure_ascii=False))
    else:
        print(describe(card))


def fetch(options):
    """Fetch a model unless it is here; where it lies."""
    print(f"{options.name}: {find_source(options.name).path}")


def verify(options):
    """Whether a model is what its publisher made."""
    for line in zoo.verify(card_in_zoo(options.name)):
        print(line)


def export(options):
    """Write one of our models as graphs; what was written."""
    source = find_source(options.name)
    if source.kind != "network":
        raise InputError(f"{source.path}: only our own models can be exported; this is a graph")
    from helpers.models.export import export_model
    from helpers.models.weights import load_model

    export_model(*load_model(source.path), options.folder)
    for path in sorted(pathlib.Path(options.folder).expanduser().iterdir()):
        print(path)


COMMANDS = {
    "models list": list_models,
    "models info": info,
    "models fetch": fetch,
    "models verify": verify,
    "models export": export,
}


def main(argv=None) -> int:
    """Look at the zoo, fetch from it, export to its format; returns 0, or 2 on an error."""
    words = sys.argv[1:] if argv is None else argv
    call = read_call(["models", *words])
    try:
        COMMANDS[call.command](call.options)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        place = getattr(call.options, "folder", zoo.cache_folder())
        print(explain_system(error, place), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
