"""Kinds of values that options take."""

import argparse
import glob
import os
import pathlib
import re

MEDIA = (".jpg", ".jpeg", ".png", ".mp4", ".avi", ".mkv", ".mov")  # what --out may be mistaken for
DEVICE = re.compile(r"auto|cpu|(gpu|cuda)?:?\d*")


def path(text):
    """A path in which `~` is the home folder, also where no shell has seen to it."""
    place = os.path.expanduser(text)
    if place.startswith("~"):
        raise argparse.ArgumentTypeError(f"there is no home folder {text!r}")
    return pathlib.Path(place)


def folder(text):
    """A path of a folder, there or not; that of a picture or a video is none."""
    place = path(text)
    if place.suffix.lower() in MEDIA and not place.is_dir():
        raise argparse.ArgumentTypeError(
            f"must be a folder, got {text!r}; results are called as what they come from"
        )
    return place


def is_like_a_file(word) -> bool:
    """Whether a word is a file or a folder, or a pattern or an address of some."""
    if os.path.exists(word) or glob.has_magic(word):
        return True
    return re.search(r"[\\/.:~=]", word) is not None


def share(text):
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, got {text!r}") from None
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, got {text}")
    return value


def names(text):
    """Names with commas between, as a list; in brackets, too."""
    found = [name.strip() for name in text.strip("[]").split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError("needs names, such as person,cat")
    return found


def device(text):
    """Where to compute: "auto", "cpu", "gpu", or the number of a GPU as a string."""
    word = text.lower()
    if not word or not DEVICE.fullmatch(word):
        raise argparse.ArgumentTypeError(
            f"must be auto, cpu, gpu or the number of a GPU, got {text!r}"
        )
    number = re.sub(r"\D", "", word)
    return number or word.replace("cuda", "gpu").strip(":")


def line(text):
    """The ends of a line, x1,y1,x2,y2, as shares of width and height: four numbers."""
    wanted = "must be the ends of a line as shares of width and height, such as 0.5,1,0.5,0"
    try:
        ends = tuple(float(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{wanted}; got {text!r}") from None
    if len(ends) != 4 or not all(0 <= end <= 1 for end in ends) or ends[:2] == ends[2:]:
        raise argparse.ArgumentTypeError(f"{wanted}; got {text!r}")
    return ends


def new_name(text):
    """OLD=NEW as a pair."""
    old, is_there, new = text.partition("=")
    if not (old and is_there and new.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form OLD=NEW")
    return old, new.strip()
