"""One run at a time in a folder."""

import contextlib
import pathlib

from filelock import FileLock, Timeout

from helpers.structures import InputError

LOCK = ".lock"


@contextlib.contextmanager
def alone_in(folder, lock=None):
    """Keep other runs out of a folder for as long as the block lasts, even one that is killed.

    Args:
        folder: path or str.
        lock: path of the file that is held, and stays; `.lock` in the folder if None. The folder
            that it lies in is made if need be.

    Raises:
        InputError: another run is in there.
        OSError: nothing can be written there.
    """
    path = pathlib.Path(lock or pathlib.Path(folder) / LOCK)
    path.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(path, timeout=0)
    try:
        held.acquire()
    except Timeout:
        raise InputError(f"{folder}: another run is at work there; wait for its end") from None
    try:
        yield
    finally:
        held.release()
