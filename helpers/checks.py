"""Answers to the notebooks' exercises, checked: right, or what kind of wrong, with a hint."""

import functools

import numpy as np


class Verdict(str):
    """What a check says of an answer; true if it is right. A cell's last line shows it."""

    __repr__ = str.__str__

    def __bool__(self):
        return self.startswith("Right")


class _Hint(Exception):
    """Stops a check: the answer is wrong, or (without a text) not there yet."""


def _check(remark):
    """Make of a function that raises a `_Hint` one that returns a `Verdict`, at best the remark."""

    def decorate(function):
        @functools.wraps(function)
        def check(answer, *facts):
            try:
                if answer is ... or answer is None:
                    raise _Hint
                function(answer, *facts)
            except _Hint as hint:
                missing = "Not answered yet: put your answer where the dots are."
                return Verdict(f"Not yet. {hint}" if hint.args else missing)
            return Verdict(f"Right. {remark}")

        return check

    return decorate


def _call(function, *args):
    """What a function of the reader's returns; `...` and None mean that it is not written yet."""
    try:
        result = function(*args)
    except Exception as error:
        raise _Hint(f"It stopped with {type(error).__name__}: {error}") from None
    if result is None or result is ...:
        raise _Hint
    return result


def _compare(answer, wanted, hint, *traps, rtol=1e-5):
    """Pass if both hold the same numbers; else hint: of the (value, hint) that fits, or `hint`."""
    try:
        answer = np.asarray(answer, float)
    except (TypeError, ValueError):
        raise _Hint("Numbers are asked for.") from None
    same = lambda value: answer.shape == np.shape(value) and np.allclose(answer, value, rtol)  # noqa: E731
    if not same(wanted):
        raise _Hint(next((text for value, text in traps if same(value)), hint))


@_check("True counts as 1, so the area of a mask is its sum.")
def true_pixels(answer, mask):
    """00: how many pixels of a mask (H, W) are True?"""
    box = mask.any(axis=0).sum() * mask.any(axis=1).sum()
    _compare(
        answer, mask.sum(), "Look for the largest number under area in the table.",
        (mask.size, "So many has the whole picture: every pixel has an entry, but few are True."),
        (box, "So many has the box around it. The object does not fill its corners."),
    )  # fmt: skip


@_check("The comparison says True or False for each object, and the brackets keep the True ones.")
def only_cars(answer, found):
    """00: which of the objects found are cars? Detections."""
    if not isinstance(answer, type(found)):
        raise _Hint("found[...] gives Detections again: put the choice between the brackets.")
    others, num = sorted(set(answer.names) - {"car"}), found.names.count("car")
    if others and "car" not in answer.names:
        raise _Hint(f"That is {others[0]}. An id is no place in a list: look it up in categories.")
    if others:
        raise _Hint(f"There is still {others[0]} among them.")
    if len(answer) != num:
        raise _Hint(f"{len(answer)} of {num} cars are left. Compare found.labels with car's id.")


@_check("A mask is an index: image[~mask] = 255 changes every pixel outside and no other.")
def cut_out(function):
    """00: a function (image, mask) -> the object alone on white, as a new image."""
    image, mask = np.arange(18, dtype=np.uint8).reshape(2, 3, 3), np.eye(2, 3, dtype=bool)
    result, inside = _call(function, image, mask), mask[..., None]
    if image.ravel().tolist() != list(range(18)):
        raise _Hint("The picture that came in has changed. Work on image.copy().")
    _compare(
        result, np.where(inside, image, 255), "Copy, set the pixels outside to 255, return it.",
        (np.where(inside, 255, image), "Inside and outside are swapped: ~mask is True outside."),
        (image * inside, "The rest is black. White is 255."),
    )  # fmt: skip


@_check("A box that is gone no longer counts: that is why the order of the scores matters.")
def kept_by_nms(answer, overlaps, nms_iou):
    """05: which boxes (numbers from 0) does NMS keep? overlaps (N, N) IoU, best score first."""
    over, kept, numbers = np.asarray(overlaps) > nms_iou, [], range(len(overlaps))
    for i in numbers:
        kept += [] if over[i, kept].any() else [i]
    alone, lost = ([i for i in numbers if not over[i, :i].any()], sorted({*numbers} - {*kept}))
    _compare(
        sorted(answer) if np.ndim(answer) else answer, kept,
        "The best score stays. Then ask each next box about those that stayed: a list like [0, 2].",
        (alone, "A box that was thrown out throws nobody out: ask only those that were kept."),
        (lost, "Those are thrown out. Which ones stay?"),
        (numbers, f"Two of them overlap by more than {nms_iou}: the lower score goes."),
    )  # fmt: skip


@_check("To miss has become dear, so the cheapest threshold moves down or stays.")
def costs(answer, wrong, missed):
    """05: the cost at each threshold (T,), if one missed object is as bad as five wrong ones."""
    _compare(
        answer, wrong + 5 * missed, "Multiply one of the two by five, then add.",
        (wrong + missed, "That is the line as it was: both kinds cost the same."),
        (5 * wrong + missed, "Turned round: here the false alarm is the dear one."),
    )  # fmt: skip


@_check("It gives 0 for an empty street, too.")
def covered_share(function):
    """05: a function of masks (N, H, W) -> the share of the picture under at least one of them."""
    masks = np.zeros((2, 4, 5), bool)
    masks[0, :2, :3] = masks[1, 1:3, 1:4] = True  # 6 and 6 pixels, 2 in common: 10 of 20
    _compare(
        _call(function, masks), 0.5, "Two 2x3 masks that share 2 of 4x5 pixels cover 10 of 20.",
        (0.6, "A pixel under two masks counts twice. Join them first: masks.any(axis=0)."),
        (0.1, "So much lies under all masks. One is enough: any, not all."),
        (50, "That is in per cent. A share lies between 0 and 1."),
        (10, "That is a number of pixels. Divide by how many the picture has."),
    )  # fmt: skip
    _compare(_call(function, masks[:0]), 0, "A picture without objects must give 0.")


@_check("Only two things help: fewer frames, or a faster model.")
def minutes(answer, film_minutes, film_fps, model_fps):
    """06: how many minutes does a film take at model_fps frames per second?"""
    wanted = film_minutes * film_fps / model_fps
    _compare(
        answer, wanted, "Count the film's frames, then divide by what the model does in a minute.",
        (wanted * 60, "That is in seconds."),
        (film_minutes * model_fps / film_fps, "Upside down: a slower model takes longer."),
        (film_minutes * 60 * film_fps, "So many frames it has. How many can the model do?"),
        rtol=0.05,
    )  # fmt: skip


@_check("The film keeps its frame, and you hand back a new one.")
def marked(function):
    """06: a frame function that paints the 4 top rows white on a frame it may not write to."""
    frame = np.full((8, 6, 3), 90, np.uint8)
    frame.flags.writeable = False
    wanted = np.where(np.arange(8)[:, None, None] < 4, 255, frame)
    same = (frame, "What comes back is as it was. Paint on the copy and return it.")
    _compare(_call(function, frame), wanted, "Paint the 4 top rows, and only those.", same)


@_check("A third of the work. But the masks in between are old: they lag behind.")
def every_kth(make):
    """06: make(detect, draw, k) -> a frame function that detects in each k-th, draws in all."""
    seen, drawn = [], []
    detect = lambda frame: seen.append(int(frame[0, 0, 0])) or seen[-1]  # noqa: E731
    function = _call(make, detect, lambda frame, found: drawn.append(found) or frame, 3)
    for i in range(7):
        _call(function, np.full((2, 2, 3), i, np.uint8))
    _compare(
        seen, [0, 3, 6], f"With k = 3 it must detect in frames 0, 3 and 6; it did in {seen}.",
        (range(7), "It detects in every frame. Count the frames; detect if count % k == 0."),
        ([0], "It detects once and never again: does the count grow from call to call?"),
    )  # fmt: skip
    late = "Draw in every frame, with what was found last: keep it from call to call."
    _compare(drawn, [0, 0, 0, 3, 3, 3, 6], late)
