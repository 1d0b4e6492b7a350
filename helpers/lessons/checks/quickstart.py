"""The exercises of notebook 00."""

import numpy as np

from helpers.lessons.checks.verdict import Hint, call, check, compare


@check("True counts as 1, so the area of a mask is its sum.")
def true_pixels(answer, mask):
    """How many pixels of a mask (H, W) are True?"""
    box = mask.any(axis=0).sum() * mask.any(axis=1).sum()
    compare(
        answer, mask.sum(), "Look for the largest number under area in the table.",
        (mask.size, "That is the whole picture: every pixel has an entry, but few are True."),
        (box, "That is the box around it. The object does not fill its corners."),
    )  # fmt: skip


@check("The comparison says True or False for each object, and the brackets keep the True ones.")
def only_cars(answer, detections):
    """Which of the objects found are cars? Detections."""
    if not isinstance(answer, type(detections)):
        raise Hint("detections[...] gives Detections: put the choice between the brackets.")
    others = sorted(set(answer.names) - {"car"})
    num = detections.names.count("car")
    if others and "car" not in answer.names:
        raise Hint(
            f"That is {others[0]}. An id is not a place in a list: look it up in categories."
        )
    if others:
        raise Hint(f"There is still {others[0]} among them.")
    if len(answer) != num:
        raise Hint(
            f"{len(answer)} of {num} cars are left. Compare detections.labels with car's id."
        )


@check("A mask is an index: image[~mask] = 255 changes every pixel outside and no other.")
def cut_out(function):
    """A function (image, mask) -> the object alone on white, as a new image."""
    image = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    mask = np.eye(2, 3, dtype=bool)
    result = call(function, image, mask)
    inside = mask[..., None]
    if image.ravel().tolist() != list(range(18)):
        raise Hint("The picture that came in has changed. Work on image.copy().")
    compare(
        result, np.where(inside, image, 255), "Copy, set the pixels outside to 255, return it.",
        (np.where(inside, 255, image), "Inside and outside are swapped: ~mask is True outside."),
        (np.where(inside, image, 0), "The rest is black. White is 255."),
    )  # fmt: skip
