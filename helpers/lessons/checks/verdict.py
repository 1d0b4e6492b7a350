"""Answers to the notebooks' exercises, checked: right, or what kind of wrong, with a hint."""

import functools

import numpy as np


class Verdict(str):
    """What a check says of an answer; true if it is right. A cell's last line shows it."""

    __repr__ = str.__str__

    def __bool__(self):
        return self.startswith("Right")


class Hint(Exception):
    """Stops a check: the answer is wrong, or (without a text) not there yet."""


def check(remark):
    """Make of a function that raises a `Hint` one that returns a `Verdict`, at best the remark."""

    def decorate(function):
        @functools.wraps(function)
        def check(answer, *facts):
            try:
                if answer is ... or answer is None:
                    raise Hint
                function(answer, *facts)
            except Hint as hint:
                missing = "Not answered yet: put your answer where the dots are."
                return Verdict(f"Not yet. {hint}" if hint.args else missing)
            return Verdict(f"Right. {remark}")

        return check

    return decorate


def call(function, *args):
    """What a function of the reader's returns; `...` and None mean that it is not written yet."""
    try:
        result = function(*args)
    except Exception as error:
        raise Hint(f"It stopped with {type(error).__name__}: {error}") from None
    if result is None or result is ...:
        raise Hint
    return result


def compare(answer, wanted, hint, *traps, rtol=1e-5):
    """Pass if both hold the same numbers; else hint: of the (value, hint) that fits, or `hint`."""
    try:
        answer = np.asarray(answer, float)
    except (TypeError, ValueError):
        raise Hint("Numbers are asked for.") from None
    if _is_same(answer, wanted, rtol):
        return
    for value, text in traps:
        if _is_same(answer, value, rtol):
            raise Hint(text)
    raise Hint(hint)


def choose(answer, right, hints):
    """Pass if the answer is the letter of the right choice; else hint why the chosen one is not."""
    letter = answer.strip().lower() if isinstance(answer, str) else ""
    if letter != right:
        raise Hint(hints.get(letter, 'Answer with a letter in quotes: "a", "b", "c" or "d".'))


def _is_same(answer, value, rtol):
    """Whether an answer has the shape and the numbers of a value."""
    return answer.shape == np.shape(value) and np.allclose(answer, value, rtol)
