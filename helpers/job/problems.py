"""What goes wrong on the way: a line each, told at once and kept for the page."""

import contextlib
import sys
import traceback

import av
import cv2
from tqdm.auto import tqdm

from helpers import REPOSITORY
from helpers.pictures import replacing
from helpers.structures import InputError

REPORT = f"{REPOSITORY}/issues"


class Problems:
    """The lines so far.

    Args:
        log: where the tracebacks of errors go that nobody foresaw.

    Attributes:
        lines: list of str.
    """

    def __init__(self, log):
        self.lines = []
        self._log = log
        self._tracebacks = []

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
        except Exception as error:
            if isinstance(error, OSError) and not isinstance(error, av.FFmpegError):
                raise  # the results cannot be written: no other file would fare better
            if isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem:
                self._add_lack_of_memory(path)
            else:
                self._add_unforeseen(path, error)

    def _add_lack_of_memory(self, path):
        self.add(f"{path}: needs more memory than there is; make it smaller")

    def _add_unforeseen(self, path, error):
        """A fault of the program: one line, and its traceback in a file for those who mend it."""
        self._tracebacks.append(f"{path}\n{''.join(traceback.format_exception(error))}")
        with replacing(self._log) as part:
            part.write_text("\n".join(self._tracebacks), "utf-8")
        reason = " ".join(str(error).split())[:200]
        self.add(
            f"{path}: failed by a fault of Pixelwise ({type(error).__name__}: {reason}); "
            f"report it with {self._log} to {REPORT}"
        )
