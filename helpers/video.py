"""A film through a detector: decode, detect, follow and draw, encode, each in a thread of its own.

Between two of them a few frames wait, so that the whole goes at the pace of the slowest, and memory
does not grow with the film's length. A film is made in parts, each a file that plays, which are
joined as they are: so it can be resumed, and made by many machines (`helpers.cluster`).
"""

import contextlib
import dataclasses
import itertools
import json
import math
import os
import pathlib
import shutil
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from pycocotools import mask as rle
from tqdm.auto import tqdm

from helpers import film
from helpers.drawing import color_of, draw_detections
from helpers.film import VideoInfo, play, read_frames, video_info, write_video
from helpers.structures import Detections, InputError, require
from helpers.tracks import Tracker, carry

__all__ = ["play", "process_video", "read_frames", "video_info", "write_video"]
PART_SECONDS = 10  # a part ends at the first key frame after so much film
GIVE_UP = 8  # frames in a row without a result: then it is the detector's fault, not theirs


@dataclasses.dataclass(frozen=True)
class VideoReport:
    """What `process_video` wrote; `print` it."""

    path: pathlib.Path
    frames: int
    seconds: float  # of film
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
        return "\n".join(
            [
                f"{self.frames} frames in {self.took:.1f} s: {self.fps:.1f} frames a second; "
                f"sound: {self.sound or 'none'}",
                f"the bottleneck is {self.bottleneck}; at work, of that time: {shares}",
                *[f"{self.resumed} frames had been made before"] * bool(self.resumed),
                *[f"frame {i} has no result: {why}" for i, why in self.failed.items()],
                *["the source breaks off before its end"] * self.cut_off,
            ]
        )


@dataclasses.dataclass
class Frame:
    """A frame on its way through the stages."""

    part: int
    place: int  # in its part, from 0
    time: int  # ticks of the film's clock
    duration: int
    image: np.ndarray | None  # (H, W, 3) uint8; None: made by an earlier run
    raw: Detections | None = None  # found here, or carried here
    found: Detections | None = None  # the same, with track ids
    drawn: np.ndarray | None = None
    problem: str | None = None  # why the detector has no result


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be made of a film: all that a machine must know to make a part of it."""

    src: pathlib.Path
    info: VideoInfo
    size: tuple[int, int]  # (height, width) of the new film
    every: int
    batch_size: int
    zero: int  # when the new film's clock begins, ticks of the source
    starts: tuple[int, ...]  # when each part begins; but for the first, at a key frame
    end: float  # when the last part ends
    frames: int  # how many that makes


def make_plan(src, dst, start=0.0, end=None, every=1, scale=1.0, batch_size=8) -> Plan:
    """Look at a film and cut it into parts; nothing is decoded but a frame. See `process_video`."""
    for name, value in (("batch_size", batch_size), ("every", every)):
        require(value >= 1, f"{name} must be at least 1, got {value}")
    require(0 < scale <= 1, f"scale must be above 0 and at most 1, got {scale}")
    require(start >= 0, f"start must be at least 0, got {start}")
    require(dst.suffix.lower() == ".mp4", f"{dst} must end in .mp4")
    info = video_info(src)
    if dst.exists() and dst.samefile(src):
        raise InputError(f"{dst}: is the film itself; choose another name for the result")
    zero, limit, frames = info.ticks(start), info.ticks(end), 0
    starts, apart = [zero], PART_SECONDS / info.tick
    for tick, is_key in film.frame_times(src):
        if tick is None or zero <= tick < limit:
            frames += 1
            if is_key and tick is not None and tick - starts[-1] >= apart:
                starts.append(tick)
    if len(starts) > 1 and film.entry(src, starts[1]) is None:
        del starts[1:]  # it can only be read from its start
    if not frames:
        raise InputError(f"{src}: holds no frame from second {start:g} to {end or 'the end'}")
    if start == 0:  # then what comes late in the source, sound or picture, stays late
        zero -= round(info.delay / info.tick)
    even = lambda side: max(2, 2 * round(side * scale / 2)) if scale < 1 else side  # noqa: E731
    size = even(info.height), even(info.width)
    return Plan(src, info, size, every, batch_size, zero, tuple(starts), limit, frames)


def process_video(
    src, dst, detector, *, start=0.0, end=None, max_seconds=None, every=1, scale=1.0, batch_size=8,
    track=True, resume=False, progress=True, on_frame=None,
) -> VideoReport:  # fmt: skip
    """Find and draw the objects of a film, frame by frame, into an mp4 with its sound.

    The frames keep their number and their times, also where the rate varies. Rotation is applied,
    the shape of pixels is kept. Sound is copied bit for bit if an mp4 can hold it, else turned into
    AAC; subtitles are left out. Memory does not grow with the film's length.

    Args:
        src, dst: the film, and where to; dst ends in .mp4 and is written whole, or not at all.
        detector: what has `batch(images) -> list[Detections]`; or a function of one frame
            (H, W, 3) uint8, a writable copy, that returns the frame to write, of the same size.
            A frame on which it fails is kept, framed in red and reported; after 8 in a row, the
            error is raised.
        start, end, max_seconds: the piece of the film, seconds from its first frame; None: all.
        every: detect in each so manieth frame of a part; masks are carried to those in between.
        scale: make the film smaller by this factor before anything else; at most 1.
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
        end = min(math.inf if end is None else end, start + max_seconds)
    plan = make_plan(src, dst, start, end, every, scale, batch_size)
    finds = hasattr(detector, "batch")
    require(finds or every == 1, "every needs a detector with batch(images)")
    tracker = Tracker() if track and finds else None
    clock, failed, resumed, count = Clock(), {}, 0, 0
    model = getattr(detector, "name", None), getattr(detector, "score_threshold", None)
    stamp = repr((plan, src.stat().st_mtime, track, model)) if resume else None
    bar = tqdm(total=plan.frames, desc=src.name, unit="frame", disable=not progress, delay=2)
    with bar, parts_folder(dst, stamp) as folder, contextlib.ExitStack() as stack:
        parts = {n: part_file(folder, n) for n in range(len(plan.starts))}
        todo = [n for n in parts if not all(parts[m].exists() for m in range(n + 1))]
        old = follow(recall(folder, range(len(parts) - len(todo))), plan, tracker, clock)
        frames = _ahead(decode(plan, todo, clock), batch_size)
        frames = _ahead(detect(frames, detector, plan, clock), batch_size)
        frames = _ahead(draw(follow(frames, plan, tracker, clock), clock), 4)
        frames = stack.enter_context(contextlib.closing(write(frames, plan, folder, clock, resume)))
        for frame in itertools.chain(old, frames):
            seconds = plan.info.seconds(frame.time)
            if frame.problem:
                failed[count] = frame.problem
            if on_frame:
                on_frame(count, seconds, frame.found)
            count, resumed = count + 1, resumed + (frame.image is None)
            bar.update()
        with clock("join"):
            sound = join(plan, folder, dst)
    last = min(math.inf if x is None else x for x in (end, plan.info.duration))
    cut_off = last < math.inf and seconds < start + 0.9 * (last - start) - 1
    took = time.monotonic() - begun
    return VideoReport(dst, count, seconds - start, took, sound, cut_off, clock, failed, resumed)


def part_file(folder, number, suffix=".mp4") -> pathlib.Path:
    """The file of a part of a film: it is there when the part is finished."""
    return folder / f"{number:05}{suffix}"


def join(plan, folder, dst):
    """Join the parts of a film, add the sound; returns what became of that."""
    paths = {start: part_file(folder, n) for n, start in enumerate(plan.starts)}
    parts = {start: path for start, path in paths.items() if path.exists()}
    return film.join_parts(parts, plan.src, dst, plan.info, plan.zero, plan.end)


@contextlib.contextmanager
def parts_folder(dst, stamp=None):
    """A folder beside `dst` that is gone afterwards; with a stamp, it stays if the block raises."""
    folder = dst.with_name(f"{dst.name}.parts")
    try:
        dst.parent.mkdir(parents=True, exist_ok=True)
        if stamp is None:
            folder = pathlib.Path(tempfile.mkdtemp(prefix=f".{dst.stem}.", dir=dst.parent))
        elif not (folder / "plan").exists() or (folder / "plan").read_text() != stamp:
            shutil.rmtree(folder, ignore_errors=True)  # of another film, or of other wishes
            folder.mkdir()
            (folder / "plan").write_text(stamp)
    except OSError as error:
        raise InputError(f"{dst}: could not be written ({error.strerror})") from None
    try:
        yield folder
        stamp = None
    finally:
        if stamp is None:
            shutil.rmtree(folder, ignore_errors=True)


def _ahead(items, size):
    """Let a thread of its own work through a generator, at most `size` items ahead.

    What is raised there is raised here; when this generator is closed, so is that one.
    """
    pool = ThreadPoolExecutor(1)
    try:
        waiting = deque(pool.submit(next, items, None) for _ in range(size))
        while (item := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(next, items, None))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
        items.close()


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
        frames = film.frames_of(plan.src, plan.info, plan.size, plan.starts[number], last)
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
        for group in [due] if batches else [[frame] for frame in due]:
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
                frame.raw = objects
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
        if frame.place % plan.every and frame.image is not None and last.raw is not None:
            with clock("carry"):
                frame.raw = carry(last.image, frame.image, last.raw)
        with clock("track"):
            known = tracker is None or frame.raw is None
            frame.found = frame.raw if known else tracker.update(frame.raw)
        last = frame
        yield frame


def draw(frames, clock):
    """Draw what was found; frame in red what the detector failed on."""
    for frame in frames:
        with clock("draw"):
            if frame.found is not None:
                frame.drawn = draw_detections(frame.image, frame.found, by_class=True)
            elif frame.drawn is None:
                frame.drawn = frame.image.copy()
                (height, width), red = frame.image.shape[:2], color_of(5)
                line = max(2, min(height, width) // 50)
                cv2.rectangle(frame.drawn, (0, 0), (width - 1, height - 1), red, line)
        yield frame


def write(frames, plan, folder, clock, keep=False):
    """Encode each part into its file; with keep, note beside it what was found."""
    for number, part in itertools.groupby(frames, lambda frame: frame.part):
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(film.create_film(part_file(folder, number)))
            form = plan.info.fps, plan.info.tick, plan.info.pixel_aspect
            writer = film.Writer(out, (*plan.size, 3), *form)
            path = part_file(folder, number, ".jsonl") if keep else os.devnull
            notes = stack.enter_context(open(path, "w"))
            for frame in part:
                with clock("encode"):
                    writer.add(frame.drawn, frame.time - plan.starts[number], frame.duration)
                    notes.write(_note(frame) if keep else "")
                yield frame
            with clock("encode"):
                writer.close()


def _note(frame):
    """What was found in a frame, as a line of JSON; masks as run lengths, column by column."""
    found = frame.raw
    if found is not None:
        codes = found.masks
        if codes is not None:  # (W, H, N), the order in memory that pycocotools wants
            codes = [code["counts"].decode() for code in rle.encode(codes.view(np.uint8).T)]
        found = {**vars(found), "masks": codes}
    record = {"time": frame.time, "found": found, "problem": frame.problem}
    return json.dumps(record, default=np.ndarray.tolist) + "\n"


def recall(folder, parts):
    """The frames of some parts, without their pixels, from the notes on them."""
    for number in parts:
        with part_file(folder, number, ".jsonl").open() as lines:
            for place, line in enumerate(lines):
                record = json.loads(line)
                found, codes = record["found"], record["found"] and record["found"]["masks"]
                if codes is not None:
                    width_height = found["image_size"][::-1]
                    codes = [{"size": width_height, "counts": code} for code in codes]
                    masks = rle.decode(codes).T if codes else []
                    found["masks"] = np.reshape(masks, (len(codes), *found["image_size"]))
                if found:
                    found["categories"] = {int(k): name for k, name in found["categories"].items()}
                    found = Detections(**found)
                problem = record["problem"]
                yield Frame(number, place, record["time"], 0, None, found, problem=problem)
