"""Which pictures and videos to work on, and by which model."""

import contextlib
import glob
import os
import pathlib
import warnings
from typing import NamedTuple

from PIL import Image

from helpers import DATA
from helpers.job.camera import record
from helpers.job.fetching import fetch, is_url
from helpers.pictures import FORMATS, SUFFIXES
from helpers.spelling import hint
from helpers.structures import InputError
from helpers.video import video_info

DRAWINGS = DATA / "pictures"  # that come with Pixelwise
PHOTOGRAPHS = DATA / "photographs"
VIDEO = DATA / "street.mp4"
VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp",
    ".mts", ".m2ts", ".ogv",
)  # fmt: skip
RESULTS = {"index.html", "results.json"}  # where both are, an earlier run has left its results
FETCHED = "fetched"  # the folder within that of the results


class Work(NamedTuple):
    """What one model is to look at.

    Attributes:
        model: its name.
        pictures, videos: lists of Path.
    """

    model: str
    pictures: list[pathlib.Path]
    videos: list[pathlib.Path]


def find_work(options, problems) -> list[Work]:
    """The files that the options name, each once, told apart by their content.

    Args:
        options: see `read_options`.
        problems: Problems, which gets a line for whatever cannot be used.

    Returns:
        List of Work; empty if there is nothing to do.
    """
    if options.inputs:
        works = [_sorted(options.model or "everyday", options.inputs, options, problems)]
    else:
        works = [
            _sorted(model, names, options, problems) for model, names in bundled(options.model)
        ]
    return [work for work in works if work.pictures or work.videos]


def bundled(model):
    """The files that come with Pixelwise, and who looks at them: (model, files) each.

    Drawings are for `streets`, which knows nothing else; any other model gets the photographs.
    """
    works = []
    if model != "streets":
        works.append((model or "everyday", [PHOTOGRAPHS]))
    if model in (None, "streets"):
        works.append(("streets", [DRAWINGS, VIDEO]))
    return works


def _sorted(model, names, options, problems) -> Work:
    """The pictures and the videos that some names mean."""
    pictures, videos = {}, {}
    for name in names:
        with problems.survive(name):
            for path in _files(str(name), options):
                with problems.survive(path):
                    _refuse_results(path, options.out)
                    kind = pictures if is_picture(path) else videos
                    kind[path.resolve()] = path
    return Work(model, list(pictures.values()), list(videos.values()))


def _files(name, options):
    """The files that a name means: of a folder or a pattern those that end as such files do."""
    place = os.path.expanduser(name)  # unlike Path's, it takes names of any length and of nobody
    path = pathlib.Path(place)
    if os.path.isfile(place):
        return [path]
    if is_url(name):
        return [fetch(name, options.out / FETCHED)]
    if os.path.isdir(place):
        found = _below(path, options.out)
    elif glob.has_magic(place):
        found = []
        for match in sorted(map(pathlib.Path, glob.glob(place, recursive=True))):
            found += _below(match, options.out) if match.is_dir() else [match]
    elif name.isdigit():
        return [record(int(name), options.out / FETCHED / f"camera-{name}.mp4", options.seconds)]
    else:
        raise InputError(f"{name[:200]}: no such file or folder; check the name{_nearest(place)}")
    found = [file for file in found if file.suffix.lower() in (*SUFFIXES, *VIDEO_SUFFIXES)]
    if not found:
        raise InputError(
            f"no pictures and no videos in {path}; wanted are files such as .jpg, .png, .mp4, .mov"
        )
    return found


def _below(folder, out):
    """The files in a folder and in all folders in it, in order; not hidden ones, nor results."""
    for place, folders, names in os.walk(folder):
        place = pathlib.Path(place)
        are_results = place.resolve() == out.resolve() or RESULTS <= set(names)
        if are_results and place != folder:
            folders.clear()
            continue
        folders[:] = sorted(inner for inner in folders if not inner.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield place / name


def is_picture(path) -> bool:
    """Whether a file is a picture rather than a video, by its content; its name need not tell.

    Raises:
        InputError: it is neither.
    """
    with warnings.catch_warnings(), contextlib.suppress(Exception):  # damage raises anything
        warnings.simplefilter("ignore")
        with Image.open(path, formats=FORMATS) as picture:
            return not (picture.format == "GIF" and picture.is_animated)
    ending = path.suffix.lower()
    try:
        if _is_text(path) and ending not in VIDEO_SUFFIXES:  # FFmpeg would draw its letters
            raise InputError("text")
        video_info(path)
        return False
    except InputError:
        if ending in SUFFIXES:
            return True  # a damaged one: read_image says what is wrong with it
        if ending in VIDEO_SUFFIXES:
            raise
        raise InputError(
            f"{path}: is neither a picture nor a video that can be read; export it as JPEG or mp4"
        ) from None


def _is_text(path):
    """Whether the beginning of a file has no zero, which that of each video has."""
    try:
        with open(path, "rb") as file:
            return b"\0" not in file.read(4096)
    except OSError:  # it may not be read: who tries to will say so
        return False


def _refuse_results(path, out):
    """Raise InputError for a file where the results go: it might be replaced."""
    if path.resolve().parent in (out.resolve(), out.resolve() / "page"):
        raise InputError(f"{path}: lies where the results go; name another folder with --out")


def _nearest(place):
    """Words on a file beside the one that was meant, whose name is like it."""
    folder, name = os.path.split(place)
    return hint(name, os.listdir(folder or ".")) if os.path.isdir(folder or ".") else ""
