"""The pictures of a data set as training sees them: shrunk, shuffled, varied.

Chance is a seed and the number of a picture, counted from the start of training: a run that was
stopped goes on with the very pictures that it would have seen.
"""

import functools

import numpy as np

from helpers.training.fitting import fit, rescale, scale_to_fit
from helpers.training.pasting import paste
from helpers.training.survey import name_of
from helpers.training.variation import ZOOM, vary

KEPT = 256  # pictures that stay in memory
PASTED = 0.5  # of the varied pictures get objects of another one
PASTED_OBJECTS = 0.7  # of that picture's objects


class Shrunk:
    """A data set whose pictures are no larger than training needs; those seen stay in memory.

    Args:
        pictures: sequence of (image (H, W, 3) uint8, Detections with masks); sizes may differ.
        size: (height, width) of the network's input.
    """

    def __init__(self, pictures, size):
        self.pictures, self.size = pictures, size
        self.read = functools.lru_cache(KEPT)(self._read)

    def _read(self, index):
        image, truth = self.pictures[index]
        scale = ZOOM[1] * scale_to_fit(image, self.size)
        return rescale(image, truth, scale) if scale < 1 else (image, truth)

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.read(index)


class Shuffled:
    """Pictures of a data set, shuffled anew in each pass, each time varied: `shuffled(number)`.

    Args:
        pictures, size: as in `Shrunk`; at least one picture.
        seed: of order and variation.
        augment: False to shuffle only.
    """

    def __init__(self, pictures, size, seed=0, augment=True):
        self.pictures, self.size, self.seed, self.augment = pictures, size, seed, augment
        self.shrunk = Shrunk(pictures, size)

    def index(self, number):
        """Which picture of the data set is shown as the `number`-th of the training."""
        num = len(self.pictures)
        turn, place = divmod(number, num)
        order = np.random.default_rng([self.seed, turn]).permutation(num)
        return int(order[place])

    def name(self, number):
        """The file of the `number`-th picture of the training, or its number in the data set."""
        return name_of(self.pictures, self.index(number))

    def __call__(self, number):
        picture = self.shrunk[self.index(number)]
        if not self.augment:
            return fit(*picture, self.size)
        rng = np.random.default_rng([self.seed, 1, number])
        varied = vary(*picture, self.size, rng)
        if rng.random() < PASTED:
            other = self.shrunk[int(rng.integers(len(self.shrunk)))]
            other = vary(*other, self.size, rng)
            varied = paste(varied, other, rng.random(len(other[1])) < PASTED_OBJECTS)
        return varied
