"""detect: the main job."""

import argparse

from helpers.commands.command import Command
from helpers.commands.values import device, line, names, path, share


def add_options(parser):
    add = parser.add_argument
    add(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help="a picture, a video, a folder (with all folders in it), 'a pattern*.jpg',\n"
        "the URL of a file, or 0 for the camera; several, too.\n"
        "None: the photographs, drawings and the video that come with Pixelwise",
    )
    add(
        "--model",
        metavar="NAME",
        help="everyday (the default), streets, coco, a name of `models list`, or the\n"
        "folder of a model, such as runs/mine",
    )
    add(
        "--conf",
        "--score",
        dest="score",
        type=share,
        default=0.5,
        metavar="NUMBER",
        help="drop objects that score less, from 0 to 1 (default 0.5)",
    )
    add("--classes", type=names, metavar="A,B", help="keep only these: person,cat")
    add("--out", type=path, default="outputs", metavar="FOLDER", help="for results (outputs)")
    add("--crops", action="store_true", help="pictures: cut each object out, as a PNG, too")
    add("--json", action="store_true", help="print results.json, and nothing else, to be piped")
    add("--csv", action="store_true", help="print a line for each object, to be piped")
    add("--fast", action="store_true", help="streets, everyday: twice as fast, nearly the same")
    add(
        "--device",
        type=device,
        default="auto",
        metavar="NAME",
        help="cpu, gpu, or the number of a GPU (default auto: a GPU if there is one)",
    )
    add(
        "--every",
        type=int,
        default=1,
        choices=range(1, 31),
        metavar="K",
        help="videos: detect in each K-th frame, carry masks to the others",
    )
    add(
        "--line",
        type=line,
        metavar="X1,Y1,X2,Y2",
        help="videos: count what crosses the line between these two ends, shares of width\n"
        "and height: 0.5,1,0.5,0 is upright in the middle, and A is its left side",
    )
    add("--resume", action="store_true", help="videos: go on where a stopped run was")
    add(
        "--seconds",
        type=int,
        default=10,
        choices=range(1, 3601),
        metavar="S",
        help="camera: record so long (default 10); Ctrl-C ends it before",
    )
    add(
        "--images",
        "--video",
        dest="more_inputs",
        nargs="+",
        action="extend",
        default=[],
        metavar="INPUT",
        help="inputs, as above; what they are is told by their content",
    )
    _add_names_of_others(add)


def _add_names_of_others(add):
    """What other tools call the same options."""
    hidden = argparse.SUPPRESS
    inputs = ("--source", "--input", "--videos", "--video-input", "--source-video-path")
    add(*inputs, dest="more_inputs", nargs="+", action="extend", help=hidden)
    add("--webcam", dest="more_inputs", action="append_const", const="0", help=hidden)
    add("--weights", dest="model", help=hidden)
    thresholds = ("--confidence", "--threshold", "--conf-thres", "--confidence-threshold")
    add(*thresholds, dest="score", type=share, help=hidden)
    add("--output", "--project", dest="out", type=path, help=hidden)
    add("--save-crop", dest="crops", action="store_true", help=hidden)
    saved = ("--save", "--save-csv", "--save-json")  # as is always done
    add(*saved, dest="is_saved", action="store_true", help=hidden)
    add("--vid-stride", dest="every", type=int, choices=range(1, 31), help=hidden)


DETECT = Command(
    "Find every object in pictures and videos: its class, its box, its mask.",
    (
        ("photo.jpg holiday.mp4", "80 classes -> outputs/index.html"),
        ("~/photos --classes person,dog --conf 0.3", "people and dogs, unsure ones too"),
    ),
    add_options,
    "The word `detect` may be left out. Results: annotated pictures and videos, results.json\n"
    "(COCO), results.csv, and index.html, which shows them all. The exit code is 0, or 2 if\n"
    "something could not be done: there is a line for each such thing.",
    takes_pairs=True,
)
