"""The exercises of notebook 03."""

import numpy as np

from helpers.lessons.checks.verdict import Hint, call, check, choose, compare


@check("It is what a transposed convolution of stride 2 computes.")
def stamped(answer):
    """The values 2, 1, 3 stamped with 1, 2, 1 at a stride of 2: 7 numbers."""
    compare(
        answer, [2, 4, 3, 2, 4, 6, 3],
        "Stamps begin at places 0, 2 and 4. The first is 2, 4, 2. There are 7 numbers in all.",
        ([2, 4, 1, 2, 3, 6, 3], "Where two stamps overlap they add: a later one erases nothing."),
        ([2, 5, 7, 7, 3], "That is a stride of 1: each stamp must begin two places further."),
        ([2, 4, 2, 1, 2, 1, 3, 6, 3], "Side by side, that is a stride of 3: here stamps overlap."),
        ([4, 3, 2, 4, 6, 3], "One end was cut off. Nothing is: 7 numbers."),
        ([2, 4, 3, 2, 4, 6], "One end was cut off. Nothing is: 7 numbers."),
    )  # fmt: skip


@check(
    "FCN-4s: one more doubling, one more skip. The paper stops at 8s: the gains had become small."
)
def one_more_skip(answer, scores8, pools):
    """Scores of 1/4: the doubled scores of 1/8, and those of the map pools[1]."""
    import keras

    if not isinstance(answer, keras.KerasTensor):
        raise Hint("Answer with the output of layers: layers.Add()([...]).")
    height, width, channels = pools[1].shape[1:]
    if answer.shape == scores8.shape:
        raise Hint("That is still the size of 1/8. Double scores8 before you add.")
    if answer.shape[1:] != (height, width, scores8.shape[-1]):
        wanted = (height, width, scores8.shape[-1])
        raise Hint(f"Its shape is {answer.shape[1:]}, but that of the scores of 1/4 is {wanted}.")
    count = keras.Model([scores8, pools[1]], answer).count_params()
    doubling = 4 * 4 * 3 * 3
    skip = 3 * channels + 3
    hints = {
        doubling: "It is doubled, but there is no skip: add the scores of pools[1].",
        skip: "The skip is there. But double scores8 with `doubled`, which can learn.",
    }
    if count != doubling + skip:
        raise Hint(hints.get(count, f"It has {count} weights; doubling takes {doubling}, the skip "
                                    f"{skip}."))  # fmt: skip


@check("The border keeps them apart, in the true map. A car behind a lamp post is still two blobs.")
def right_counts(answer):
    """Which of four changes would let blobs of the true map tell touching cars apart?"""
    hints = {
        "a": "The true map has the finest grid there is, that of the pixels, and it miscounts.",
        "b": "Then a car beside a bus is told apart. And two cars?",
        "d": "The true map has nothing left to learn. What is it that it does not say?",
    }
    choose(answer, "c", hints)


@check("No background, no flattery. But now nobody asks about background that was taken for a car.")
def accuracy(answer, found, truth):
    """The share of right pixels among those that truly are no background; maps of classes."""
    right = found == truth
    is_object = truth > 0
    wanted = right[is_object].mean() if is_object.any() else 0.0
    traps = [
        (right.mean(), "That is the line as it was: all pixels."),
        (
            right[~is_object].mean() if not is_object.all() else 0.0,
            "Those are background: the others.",
        ),
        (
            (right & is_object).mean(),
            "Divide by the pixels that are not background, not by all of them.",
        ),
        (100 * wanted, "That is in per cent. A share lies between 0 and 1."),
    ]
    if (found > 0).any():
        hint = "You asked what was *found* as something else. Ask the truth: truth > 0."
        traps.append((right[found > 0].mean(), hint))
    compare(answer, wanted, "Choose pixels with [truth > 0] before you take the mean.", *traps)


@check("A class that is nowhere does not count, and a class that is never found counts as 0.")
def my_mean_iou(function):
    """A function of confusion (K, K), rows true and columns found -> the mean IoU."""
    confusion = np.array([[6, 1, 1], [2, 3, 0], [0, 0, 2]])  # IoU 6/10, 3/6, 2/3
    diagonal = np.diag(confusion)
    rows = confusion.sum(1)
    columns = confusion.sum(0)
    compare(
        call(function, confusion), np.mean([6 / 10, 3 / 6, 2 / 3]),
        "[[6, 1, 1], [2, 3, 0], [0, 0, 2]] must give the mean of 6/10, 3/6 and 2/3.",
        ((diagonal / (rows + columns)).mean(), "Row plus column counts the diagonal twice."),
        ((diagonal / rows).mean(), "By the rows alone? What was found in excess counts, too."),
        ((diagonal / columns).mean(), "By the columns alone? What was missed counts, too."),
        (diagonal.sum() / confusion.sum(), "That is pixel accuracy: first each class, then mean."),
        ([6 / 10, 3 / 6, 2 / 3], "The IoUs of the classes, and they are right. Take their mean."),
    )  # fmt: skip
    with np.errstate(all="ignore"):
        absent = call(function, np.array([[3, 0, 1], [0, 0, 0], [0, 0, 4]]))
        never = call(function, np.array([[5, 0], [5, 0]]))
    if np.isscalar(absent) and np.isnan(absent):
        raise Hint("0 / 0 is no number: leave out the classes whose union is 0.")
    compare(
        absent, np.mean([3 / 4, 4 / 5]),
        "If class 1 is nowhere, [[3, 0, 1], [0, 0, 0], [0, 0, 4]] gives the mean of 3/4 and 4/5.",
        (np.mean([3 / 4, 0, 4 / 5]), "A class that is nowhere must not count as 0: leave it out."),
    )  # fmt: skip
    compare(never, 0.25, "A class that is there but never found has IoU 0, and that counts.")
