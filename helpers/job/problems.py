"""What goes wrong on the way: a line each, told at once and kept for the page."""

import contextlib
import sys

import cv2
from tqdm.auto import tqdm

from helpers.structures import InputError


class Problems:
    """The lines so far.

    Attributes:
        lines: list of str.
    """

    def __init__(self):
        self.lines = []

    def add(self, line):
        """Tell a line on standard error, past any progress bar, and keep it."""
        self.lines.append(str(line))
        tqdm.write(str(line), file=sys.stderr)

    @contextlib.contextmanager
    def survive(self, path):
        """Go on after a file that cannot be used, with a line that names it."""
        try:
            yield
        except InputError as error:
            self.add(error)
        except MemoryError:
            self._add_lack_of_memory(path)
        except cv2.error as error:
            if error.code != cv2.Error.StsNoMem:
                raise
            self._add_lack_of_memory(path)

    def _add_lack_of_memory(self, path):
        self.add(f"{path}: needs more memory than there is; make it smaller")
