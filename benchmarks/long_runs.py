"""Does anything grow in a long run? Memory, threads and open files are looked at on the way.

    python benchmarks/long_runs.py [--calls 100] [--pictures 10000] [--minutes 30]
    python benchmarks/long_runs.py --video FILE [--times 1] [--model everyday]
    python benchmarks/long_runs.py --only-calls [--calls 100] [--model everyday]

Three runs in one process: detector calls, each with a picture of another size; a folder of pictures
through the whole job, as `python3 run.py --images` does it; a video through the pipeline. A row is
printed after a tenth of each run, after half, and at its end: the first tenth warms up. With
--video only that file goes through the pipeline, every frame of it, with a model, as many times as
wanted.
"""

import argparse
import contextlib
import io
import os
import pathlib
import tempfile
import time

import cv2
import numpy as np
import psutil
from growth import make_video
from measure import table
from video import Waiting

from helpers.__main__ import main as job
from helpers.job.running import Job
from helpers.models import load_detector
from helpers.pictures import read_image, save_image
from helpers.video import process_video, read_frames

ROOT = pathlib.Path(__file__).parents[1]
PICTURE = ROOT / "data/pictures/street-3.jpg"


class Watch:
    """Notes what the process holds after a tenth, half and all of so many steps."""

    def __init__(self, title, steps, unit):
        self.title = title
        self.unit = unit
        self.count = 0
        self.rows = []
        self.at = {max(1, steps // 10), max(1, steps // 2), steps}
        self.start = time.monotonic()
        self.process = psutil.Process()

    def step(self, *_):
        """One more step is done."""
        self.count += 1
        if self.count in self.at:
            megabytes = self.process.memory_info().rss / 1e6
            took = time.monotonic() - self.start
            if os.name == "nt":
                num_files = self.process.num_handles()
            else:
                num_files = self.process.num_fds()
            num_threads = self.process.num_threads()
            row = (self.count, f"{took:.0f}", f"{megabytes:.0f}", num_threads, num_files)
            self.rows.append(row)

    def show(self):
        """Print the rows."""
        print(f"**{self.title}**")
        table((self.unit, "s", "MB", "threads", "open files"), self.rows)


def calls(steps, name):
    """Detector calls, each with a picture of another size."""
    detector = load_detector(name, say=None)
    watch = Watch(f"Calls of {name}, each with a picture of another size", steps, "calls")
    picture = read_image(PICTURE)
    rng = np.random.default_rng(0)
    for width, height in rng.integers(64, 1400, (steps, 2)).tolist():
        detector(cv2.resize(picture, (width, height)))
        watch.step()
    watch.show()


def pictures(steps, folder):
    """The whole job on a folder of small pictures, links to eight files."""
    source = folder / "pictures"
    rng = np.random.default_rng(0)
    (source / "drawn").mkdir(parents=True)
    picture = cv2.resize(read_image(PICTURE), (320, 256))
    for i in range(8):
        save_image(folder / f"{i}.jpg", np.roll(picture, int(rng.integers(320)), 1))
    for i in range(steps):
        os.link(folder / f"{i % 8}.jpg", source / f"{i:05}.jpg")
    watch = Watch("Pictures of a folder, through `python -m helpers`", steps, "pictures")
    with contextlib.redirect_stdout(io.StringIO()) as said, watching(watch):
        code = job(["--images", str(source), "--out", str(folder / "out")])
    assert code == 0 and len(list((folder / "out").glob("*.jpg"))) == steps, said.getvalue()
    watch.show()


@contextlib.contextmanager
def watching(watch):
    """Count a step for each picture that the job has drawn."""
    add_picture = Job._add_picture

    def add_and_count(*args):
        add_picture(*args)
        watch.step()

    Job._add_picture = add_and_count
    try:
        yield
    finally:
        Job._add_picture = add_picture


def video(minutes, folder):
    """A video of 320 x 240 pixels through the pipeline, tracked; its detector costs nothing."""
    source = make_video(folder / "video.mp4", round(60 * minutes))
    watch = Watch("Frames of a video, through `process_video`", round(1500 * minutes), "frames")
    process_video(source, folder / "drawn.mp4", Waiting(0), on_frame=watch.step, progress=False)
    watch.show()


def whole_video(source, detector, times, folder):
    """Every frame of a video through the pipeline, tracked, so many times."""
    num_frames = times * sum(1 for _ in read_frames(source))
    watch = Watch(f"Every frame of {source.name}, with {detector.name}", num_frames, "frames")
    cpu = time.process_time()
    for _ in range(times):
        report = process_video(
            source, folder / "drawn.mp4", detector, on_frame=watch.step, progress=False
        )
    cpu = time.process_time() - cpu
    watch.show()
    print(report)
    print(f"{1000 * cpu / num_frames:.0f} CPU ms a frame")


def main():
    """Run all three; what is left at the end comes last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=30, help="length of the video")
    parser.add_argument("--video", type=pathlib.Path, help="only this file")
    parser.add_argument("--times", type=int, default=1, help="how often, for --video")
    parser.add_argument("--model", default="everyday", help="for --video and --only-calls")
    parser.add_argument("--only-calls", action="store_true", help="calls of --model alone")
    args = parser.parse_args()
    if args.only_calls:
        calls(args.calls, args.model)
        return
    if args.video:
        with tempfile.TemporaryDirectory() as folder:
            detector = load_detector(args.model, say=None)
            whole_video(args.video, detector, args.times, pathlib.Path(folder))
        return
    watch = Watch("Between the runs", 30, "steps")
    watch.at = set(range(9))
    with tempfile.TemporaryDirectory() as folder:
        calls(args.calls, "streets")
        watch.step()
        pictures(args.pictures, pathlib.Path(folder))
        watch.step()
        video(args.minutes, pathlib.Path(folder))
        watch.step()
    watch.show()


if __name__ == "__main__":
    main()
