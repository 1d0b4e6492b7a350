"""Train Mask R-CNN: the bundled models, or one for your own objects.

python3 run.py train streets                  `streets`, from random weights, as shipped
python3 run.py train everyday DATA            `everyday`, head and masks; see its --help
python3 run.py train DATA --out runs/NAME     NAME, from `streets` and your annotated pictures

Stopped at any time, even killed, the same command goes on and ends with the same weights.
"""

import argparse
import json
import pathlib
import sys

from helpers import DATA, ROOT
from helpers.annotations import read_dataset, split, with_classes
from helpers.annotations.classes import add_class_options
from helpers.evaluation import score
from helpers.models import load_detector, load_model, save_model
from helpers.training import everyday, streets
from helpers.training.curves import plot_curve, read_curve
from helpers.training.own_data import fine_tune

RUNS = ROOT / "runs"
EVERYDAY = """Train head and masks of `everyday`: COCO's 80 classes in photographs.

python3 run.py train everyday DATA                 train; after a stop it goes on
python3 run.py train everyday DATA --score NAME    only measure a model

DATA is a folder with coco343 and everyday in it, see helpers/training/everyday.py.
"""


def main(argv=None) -> int:
    """The command; returns 0, or 2 on an error that a user can mend."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["everyday"]:
        args, run = _everyday_parser().parse_args(words[1:]), _everyday
    else:
        args = _parser().parse_args(words)
        run = _streets if args.data == "streets" else _own
    try:
        result = run(args)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(result if isinstance(result, pathlib.Path) else json.dumps(result, indent=1))
    return 0


def _path(text):
    """A path in which `~` is the home folder, also where no shell has seen to it."""
    return pathlib.Path(text).expanduser()


def _parser():
    parser = argparse.ArgumentParser(
        prog="python3 run.py train",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    add(
        "data",
        nargs="?",
        default="streets",
        help="streets (the default), everyday, or annotated pictures, whatever\n"
        "`python3 run.py data` reads",
    )
    add("--out", type=_path, help="folder for the result (default runs/streets, runs/DATA)")
    add("--epochs", type=int, help="(default 12; with DATA 10)")
    add("--steps", type=int, help="batches per epoch (default 500; with DATA 40)")
    add("--batch", type=int, default=8, help="with DATA: pictures per batch (default 8)")
    add("--ship", action="store_true", help="put streets into data/, too")
    add("--start", default="streets", help="with DATA: the model to begin with, name or folder")
    add("--size", type=int, nargs=2, help="with DATA: height and width of the input")
    add("--share", type=float, default=0.2, help="with DATA: of the pictures to measure AP on")
    add("--patience", type=int, help="with DATA: stop after so many epochs without a better AP")
    add("--seed", type=int, default=0, help="with DATA: of split, order and variation")
    add_class_options(parser)
    return parser


def _everyday_parser():
    parser = argparse.ArgumentParser(
        prog="python3 run.py train everyday",
        description=EVERYDAY,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    bundled = DATA / "everyday.npz"
    add("data", type=_path, help="folder with coco343 and everyday in it")
    add("--out", type=_path, default=RUNS / "everyday", help="result")
    add("--start", type=_path, default=bundled, help="weights of the detector")
    add("--epochs", type=int, default=15, help="of masks (default 15; 0: leave them)")
    add("--head-parts", type=int, default=0, help="of 400 pictures for the head (6 do; default 0)")
    add("--head-epochs", type=int, default=5, help="of its training (default 5; 0: leave it)")
    add("--steps", type=int, default=150, help="batches per epoch (default 150)")
    add("--batch", type=int, default=4, help="pictures per batch (default 4)")
    add("--hold", type=float, default=0.5, help="share of the training at full rate (default .5)")
    add("--rate", type=float, default=2e-3, help="of learning, at its peak (default .002)")
    add("--ship", action="store_true", help="put the result into data/, too")
    add("--score", metavar="NAME", help="of a model to measure, or the folder of one")
    return parser


def _streets(args):
    """Train, score on 500 held-out pictures, write all again."""
    out = args.out or RUNS / "streets"
    detector = streets.train_streets(out, args.epochs or 12, args.steps or 500)
    pictures = streets.held_out(500, detector.card["image_size"])
    result = {"first_seed": streets.HELD_OUT_SEED, **score(detector, pictures)}
    _write(detector, result, out, args.ship)
    return result


def _everyday(args):
    """Train, measure, write the card again; or only measure."""
    if args.score:
        return everyday.measure(load_detector(args.score), args.data)
    detector = everyday.train_everyday(
        args.data, args.out, args.start, args.epochs, args.steps, args.batch, args.hold, args.rate,
        head_parts=args.head_parts, head_epochs=args.head_epochs,
    )  # fmt: skip
    result = everyday.measure(detector, args.data)
    for folder in [args.out, DATA] if args.ship else [args.out]:
        save_model(detector.model, {**detector.card, **result}, folder)
    return result


def _write(detector, held_out, out, ship):
    """Weights, a card that tells what was measured, and the curve."""
    card = {**detector.card, "held_out": held_out}
    for folder in [out, DATA] if ship else [out]:
        save_model(detector.model, card, folder)
        plot_curve(read_curve(out), folder / f"{card['name']}-curve.png")


def _own(args):
    """Read, split, train; what AP is in the end."""
    data = read_dataset(args.data)
    for problem in data.problems:
        print(problem, file=sys.stderr)
    data = with_classes(data, dict(args.rename), args.leave_out)
    train, val = split(data, args.share, args.seed)
    out = args.out or RUNS / data.name
    fine_tune(
        train,
        val,
        out,
        start=args.start,
        epochs=args.epochs or 10,
        steps=args.steps or 40,
        batch_size=args.batch,
        image_size=args.size,
        patience=args.patience,
        seed=args.seed,
    )
    plot_curve(read_curve(out), out / "curve.png")
    print(f"{out} is a model now: load_detector({str(out)!r})")
    _, card = load_model(out / f"{out.name}.json")
    return card["validation"]


if __name__ == "__main__":
    sys.exit(main())
