"""The exercises of notebook 04b."""

import numpy as np

from helpers.lessons.checks.verdict import Hint, call, check, choose, compare


@check("The four numbers of each channel are BatchNorm's: it learns two and keeps two.")
def numbers_in_layer(answer, size, before, after):
    """How many numbers a convolution of size x size without bias and its BatchNorm hold."""
    kernel = size * size * before * after
    compare(
        answer, kernel + 4 * after,
        f"The convolution has {size} x {size} x {before} weights for each of its {after} channels, "
        "and no bias. BatchNorm has four numbers for each channel.",
        (kernel, "That is the convolution. BatchNorm has four numbers for each channel."),
        (kernel + 2 * after, "That is what learns. BatchNorm also keeps a mean and a variance."),
        (kernel + after, "That is a convolution with a bias. Here it has none, and a BatchNorm."),
        (kernel + 5 * after, "That counts a bias, which this convolution does not have."),
        (kernel + 4 * before, "BatchNorm comes after the convolution: it sees the new channels."),
        (size * size * after + 4 * after, "Each channel that comes out looks at all that go in."),
    )  # fmt: skip


@check("RetinaNet starts there, since it learns from all anchors, and nearly all are background.")
def prior_bias(answer, prior):
    """The bias with which a sigmoid says `prior`."""
    bias = np.log(prior / (1 - prior))
    compare(
        answer, bias,
        "Solve 1 / (1 + e^-b) = p for b: e^-b = (1 - p) / p, so b = ln(p / (1 - p)).",
        (-bias, "Right but for the sign: with that bias every anchor would say 0.99."),
        (1 / (1 + np.exp(-prior)), "That is the sigmoid of 0.01. You look for what goes into it."),
        (np.log10(prior / (1 - prior)), "That is to base 10. Take the natural logarithm."),
        (prior, "That is the score. You look for the number that the sigmoid turns into it."),
        (-3, "That is the bias of our network, which says 0.05."),
        rtol=0.004,
    )  # fmt: skip


WHY_NOT = {
    "a": "An untrained network gives each class a ninth, whichever is right: wrong labels cannot "
    "be seen in the first losses. They show later, when `class` will not fall.",
    "c": "With one channel or eight, an untrained sigmoid says 0.5: `mask` begins at 0.69 "
    "whatever you do.",
    "d": "Two are right. Which one is not what your pencil said?",
}


@check("A sigmoid of 0 gives 0.5, and -ln 0.5 = 0.69 for foreground and background alike.")
def first_losses(answer):
    """Which bug shows in the first losses: "B", an objectness that begins at 0.5."""
    choose(answer, "b", WHY_NOT)


@check("An interval with 0 in it does not prove that they are equal: it says that we do not know.")
def could_be_equal(answer, rows):
    """The names of the variants whose interval of the difference holds 0, without the first."""
    names = list(rows)
    wanted = {name for name in names[1:] if _holds_zero(rows[name])}
    if isinstance(answer, str) or not hasattr(answer, "__iter__"):
        raise Hint('A set of names is asked for, such as {"masks-14"}; set() if there is none.')
    answer = set(answer)
    strange = sorted(answer - set(names), key=str)
    if strange:
        raise Hint(f"{strange[0]!r} is none of the names {', '.join(names)}.")
    if answer - {names[0]} == set(names[1:]) - wanted != wanted:
        raise Hint("Those are the ones that do differ: 0 lies outside of their intervals.")
    if names[0] in answer:
        raise Hint("The first one is what the others are compared with.")
    if answer - wanted:
        name = sorted(answer - wanted)[0]
        raise Hint(f"The interval of {name} does not hold 0, so it differs.")
    if wanted - answer:
        raise Hint(f"{len(wanted - answer)} more: look for intervals that hold 0.")


def _holds_zero(row):
    low, high = row["interval"]
    return low <= 0 <= high


@check("With it, a coarse cell knows of the fine edges that lie in it.")
def way_up(function):
    """A function: maps (B, h, w, C), fine to coarse -> each with the finer one's result added."""
    maps = [np.arange(16.0).reshape(1, 4, 4, 1), np.full((1, 2, 2, 1), 100.0)]
    maps.append(np.full((1, 1, 1, 1), 1000.0))
    given = [one.copy() for one in maps]
    raised = call(function, given)
    if len(raised) != 3:
        raise Hint("As many maps should come out as go in.")
    if any(not np.array_equal(one, old) for one, old in zip(given, maps, strict=True)):
        raise Hint("Your function has changed the maps that it was given. Make new ones.")
    compare(raised[0], maps[0], "The finest map has no finer one below it: it stays as it is.")
    every_second = np.array([[0, 2], [8, 10.0]])[None, ..., None]
    compare(
        raised[1], maps[1] + every_second,
        "The second map: 100 plus every second cell of the first, [[0, 2], [8, 10]].",
        (maps[1], "The second map is as it was. Add every second cell of the first."),
        (every_second, "Those are the cells of the finer map. Add them to the coarser one."),
        (maps[1] + maps[0][:, 1::2, 1::2], "Every second cell, beginning with the first: [::2]."),
        (maps[1] + maps[0][:, :2, :2], "Those are the first cells, not every second one."),
    )  # fmt: skip
    compare(
        raised[2], maps[2] + 100,
        "The third map: 1000, plus 100 + 0, the first cell of the second one's result.",
        (maps[2] + 100 + 10, "Every second cell, beginning with the first: [::2]."),
    )  # fmt: skip
    third = np.asarray(call(function, [np.ones((1, 4, 4, 1)), np.ones((1, 2, 2, 1)),
                                       np.ones((1, 1, 1, 1))])[2], float)  # fmt: skip
    compare(
        third.ravel(), [3],
        "Three maps of ones: the third result is 3, since the second one is 2 when it is added.",
        ([2], "You added the second map as it came in. Add it after it has been given its own."),
    )  # fmt: skip
