"""Models by name: `load_detector("streets")` is all that a notebook needs to know.

python3 run.py models list | info NAME | fetch NAME | verify NAME | export NAME FOLDER
"""

import os
import pathlib
import time
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from helpers import DATA
from helpers.mask_rcnn.inference import candidates_of, letterbox, to_detections
from helpers.models import download, export, graphs
from helpers.models.weights import load_model, read_card
from helpers.structures import Detections, InputError, require, require_image

BUNDLED = ("streets", "everyday")  # drawn streets; photographs
COCO = "mask_rcnn_inception_v2_coco"  # the model of "auto", where it can be had
# Fields of `Config` that may change after training, since no weight depends on them. What each
# costs and brings is measured in notebook 07.
KNOBS = ("image_size", "num_candidates", "num_proposals", "proposal_nms_iou", "min_score")
KNOBS += ("nms_iou", "num_detections")


class Detector:
    """A model with a name: RGB uint8 images of any size in, `Detections` out.

    Args:
        outputs: image (H, W, 3) -> {name: NumPy array}, what the network or graph itself says.
        decode: these outputs, (height, width) of the image -> `Candidates`.
        card: what is known about the model: at least its name and categories {id: name}.
        model: the Keras model behind, if there is one.
        score_threshold: detections below it are dropped.
        corners: how its masks are pasted, see `paste_masks`.
    """

    def __init__(self, outputs, decode, card, model=None, score_threshold=0.5, corners=False):
        self.outputs, self.decode, self.card, self.model = outputs, decode, card, model
        self.name, self.corners, self.score_threshold = card["name"], corners, score_threshold
        self.categories = {int(key): name for key, name in card["categories"].items()}

    def __call__(self, image) -> Detections:
        """Find the objects of one image; their masks take a byte for each pixel and object."""
        candidates = self.candidates(image)
        strange = set(candidates.labels.tolist()) - set(self.categories)  # a label map with gaps
        categories = self.categories | {label: f"class {label}" for label in strange}
        size, threshold = image.shape[:2], self.score_threshold
        return to_detections(candidates, size, categories, threshold, self.corners)

    def candidates(self, image):
        """All that the model says of an image, before the score threshold, as `Candidates`."""
        require_image(image)
        return self.decode(self.outputs(image), image.shape[:2])

    def batch(self, images) -> list[Detections]:
        """Find the objects of several images, which may differ in size; none gives [].

        The network gets them one by one: larger batches are no faster on a CPU, only larger. But
        four are on their way at a time, since a small network leaves cores idle.
        """
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(self, images))

    def with_threshold(self, score_threshold: float) -> "Detector":
        """The same model that drops detections below another score."""
        parts = self.outputs, self.decode, self.card, self.model
        return Detector(*parts, score_threshold, self.corners)


def load_detector(
    name="auto", fast=False, score_threshold=0.5, bfloat16=False, sides=None, say=print, **knobs
) -> Detector:
    """A model by its name, warmed up and ready.

    Args:
        name: a bundled model ("streets", "everyday"); one of the zoo (`python3 run.py models
            list`), which is downloaded once; a folder that training or an exporter wrote
            ("runs/streets"), or a graph in it; "auto", for photographs: the zoo's Mask R-CNN
            Inception v2 if it can be had, else everyday.
        fast: run one of our models through TensorFlow Lite with 8-bit weights: half to three
            quarters of the time, by the processor, nearly the same numbers (benchmarks/inference.py
            prints both). Converting takes some seconds; TensorFlow only.
        score_threshold: detections below it are dropped.
        bfloat16, sides: faster ways to run a graph that change its numbers, see `load_graph`.
        say: gets a line for whatever takes long or was chosen; None for silence.
        **knobs: run one of our models otherwise than it was trained: see `KNOBS`.

    Raises:
        InputError: there is no such model, it cannot be had, or its files are damaged.
        ValueError: this model has no such option.
    """
    tell = say or (lambda line: None)
    odd, size = sorted(set(knobs) - set(KNOBS)), knobs.get("image_size", (64, 64))
    require(not odd, f"no option {odd}; of a Config only these may change: {', '.join(KNOBS)}")
    fits = len(size) == 2 and all(side > 0 and side % 64 == 0 for side in size)
    require(fits, f"image_size must be (height, width), each divisible by 64, got {size}")
    path, card = locate(resolve(name, say))
    require(path.suffix == ".json" or not knobs, f"{path.name} is fixed: no {sorted(knobs)}")
    if path.suffix == ".pb":
        require(not fast, "fast=True is for our own models; graphs have bfloat16=True and sides")
        start = time.monotonic()
        tell(f"{card['name']}: loading the graph, and one run to warm up …")
        function = export.in_turn(graphs.load_graph(path, bfloat16, sides))  # four need much memory
        detector = _graph_detector(function, card, score_threshold)
        detector(np.full((480, 640, 3), 127, np.uint8))
        tell(f"{card['name']}: ready after {time.monotonic() - start:.0f} s")
        return detector
    require(not (bfloat16 or sides), "bfloat16 and sides are for graphs; our models have fast=True")
    if path.suffix == ".tflite":
        return network_detector(export.run_lite(path.read_bytes()), card, None, score_threshold)
    return from_model(*load_model(path, **knobs), score_threshold, fast)


def resolve(name="auto", say=print) -> str:
    """Fetch a model of the zoo unless it is here; returns the name, for "auto" that of the choice.

    Args:
        name: see `load_detector`.
        say: gets the line on what "auto" chose and why; None for silence, without progress bar.

    Raises:
        InputError: the model cannot be had.
    """
    tell = say or (lambda line: None)
    if name == "auto":
        try:
            resolve(COCO, say)
            tell(f"auto: {COCO}, which knows the 80 kinds of things of COCO")
            return COCO
        except InputError as error:
            tell(f"auto: everyday, which comes with Pixelwise; {COCO} cannot be had ({error})")
            return "everyday"
    if name not in BUNDLED and not os.path.exists(os.path.expanduser(name)):
        card = card_of(name)
        download.fetch(card, download.progress_bar(name) if say else None)
    return name


def card_of(name):
    """The card of a model of the zoo."""
    cards = download.catalogue()
    if name not in cards:
        known, name = ", ".join([*BUNDLED, *cards, "auto"]), str(name)[:200]
        raise InputError(f"no model {name!r}: use one of {known}, or the folder of a model")
    return cards[name]


def locate(name):
    """The file to load, and its card if it does not hold that itself."""
    folder = pathlib.Path(name).expanduser()
    if name in BUNDLED:
        return DATA / f"{name}.json", None
    if folder.suffix == ".tflite" and os.path.isfile(folder):
        return folder, read_card(folder.with_suffix(".json"))
    here = os.path.exists(folder)  # which, unlike Path.exists, takes names of any length
    card = {} if here else card_of(name)
    folder = folder if here else download.find_cached(card)
    graph = graphs.find_graph(folder)
    if graph:
        home = graph.parent.parent if graph.parent.name == "saved_model" else graph.parent
        card = card or {"name": home.name, "categories": "coco" if "coco" in home.name else None}
        labels = None if "url" in card else graphs.find_label_map(graph)  # else it is the zoo's
        labels = labels or (DATA / "coco_labels.pbtxt" if card["categories"] == "coco" else None)
        return graph, {**card, "categories": graphs.read_label_map(labels) if labels else {}}
    cards = sorted(folder.glob("*.json"))
    if not cards:
        raise InputError(f"no model in {folder}: neither a graph (.pb) nor a card (.json)")
    return cards[0], None


def _graph_detector(function, card, score_threshold):
    """A Detector of a function that `load_graph` returned."""
    import tensorflow as tf

    def outputs(image):
        try:
            return function(image[None])
        except tf.errors.OpError as error:
            height, width = image.shape[:2]  # the reason stands before the first node's name
            reason = error.message.split("[[{{node")[0].strip().splitlines()[-1].strip()
            size = f"{width} x {height} pixels"
            raise InputError(f"{card['name']} cannot take a picture of {size}: {reason}") from None

    return Detector(outputs, graphs.decode, card, None, score_threshold, corners=True)


def from_model(model, card, score_threshold=0.5, fast=False) -> Detector:
    """A Detector of a Keras MaskRCNN, compiled once for the backend in use, and warmed up.

    Args:
        model: MaskRCNN, built.
        card: dict with at least "name" and "categories" ({id: name}, in the order of classes).
        score_threshold: detections below it are dropped.
        fast: see `load_detector`.

    Raises:
        ValueError: fast is wanted of another backend than TensorFlow.
    """
    backend = keras.backend.backend()
    require(backend == "tensorflow" or not fast, f"fast=True needs TensorFlow, not {backend}")

    forward = export.compiled(model)
    if backend == "tensorflow":
        forward.get_concrete_function()  # traced by its call, the fifth model would get a warning
        forward = export.run_lite(export.to_lite(forward)) if fast else forward
    card = {**card, "image_size": model.config.image_size}
    detector = network_detector(forward, card, model, score_threshold)
    forward(np.zeros((1, *model.config.image_size, 3), np.uint8))
    return detector


def network_detector(forward, card, model=None, score_threshold=0.5) -> Detector:
    """A Detector of a network of ours: images are fitted into its input, results fitted back.

    Args:
        forward: (1, H, W, 3) uint8 -> the `Stages` named in `export.FINAL_STAGES`.
        card: dict with at least "name", "categories" and "image_size" (height, width).
        model: the Keras model behind, if there is one.
        score_threshold: detections below it are dropped.
    """
    size, categories = card["image_size"], {int(k): v for k, v in card["categories"].items()}

    def outputs(image):
        leaves = forward(letterbox(image, size)[0][None])
        return dict(zip(export.FINAL_STAGES, map(np.asarray, leaves), strict=True))

    def decode(outputs, image_size):
        scale = min(size[0] / image_size[0], size[1] / image_size[1])
        rows = (outputs[name][0] for name in export.FINAL_STAGES)
        return candidates_of(*rows, scale, categories)

    return Detector(outputs, decode, card, model, score_threshold)
