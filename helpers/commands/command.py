"""What a user reads of a command, and what it takes."""

from collections.abc import Callable
from typing import NamedTuple


class Command(NamedTuple):
    """One command of run.py.

    Attributes:
        summary: what it is for, a line.
        examples: what one may type behind "python3 run.py ", and what that does; two of them.
        add_options: gives a parser its options. None: whatever follows the command goes to the
            tool behind it.
        names: of that tool's options, if these are few; None where it is asked.
        more: what else there is to say; "" for nothing.
        takes_pairs: whether "conf=0.25", as Ultralytics writes it, stands for "--conf 0.25".
        elsewhere: options of other tools that are none here: (names, what to do instead) each.
    """

    summary: str
    examples: tuple[tuple[str, str], ...]
    add_options: Callable | None = None
    more: str = ""
    takes_pairs: bool = False
    names: tuple[str, ...] | None = None
    elsewhere: tuple[tuple[tuple[str, ...], str], ...] = ()
