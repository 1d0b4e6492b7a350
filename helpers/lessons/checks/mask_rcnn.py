"""The exercises of notebook 04."""

import numpy as np

from helpers.lessons.checks.verdict import Hint, call, check, choose, compare


@check("Up to half a stride at each edge, and nobody tells the mask. RoIAlign moves it by 0.")
def edge_moves(answer, x, stride):
    """By how many pixels RoIPool's rounding to whole features moves an edge at `x`."""
    moved = round(x / stride) * stride - x
    compare(
        answer, abs(moved),
        f"Divide {x} by {stride}, round, multiply by {stride}. How far is that from {x}?",
        (moved, "That is the way it moves. How many pixels is it, without a sign?"),
        (abs(moved) / stride, "That is in cells of the map. One of them has many pixels."),
        (x % stride, "That is the way down to the next cell. RoIPool rounds to the nearest one."),
        (stride / 2, "That is the most that can happen. How much is it for this edge?"),
        (0, "That is RoIAlign's answer. RoIPool rounds to whole cells."),
        (round(x / stride) * stride, "The edge lands there. How far is that from where it was?"),
    )  # fmt: skip


@check("It is the same for each cell, so the size of the grid does not matter, nor do the classes.")
def untrained_mask_loss(answer):
    """The mask loss where every cell of every mask scores 0.5: -ln 0.5."""
    compare(
        answer, np.log(2), "Each cell says 0.5, whatever the right answer is. What is -ln 0.5?",
        (-np.log(2), "Right but for the sign: the loss is minus the logarithm."),
        (0.5, "That is the score. The loss is minus its natural logarithm."),
        (1, "That is in bits. The natural logarithm is meant: np.log."),
        (np.log10(2), "That is the logarithm to base 10. The natural one is meant: np.log."),
        (np.log(8), "That would be so if the 8 classes competed. Here each mask has a sigmoid."),
        (np.log(9), "That belongs to the box head: 8 classes and background. In or out are two."),
        (784 * np.log(2), "That is the sum over all 28 x 28 cells. The loss is their mean."),
        rtol=0.01,
    )  # fmt: skip


@check(
    "The pattern of wrong names: `class` rises most, and `mask` reads the mask of the wrong class."
)
def likeliest_cause(answer):
    """Which of four causes fits: class far too high, mask somewhat, all else as it should be?"""
    hints = {
        "a": "Then all five would fall slowly. Here three of them fall as they should.",
        "b": "Then `mask` alone would be high. Which lie raised `class` most?",
        "d": "Objects called background raise `rpn_class` as well. Here it falls as it should.",
    }
    choose(answer, "c", hints)


@check("455 numbers, of 128,328: seven channels of the last layer, 64 weights and a bias each.")
def agnostic_head(head):
    """A mask head with one mask for all classes, otherwise as that of `streets`."""
    from helpers.mask_rcnn.mask_head import MaskHead

    if not isinstance(head, MaskHead):
        raise Hint("Answer with a layer: MaskHead(...), with its three arguments.")
    if head.logits.filters != 1:
        raise Hint(f"It draws {head.logits.filters} masks per box. Let it draw one: num_classes=1.")
    channels = head.up.filters
    convs = len(head.convs)
    if (channels, convs) != (64, 3):
        raise Hint(f"Leave 64 channels and 3 convolutions as they are, not {channels} and {convs}.")


@check("The old box is five sixths of the new one, and the centre has stayed.")
def widened(answer, boxes):
    """Boxes (..., 4) made wider by a tenth of their sides at each of the four edges."""
    boxes = np.asarray(boxes, float)
    sides = boxes[..., 2:] - boxes[..., :2]

    def shift(left_top, right_bottom):
        return boxes + np.concatenate([left_top * sides, right_bottom * sides], -1)

    compare(
        answer, shift(-0.1, 0.1),
        "Take a tenth of (right_bottom - left_top); subtract it from left_top, and add it.",
        (boxes, "Those are the tight boxes, as they were."),
        (shift(0.1, -0.1), "The wrong way round: now they are even tighter."),
        (shift(0.1, 0.1), "Those have moved, not grown. Left and top must become smaller numbers."),
        (shift(0, 0.1), "They have grown to the right and down only."),
        (shift(-0.1, 0), "They have grown to the left and up only."),
        (shift(-0.05, 0.05), "That is a tenth in all. Move each edge by a tenth."),
        (shift(-0.2, 0.2), "That is a fifth at each edge. Make it a tenth."),
        (boxes + [-0.1, -0.1, 0.1, 0.1], "That is a tenth of a pixel. Take a tenth of the side."),
        (boxes + [-10, -10, 10, 10], "That is ten pixels. Take a tenth of the box's own side."),
        (boxes * [0.9, 0.9, 1.1, 1.1], "That is a tenth of the coordinate, which grows with the "
         "distance from the corner of the picture. Take a tenth of the side."),
        rtol=1e-4,
    )  # fmt: skip


@check("The same sum for rows and for columns, and you have the whole of paste_masks.")
def paste_row(function):
    """A function (scores (M,), x1, x2, width) -> (width,) bool: one pasted row."""

    def where(first, last):
        return (np.arange(12) >= first) & (np.arange(12) <= last)

    scores = np.array([0, 0.6, 1, 0])  # cells of 2 pixels, with centres at 3, 5, 7 and 9
    row = call(function, scores, 2, 10, 12)
    places = np.interp(np.arange(12) + 0.5, [3, 5, 7, 9], scores)
    compare(
        row, where(5, 7),
        "Scores 0, 0.6, 1, 0 from 2 to 10: pixel 5, at 5.5, lies a quarter of the way from the "
        "cell at 5 (0.6) to the cell at 7 (1), so it scores 0.7 and is in.",
        (places, "Those are the scores of the pixels. Which of them are at least 0.5?"),
        (where(4, 7), "Those are whole cells. Between two centres the score is interpolated."),
        (where(5, 8), "Half a pixel off: the centre of pixel 0 is at 0.5, not at 0."),
        (where(4, 6), "Half a cell off: the first cell begins at x1, its centre comes later."),
        (where(4, 8), "That puts the first and the last cell on the edges of the box. Here their "
         "centres lie half a cell inside."),
        ([5, 6, 7], "Return a truth value for every pixel, all 12 of them."),
    )  # fmt: skip
    compare(
        call(function, np.ones(2), 1, 3, 5), [0, 1, 1, 0, 0],
        "Two full cells from 1 to 3 fill the pixels 1 and 2.",
        (np.ones(5), "Outside the box there is nothing: np.interp goes on, the mask must not."),
        ([0, 1, 1, 1, 0], "The box ends at 3, so pixel 3, with its centre at 3.5, is outside."),
    )  # fmt: skip
    compare(
        call(function, np.ones(3), 0.6, 3.4, 4),
        [0, 1, 1, 0],
        "A pixel belongs to the box if its centre does: with a box from 0.6 to 3.4, 1 and 2 do.",
    )
