"""How do time and memory grow with pictures, objects and videos? Straight lines, or why not.

    python benchmarks/growth.py [--rounds 5] [--small]

Time is that of all processor cores, which a busy machine changes least; sizes are taken in turn,
the median counts. The line is fitted to the points; "off the line" is how far the farthest point
lies from it, relative to the point. Memory of pictures and objects is what Python's own counter
sees; that of videos is the most that the process holds, since the decoder's memory counts, too.
"""

import argparse
import functools
import pathlib
import statistics
import tempfile
import time
import tracemalloc

import cv2
import numpy as np
from measure import Peak, table, take_turns
from pasting import Ellipses
from video import Waiting

from helpers import ROOT
from helpers.drawing import draw_detections
from helpers.mask_rcnn.mask_head import paste_masks
from helpers.models import load_detector
from helpers.pictures import read_image
from helpers.structures import Detections
from helpers.video import process_many, process_video, write_video

STRAIGHT = 0.1  # of a point's value: so near to a line all points lie, or it is called none


def picture_calls(sides):
    """{megapixels: a call}: the fast detector on one picture at several sizes."""
    detector = load_detector("streets", fast=True, say=None)
    picture = read_image(ROOT / "data/pictures/street-3.jpg")
    calls = {}
    for side in sides:
        image = cv2.resize(picture, (side * 5 // 4, side))
        megapixels = image.shape[0] * image.shape[1] / 1e6
        calls[megapixels] = functools.partial(detector, image)
    return calls


def object_calls(counts):
    """{objects: a call}: paste and draw them in a full HD picture."""
    size = (1080, 1920)
    image = np.full((*size, 3), 90, np.uint8)

    def paste_and_draw(boxes, grids):
        masks = paste_masks(grids, boxes, size)
        ones = np.ones(len(boxes))
        draw_detections(image, Detections(boxes, ones, 0.9 * ones, size, {1: "disc"}, masks))

    calls = {}
    for count in counts:
        ellipses = Ellipses(count, size, spread=0.0)
        calls[count] = functools.partial(paste_and_draw, ellipses.boxes, ellipses.grids(False))
    return calls


def make_video(path, seconds):
    """A video of 320 x 240 pixels, 25 frames a second, whose ground moves."""
    ground = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    return write_video(path, (np.roll(ground, i, 1) for i in range(25 * seconds)), 25)


def length_calls(folder, lengths):
    """{seconds: a call}: one video through the pipeline; the detector costs nothing."""
    calls = {}
    for seconds in lengths:
        video = make_video(folder / f"long{seconds}.mp4", seconds)
        calls[seconds] = functools.partial(
            process_video, video, folder / "out.mp4", Waiting(0), progress=False
        )
    return calls


def no_wait():
    """A detector for `process_many`."""
    return Waiting(0)


def number_calls(folder, numbers):
    """{videos: a call}: several videos of one second, one after another."""
    videos = [make_video(folder / f"video{k}.mp4", 1) for k in range(max(numbers))]
    calls = {}
    for number in numbers:
        calls[number] = functools.partial(
            process_many, videos[:number], folder / "many", no_wait, progress=False
        )
    return calls


def traced(call):
    """Megabytes that a call asks for at its peak."""
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def held(call):
    """Megabytes that the process holds at the peak of a call."""
    with Peak() as peak:
        call()
    return peak.megabytes


def line(x, y):
    """Slope and start of the line nearest to some points, R², and how far off the farthest is."""
    x, y = np.array(x, float), np.array(y, float)
    slope, start = np.polyfit(x, y, 1, w=1 / y)
    off = y - (slope * x + start)
    spread = max(((y - y.mean()) ** 2).sum(), 1e-9)
    return slope, start, 1 - (off**2).sum() / spread, np.abs(off / y).max()


def grow(title, unit, calls, rounds, memory, why):
    """Print the points of one kind of growth, and the two lines through them."""
    times = take_turns(calls, rounds, time.process_time)
    points = {
        "time": [statistics.median(times[x]) for x in calls],
        "memory": [memory(call) for call in calls.values()],
    }
    print(f"\n**{title}**")
    rows = zip(calls, points["time"], points["memory"], strict=True)
    table((unit, "CPU ms", "MB"), [(f"{x:.4g}", f"{ms:.1f}", f"{mb:.1f}") for x, ms, mb in rows])
    for kind, sign in (("time", "ms"), ("memory", "MB")):
        slope, start, r2, off = line(list(calls), points[kind])
        rise = slope * (max(calls) - min(calls)) / max(points[kind])
        if off > STRAIGHT:
            shape = f"no straight line: {why[kind]}"
        elif abs(rise) < 0.1:
            shape = "flat"
        else:
            shape = "a straight line"
        print(
            f"- {kind}: {slope:.3g} {sign} for each of {unit}, {start:.3g} {sign} from the start; "
            f"R² {r2:.3f}, {off:.0%} off the line at most: {shape}"
        )


def main():
    """Print four kinds of growth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="two small sizes of each")
    args = parser.parse_args()
    some = slice(2 if args.small else None)
    noise = "the other programs of the machine are in it; run this again when it is quiet"
    grow(
        "Size of the picture: the fast detector, ten objects", "megapixels",
        picture_calls((240, 480, 960, 1440, 1920, 2880)[some]), args.rounds, traced,
        {"time": "the network sees 256 x 320 pixels, whatever the picture; only fitting it in and "
         "pasting grow, beside the noise of its threads", "memory": noise},
    )  # fmt: skip
    grow(
        "Number of objects, in full HD: paste and draw", "objects",
        object_calls((5, 10, 20, 40, 70, 100)[some]), args.rounds, traced,
        {"time": "each label is kept clear of all objects and labels, which grows as the square of "
         "their number", "memory": noise},
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        grow(
            "Length of a video: the pipeline, with a detector that costs nothing", "seconds",
            length_calls(folder, (2, 4, 8, 12)[some]), max(1, args.rounds - 2), held,
            {"time": noise, "memory": noise},
        )  # fmt: skip
        grow(
            "Number of videos of one second, one after another", "videos",
            number_calls(folder, (1, 2, 4, 6)[some]), max(1, args.rounds - 2), held,
            {"time": noise, "memory": noise},
        )  # fmt: skip


if __name__ == "__main__":
    main()
