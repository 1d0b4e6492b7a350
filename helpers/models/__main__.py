"""The command `python3 run.py models`: list, describe, fetch, verify and export models."""

import argparse
import json
import pathlib
import sys

from helpers import DATA
from helpers.models import zoo
from helpers.models.cards import read_card
from helpers.models.sources import BUNDLED, card_in_zoo, find_source
from helpers.structures import InputError

# Keras, which takes seconds to import, waits in the functions that need it.


def list_models(options):
    """A line for each model: where it is, what it weighs, what was published; info says of what."""
    for name in BUNDLED:
        print(f"{name:<53} comes with Pixelwise")
    for name, card in zoo.catalogue().items():
        place = "in the cache" if zoo.find_cached(card) else "to be fetched"
        size = f"{card['bytes'] / 1e6:,.0f} MB" if card["bytes"] else "size unknown"
        facts = [place, size, f"masks {card['mask_size']}"]
        published = card.get("published", {})
        facts += [f"{key} {published[key]}" for key in ("ms", "mAP") if key in published]
        print(f"{name:<53} {', '.join(facts)}")


def info(options):
    """The card of a model."""
    if options.name in BUNDLED:
        card = read_card(DATA / f"{options.name}.json")
    else:
        card = card_in_zoo(options.name)
    print(json.dumps(card, indent=1, ensure_ascii=False))


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
    "list": list_models,
    "info": info,
    "fetch": fetch,
    "verify": verify,
    "export": export,
}


def read_options(argv):
    """The command line, read; what makes no sense ends the program with code 2 and a line."""
    parser = argparse.ArgumentParser(prog="python3 run.py models", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function in COMMANDS.items():
        text = function.__doc__
        command = commands.add_parser(name, help=text, description=text)
        if name != "list":
            command.add_argument("name", help="a model's name")
        if name == "export":
            command.add_argument("folder", help="a new folder")
    return parser.parse_args(argv)


def main(argv=None) -> int:
    """Look at the zoo, fetch from it, export to its format; returns 0, or 2 on an error."""
    options = read_options(argv)
    try:
        COMMANDS[options.command](options)
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
