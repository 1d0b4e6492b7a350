"""From a model's name to its files: ours, the zoo's, a training's folder, a graph on the disk."""

import os
import pathlib
from typing import NamedTuple

from helpers import DATA
from helpers.models import zoo
from helpers.models.cards import read_card
from helpers.models.label_maps import find_label_map, own_folders, read_label_map
from helpers.spelling import hint
from helpers.structures import InputError, require

BUNDLED = ("streets", "everyday")  # for drawn streets; for photographs
COCO = "mask_rcnn_inception_v2_coco"  # the model of "auto", where it can be had
ALIASES = {"coco": COCO}  # short names, where there is no folder of that name
PYTORCH = (".pt", ".pth", ".pkl", ".safetensors")
COCO_LABELS = DATA / "coco_labels.pbtxt"


class Source(NamedTuple):
    """Where a model is, and what kind it is of.

    Attributes:
        kind: "network" (our own: a card, its weights beside it), "lite" (a TensorFlow Lite
            program, its card beside it), "graph" (of the Object Detection API) or "onnx".
        path: the file to load; of a network its card.
        card: what is known about it: at least its name and categories ({id: name}).
    """

    kind: str
    path: pathlib.Path
    card: dict


def find_source(name="auto", say=print) -> Source:
    """Find a model by its name; one of the zoo is downloaded unless it is here.

    Args:
        name: see `load_detector`.
        say: gets the line on what "auto" chose and why; None for silence, without progress bar.

    Raises:
        InputError: there is no such model, or it cannot be had.
        ValueError: this is no name.
    """
    is_name = isinstance(name, str | os.PathLike)
    require(is_name, f"a model has a name or a path, got {type(name).__name__}")
    if name == "auto":
        return _for_photographs(say)
    if name in BUNDLED:
        return _network(DATA / f"{name}.json")
    if str(name).lower().endswith(PYTORCH):
        raise InputError(
            f"no model {str(name)[:200]!r}: PyTorch's files are not read; everyday and coco know "
            "COCO's 80 classes, as most of them do"
        )
    path = os.path.expanduser(name)
    if os.path.exists(path):  # which, unlike Path.exists, takes names of any length
        return _on_disk(pathlib.Path(os.path.abspath(path)))
    return _from_zoo(name, say)


def find_card(name) -> dict:
    """The card of a model, with "place", where it lies; nothing is fetched.

    Raises:
        InputError: there is no such model.
    """
    if name in BUNDLED or os.path.exists(os.path.expanduser(name)):
        source = find_source(name, say=None)
        return {**source.card, "place": str(source.path)}
    card = card_in_zoo(name)
    folder = zoo.find_cached(card)
    place = str(folder) if folder else f"to be fetched: python3 run.py models fetch {name}"
    return {**card, "place": place}


def lasting_name(name, source):
    """What finds the same model again from any folder: its name, or a `Source` with whole path.

    Args:
        name, source: what `find_source` got and gave; name may be a `Source`.
    """
    is_name = isinstance(name, str) and name != "auto"
    if is_name and (name in BUNDLED or not os.path.exists(os.path.expanduser(name))):
        return name
    return source._replace(path=source.path.absolute())


def card_in_zoo(name) -> dict:
    """The card of a model of the zoo.

    Raises:
        InputError: there is no such model; or see `catalogue`.
    """
    cards = zoo.catalogue()
    name = ALIASES.get(name, name)
    if name not in cards:
        known = [*BUNDLED, *ALIASES, *cards, "auto"]
        raise InputError(
            f"no model {str(name)[:200]!r}: use one of {', '.join(known)}, or the folder of a model"
            f"{hint(name, known)}"
        )
    return cards[name]


def find_graph(path) -> pathlib.Path | None:
    """The graph in a folder, or the file itself: a frozen graph first, else a SavedModel's."""
    path = pathlib.Path(path)
    if path.is_file():
        return path if path.suffix == ".pb" else None
    usual = ("frozen_inference_graph.pb", "saved_model.pb", "saved_model/saved_model.pb")
    for file in [*(path / name for name in usual), *sorted(path.glob("*.pb"))]:
        if file.is_file():
            return file
    return None


def _for_photographs(say) -> Source:
    """The zoo's COCO model if it can be had, else everyday; a line says which, and why."""
    try:
        source = find_source(COCO, say)
        line = f"auto: {COCO}, which knows the 80 classes of COCO"
    except InputError as error:
        source = find_source("everyday", say)
        line = f"auto: everyday, which comes with Pixelwise; {COCO} cannot be had ({error})"
    if say:
        say(line)
    return source


def _network(path) -> Source:
    """One of our own models, by its card."""
    return Source("network", path, read_card(path))


def _on_disk(path) -> Source:
    """The model in a file or folder: a TensorFlow Lite program, a graph, or a card."""
    if path.suffix == ".tflite" and path.is_file():
        return Source("lite", path, read_card(path.with_suffix(".json")))
    graph = find_graph(path)
    if graph:
        return Source("graph", graph, _card_of_graph(graph))
    others = [path] if path.suffix == ".onnx" and path.is_file() else sorted(path.glob("*.onnx"))
    if others:
        return Source("onnx", others[0], _card_of_graph(others[0]))
    cards = sorted(path.glob("*.json"))
    if not cards:
        raise InputError(f"no model in {path}: no graph (.pb, .onnx) and no card (.json)")
    return _network(cards[0])


def _card_of_graph(graph) -> dict:
    """What is known of a graph that brings no card: its folder's name, and a label map."""
    folder = own_folders(graph)[-1]
    if folder.parent.name == "tensorFlow2":  # Kaggle's layout: NAME/tensorFlow2/VARIATION/VERSION
        folder = folder.parents[1]
    labels = find_label_map(graph)
    if labels is None and _is_of_coco(folder.name, graph.parent / "pipeline.config"):
        labels = COCO_LABELS
    return {"name": folder.name, "categories": read_label_map(labels) if labels else {}}


def _is_of_coco(name, config) -> bool:
    """Whether a model without label map is one of the zoo's, or its settings name COCO's map."""
    for card in zoo.known_cards():
        if name in (card["name"], card["archive"].removesuffix(".tar.gz"), card.get("kaggle")):
            return True
    return config.is_file() and "/mscoco_label_map.pbtxt" in config.read_text(errors="replace")


def _from_zoo(name, say) -> Source:
    """A model of the zoo, in the cache from now on."""
    card = card_in_zoo(name)
    graph = find_graph(zoo.fetch(card, zoo.ProgressBar(card["name"]) if say else None))
    labels = COCO_LABELS if card.get("categories") == "coco" else find_label_map(graph)
    return Source("graph", graph, {**card, "categories": read_label_map(labels) if labels else {}})
