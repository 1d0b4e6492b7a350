"""The command line of the main job."""

import argparse
import pathlib


def read_options(argv=None) -> argparse.Namespace:
    """The options; what makes no sense ends the program with code 2 and a line.

    `bundled` is added to those that a user gives: whether to take the files that come with
    Pixelwise, since none were named.
    """
    parser = argparse.ArgumentParser(
        prog="python3 run.py",
        description="The main job: pictures and videos go in; every object comes out drawn, "
        "counted and listed.",
    )
    add = parser.add_argument
    add("--images", nargs="+", metavar="PATH", help="pictures: files, folders or 'patterns*.jpg'")
    add("--video", nargs="+", metavar="FILE", help="videos")
    add(
        "--model",
        metavar="NAME",
        help="a model's name, or its folder (everyday; streets for the files of Pixelwise)",
    )
    add("--score", type=float, default=0.5, help="drop objects that score less (default 0.5)")
    add(
        "--every",
        type=int,
        default=1,
        choices=range(1, 31),
        metavar="K",
        help="videos: detect in each K-th frame, carry masks to the others",
    )
    add("--resume", action="store_true", help="videos: go on where a stopped run was")
    add("--crops", action="store_true", help="pictures: cut out each object, too, as PNG")
    add("--out", type=pathlib.Path, default="outputs", help="the folder for results (outputs)")
    options = parser.parse_args(argv)
    if not 0 <= options.score <= 1:
        parser.error(f"--score must lie between 0 and 1, got {options.score}")
    options.out = options.out.expanduser()
    options.bundled = options.images is None and options.video is None
    if options.model is None:
        options.model = "streets" if options.bundled else "everyday"
    return options
