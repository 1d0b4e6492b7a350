"""The head of a one-stage detector learns a few classes better; all else stays as it is.

What a head says of a cell depends on 3 x 3 cells of the neck's map and on nothing else. So the
body runs once over each picture, and of each map only some cells are kept, with their neighbours:
a table of rows, from which the head learns in a hundredth of the time.

Letters: C channels, E classes that are learnt, N cells.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from helpers.one_stage.backbone import SLOPE
from helpers.one_stage.head_losses import head_losses


class Cells(NamedTuple):
    """Cells to learn from, and what is true there.

    Attributes:
        maps: (N, 9 C) float16: of the neck's map, 3 x 3 cells, row by row.
        levels: (N,) int32, 0 for the finest map; in a training batch all the same.
        old_logits: (N, E) float16, what the head said before.
        wanted: (N, E) float32, 0..1, what it shall say: how well its box fits an object of a class.
        told: (N, E) uint8, 1 where `wanted` is known.
        weights: (N,) float32: for how many cells one counts that was chosen by chance.
    """

    maps: object
    levels: object
    old_logits: object
    wanted: object
    told: object
    weights: object


def surroundings(level):
    """Each cell of a map (h, w, C) with its neighbours, zeros beyond the border: (h w, 9 C)."""
    height, width = level.shape[:2]
    padded = np.pad(level, ((1, 1), (1, 1), (0, 0)))
    shifted = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.concatenate(shifted, -1).reshape(height * width, -1)


class HeadLearner(keras.Model):
    """Called with `Cells` of one level it gives the losses of what a model's head learns.

    Args:
        model: OneStageMaskRCNN, built, with `more_channels`.

    Attributes:
        more, more_outputs: convolutions of that model's head; what is learnt is learnt there.
    """

    def __init__(self, model, **kwargs):
        super().__init__(name="head_learner", dtype="float32", **kwargs)
        self.more = model.head.more
        self.more_outputs = model.head.more_outputs
        self.noise = model.noise
        self.loss_means = [keras.metrics.Mean(name, dtype="float32") for name in ("class", "kept")]

    def build(self, *shapes):
        self.built = True

    def call(self, cells, training=False):
        logits = ops.cast(cells.old_logits, "float32") + self.answer(cells.maps, cells.levels[0])
        return head_losses(logits, cells)

    def answer(self, maps, level):
        """(N, E): what is added to the logits of cells (N, 9 C) of a level."""
        convs = [conv.conv for conv in self.more]
        kernel = _of_level([conv.kernel for conv in convs], level)
        kernel = ops.reshape(kernel, (-1, kernel.shape[-1]))
        hidden = ops.matmul(ops.cast(maps, "float32"), kernel)
        hidden = ops.leaky_relu(hidden + _of_level([conv.bias for conv in convs], level), SLOPE)
        kernel = _of_level([conv.kernel for conv in self.more_outputs], level)[0, 0]
        bias = _of_level([conv.bias for conv in self.more_outputs], level)
        return ops.matmul(hidden, kernel) + bias

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss: Keras calls this with what `call` returned."""
        for mean in self.loss_means:
            mean.update_state(y_pred[mean.name])
        return sum(y_pred.values())


def _of_level(variables, level):
    """The variable of a level, which may be known only when it is computed."""
    values = ops.stack([variable.value for variable in variables])
    return ops.take(values, level, axis=0)
