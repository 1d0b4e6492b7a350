"""Models by name: `load_detector("streets")` is all that a notebook needs to know."""

import dataclasses
import json
import pathlib
import zlib
from zipfile import BadZipFile

import keras
import numpy as np

from helpers.mask_rcnn.model import Config, MaskRCNN, letterbox, to_detections
from helpers.structures import Detections, InputError, require

DATA = pathlib.Path(__file__).parents[1] / "data"
BUNDLED = ("streets",)
# What damaged cards and weights raise, down to the archive's own checks.
BROKEN = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    BadZipFile,
    zlib.error,
)


class Detector:
    """A model with a name: images of any size in, `Detections` out.

    Args:
        forward: images (B, H, W, 3) uint8 of the network's size -> NumPy boxes (B, D, 4), labels
            (B, D), scores (B, D), mask_scores (B, D, M, M), as the `Stages` of these names.
        image_size: (height, width) of the network's input, pixels.
        card: what is known about the model: its name, categories, recipe, AP, limits.
        model: the Keras model behind, if there is one.
        score_threshold: detections below it are dropped.
    """

    def __init__(self, forward, image_size, card, model=None, score_threshold=0.5):
        self.forward, self.image_size, self.card, self.model = forward, image_size, card, model
        self.name = card["name"]
        self.categories = {int(key): name for key, name in card["categories"].items()}
        self.score_threshold = score_threshold

    def __call__(self, image) -> Detections:
        """Find the objects of one RGB uint8 image (H, W, 3)."""
        return self.batch([image])[0]

    def batch(self, images) -> list[Detections]:
        """Find the objects of several images, which may differ in size; none gives []."""
        found = []
        for image in images:  # one by one: on a CPU larger batches are no faster, only larger
            canvas, scale = letterbox(image, self.image_size)
            rows = [np.asarray(leaf)[0] for leaf in self.forward(canvas[None])]
            sizes = scale, image.shape[:2]
            found.append(to_detections(*rows, *sizes, self.categories, self.score_threshold))
        return found

    def with_threshold(self, score_threshold: float) -> "Detector":
        """The same model that drops detections below another score."""
        return Detector(self.forward, self.image_size, self.card, self.model, score_threshold)


def load_detector(name="auto", fast=False, score_threshold=0.5) -> Detector:
    """A model by its name, warmed up and ready.

    Args:
        name: a bundled model ("streets"), a folder that training wrote ("runs/streets"), or
            "auto" for the best that is at hand.
        fast: run it through TensorFlow Lite with 8-bit weights: less than half the time on a CPU,
            nearly the same numbers (benchmarks/inference.py prints both). Converting takes some
            seconds; TensorFlow only.
        score_threshold: detections below it are dropped.

    Raises:
        InputError: there is no such model, or its files are damaged.
    """
    name = "streets" if name == "auto" else name
    folder = pathlib.Path(name).expanduser()
    cards = [DATA / f"{name}.json"] if name in BUNDLED else sorted(folder.glob("*.json"))
    if not cards:
        known = ", ".join(BUNDLED)
        raise InputError(f"no model {name!r}: use {known}, auto, or a folder written by training")
    return from_model(*load_model(cards[0]), score_threshold, fast)


def from_model(model, card, score_threshold=0.5, fast=False) -> Detector:
    """A Detector of a Keras MaskRCNN, compiled once for the backend in use, and warmed up.

    Args:
        model: MaskRCNN, built.
        card: dict with at least "name" and "categories" ({id: name}, in the order of classes).
        score_threshold: detections below it are dropped.
        fast: see `load_detector`.
    """
    size = (1, *model.config.image_size, 3)

    def forward(images):
        stages = model(images, training=False)
        return stages.boxes, stages.labels, stages.scores, stages.mask_scores

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        forward = tf.function(forward, input_signature=[tf.TensorSpec(size, tf.uint8)])
        forward = _lite(forward) if fast else forward
    forward(np.zeros(size, np.uint8))
    return Detector(forward, model.config.image_size, card, model, score_threshold)


def _lite(function):
    """A tf.function as a TensorFlow Lite program with 8-bit weights, run on all cores."""
    import os

    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    # The converter loses the weights unless they are frozen first.
    frozen = convert_variables_to_constants_v2(
        function.get_concrete_function(), lower_control_flow=False
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    program = Interpreter(model_content=converter.convert(), num_threads=os.cpu_count())
    program.allocate_tensors()
    image = program.get_input_details()[0]["index"]
    outputs = [leaf["index"] for leaf in program.get_output_details()]

    def forward(images):
        program.set_tensor(image, images)
        program.invoke()
        return [program.get_tensor(index) for index in outputs]

    return forward


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


def load_model(path):
    """Model and card from a card's path (`….json`, its weights beside it).

    Raises:
        InputError: card or weights are missing, or do not belong together.
    """
    path = pathlib.Path(path)
    try:
        card = json.loads(path.read_text())
        archive = np.load(path.with_suffix(".npz"), allow_pickle=False)
        weights = {name: archive[name] for name in archive.files}
        config = Config(**{key: _tuples(value) for key, value in card["config"].items()})
        num, wanted = len(card["categories"]), config.num_classes
        require(isinstance(card["name"], str), "the card has no name")
        require(num == wanted, f"{num} categories for {wanted} classes")
        model = MaskRCNN(config)
        model(np.zeros((1, *config.image_size, 3), np.uint8))
        set_weights(model, weights)
    except BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: no readable model here ({reason}); fetch it anew") from None
    return model, card


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


def _weights(model):
    """The variables that make the model: not the state of its random numbers."""
    return [v for v in model.variables if v.path.startswith(model.name + "/")]


def _tuples(value):
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
