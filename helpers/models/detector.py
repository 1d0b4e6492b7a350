"""The one interface to every model: images of any size in, `Detections` out."""

import functools
import html
import numbers
import pickle
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
from PIL import Image

from helpers.mask_rcnn.inference import candidates_of, filled_size, letterbox, to_detections
from helpers.models import programs
from helpers.models.cards import ids_of
from helpers.models.onnx_program import onnx_program
from helpers.one_stage.model import OneStageMaskRCNN
from helpers.pictures import to_rgb
from helpers.structures import Detections, require, require_image

KINDS_LISTED = 5  # of a sentence on a detector


class Detector:
    """A model with a name: RGB uint8 images of any size in, `Detections` out.

    A copy shares the network. Pickled, it goes by its name, and is loaded anew where it arrives.

    Args:
        outputs: image (H, W, 3), least score -> {name: NumPy array}, what the network or graph
            itself says; it may leave out detections that score less.
        decode: these outputs, (height, width) of the image -> `Candidates`.
        card: what is known about the model: at least its name and categories {id: name}.
        model: the Keras model behind, if there is one.
        score_threshold: detections below it are dropped.
        corners: how its masks are pasted, see `paste_masks`.
        again: a function that can be pickled and loads this model, given a score_threshold.
        kept: ids of the categories to tell of; None: all.

    Raises:
        ValueError: score_threshold does not lie between 0 and 1.
    """

    def __init__(
        self, outputs, decode, card, model=None, score_threshold=0.5, corners=False, again=None,
        kept=None,
    ):  # fmt: skip
        require_score(score_threshold)
        self.outputs = outputs
        self.decode = decode
        self.card = card
        self.model = model
        self.score_threshold = score_threshold
        self.corners = corners
        self.again = again
        self.kept = kept
        self.name = card["name"]
        self.categories = {int(key): name for key, name in card["categories"].items()}

    def __call__(self, image) -> Detections:
        """Find the objects of one image; their masks take a byte for each pixel and object.

        Args:
            image: (H, W, 3) uint8 RGB, an array of NumPy, TensorFlow, JAX or PyTorch; or a picture
                of Pillow's, which is taken as it lies.

        Raises:
            ValueError: it is none.
        """
        image = as_image(image)
        candidates = self._candidates(image, self.score_threshold)
        # A label map may have gaps.
        unnamed = set(candidates.labels.tolist()) - set(self.categories)
        categories = self.categories | {label: f"class {label}" for label in unnamed}
        return to_detections(
            candidates, image.shape[:2], categories, self.score_threshold, self.corners
        )

    def candidates(self, image):
        """All that the model says of an image, before the score threshold, as `Candidates`."""
        return self._candidates(as_image(image), 0.0)

    def _candidates(self, image, least):
        """What the model says of an image, of the categories that are kept."""
        candidates = self.decode(self.outputs(image, least), image.shape[:2])
        if self.kept is None:
            return candidates
        keep = np.isin(candidates.labels, self.kept)
        masks = candidates.mask_scores
        return candidates._replace(
            boxes=candidates.boxes[keep],
            labels=candidates.labels[keep],
            scores=candidates.scores[keep],
            mask_scores=None if masks is None else masks[keep],
        )

    def batch(self, images) -> list[Detections]:
        """Find the objects of several images, which may differ in size; none gives [].

        The network gets them one by one: larger batches are no faster on a CPU, only larger. But
        four are on their way at a time, since a small network leaves cores idle.
        """
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(self, images))

    def with_threshold(self, score_threshold: float) -> "Detector":
        """The same model that drops detections below another score."""
        return Detector(
            self.outputs, self.decode, self.card, self.model, score_threshold, self.corners,
            self.again, self.kept,
        )  # fmt: skip

    def only(self, names) -> "Detector":
        """The same model that tells of these classes alone, whatever it told of before.

        Args:
            names: of the classes; or the name of one.

        Raises:
            InputError: it knows no class of that name.
        """
        names = [names] if isinstance(names, str) else list(names)
        again = None if self.again is None else functools.partial(self.again, classes=names)
        return Detector(
            self.outputs, self.decode, self.card, self.model, self.score_threshold, self.corners,
            again, ids_of(names, self.card),
        )  # fmt: skip

    def __copy__(self) -> "Detector":
        return self.with_threshold(self.score_threshold)

    def __deepcopy__(self, memo) -> "Detector":
        return self.with_threshold(self.score_threshold)

    def __reduce__(self):
        if self.again is None:
            raise pickle.PicklingError(
                f"the detector {self.name!r} was not loaded by its name; save its model, and use "
                "load_detector(FOLDER)"
            )
        return functools.partial(self.again, score_threshold=self.score_threshold), ()

    def __repr__(self) -> str:
        names = list(self.categories.values())
        known = ", ".join(names[:KINDS_LISTED]) + (" …" if len(names) > KINDS_LISTED else "")
        kinds = f"{len(names)} kinds of objects: {known}" if names else "its classes have no names"
        return f"Detector {self.name!r}, {kinds} (scores from {self.score_threshold:g})"

    def _repr_html_(self) -> str:
        return f"<div>{html.escape(repr(self))}</div>"


def require_score(score_threshold):
    """Raise ValueError unless it is a score."""
    is_score = isinstance(score_threshold, numbers.Real) and 0 <= score_threshold <= 1
    require(is_score, f"score_threshold must lie between 0 and 1, got {score_threshold!r}")


def as_image(image) -> np.ndarray:
    """What a caller gives for an image, as (H, W, 3) uint8 in one piece of memory.

    Raises:
        ValueError: it is no RGB image.
    """
    if isinstance(image, Image.Image):
        return to_rgb(image)
    if hasattr(image, "__array__"):
        image = np.asarray(image)
    require_image(image)
    return np.ascontiguousarray(image)


def from_model(model, card, score_threshold=0.5, fast=False) -> Detector:
    """A Detector of a Keras MaskRCNN, compiled once for the backend in use, and warmed up.

    Args:
        model: MaskRCNN, built.
        card: dict with at least "name" and "categories" ({id: name}, in the order of classes).
        score_threshold: detections below it are dropped.
        fast: see `load_detector`.

    Raises:
        ValueError: fast is wanted of a MaskRCNN on another backend than TensorFlow.
    """
    backend = keras.backend.backend()
    is_one_stage = isinstance(model, OneStageMaskRCNN)
    is_possible = backend == "tensorflow" or is_one_stage or not fast
    require(is_possible, f"fast=True needs TensorFlow, not {backend}")

    is_selective = is_one_stage and (fast or backend == "tensorflow")
    step = None
    if is_selective and fast:
        forward = onnx_program(model)
        step = max(model.neck.strides)
    elif is_selective:
        forward = programs.selective(model)
    else:
        forward = programs.compiled(model)
        if backend == "tensorflow":
            forward.get_concrete_function()  # traced by its call, the fifth would get a warning
        if fast:
            forward = programs.run_lite(programs.to_lite(forward))
    card = {**card, "image_size": model.config.image_size}
    detector = network_detector(forward, card, model, score_threshold, is_selective, step)
    detector(np.zeros((*model.config.image_size, 3), np.uint8))
    return detector


def network_detector(
    forward, card, model=None, score_threshold=0.5, selective=False, step=None
) -> Detector:
    """A Detector of a network of ours: images are fitted into its input, results fitted back.

    Args:
        forward: (1, H, W, 3) uint8 -> the `FINAL_STAGES`.
        card: dict with at least "name", "categories" and "image_size" (height, width).
        model: the Keras model behind, if there is one.
        score_threshold: detections below it are dropped.
        selective: whether `forward` takes a second argument, see `programs.selective`.
        step: `forward` takes an input whose sides are multiples of this, so that what the image
            does not fill need not be computed; None: of one size alone.
    """
    size = card["image_size"]
    categories = {int(key): name for key, name in card["categories"].items()}

    def outputs(image, least=0.0):
        canvas, _ = letterbox(image, size)
        if step is not None:
            height, width = filled_size(image.shape[:2], size, step)
            canvas = np.ascontiguousarray(canvas[:height, :width])
        values = [canvas[None], np.float32(least)] if selective else [canvas[None]]
        leaves = [np.asarray(leaf) for leaf in forward(*values)]
        return dict(zip(programs.FINAL_STAGES, leaves, strict=True))

    def decode(outputs, image_size):
        scale = min(size[0] / image_size[0], size[1] / image_size[1])
        rows = [outputs[name][0] for name in programs.FINAL_STAGES]
        return candidates_of(*rows, scale, categories)

    return Detector(outputs, decode, card, model, score_threshold)
