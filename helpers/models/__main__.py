"""The command `python3 run.py models`: list, describe, fetch, verify and export models."""

import argparse
import json
import pathlib
import sys

from helpers import DATA
from helpers.models import download, export
from helpers.models.weights import load_model, read_card
from helpers.models.zoo import BUNDLED, card_of, locate, resolve
from helpers.structures import InputError


def _list(*_):
    """A line for each model: where it is, what it weighs, what was published; info says of what."""
    yield from (f"{name:<53} comes with Pixelwise" for name in BUNDLED)
    for name, card in download.catalogue().items():
        place = "in the cache" if download.find_cached(card) else "to be fetched"
        size = f"{card['bytes'] / 1e6:,.0f} MB" if card["bytes"] else "size unknown"
        facts = card.get("published", {})
        told = "".join(f", {key} {facts[key]}" for key in ("ms", "mAP") if key in facts)
        yield f"{name:<53} {place}, {size}, masks {card['mask_size']}{told}"


def _info(name, _):
    """The card of a model."""
    card = read_card(DATA / f"{name}.json") if name in BUNDLED else card_of(name)
    yield json.dumps(card, indent=1, ensure_ascii=False)


def _fetch(name, _):
    """Fetch a model unless it is here; where it lies."""
    yield f"{name}: {locate(resolve(name))[0]}"


def _verify(name, _):
    """Whether a model is what its publisher made."""
    yield from download.verify(card_of(name))


def _export(name, folder):
    """Write one of our models as graphs; what was written."""
    card_path, _ = locate(resolve(name))
    if card_path.suffix != ".json":
        raise InputError(f"{card_path}: only our own models can be exported; this is a graph")
    export.export(*load_model(card_path), folder)
    yield from (f"{path}" for path in sorted(pathlib.Path(folder).iterdir()))


def main(argv=None) -> int:
    """Look at the zoo, fetch from it, export to its format; returns 0, or 2 on an error."""
    parser = argparse.ArgumentParser(prog="python3 run.py models", description=main.__doc__)
    commands = {"list": _list, "info": _info, "fetch": _fetch, "verify": _verify, "export": _export}
    choose = parser.add_subparsers(dest="command", required=True)
    for name, function in commands.items():
        one = choose.add_parser(name, help=function.__doc__, description=function.__doc__)
        one.add_argument("name", nargs="?" if name == "list" else None, help="a model's name")
        if name == "export":
            one.add_argument("folder", help="a new folder")
    options = vars(parser.parse_args(argv))
    try:
        for line in commands[options["command"]](options["name"], options.get("folder")):
            print(line)
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
