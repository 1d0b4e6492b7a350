"""What do the choices in `everyday` bring? Its input, NMS, thresholds, masks, kind of head.

    python benchmarks/everyday_choices.py [--data ../shared/data]
        [--parts sizes selection thresholds cells regions]

sizes: the same weights with inputs of another side; AP on the 96 photographs `cocoval` (ten
    classes), CPU ms of an image, all sides in turn.
selection: how many pairs of a cell and a class enter NMS, from which IoU on it removes one, and how
    many are kept, see everyday_selection.py.
thresholds: one threshold for all classes, or one for each, chosen on the 343 photographs `coco343`
    so that four of five detections are right, judged on `cocoval`.
cells: see everyday_cells.py.
regions: RPN and box head in the place of NanoDet's head, see everyday_regions.py.

Prints tables; benchmarks/EVERYDAY.md says what they mean. The last two parts train: stopped at any
time, they go on from what is in `--out`.
"""

import argparse
import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from everyday_cells import compare_cells
from everyday_regions import compare_regions
from everyday_selection import compare_selections
from measure import table, take_turns

from helpers.evaluation import error_kinds, evaluate
from helpers.evaluation.matching import class_names, match
from helpers.models import load_detector
from helpers.training import everyday
from helpers.training.photo_scores import judge
from helpers.training.photos import Photos

ROOT = pathlib.Path(__file__).parents[1]
SIDES = 320, 416, 512
PRECISION = 0.8
TITLES = {
    "sizes": "Sides of the input, `cocoval`",
    "selection": "From cells to detections",
    "thresholds": "Thresholds, chosen on `coco343`, judged on `cocoval`",
    "cells": "Cells of a mask",
    "regions": "RPN and box head on the same body",
}


def compare_sizes(data, small):
    """A row for each side of the input."""
    photos, some = everyday.held_out_of_coco(data)
    some = some[4:8] if small else some
    detectors = {side: load_detector("everyday", False, image_size=(side, side)) for side in SIDES}
    pictures = [photos[i][0] for i in some[:12]]
    ways = {
        side: lambda detector=detector: [detector(one) for one in pictures]
        for side, detector in detectors.items()
    }
    times = take_turns(ways, 1 if small else 5, time.process_time)
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


def compare_thresholds(data, small):
    """A row for one threshold and for one of each class."""
    detector = load_detector("everyday")
    coco = Photos(data / "coco343", "", everyday.names_in(data / "coco343", ""))
    some = range(4 if small else len(coco))
    chosen = own_thresholds(match(*judge(detector, coco, some)))
    photos, some = everyday.held_out_of_coco(data)
    truth, detections = judge(detector, photos, some[4:8] if small else some)
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


def main():
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--parts", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "runs" / "choices")
    parser.add_argument("--small", action="store_true", help="a few photographs: does it run?")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) if args.small else args.out
        ways = {
            "sizes": lambda: compare_sizes(args.data, args.small),
            "selection": lambda: compare_selections(args.data, args.small),
            "thresholds": lambda: compare_thresholds(args.data, args.small),
            "cells": lambda: compare_cells(args.data, out, args.small),
            "regions": lambda: compare_regions(args.data, out, args.small),
        }
        for part in args.parts:
            print(f"## {TITLES[part]}", flush=True)
            ways[part]()


if __name__ == "__main__":
    main()
