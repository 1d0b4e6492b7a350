"""train: a model of one's own, or one of ours once more."""

from helpers.commands.command import Command
from helpers.commands.data import add_class_options
from helpers.commands.values import path


def add_options(parser):
    add = parser.add_argument
    add(
        "data",
        nargs="?",
        default="streets",
        metavar="DATA",
        help="annotated pictures, whatever `run.py data` reads; or streets: that model once\n"
        "more, from random weights, as it was shipped (the default)",
    )
    add("--out", type=path, help="folder for the result (default runs/streets, runs/DATA)")
    add("--epochs", type=int, help="(default 12; with DATA 10)")
    add("--steps", type=int, help="batches per epoch (default 500; with DATA 40)")
    add("--batch", type=int, default=8, help="with DATA: pictures per batch (default 8)")
    add("--ship", action="store_true", help="put streets into data/, too")
    add(
        "--start",
        default="everyday",
        help="with DATA: the model to begin with, name or folder (default everyday, for\n"
        "photographs; streets for drawings)",
    )
    add("--size", type=int, nargs=2, help="with DATA: height and width of the input")
    add("--share", type=float, default=0.2, help="with DATA: of the pictures to measure AP on")
    add("--patience", type=int, help="with DATA: stop after so many epochs without a better AP")
    add("--seed", type=int, default=0, help="with DATA: of split, order and variation")
    add_class_options(parser)


def add_everyday_options(parser):
    add = parser.add_argument
    add("data", type=path, metavar="DATA", help="folder with coco343 and everyday in it")
    add("--out", type=path, help="result (default runs/everyday)")
    add("--start", type=path, help="weights of the detector (default data/everyday.npz)")
    add("--epochs", type=int, default=15, help="of masks (default 15; 0: leave them)")
    add("--head", type=int, default=0, help="learns cats: 400 pictures times this (default 0)")
    add("--head-epochs", type=int, default=8, help="of the head (default 8)")
    add("--body", type=int, default=0, help="body and neck learn cats: epochs (default 0)")
    add("--seed", type=int, default=0, help="of the pictures for body and masks (default 0)")
    add("--steps", type=int, default=150, help="batches per epoch (default 150)")
    add("--batch", type=int, default=4, help="pictures per batch (default 4)")
    add("--hold", type=float, default=0.5, help="share of the training at full rate (default .5)")
    add("--rate", type=float, default=2e-3, help="of learning, at its peak (default .002)")
    add("--ship", action="store_true", help="put the result into data/, too")
    add("--score", metavar="NAME", help="only measure a model, or the one in a folder")
    add("--fast", action="store_true", help="with --score: measure its fast form")


ELSEWHERE = (
    (("--data",), "name the annotated pictures without one: train DATA"),
    (("--imgsz", "--img", "--img-size"), "--size HEIGHT WIDTH"),
    (("--model", "--weights", "--cfg"), "--start NAME says where to begin"),
    (("--name", "--project"), "--out FOLDER gets the result"),
    (("--resume",), "the same command goes on by itself"),
)
TRAIN = Command(
    "Train a model for your own objects, from `everyday` and your annotated pictures.",
    (
        ("train DATA --out runs/mine", "then: run.py photo.jpg --model runs/mine"),
        ("train DATA --epochs 20 --rename cup=mug", "longer, and a class renamed"),
    ),
    add_options,
    "Stopped at any time, even killed, the same command goes on and ends with the same weights.\n"
    "`train streets` and `train everyday` train the models that come with Pixelwise.",
    elsewhere=ELSEWHERE,
)
EVERYDAY = Command(
    "Train `everyday`, COCO's 80 classes in photographs: cats and dogs, and all masks.",
    (
        ("train everyday DATA", "train; after a stop it goes on"),
        ("train everyday DATA --score NAME", "only measure a model"),
    ),
    add_everyday_options,
    "DATA is a folder with coco343 and everyday in it, see helpers/training/everyday.py.",
)
