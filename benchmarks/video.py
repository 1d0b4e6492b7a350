"""How fast is the video pipeline beside the detector alone, and beside a plain MoviePy loop?

    python benchmarks/video.py [--seconds 12] [--rounds 3] [--video FILE ...] [--wait 30 15]

Every way works on the same frames, in turn, in one process: read the ratios. Two detectors: one
that waits, as for a graphics card, 30 ms a frame, where it is the bottleneck by far, and 15 ms,
where drawing and coding matter; and the bundled model, which computes on all cores. With that
one, drawing and encoding take their time from the detector, however they are arranged: the last
lines say how many CPU seconds each needs, and so what ratio is possible at best.
"""

import argparse
import os
import pathlib
import statistics
import tempfile
import time

import cv2
import numpy as np
from measure import table

from helpers.drawing import draw_detections
from helpers.structures import Detections
from helpers.video import process_video, read_frames, video_info, write_video

ROOT = pathlib.Path(__file__).parents[1]
CARS = ROOT / "../shared/data/clips/cars_ccby.mp4"


class Waiting:
    """A detector as on a graphics card: it waits, and finds ten discs."""

    categories = {1: "disc"}

    def __init__(self, milliseconds):
        self.seconds = milliseconds / 1000

    def batch(self, images):
        time.sleep(self.seconds * len(images))
        return [discs(image.shape[:2]) for image in images]


def discs(size, n=10):
    """Ten discs of a tenth of the height, as Detections of an image of `size`."""
    (height, width) = size
    radius = size[0] // 10
    masks = np.zeros((n, height, width), np.uint8)
    boxes = []
    for i in range(n):
        x, y = (i % 5 * 2 + 1) * width // 10, (i // 5 * 2 + 1) * height // 4
        cv2.circle(masks[i], (x, y), radius, 1, -1)
        boxes.append((x - radius, y - radius, x + radius, y + radius))
    return Detections(boxes, [1] * n, [0.9] * n, size, {1: "disc"}, masks.view(bool))


def alone(src, dst, detector, seconds, size=4):
    """The detector and nothing else, on frames that are decoded already."""
    frames = list(read_frames(src, 0, seconds))
    start, cpu = time.perf_counter(), time.process_time()
    for i in range(0, len(frames), size):
        detector.batch(frames[i : i + size])
    return len(frames), time.perf_counter() - start, time.process_time() - cpu


def one_by_one(src, dst, detector, seconds):
    """The same, a frame at a time, as in a loop of one's own."""
    return alone(src, dst, detector, seconds, 1)


def pipeline(src, dst, detector, seconds):
    """What Pixelwise does."""
    start, cpu = time.perf_counter(), time.process_time()
    report = process_video(src, dst, detector, max_seconds=seconds, track=False, progress=False)
    return report.frames, time.perf_counter() - start, time.process_time() - cpu


def moviepy(src, dst, detector, seconds):
    """The plain loop: one frame after another through one function."""
    from moviepy import VideoFileClip

    def draw(frame):
        return draw_detections(frame, detector.batch([frame])[0], by_class=True)

    start, cpu = time.perf_counter(), time.process_time() + children()
    with VideoFileClip(str(src)).subclipped(0, seconds) as clip:
        clip.image_transform(draw).write_videofile(
            str(dst), preset="veryfast", audio_codec="aac", logger=None
        )
    count = round(seconds * float(video_info(src).fps))
    return count, time.perf_counter() - start, time.process_time() + children() - cpu


def children():
    """CPU seconds of ended child processes: MoviePy's ffmpeg."""
    times = os.times()
    return times.children_user + times.children_system


def compare(title, src, detector, seconds, rounds, folder):
    """Print a table: way, frames a second, ratio to the detector alone, CPU ms a frame."""
    print(f"\n{title}, {src.name}")
    rows = {}
    for _ in range(rounds):
        for way in (one_by_one, alone, pipeline, moviepy):
            count, took, cpu = way(src, folder / "benchmark.mp4", detector, seconds)
            rows.setdefault(way.__name__, []).append((count / took, 1000 * cpu / count))
    best = {
        name: [statistics.median(column) for column in zip(*row, strict=True)]
        for name, row in rows.items()
    }
    table(
        ("way", "frames/s", "of alone", "CPU ms a frame"),
        [(way.replace("_", " "), f"{fps:.1f}", f"{fps / best['alone'][0]:.2f}", f"{cpu:.1f}")
         for way, (fps, cpu) in best.items()],
    )  # fmt: skip
    print(f"pipeline / moviepy {best['pipeline'][0] / best['moviepy'][0]:.2f}")
    possible = best["alone"][1] / best["pipeline"][1]
    print(f"share of the pipeline's computing that is the detector's: {possible:.2f}")


def drawing(calls):
    """Print the milliseconds to draw ten objects on a 720p frame."""
    image = np.full((720, 1280, 3), 90, np.uint8)
    detections = discs((720, 1280))
    times = []
    for _ in range(calls):
        start = time.thread_time()
        draw_detections(image, detections)
        times.append(1000 * (time.thread_time() - start))
    print(f"drawing, 10 instances at 720p: median {statistics.median(times):.1f} CPU ms")


def memory(folder, long_seconds):
    """Print how much the peak of memory grows from an 18th of `long_seconds` of video to all."""
    import psutil

    process = psutil.Process()
    peaks = []
    ground = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    short = max(1, long_seconds // 18)
    for seconds in (short, short, long_seconds):
        frames = (np.roll(ground, i, 1) for i in range(25 * seconds))
        src = write_video(folder / "memory.mp4", frames, 25)
        seen = []

        def look(index, second, detections, seen=seen):
            if index % 25 == 0:
                seen.append(process.memory_info().rss)

        process_video(src, folder / "out.mp4", Waiting(0), on_frame=look, progress=False)
        peaks.append(max(seen) / 1e6)
    print(f"memory, peak: {peaks[1]:.0f} MB at {short} s, {peaks[2]:.0f} MB at {long_seconds} s")
    print(f"memory grows by {peaks[2] - peaks[1]:.0f} MB")


def main():
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=12, help="of each video, at most")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--video", type=pathlib.Path, nargs="*")
    parser.add_argument(
        "--wait",
        type=float,
        nargs="*",
        default=[30, 15],
        help="ms a frame that the waiting ones take",
    )
    parser.add_argument(
        "--long",
        type=int,
        default=180,
        help="seconds of the video for memory; 0: only the rates are measured",
    )
    parser.add_argument("--model", default="streets", help="'' for the waiting detector alone")
    args = parser.parse_args()
    videos = args.video
    if not videos:
        videos = [path for path in (ROOT / "data/street.mp4", CARS) if path.is_file()]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if args.long:
            drawing(50)
            memory(folder, args.long)
        detectors = {f"waiting {wait:g} ms": Waiting(wait) for wait in args.wait}
        if args.model:
            from helpers.models import load_detector

            detectors[args.model] = load_detector(args.model, say=None)
        for video in videos:
            seconds = min(args.seconds, video_info(video).duration)
            for title, detector in detectors.items():
                compare(title, video, detector, seconds, args.rounds, folder)


if __name__ == "__main__":
    main()
