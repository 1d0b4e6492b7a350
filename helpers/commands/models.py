"""models: what can be had, what is known of it."""

from helpers.commands.command import Command


def add_options(parser):
    parser.add_argument("--json", action="store_true", help="for another program")


def add_info_options(parser):
    add_name(parser)
    parser.add_argument("--json", action="store_true", help="the whole card, as it is stored")


def add_name(parser):
    parser.add_argument("name", metavar="NAME", help="a model's name, or its folder")


def add_export_options(parser):
    add_name(parser)
    parser.add_argument("folder", metavar="FOLDER", help="where to write, a new folder")


LIST = Command(
    "List the models: what they are for, their size, where they are, what was published.",
    (
        ("models list", "a table"),
        ("models list --json", "the same for another program"),
    ),
    add_options,
)
INFO = Command(
    "Describe a model: what it knows, how good it is, where it is from, what it may be used for.",
    (
        ("models info everyday", "its card, to be read"),
        ("models info runs/mine --json", "the whole card of one of yours"),
    ),
    add_info_options,
)
FETCH = Command(
    "Fetch a model unless it is here, and say where it lies.",
    (
        ("models fetch coco", "178 MB, once"),
        ("models fetch mask_rcnn_resnet50_atrous_coco", "a name of `models list`"),
    ),
    add_name,
    "It goes on where it was broken off, and stays in the cache: another one with PIXELWISE_CACHE.",
)
VERIFY = Command(
    "Say whether a fetched model is, byte by byte, what its publisher made.",
    (
        ("models verify coco", "digests of archive and files"),
        ("models verify mask_rcnn_resnet50_atrous_coco", "a name of `models list`"),
    ),
    add_name,
)
EXPORT = Command(
    "Write one of our models as a frozen graph, a SavedModel and a TensorFlow Lite program.",
    (
        ("models export streets exported", "a new folder, exported"),
        ("models export runs/mine exported", "one that you trained"),
    ),
    add_export_options,
)
