"""A video through a detector: decode, detect, follow and draw, encode, each in a thread of its own.

Between two of them a few frames wait, so that the whole goes at the pace of the slowest, and memory
does not grow with the video's length.
"""

import contextlib
import dataclasses
import itertools
import pathlib
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import cv2
from tqdm.auto import tqdm

from helpers.drawing import color_of, draw_detections
from helpers.structures import require
from helpers.video import files
from helpers.video.parts import Frame, join_parts, make_plan, note, part_file, parts_folder, recall
from helpers.video.tracks import Tracker, carry

GIVE_UP = 8  # frames in a row without a result: then it is the detector's fault, not theirs


@dataclasses.dataclass(frozen=True)
class VideoReport:
    """What `process_video` wrote; `print` it."""

    path: pathlib.Path
    frames: int
    seconds: float  # of video
    took: float  # seconds to make it
    sound: str | None  # "copied" or "as AAC"
    cut_off: bool  # the source breaks off before the end that it claims to have
    stages: dict[str, float]  # seconds that each was at work, in turn or side by side
    failed: dict[int, str]  # why a frame has no result
    resumed: int  # frames that an earlier run had made

    @property
    def fps(self) -> float:
        """Frames made a second."""
        return (self.frames - self.resumed) / self.took

    @property
    def bottleneck(self) -> str:
        """The stage that was at work longest: to make another one faster changes little."""
        return max(self.stages, key=self.stages.get)

    def __str__(self):
        shares = ", ".join(f"{name} {t / self.took:.0%}" for name, t in self.stages.items())
        lines = [
            f"{self.frames} frames in {self.took:.1f} s: {self.fps:.1f} frames a second",
            f"the bottleneck is {self.bottleneck}; at work, of that time: {shares}",
            f"sound: {self.sound or 'none'}",
        ]
        lines += [f"{self.resumed} frames had been made before"] * bool(self.resumed)
        lines += [f"frame {index} has no result: {why}" for index, why in self.failed.items()]
        return "\n".join(lines + ["the source breaks off before its end"] * self.cut_off)


def process_video(
    src, dst, detector, *, start=0.0, end=None, max_seconds=None, every=1, scale=1.0, batch_size=4,
    track=True, resume=False, progress=True, on_frame=None,
) -> VideoReport:  # fmt: skip
    """Find and draw the objects of a video, frame by frame, into an mp4 with its sound.

    The frames keep their number and their times, also where the rate varies. Rotation is applied,
    the shape of pixels is kept. Sound is copied bit for bit if an mp4 can hold it, else turned into
    AAC; subtitles are left out. Memory does not grow with the video's length.

    Args:
        src, dst: the video, and where to; dst ends in .mp4 and is written whole, or not at all.
        detector: what has `batch(images) -> list[Detections]`; or a function of one frame
            (H, W, 3) uint8, a writable copy, that returns the frame to write, of the same size.
            A frame on which it fails is kept, framed in red and reported; after 8 in a row, the
            error is raised.
        start, end, max_seconds: the piece of the video, seconds from its first frame; None: all.
        every: k to detect in each k-th frame of a part only; masks are carried to the others.
        scale: make the video smaller by this factor before anything else; at most 1.
        batch_size: frames that are decoded ahead and given to the detector at a time.
        track: give each object a number and a colour that it keeps.
        resume: go on where an earlier run with resume=True was stopped or killed. The parts that
            are finished lie in the folder DST.parts until all is done.
        progress: show a bar if it takes over two seconds.
        on_frame: called with (index, seconds, Detections or None) for each frame.

    Raises:
        InputError: as of `video_info`; dst is src, or cannot be written; there is no such piece.
    """
    begun, src, dst = time.monotonic(), pathlib.Path(src).expanduser(), pathlib.Path(dst)
    if max_seconds is not None:
        end = start + max_seconds if end is None else min(end, start + max_seconds)
    plan = make_plan(src, dst, start, end, every, scale, batch_size)
    finds = hasattr(detector, "batch")
    require(finds or every == 1, "every needs a detector with batch(images)")
    tracker = Tracker() if track and finds else None
    model = [getattr(detector, name, None) for name in ("name", "score_threshold")]
    stamp = repr((plan, src.stat().st_mtime, model, track)) if resume else None
    numbers, clock, failed = range(len(plan.starts)), Clock(), {}
    count, resumed, seconds = 0, 0, start
    bar = tqdm(total=plan.frames, desc=src.name, unit="frame", disable=not progress, delay=2)
    with bar, parts_folder(dst, stamp) as folder:
        there = itertools.takewhile(lambda n: part_file(folder, n).exists(), numbers)
        done = len(list(there))
        old = follow(recall(folder, numbers[:done]), plan, tracker, clock)
        new = make_parts(plan, folder, numbers[done:], detector, tracker, clock, keep=resume)
        with contextlib.closing(new):
            for frame in itertools.chain(old, new):
                seconds = plan.info.seconds(frame.time)
                if frame.problem:
                    failed[count] = frame.problem
                if on_frame:
                    on_frame(count, seconds, frame.tracked)
                count, resumed = count + 1, resumed + (frame.image is None)
                bar.update()
        with clock("join"):
            sound = join_parts(plan, folder, dst)
    length, took = plan.info.duration or 0, time.monotonic() - begun
    cut_off = seconds < start + 0.9 * (min(length, end or length) - start) - 1
    return VideoReport(dst, count, seconds - start, took, sound, cut_off, clock, failed, resumed)


def make_parts(plan, folder, numbers, detector, tracker, clock, keep=False):
    """Make some parts of a video in a row; yields each `Frame` when it is written."""
    with contextlib.ExitStack() as stack:
        frames = _ahead(stack, decode(plan, numbers, clock), plan.batch_size)
        frames = _ahead(stack, detect(frames, detector, plan, clock), plan.batch_size)
        frames = _ahead(stack, draw(follow(frames, plan, tracker, clock), clock), 4)
        yield from write(frames, plan, folder, clock, keep)


def _ahead(stack, items, size):
    """What a generator yields, while a thread of its own works `size` items ahead.

    What is raised there is raised here; when the stack ends, so do the thread and the generator.
    """
    pool = ThreadPoolExecutor(1)
    stack.callback(items.close)
    stack.callback(pool.shutdown, cancel_futures=True)

    def results():
        waiting = deque(pool.submit(next, items, None) for _ in range(size))
        while (item := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(next, items, None))
            yield item

    return results()


class Clock(dict):
    """Adds up seconds by name: `with clock("draw"): ...`."""

    @contextlib.contextmanager
    def __call__(self, name):
        begun = time.perf_counter()
        yield
        self[name] = self.get(name, 0) + time.perf_counter() - begun


def decode(plan, parts, clock):
    """The frames of some parts, one after another."""
    for number in parts:
        last = plan.starts[number + 1] if number + 1 < len(plan.starts) else plan.end
        frames = files.timed_frames(plan.src, plan.info, plan.size, plan.starts[number], last)
        for place in itertools.count():
            with clock("decode"):
                item = next(frames, None)
            if item is None:
                break
            yield Frame(number, place, *item)


def detect(frames, detector, plan, clock):
    """Ask the detector about each k-th frame of a part, k = every."""
    batches, streak, error = hasattr(detector, "batch"), 0, None
    while batch := list(itertools.islice(frames, plan.batch_size)):
        due = [frame for frame in batch if frame.place % plan.every == 0]
        for group in [due] * bool(due) if batches else [[frame] for frame in due]:
            with clock("detect"):
                error = _ask(detector, group)
        for frame in due:
            streak = streak + 1 if frame.problem else 0
        if streak >= GIVE_UP:
            raise error
        yield from batch


def _ask(detector, frames):
    """Note what the detector says of some frames; returns the last one's error, or None.

    When it raises, it is asked about one frame at a time: one must not spoil the others.
    """
    try:
        if hasattr(detector, "batch"):
            found = detector.batch([frame.image for frame in frames])
            for frame, objects in zip(frames, found, strict=True):
                frame.detections = objects
        else:
            frames[0].drawn = detector(frames[0].image)
    except Exception as error:
        if len(frames) > 1:
            return [_ask(detector, [frame]) for frame in frames][-1]
        frames[0].problem = f"{type(error).__name__}: {error}"
        return error


def follow(frames, plan, tracker, clock):
    """Carry masks to the frames between detections, and say who is who."""
    last = None
    for frame in frames:
        if frame.place % plan.every and frame.image is not None and last.detections is not None:
            with clock("carry"):
                frame.detections = carry(last.image, frame.image, last.detections)
        with clock("track"):
            known = tracker is None or frame.detections is None
            frame.tracked = frame.detections if known else tracker.update(frame.detections)
        last = frame
        yield frame


def draw(frames, clock):
    """Draw what was found; frame in red what the detector failed on."""
    for frame in frames:
        spots = spots if frame.place else {}  # noqa: F821 - a part is drawn alike by any machine
        with clock("draw"):
            if frame.tracked is not None:
                frame.drawn = draw_detections(
                    frame.image, frame.tracked, by_class=True, spots=spots
                )
            elif frame.drawn is None:
                frame.drawn = frame.image.copy()
                (height, width), red = frame.image.shape[:2], color_of(5)
                line = max(2, min(height, width) // 50)
                cv2.rectangle(frame.drawn, (0, 0), (width - 1, height - 1), red, line)
        yield frame


def write(frames, plan, folder, clock, keep=False):
    """Encode each part into its file; with keep, note beside it what was found."""
    info, shape = plan.info, (*plan.size, 3)
    for number, part in itertools.groupby(frames, lambda frame: frame.part):
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(files.create_video(part_file(folder, number)))
            add = files.add_pictures(out, shape, info.fps, info.tick, info.pixel_aspect)
            if keep:
                notes = stack.enter_context(part_file(folder, number, ".jsonl").open("w"))
            for frame in part:
                with clock("encode"):
                    add(frame.drawn, frame.time - plan.starts[number], frame.duration)
                    if keep:
                        notes.write(note(frame))
                yield frame
            with clock("encode"):
                add(None)
