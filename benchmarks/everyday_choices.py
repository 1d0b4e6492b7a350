"""What do the choices in `everyday` bring? Input sizes, thresholds, cells of a mask.

    python benchmarks/everyday_choices.py [--data ../shared/data] [--parts sizes thresholds cells]

sizes: the same weights with inputs of another side; AP on the 96 photographs `cocoval` (ten
    classes), CPU ms of an image, all sides in turn.
thresholds: one threshold for all classes, or one for each, chosen on the 343 photographs `coco343`
    so that four of five detections are right, judged on `cocoval`.
cells: the mask branch learns on with 28 x 28 and with 56 x 56 cells, alike, for a short time;
    masks in true boxes of the held-out fifth of `coco343`, and AP on `cocoval`.

Prints tables; with all parts they go into benchmarks/EVERYDAY.md, too.
"""

import argparse
import contextlib
import datetime
import io
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from measure import table, take_turns

from helpers import DATA
from helpers.evaluation import error_kinds, evaluate
from helpers.evaluation.matching import class_names, match
from helpers.models import from_model, load_detector, load_model
from helpers.pictures import replacing
from helpers.training import everyday
from helpers.training.mask_branch import MaskBatches, MaskRun, learn_only, mask_quality
from helpers.training.mosaics import Mosaics
from helpers.training.photo_scores import judge
from helpers.training.photos import Photos

ROOT = pathlib.Path(__file__).parents[1]
SIDES = 320, 416, 512
PRECISION = 0.8
CELLS = 28, 56
TITLES = {
    "sizes": "Sides of the input, `cocoval`",
    "thresholds": "Thresholds, chosen on `coco343`, judged on `cocoval`",
    "cells": "Cells of a mask",
}


def cocoval(data):
    """The held-out photographs of COCO, and which of `everyday`'s they are."""
    photos = Photos(data / "everyday", "val", everyday.names_in(data / "everyday", "val"))
    return photos, [i for i, source in enumerate(photos.sources) if source == "cocoval"]


def compare_sizes(data):
    """A row for each side of the input."""
    photos, some = cocoval(data)
    detectors = {side: load_detector("everyday", image_size=(side, side)) for side in SIDES}
    pictures = [photos[i][0] for i in some[:12]]
    ways = {
        side: lambda detector=detector: [detector(one) for one in pictures]
        for side, detector in detectors.items()
    }
    times = take_turns(ways, 5, time.process_time)
    rows = []
    for side, detector in detectors.items():
        result = evaluate(*judge(detector, photos, some))
        mask, box = result["mask"], result["box"]
        values = [mask["AP"], mask["AP50"], mask["AP_small"], box["AP"], box["AP_small"]]
        milliseconds = np.median(times[side]) / len(pictures)
        rows.append([f"{side} x {side}", *(f"{value:.3f}" for value in values), milliseconds])
    header = "input", "mask AP", "AP50", "AP small", "box AP", "AP small", "CPU ms", "ratio"
    usual = rows[SIDES.index(416)][-1]
    table(header, [[*row[:-1], f"{row[-1]:.0f}", f"{row[-1] / usual:.2f}"] for row in rows])


def compare_thresholds(data):
    """A row for one threshold and for one of each class."""
    detector = load_detector("everyday")
    coco = Photos(data / "coco343", "", everyday.names_in(data / "coco343", ""))
    chosen = own_thresholds(match(*judge(detector, coco, range(len(coco)))))
    truth, detections = judge(detector, *cocoval(data))
    rows = []
    for name, of_class in (("one, .5", {}), ("each class its own", chosen)):
        kept = [one[_is_enough(one, of_class)] for one in detections]
        kinds = error_kinds(truth, kept, 0.0)
        num = sum(kinds.values()) - kinds["missed"]
        right = kinds["right"]
        wrong = num - right
        recall = right / (right + kinds["missed"])
        rows.append(
            [name, f"{right / num:.3f}", f"{recall:.3f}", right, wrong, f"{wrong / len(kept):.3f}"]
        )
    table(("threshold", "precision", "recall", "right", "wrong", "wrong an image"), rows)
    print(f"{len(chosen)} classes have one of their own:")
    print(", ".join(f"{name} {score:.2f}" for name, score in chosen.items()))


def own_thresholds(matched, least=10):
    """{class: the lowest score from which so many of its detections are right}, by masks.

    Classes with less than `least` true objects are left out: of them little is known.
    """
    run = matched["mask"]
    coco = run.cocoGt
    precision = run.eval["precision"][0, :, :, 0, -1].T  # at IoU .5, all sizes
    scores = run.eval["scores"][0, :, :, 0, -1].T
    chosen = {}
    for name, category, right, score in zip(
        class_names(run), run.params.catIds, precision, scores, strict=True
    ):
        enough = right >= PRECISION
        if len(coco.getAnnIds(catIds=[category], iscrowd=False)) >= least and enough.any():
            chosen[name] = float(score[enough].min())
    return chosen


def _is_enough(detections, of_class):
    least = np.array([of_class.get(name, 0.5) for name in detections.names])
    return detections.scores >= least


def compare_cells(data, epochs, steps, out):
    """A row for each number of cells, before and after."""
    coco, others = everyday.photographs(data)
    held_out = range(0, len(coco), everyday.EVERY)
    photos, some = cocoval(data)
    rows = []
    for cells in CELLS:
        model, card = load_model(DATA / "everyday.json", mask_side=cells)
        before = mask_quality(model, coco, held_out)
        start = time.process_time()
        if epochs:
            learn_only(model, model.mask_branch)
            sources = everyday.mask_sources(coco, others)
            batches = MaskBatches(Mosaics(sources, model.config.image_size), steps, 4)
            run = MaskRun(model, batches, dict, out / f"cells-{cells}", epochs)
            run.train(5e-4, 0.3)
        seconds = time.process_time() - start
        after = mask_quality(model, coco, held_out)
        ap = evaluate(*judge(from_model(model, card), photos, some))["mask"]
        rows.append([
            f"{cells} x {cells}", f"{before['IoU']:.3f}", f"{before['IoU75']:.3f}",
            f"{after['IoU']:.3f}", f"{after['IoU75']:.3f}", f"{ap['AP']:.3f}", f"{ap['AP75']:.3f}",
            f"{seconds:.0f}",
        ])  # fmt: skip
    header = "cells", "IoU before", "≥ .75", "after", "≥ .75", "mask AP", "AP75", "CPU s"
    table(header, rows)


def main():
    """Print the tables, and write them if all were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = "sizes", "thresholds", "cells"
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--epochs", type=int, default=2, help="of the cells' training")
    parser.add_argument("--steps", type=int, default=150, help="batches of 4 in each")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "runs" / "choices")
    args = parser.parse_args()
    ways = {
        "sizes": lambda: compare_sizes(args.data),
        "thresholds": lambda: compare_thresholds(args.data),
        "cells": lambda: compare_cells(args.data, args.epochs, args.steps, args.out),
    }
    by = f"By `python benchmarks/everyday_choices.py`, {datetime.date.today()}."
    page = ["# Choices in `everyday`", by]
    for part in args.parts:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            ways[part]()
        page += [f"## {TITLES[part]}", said.getvalue().strip()]
        print("\n\n".join(page[-2:]), flush=True)
    if set(args.parts) == set(parts):
        with replacing(ROOT / "benchmarks" / "EVERYDAY.md") as part:
            part.write_text("\n\n".join(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
