"""How long does an explorer in a notebook take to answer a slider?

    python benchmarks/explorers.py [--moves 20]

Prints milliseconds of one move, from new settings to the picture as JPEG: median and slowest. The
browser's part is not in it. The aim is 200 ms on two quiet cores.
"""

import argparse
import os
import pathlib
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from helpers import explorers, sliders, zoo
from helpers.mask_rcnn.model import letterbox
from helpers.scenes import draw_scene


def main():
    """Print a table: explorer, median and slowest move in ms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=20, help="of each explorer")
    moves = range(parser.parse_args().moves)

    detector = zoo.load_detector("streets")
    (image, truth), (small, small_truth) = (
        draw_scene(700_091, size) for size in ((512, 640), (256, 320))
    )
    stages = detector.model(letterbox(image, detector.model.config.image_size)[0][None])
    cuts = sliders.explore_cuts(image, *detector.candidates(image), detector.categories)
    names = ("P3", "objectness P4", "all proposals", "masks")
    ways = {
        "explore_anchors": (
            explorers.explore_anchors(small, small_truth),
            lambda i: {"level": "P4", "scale": 1, "ratio": 1.0, "row": i % 16, "column": i % 20},
        ),
        "explore_roi_align": (
            explorers.explore_roi_align(),
            lambda i: {"x": 0.1 * (i % 30), "y": 0.8, "width": 4.4, "height": 4.1},
        ),
        "explore_stages": (
            explorers.explore_stages(image, stages, detector.model, detector.categories),
            lambda i: {"stage": names[i % len(names)]},
        ),
        "explore_cuts": (
            cuts,
            lambda i: {"score_threshold": 0.05 * (i % 20), "nms_iou": 0.5, "mask_threshold": 0.5},
        ),
    }
    print(f"{'explorer':20}{'median ms':>11}{'slowest':>9}")
    for name, (explorer, settings) in ways.items():
        times = []
        for i in [0, *moves]:  # the first warms up
            start = time.perf_counter()
            sliders._jpeg(explorer.view(**settings(i))[0])
            times.append(1000 * (time.perf_counter() - start))
        print(f"{name:20}{statistics.median(times[1:]):11.0f}{max(times[1:]):9.0f}")


if __name__ == "__main__":
    main()
