"""The exercises of notebook 08."""

import numpy as np

from helpers.lessons.checks.verdict import Hint, call, check, compare


@check("A video, a walk, a patient, a day: what belongs together goes to one side.")
def honest_split(answer, walks):
    """Numbers of two frames for validation; `walks` names the walk of each frame."""
    try:
        val = sorted({int(number) for number in np.ravel(answer)})
    except (TypeError, ValueError):
        raise Hint("Answer with a list of frame numbers, like [0, 4, 6].") from None
    if not val or not 0 <= val[0] <= val[-1] < len(walks):
        raise Hint(f"Frames have the numbers 0 to {len(walks) - 1}.")
    torn = [w for w in dict.fromkeys(walks) if 0 < sum(walks[i] == w for i in val) < walks.count(w)]
    if torn:
        raise Hint(
            f"Some frames of the walk '{torn[0]}' are in both parts: take all of it or none."
        )
    if len(val) != 2:
        raise Hint(f"No walk is torn apart, but these are {len(val)} frames: two are asked for.")


@check("The network learns a wrong name as gladly as a right one. Only you know the difference.")
def loss_that_tells(answer):
    """Which loss shows that every annotation has the same wrong name: "none"."""
    hints = {
        "class": "It compares with the annotations, and those agree: one name for all is the "
        "easiest thing to learn. It falls faster than ever.",
        "mask": "The outlines are right, whatever the name. It falls as always.",
        "box": "The boxes are right, whatever the name. It falls as always.",
        "rpn_class": "It asks whether there is anything at all, and there is.",
        "rpn_box": "It asks where, not what.",
    }
    answer = str(answer).strip().lower()
    if answer != "none":
        names = ", ".join(f'"{name}"' for name in hints)
        raise Hint(hints.get(answer, f'Choose one of {names}, or "none".'))


@check("And as it is computed from the mask, the box can never disagree with it.")
def tight_boxes(function):
    """A function of masks (N, H, W) bool -> boxes (N, 4), x1 y1 x2 y2, tight around each."""
    masks = np.zeros((2, 6, 9), bool)
    masks[0, 1:3, 4:8] = masks[1, 5, 0] = masks[1, 2, 3] = True
    wanted = np.array([(4, 1, 8, 3), (0, 2, 4, 6)])
    inner = wanted - (0, 0, 1, 1)
    compare(
        call(function, masks), wanted,
        "A mask of the columns 4 to 7 and the rows 1 and 2 has the box 4, 1, 8, 3.",
        (inner, "The last pixel reaches one further than its number: x2 and y2 need + 1."),
        (wanted[:, [1, 0, 3, 2]], "x and y have changed places: np.nonzero gives the rows first."),
        (inner[:, [1, 0, 3, 2]], "x and y have changed places: np.nonzero gives the rows first."),
        (wanted - (0, 0) * 2 - wanted[:, [0, 1, 0, 1]] * (0, 0, 1, 1),
         "That is x, y, width, height, as in COCO's files. Here: both corners."),
    )  # fmt: skip
    empty = np.asarray(call(function, masks[:0]))
    if empty.shape != (0, 4):
        raise Hint(f"For no mask at all the shape must be (0, 4), not {empty.shape}.")


@check("The second step is shorter than the first: nearer to the valley, the slope is gentler.")
def two_steps(answer):
    """Where is w after two steps of rate 0.1 down (w - 3)^2, from 0?"""
    compare(
        answer, 1.08, "At 0 the gradient is 2 (0 - 3) = -6. Go 0.1 of it the other way; again.",
        (0.6, "That is after one step. Work out the gradient anew at 0.6, and go again."),
        (1.2, "You took the first gradient twice. At 0.6 it is 2 (0.6 - 3) = -4.8."),
        (-0.6, "Uphill: the step is *minus* rate times gradient, and the gradient is negative."),
        (-1.32, "Uphill: the step is *minus* rate times gradient, and the gradient is negative."),
        (3, "That is the valley itself; it takes many steps to come close to it."), rtol=0.002,
    )  # fmt: skip


@check("The curves say what is missing. No setting replaces what they ask for.")
def remedies(answer):
    """Which remedy for which training: "pictures", "labels", "longer"."""
    wanted = ["pictures", "labels", "longer"]
    words = "three of these words, in the order A, B, C"
    if isinstance(answer, str) or not np.iterable(answer) or len(answer) != 3:
        raise Hint(f"{', '.join(wanted)}: {words}.")
    answer = [str(word).strip().lower() for word in answer]
    if set(answer) != set(wanted):
        raise Hint(f"Each of {', '.join(wanted)} once: {words}.")
    hints = {
        "A": "A learns its pictures by heart. More of the same training makes that worse.",
        "B": "B does not learn at all. More of what it cannot learn from is no help.",
        "C": "C is not done yet, and nothing else is wrong with it.",
    }
    for given, right, name in zip(answer, wanted, hints, strict=True):
        if given != right:
            raise Hint(hints[name])
