"""data: annotated pictures, before anybody trains on them."""

from helpers.commands.command import Command
from helpers.commands.values import new_name

MORE = """\
Read are COCO, VIA, labelme, VOC, YOLO, CVAT, Label Studio, Supervisely, masks in PNG, and more.
The exit code is 0, 1 if something was left out, 2 if nothing was read."""


def add_options(parser):
    parser.add_argument("path", metavar="PATH", help="an annotation file or a folder")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended safely")
    add_class_options(parser)


def add_convert_options(parser):
    add_options(parser)
    parser.add_argument("folder", metavar="FOLDER", help="where to write, a new folder")


def add_class_options(parser):
    """The options `--rename` and `--leave-out`, see `with_classes` in helpers/annotations."""
    parser.add_argument(
        "--rename",
        type=new_name,
        nargs="+",
        default=[],
        metavar="OLD=NEW",
        help="rename classes; those that get the same name are merged",
    )
    parser.add_argument(
        "--leave-out", nargs="+", default=[], metavar="CLASS", help="classes that are no objects"
    )


CHECK = Command(
    "Say what is wrong in annotated pictures, line by line.",
    (
        ("data check annotations.json", "what is wrong, and how much is left"),
        ("data check my-folder --fix", "the same after mending"),
    ),
    add_options,
    MORE,
)
STATS = Command(
    "Count the objects in annotated pictures, class by class.",
    (
        ("data stats my-folder", "how many of what, how large"),
        ("data stats my-folder --leave-out table", "without a class"),
    ),
    add_options,
    MORE,
)
CONVERT = Command(
    "Write annotated pictures of any kind as COCO JSON, with the pictures beside it.",
    (
        ("data convert labels.xml coco", "a new folder, coco"),
        ("data convert my-folder coco --fix --rename cup=mug", "mended, a class renamed"),
    ),
    add_convert_options,
    MORE,
)
