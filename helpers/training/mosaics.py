"""Training pictures for the mask branch: photographs varied by chance, often four on one canvas.

The branch learns from true boxes and their masks alone. So it does not matter what else is in a
photograph and was never labelled, and four small photographs teach more in the time of one.
"""

from typing import NamedTuple

import cv2
import numpy as np

from helpers.mask_rcnn.model import Targets
from helpers.training.photos import Photos
from helpers.training.variation import vary

NUM_SLOTS = 24  # objects of a training picture
MOSAICS = 0.6  # share of the pictures that are made of four
ZOOM_ONE = (0.7, 1.8)  # in units of what fits the picture
ZOOM_FOUR = (0.9, 2.2)  # in units of what fits its quarter
BLURRED = 0.15  # share of the pictures
GREY = 0.05  # share of the pictures without colours
TINY = 60  # square pixels of the input: the box of what is smaller teaches nothing


class Source(NamedTuple):
    """Photographs of one kind, and how often they are shown.

    Attributes:
        photos: Photos.
        indices: those of them to show.
        weight: how often, compared with the other sources.
    """

    photos: Photos
    indices: list
    weight: float


class Mixture:
    """Photographs of several sources, chosen by chance.

    Args:
        sources: list of Source.
        size: (height, width) of the picture.
        seed: of choice and variation.
    """

    def __init__(self, sources, size, seed=0):
        self.sources = sources
        self.size = size
        self.seed = seed
        weights = np.cumsum([source.weight for source in sources])
        self.shares = weights / weights[-1]

    def choose(self, rng):
        """A photograph by chance: Photos, and which of them."""
        source = self.sources[int(np.searchsorted(self.shares, rng.random(), side="right"))]
        return source.photos, source.indices[int(rng.integers(len(source.indices)))]


class Mosaics(Mixture):
    """`mosaics(number)` is a training picture, always the same for a number."""

    def __call__(self, number):
        """Image (H, W, 3) uint8 and boxes (N, 4), masks (N, H, W) of up to NUM_SLOTS objects."""
        rng = np.random.default_rng([self.seed, number])
        if rng.random() < MOSAICS:
            image, boxes, masks = self._four(rng)
        else:
            image, truth = self._one(rng, self.size, ZOOM_ONE)
            boxes, masks = truth.boxes, truth.masks
        if rng.random() < BLURRED:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.5))
        if rng.random() < GREY:
            image = np.repeat(image.mean(2, keepdims=True).astype(np.uint8), 3, 2)
        keep = rng.permutation(len(boxes))[:NUM_SLOTS]
        return image, boxes[keep], masks[keep]

    def _one(self, rng, size, zoom):
        """A photograph, varied, with what of its truth has a mask and is large enough."""
        photos, index = self.choose(rng)
        image, truth = vary(*photos[index], size, rng, zoom)
        areas = np.prod(truth.boxes[:, 2:] - truth.boxes[:, :2], 1)
        return image, truth[(truth.scores > 0) & truth.masks.any((1, 2)) & (areas >= TINY)]

    def _four(self, rng):
        """Four photographs, each in its quarter."""
        height, width = (side // 2 for side in self.size)
        image = np.zeros((*self.size, 3), np.uint8)
        boxes, masks = [], []
        for y, x in ((0, 0), (0, width), (height, 0), (height, width)):
            part, truth = self._one(rng, (height, width), ZOOM_FOUR)
            image[y : y + height, x : x + width] = part
            boxes.append(truth.boxes + [x, y, x, y])
            whole = np.zeros((len(truth), *self.size), bool)
            whole[:, y : y + height, x : x + width] = truth.masks
            masks.append(whole)
        return image, np.concatenate(boxes), np.concatenate(masks)


def to_mask_targets(pictures):
    """A padded batch for the mask branch, from pictures as `Mosaics` gives them.

    Every object has label 1, since the branch does not ask what it is. Where there are fewer
    objects than slots they come again: their boxes will be jittered otherwise.

    Returns:
        Targets, NumPy.
    """
    batch = len(pictures)
    height, width = pictures[0][0].shape[:2]
    boxes = np.zeros((batch, NUM_SLOTS, 4), np.float32)
    labels = np.zeros((batch, NUM_SLOTS), np.int32)
    masks = np.zeros((batch, NUM_SLOTS, height, width), np.uint8)
    for i, (_, some_boxes, some_masks) in enumerate(pictures):
        if len(some_boxes):
            again = np.arange(NUM_SLOTS) % len(some_boxes)
            boxes[i], labels[i], masks[i] = some_boxes[again], 1, some_masks[again]
    images = np.stack([image for image, *_ in pictures])
    return Targets(images, boxes, labels, masks)
