"""Photographs as training sees them: some sources more often, each time varied."""

import cv2
import numpy as np

from helpers.training.pasting import paste
from helpers.training.variation import vary

ZOOM = (0.65, 1.8)  # of a training picture, in units of what fits the input
PASTED, BLURRED, GREY = 0.4, 0.15, 0.05  # shares of the training pictures
PASTED_OBJECTS = 0.7  # of the objects of the other picture
TINY = 64  # square pixels of the input: what is smaller is left out
# How often a picture is shown, by its source, where that is not once: easy ones are shown less.
WEIGHT = {"ccp": 0.5, "coco": 2.0, "pets": 1.5}


class Varied:
    """Training pictures: `varied(number)` is (image, truth, known ids), always the same.

    Args:
        photos: Photos.
        indices: those of them to show.
        size: (height, width) of the input.
        seed: of choice and variation.
    """

    def __init__(self, photos, indices, size, seed=0):
        self.photos, self.indices, self.size, self.seed = photos, list(indices), size, seed
        weights = np.cumsum([WEIGHT.get(photos.sources[i], 1.0) for i in self.indices])
        self.shares = weights / weights[-1]

    def pick(self, rng):
        """The index of a picture, by chance."""
        return self.indices[int(np.searchsorted(self.shares, rng.random(), side="right"))]

    def name(self, number):
        """The file of the `number`-th picture of the training."""
        return str(self.photos.file(self.pick(np.random.default_rng([self.seed, number]))))

    def __call__(self, number):
        rng = np.random.default_rng([self.seed, number])
        index = self.pick(rng)
        image, truth = vary(*self.photos[index], self.size, rng, ZOOM)
        if rng.random() < PASTED:
            other = vary(*self.photos[self.pick(rng)], self.size, rng, ZOOM)
            keep = rng.random(len(other[1])) < PASTED_OBJECTS
            image, truth = paste((image, truth), other, keep)
        if rng.random() < BLURRED:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.5))
        if rng.random() < GREY:
            image = np.repeat(image.mean(2, keepdims=True).astype(np.uint8), 3, 2)
        is_tiny = np.prod(truth.boxes[:, 2:] - truth.boxes[:, :2], 1) < TINY
        truth = truth.replace(scores=np.where(is_tiny, 0, truth.scores))
        return image, truth, self.photos.known(index)
