"""The one interface to every model: images of any size in, `Detections` out."""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from helpers.mask_rcnn.inference import candidates_of, letterbox, to_detections
from helpers.models import programs
from helpers.structures import Detections, require, require_image


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
        self.outputs = outputs
        self.decode = decode
        self.card = card
        self.model = model
        self.score_threshold = score_threshold
        self.corners = corners
        self.name = card["name"]
        self.categories = {int(key): name for key, name in card["categories"].items()}

    def __call__(self, image) -> Detections:
        """Find the objects of one image; their masks take a byte for each pixel and object."""
        candidates = self.candidates(image)
        # A label map may have gaps.
        unnamed = set(candidates.labels.tolist()) - set(self.categories)
        categories = self.categories | {label: f"class {label}" for label in unnamed}
        return to_detections(
            candidates, image.shape[:2], categories, self.score_threshold, self.corners
        )

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
        return Detector(
            self.outputs, self.decode, self.card, self.model, score_threshold, self.corners
        )


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

    forward = programs.compiled(model)
    if backend == "tensorflow":
        forward.get_concrete_function()  # traced by its call, the fifth model would get a warning
    if fast:
        forward = programs.run_lite(programs.to_lite(forward))
    forward(np.zeros((1, *model.config.image_size, 3), np.uint8))
    card = {**card, "image_size": model.config.image_size}
    return network_detector(forward, card, model, score_threshold)


def network_detector(forward, card, model=None, score_threshold=0.5) -> Detector:
    """A Detector of a network of ours: images are fitted into its input, results fitted back.

    Args:
        forward: (1, H, W, 3) uint8 -> the `FINAL_STAGES`.
        card: dict with at least "name", "categories" and "image_size" (height, width).
        model: the Keras model behind, if there is one.
        score_threshold: detections below it are dropped.
    """
    size = card["image_size"]
    categories = {int(key): name for key, name in card["categories"].items()}

    def outputs(image):
        canvas, _ = letterbox(image, size)
        leaves = [np.asarray(leaf) for leaf in forward(canvas[None])]
        return dict(zip(programs.FINAL_STAGES, leaves, strict=True))

    def decode(outputs, image_size):
        scale = min(size[0] / image_size[0], size[1] / image_size[1])
        rows = [outputs[name][0] for name in programs.FINAL_STAGES]
        return candidates_of(*rows, scale, categories)

    return Detector(outputs, decode, card, model, score_threshold)
