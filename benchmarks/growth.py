"""How do time and memory grow with the picture, the objects, the film, the number of films?

    python benchmarks/growth.py [--quick]

Each line of the table is one cause with three or more sizes of it: how much more time a unit of it
takes, by the straight line that fits best, how far the worst point lies from that line, and how
much more memory the process held at the largest size than at the smallest. Times are medians.
"""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import psutil

from helpers.cluster import process_many
from helpers.mask_rcnn.model import Candidates, to_detections
from helpers.scenes import draw_scene
from helpers.structures import Detections
from helpers.video import process_video, write_video
from helpers.zoo import load_detector


class Blank:
    """A detector that finds nothing, at once."""

    categories = {1: "thing"}

    def __call__(self, image):
        return Detections.empty(image.shape[:2], self.categories)

    def batch(self, images):
        return [self(image) for image in images]


def line(cause, unit, sizes, work, rounds):
    """Measure `work(size)` for each size, in turn; print what a unit costs."""
    seconds, memory = {size: [] for size in sizes}, []
    for size in sizes:
        work(size)  # warms up
    for _ in range(rounds):
        for size in sizes:
            start = time.perf_counter()
            work(size)
            seconds[size].append(time.perf_counter() - start)
    for size in sizes:
        work(size)
        memory.append(psutil.Process().memory_info().rss / 1e6)
    medians = [statistics.median(values) for values in seconds.values()]
    slope, start = np.polyfit(sizes, medians, 1)
    off = max(abs(m - slope * s - start) / m for s, m in zip(sizes, medians, strict=True))
    span = f"{min(sizes):g} to {max(sizes):g} {unit}"
    print(
        f"{cause:26}{span:>24}{1000 * slope:12.2f}{1000 * start:10.1f}{off:9.0%}"
        f"{memory[-1] - memory[0]:8.0f}",
        flush=True,
    )


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, once each")
    quick = parser.parse_args().quick
    rounds, rng = 1 if quick else 3, np.random.default_rng(0)
    columns = f"{'ms a unit':>12}{'ms more':>10}{'off':>9}{'MB':>8}"
    print(f"{'cause':26}{'sizes':>24}{columns}")

    detector = load_detector("streets", say=None, fast=True)
    sides = {w * w * 0.75 / 1e6: w for w in ((320, 640, 960) if quick else (640, 1600, 2560, 3600))}
    pictures = {size: draw_scene(1, (w * 3 // 4, w))[0] for size, w in sides.items()}
    line("detect in a picture", "megapixels", list(sides), lambda s: detector(pictures[s]), rounds)

    corners = rng.uniform(0, 1000, (100, 2))
    boxes = np.concatenate([corners, corners + 200], 1).astype(np.float32)
    every = Candidates(
        boxes,
        np.ones(100, np.int32),
        np.ones(100, np.float32),
        rng.random((100, 28, 28), np.float32),
    )
    paste = lambda n: to_detections(Candidates(*(a[:n] for a in every)), (720, 1280), {1: "thing"})  # noqa: E731
    line("paste masks, 1280 x 720", "objects", [10, 40, 70, 100], paste, rounds)

    with tempfile.TemporaryDirectory() as folder:
        folder, fps = pathlib.Path(folder), 24
        lengths = (1, 2, 3) if quick else (5, 20, 40, 60)
        frame = rng.integers(0, 255, (36, 64, 3), np.uint8).repeat(5, 0).repeat(5, 1)
        films = {}
        for seconds in lengths:
            films[seconds] = folder / f"{seconds}.mp4"
            frames = (np.roll(frame, i, 1) for i in range(seconds * fps))
            write_video(films[seconds], frames, fps)
        run = lambda s: process_video(films[s], folder / "out.mp4", Blank(), progress=False)  # noqa: E731
        line("a film, 320 x 180", "seconds", list(lengths), run, rounds)
        short = [folder / f"copy{i}.mp4" for i in range(max(2, 8 if not quick else 3))]
        for path in short:
            path.write_bytes(films[lengths[0]].read_bytes())

        def many(number):
            with tempfile.TemporaryDirectory() as out:
                process_many(short[:number], out, Blank, progress=False)

        line(
            "films, one after another", "films", [1, 2, 3] if quick else [1, 2, 4, 8], many, rounds
        )


if __name__ == "__main__":
    main()
