"""The exercises of notebook 10."""

import numpy as np

from helpers.lessons.checks.verdict import Hint, call, check, compare

IDEAS = ("one stage", "queries", "prompts", "words")


@check("The mean is 2 strides of 16, so 32 to the left of 72.")
def left_edge(answer):
    """Where is the left edge of a cell at x = 72, stride 16, shares .25 .5 .25 for 1, 2, 3?"""
    compare(
        answer, 40, "Mean distance in strides, times the stride, to the left of the centre.",
        (104, "That is to the right. The left edge is at a smaller x."),
        (70, "That distance is in strides. A stride is 16 pixels here."),
        (32, "That is how far the edge is from the centre. At which x is it?"),
        (56, "The mean of 1, 2 and 3 with these shares is not 1."),
    )  # fmt: skip


@check("No box, no RoIAlign: one product, as fine as the features.")
def query_masks(function):
    """A function of queries (Q, C), features (C, H, W), bias -> masks (Q, H, W) bool."""
    queries = np.array([[2.0, -1.0], [0.0, 3.0]])
    features = np.arange(12.0).reshape(2, 2, 3) / 4
    wanted = (np.tensordot(queries, features, 1) - 6.5) > 0
    answer = np.asarray(call(function, queries, features, -6.5))
    if answer.shape == wanted.shape and answer.dtype != bool:
        raise Hint("These are numbers. A sigmoid is above 0.5 where the logit is above 0.")
    compare(
        answer, wanted, "A logit is the sum over the channels of query times feature, plus bias.",
        (np.tensordot(queries, features, 1) > 0, "The bias is missing."),
        (np.tensordot(queries, features, 1) - 6.5 > 0.5,
         "The sigmoid is above 0.5 where the logit is above 0, not above 0.5."),
    )  # fmt: skip
    empty = np.asarray(call(function, np.zeros((0, 2)), features, 0.0))
    if empty.shape != (0, 2, 3):
        raise Hint(f"For no query at all the shape must be (0, 2, 3), not {empty.shape}.")


@check("One name more, and no picture: the direction of the vector is all that the class is.")
def new_word(answer, words):
    """A vector (4,) that gets .5 or more of [1, 0, .8, 1], and leaves bus .6 of a plain bus."""
    answer = np.ravel(np.asarray(answer, float)) if np.size(answer) == 4 else None
    if answer is None or not np.any(answer):
        raise Hint("Answer with four numbers: wheels, alive, tall, stripes; not all zero.")
    rows = np.array([*words.values(), answer], float)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def share(region):
        powers = np.exp(rows @ region / np.linalg.norm(region) / 0.1)
        return powers / powers.sum()

    if share(np.array([1, 0, 0.8, 1]))[-1] < 0.5:
        raise Hint("The wagon does not get half of it: point the vector where the region points.")
    if share(np.array([1, 0, 0.8, 0.1]))[list(words).index("bus")] < 0.6:
        raise Hint("A plain bus is hardly a bus now. What does the wagon have more of than a bus?")


@check("An idea helps where it removes the part that was in the way.")
def ideas(answer):
    """Which idea for which wish: queries, prompts, words."""
    hints = {
        "A": "A: what decides there that two people are one? Which idea does without it?",
        "B": "B: somebody clicks, and names do not matter. Which idea has no classes?",
        "C": "C: only the list changes. Which idea makes a class out of its name?",
    }
    if isinstance(answer, str) or not np.iterable(answer) or len(answer) != 3:
        raise Hint(f"Three of {', '.join(IDEAS)} are asked for: for A, for B, for C.")
    answer = [str(word).strip().lower() for word in answer]
    if set(answer) - set(IDEAS):
        raise Hint(f"Choose among {', '.join(IDEAS)}.")
    for given, right, name in zip(answer, ("queries", "prompts", "words"), hints, strict=True):
        if given != right:
            raise Hint(hints[name])
