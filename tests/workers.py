"""Detectors for worker processes: they import nothing heavy, and one of them kills its process."""

import os
import pathlib
import signal

from tests.videos import Painter


class Moody(Painter):
    """Fails on pictures that are all dark."""

    def batch(self, images):
        if any(image.max() < 60 for image in images):
            raise RuntimeError("too dark")
        return super().batch(images)


def moody():
    return Moody()


def deadly(make=moody):
    """Kills the first process that asks for it, as the system does when memory is short."""
    mark = pathlib.Path(os.environ["PIXELWISE_MARK"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return make()


def deadly_streets():
    """The same, of the bundled model."""
    from helpers.models import load_detector

    return deadly(lambda: load_detector("streets", say=None))


def cursed():
    os.kill(os.getpid(), signal.SIGKILL)
