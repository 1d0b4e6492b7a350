"""detect: the main job."""

import argparse

from helpers.commands.command import Command
from helpers.commands.values import device, folder, is_like_a_file, line, names, share


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
    add(
        "--classes",
        type=names,
        nargs="+",
        action=Classes,
        metavar="A,B",
        help="keep only these: person,cat",
    )
    add("--out", type=folder, default="outputs", metavar="FOLDER", help="for results (outputs)")
    add("--crops", action="store_true", help="pictures: cut each object out, as a PNG, too")
    add("--json", action="store_true", help="print results.json, and nothing else, to be piped")
    add("--csv", action="store_true", help="print a line for each object, to be piped")
    add(
        "--fast",
        action="store_true",
        help="streets and its like: faster, nearly the same; everyday is so anyway",
    )
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
    add("--input-dir", dest="more_inputs", nargs="+", action="extend", help=hidden)
    add("--weights", "--source-weights-path", dest="model", help=hidden)
    thresholds = ("--confidence", "--threshold", "--conf-thres", "--confidence-threshold")
    add(*thresholds, dest="score", type=share, help=hidden)
    add("--output", "--output-dir", "--project", dest="out", type=folder, help=hidden)
    add("--save-crop", dest="crops", action="store_true", help=hidden)
    saved = ("--save", "--save-csv", "--save-json")  # as is always done
    add(*saved, dest="is_saved", action="store_true", help=hidden)
    add("--vid-stride", dest="every", type=int, choices=range(1, 31), help=hidden)
    add("--task", choices=("segment", "detect"), help=hidden)
    add("--mode", choices=("predict", "track"), help=hidden)


class Classes(argparse.Action):
    """Names of classes, with commas or spaces between; a file behind them is an input."""

    def __call__(self, parser, namespace, values, option_string=None):
        first, *more = values
        found = [*first]
        for word in more:
            is_number = word[0].isdigit() and not first[0].isdigit()  # of a camera
            if is_number or is_like_a_file(",".join(word)):
                namespace.more_inputs = [*namespace.more_inputs, ",".join(word)]
            else:
                found += word
        namespace.classes = found


OWN = "the model's own settings decide that; leave it out"
ELSEWHERE = (
    (("--imgsz", "--img", "--img-size"), "each model has its own size; leave it out"),
    (("--iou", "--iou-thres", "--iou-threshold", "--agnostic-nms", "--max-det"), OWN),
    (("--save-txt", "--save-conf"), "results.csv and results.json have each box and score"),
    (("--show", "--view-img"), "index.html among the results shows them all; leave it out"),
    (("--half", "--int8", "--dnn"), "--fast is what makes it faster"),
    (("--name", "--exist-ok", "--nosave", "--target-video-path"), "--out FOLDER gets the results"),
    (("--config-file", "--opts"), "--model NAME, and `models list` lists them"),
    (("--list-models",), "type python3 run.py models list"),
    (("--hide-labels", "--hide-conf", "--retina-masks", "--augment", "--verbose"), "leave it out"),
    (("--line-thickness", "--line-width", "--show-labels", "--show-boxes"), "leave it out"),
    (("--data",), "to train on it, type python3 run.py train DATA"),
    (("-i", "-s"), "inputs are named without one"),
    (("-o",), "it is --out FOLDER"),
    (("-m", "-w"), "it is --model NAME"),
    (("-c", "-t"), "it is --conf NUMBER"),
    (("-v", "-V"), "it is --version"),
)
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
    elsewhere=ELSEWHERE,
)
