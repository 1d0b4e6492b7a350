"""Training batches by number: a run that was stopped goes on with those that it would have seen."""

import os

import keras

from helpers.training.targets import to_partial_targets


class Batches(keras.utils.PyDataset):
    """Training batches: the same epoch and step give the same batch, always.

    Args:
        draw: number of a picture, counted from the start of training -> (image, Detections);
            `draw.name(number)`, if it has that, is what the picture is called.
        num_steps: batches per epoch.
        batch_size: pictures per batch.
        workers: threads that draw; None for all cores but one.
        options: of `to_partial_targets`.

    Attributes:
        epoch: which epoch's pictures to draw.
    """

    def __init__(self, draw, num_steps, batch_size, workers=None, **options):
        workers = workers or max(1, (os.cpu_count() or 1) - 1)
        super().__init__(workers=workers, max_queue_size=workers + 2)
        self.draw, self.num_steps, self.batch_size = draw, num_steps, batch_size
        self.options = options
        self.epoch = 0

    def __len__(self):
        return self.num_steps

    def __getitem__(self, step):
        pictures = [self.draw(number) for number in self._numbers(step)]
        return (to_partial_targets(pictures, **self.options),)

    def names(self, step):
        """What the pictures of a batch are called: files, or numbers."""
        if hasattr(self.draw, "name"):
            return [self.draw.name(number) for number in self._numbers(step)]
        return [f"picture {number}" for number in self._numbers(step)]

    def _numbers(self, step):
        first = (self.epoch * self.num_steps + step) * self.batch_size
        return range(first, first + self.batch_size)
