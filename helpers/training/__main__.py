"""The command `python3 run.py train`: the bundled models, or one for your own objects."""

import json
import pathlib
import sys

from helpers import DATA, ROOT
from helpers.annotations import read_dataset, split, with_classes
from helpers.commands import read_call
from helpers.evaluation import score
from helpers.models import load_detector, load_model, save_model
from helpers.pictures import explain_system
from helpers.training import everyday, streets
from helpers.training.curves import plot_curve, read_curve
from helpers.training.own_data import fine_tune

RUNS = ROOT / "runs"


def main(argv=None) -> int:
    """The command; returns 0, 2 on an error that a user can mend, or 130 if stopped."""
    words = sys.argv[1:] if argv is None else argv
    call = read_call(["train", *words])
    run = _own
    if call.command == "train everyday":
        run = _everyday
    elif call.options.data == "streets":
        run = _streets
    try:
        result = run(call.options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        line = explain_system(error, call.options.out or RUNS)
        print(f"{line}; the same command goes on when that is mended", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        return 130
    print(result if isinstance(result, pathlib.Path) else json.dumps(result, indent=1))
    return 0


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
        return everyday.measure(load_detector(args.score, args.fast), args.data)
    out = args.out or RUNS / "everyday"
    start = args.start or DATA / "everyday.npz"
    detector = everyday.train_everyday(
        args.data, out, start, args.epochs, args.steps, args.batch, args.hold, args.rate,
        head_parts=args.head, head_epochs=args.head_epochs, body_epochs=args.body, seed=args.seed,
    )  # fmt: skip
    result = everyday.measure(detector, args.data)
    for folder in [out, DATA] if args.ship else [out]:
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
