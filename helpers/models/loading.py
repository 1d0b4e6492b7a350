"""Models by name: `load_detector("streets")` is all that a notebook needs to know.

The way: a name -> `find_source` -> the loader of that kind of source -> a `Detector`.
"""

import functools
import time

from helpers.models import programs
from helpers.models.detector import Detector, from_model, network_detector, require_score
from helpers.models.graphs import graph_detector
from helpers.models.onnx_program import has_engine
from helpers.models.sources import Source, find_source, lasting_name
from helpers.models.weights import load_model
from helpers.models.whole_masks import onnx_detector
from helpers.one_stage.model import OneStageMaskRCNN
from helpers.structures import require

# Fields of `Config` that may change after training, since no weight depends on them. What each
# costs and brings is measured in notebook 07.
KNOBS = (
    "image_size",
    "num_candidates",
    "num_proposals",
    "proposal_nms_iou",
    "min_score",
    "nms_iou",
    "num_detections",
)


def load_detector(
    name="auto", fast=None, score_threshold=0.5, bfloat16=False, sides=None, say=print,
    classes=None, **knobs,
) -> Detector:  # fmt: skip
    """A model by its name, warmed up and ready.

    Args:
        name: a bundled model ("streets", "everyday"); one of the zoo
            (`python3 run.py models list`), which is downloaded once; a folder that training or an
            exporter wrote ("runs/streets"), or a graph in it (`.pb`; `.onnx` as torchvision writes
            it, which needs ONNX Runtime); "auto", for photographs: the zoo's Mask R-CNN Inception
            v2 if it can be had, else everyday. Or a `Source`, see `find_source`.
        fast: run one of our models through another engine: a third to three quarters of the
            time, by model and processor. Everyday and its heirs: ONNX Runtime, with an input that
            is no larger than the image needs; AP differs by .002 at most
            (benchmarks/photographs.py). The others: TensorFlow Lite with 8-bit weights, nearly the
            same numbers (benchmarks/inference.py); converting takes some seconds; TensorFlow only.
            None: so for everyday and its heirs, where ONNX Runtime is installed.
        score_threshold: detections below it are dropped.
        bfloat16, sides: faster ways to run a graph that change its numbers, see `load_graph`.
        say: gets a line for whatever takes long or was chosen; None for silence.
        classes: names of those to tell of, such as ["person", "cat"]; None: all that it knows.
        **knobs: run one of our models otherwise than it was trained: see `KNOBS`.

    Raises:
        InputError: there is no such model, it cannot be had, or its files are damaged; or it knows
            no such class.
        ValueError: this model has no such option.
    """
    require_score(score_threshold)
    _check_knobs(knobs)
    source = name if isinstance(name, Source) else find_source(name, say)
    detector = _load(source, fast, score_threshold, bfloat16, sides, say, knobs)
    if classes is not None:
        detector = detector.only(classes)
    options = {"fast": fast, "bfloat16": bfloat16, "sides": sides, "classes": classes, **knobs}
    detector.again = functools.partial(
        load_detector, lasting_name(name, source), say=None, **options
    )
    return detector


def _load(source, fast, score_threshold, bfloat16, sides, say, knobs) -> Detector:
    """The detector of a source, by the loader of its kind."""
    if source.kind == "graph":
        _refuse_knobs(source, knobs)
        require(not fast, "fast=True is for our own models; graphs have bfloat16=True and sides")
        return _load_graph(source, score_threshold, bfloat16, sides, say)
    if source.kind == "onnx":
        _refuse_knobs(source, knobs)
        require(not (fast or bfloat16 or sides), "an ONNX graph has no faster way here")
        return onnx_detector(source.path, source.card, score_threshold)
    require(not (bfloat16 or sides), "bfloat16 and sides are for graphs; our models have fast=True")
    if source.kind == "lite":
        _refuse_knobs(source, knobs)
        return _load_lite(source, score_threshold)
    return _load_network(source, score_threshold, fast, knobs)


def _load_network(source, score_threshold, fast, knobs) -> Detector:
    """One of our own models.

    Each detection comes from a proposal of its own: with fewer proposals there are as few
    detections, unless the caller says how many.
    """
    if "num_proposals" in knobs and "num_detections" not in knobs:
        usual = source.card["config"]["num_detections"]
        knobs = {**knobs, "num_detections": min(usual, knobs["num_proposals"])}
    model, card = load_model(source.path, **knobs)
    if fast is None:
        fast = isinstance(model, OneStageMaskRCNN) and has_engine()
    return from_model(model, card, score_threshold, fast)


def _load_lite(source, score_threshold) -> Detector:
    """A TensorFlow Lite program of one of our models."""
    forward = programs.run_lite(source.path.read_bytes())
    return network_detector(forward, source.card, None, score_threshold)


def _load_graph(source, score_threshold, bfloat16, sides, say) -> Detector:
    """A graph of the Object Detection API."""
    start = time.monotonic()
    name = source.card["name"]
    if say:
        say(f"{name}: loading the graph, and one run to warm up …")
    detector = graph_detector(source.path, source.card, score_threshold, bfloat16, sides)
    if say:
        say(f"{name}: ready after {time.monotonic() - start:.0f} s")
    return detector


def _check_knobs(knobs):
    """Raise ValueError for a knob that is none."""
    unknown = sorted(set(knobs) - set(KNOBS))
    require(
        not unknown, f"no option {unknown}; of a Config only these may change: {', '.join(KNOBS)}"
    )


def _refuse_knobs(source, knobs):
    require(not knobs, f"{source.path.name} is fixed: no {sorted(knobs)}")
