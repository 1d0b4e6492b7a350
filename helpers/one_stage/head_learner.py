"""The head of a one-stage detector learns a few classes better; all else stays as it is.

What a head says of a cell depends on 3 x 3 cells of the neck's map and on nothing else. So the
body runs once over each picture, and of each map only some cells are kept, with their neighbours:
a table of rows, from which the head learns in a hundredth of the time.

Letters: C channels, E classes that are learnt, K classes, N cells.
"""

from typing import NamedTuple

import numpy as np
from keras import ops

from helpers.mask_rcnn.part import LossModel
from helpers.one_stage.backbone import SLOPE
from helpers.one_stage.cell_losses import box_loss, paired_iou
from helpers.one_stage.head import NUM_BINS, decode
from helpers.one_stage.head_losses import divergence, quality_loss, sides_moved

KEEP = 5.0  # how much it counts that all else stays; with 1, far more cats are made up
SURE = 0.1  # of a cell of which the head said less its sides are of no interest


class Cells(NamedTuple):
    """Cells to learn from, and what is true there.

    Attributes:
        maps: (N, 9 C) float16: of the neck's map, 3 x 3 cells, row by row.
        levels: (N,) int32, 0 for the finest map; in a training batch all the same.
        centres: (N, 3) float32, see `make_centres`.
        boxes: (N, 4) float32, of the true object that the cell stands for; zeros if there is none.
        labels: (N, E) float32, 1 for the class of that object, if it is learnt.
        told: (N, E) uint8, 1 where it is known whether an object of the class is there.
        weights: (N,) float32: for how many cells one counts that was chosen by chance.
    """

    maps: object
    levels: object
    centres: object
    boxes: object
    labels: object
    told: object
    weights: object


def surroundings(level):
    """Each cell of a map (h, w, C) with its neighbours, zeros beyond the border: (h w, 9 C)."""
    height, width = level.shape[:2]
    padded = np.pad(level, ((1, 1), (1, 1), (0, 0)))
    shifted = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.concatenate(shifted, -1).reshape(height * width, -1)


class HeadLearner(LossModel):
    """Called with `Cells` of one level it gives the losses of what a model's head learns.

    Where no truth tells of a class, the head shall go on to say what it says now.

    Args:
        model: OneStageMaskRCNN, built.
        classes: 1..K, those that are learnt, E of them.

    Source: Li and Hoiem 2016 (Learning without Forgetting) for what is kept.
    """

    def __init__(self, model, classes, **kwargs):
        super().__init__(name="head_learner", dtype="float32", **kwargs)
        self.convs = model.head.convs
        self.outputs_of_levels = model.head.outputs
        self.num_classes = model.config.num_classes
        self.places = np.eye(self.num_classes, dtype=np.float32)[np.array(classes, int) - 1]
        self.before = tuple(np.asarray(one) for one in self.weights_of_levels())
        self.noise = model.noise
        self.keep_means(["class", "box", "kept"])
        self.built = True  # as its layers are; only then does Keras load a checkpoint

    def weights_of_levels(self):
        """Kernels and biases of both convolutions, each of all levels in one: four tensors."""
        lists = []
        for layers in ([conv.conv for conv in self.convs], self.outputs_of_levels):
            lists.append(ops.stack([layer.kernel.value for layer in layers]))
            lists.append(ops.stack([layer.bias.value for layer in layers]))
        return lists

    def call(self, cells, training=False):
        level = cells.levels[0]
        logits, distances = self.answer(self.weights_of_levels(), cells.maps, level)
        old_logits, old_distances = self.answer(self.before, cells.maps, level)
        is_owned = cells.boxes[:, 2] > 0
        told = ops.matmul(ops.cast(cells.told, "float32"), self.places) > 0
        told = ops.logical_or(told, is_owned[:, None])  # an object is of no other class
        boxes = decode(distances, cells.centres)
        quality = ops.where(is_owned, ops.stop_gradient(paired_iou(boxes, cells.boxes)), 0.0)
        wanted = ops.matmul(cells.labels, self.places) * quality[:, None]
        wrong = ops.sum(ops.where(told, quality_loss(logits, wanted), 0.0), -1)
        of_box = box_loss(distances, boxes, cells.boxes, cells.centres)
        moved = ops.sum(ops.where(told, 0.0, divergence(logits, old_logits)), -1)
        surest = ops.max(ops.sigmoid(old_logits), -1)
        matters = ops.logical_and(ops.logical_not(is_owned), surest > SURE)
        moved += ops.where(matters, surest * sides_moved(distances, old_distances), 0.0)
        return {
            "class": ops.mean(wrong * cells.weights),
            "box": ops.mean(ops.where(is_owned, of_box, 0.0)),
            "kept": KEEP * ops.mean(moved * cells.weights),
        }

    def answer(self, weights, maps, level):
        """What the head says of cells (N, 9 C) of a level: (N, K), (N, 4, NUM_BINS)."""
        kernel, bias, out_kernel, out_bias = (ops.take(one, level, axis=0) for one in weights)
        kernel = ops.reshape(kernel, (-1, kernel.shape[-1]))
        hidden = ops.matmul(ops.cast(maps, "float32"), kernel)
        rows = ops.matmul(ops.leaky_relu(hidden + bias, SLOPE), out_kernel[0, 0]) + out_bias
        distances = ops.reshape(rows[:, self.num_classes :], (-1, 4, NUM_BINS))
        return rows[:, : self.num_classes], distances
