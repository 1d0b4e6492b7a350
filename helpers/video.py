"""A film through a detector: decode, detect, follow, draw and encode, each in a thread of its own.

Between two of them a few frames wait in a queue, so the whole goes at the pace of the slowest, and
memory does not grow with the film's length. What reads and writes the files is in `helpers.film`.
"""

import bisect
import contextlib
import dataclasses
import itertools
import json
import math
import pathlib
import queue
import shutil
import tempfile
import threading
import time

import cv2
import numpy as np
from tqdm.auto import tqdm

from helpers.drawing import color_of, draw_detections
from helpers.film import (
    Cuts,
    VideoInfo,
    Writer,
    create_film,
    cut_film,
    frames_of,
    join_parts,
    play,
    read_frames,
    video_info,
    write_video,
)  # fmt: skip
from helpers.pictures import replacing
from helpers.structures import Detections, InputError, require
from helpers.tracks import Tracker, carry

__all__ = ["VideoReport", "play", "process_video", "read_frames", "video_info", "write_video"]
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
    stages: dict[str, float]  # seconds that each stage worked; they work at the same time
    failed: tuple[tuple[int, str], ...] = ()  # (frame, why it has no result)
    resumed: int = 0  # frames that an earlier, stopped run had made

    @property
    def fps(self) -> float:
        """Frames made a second."""
        return (self.frames - self.resumed) / self.took

    @property
    def bottleneck(self) -> str:
        """The stage that worked longest: making another one faster changes nothing."""
        return max(self.stages, key=self.stages.get)

    def __str__(self):
        busy = ", ".join(f"{name} {t / self.took:.0%}" for name, t in self.stages.items())
        lines = [
            f"{self.frames} frames ({self.seconds:.1f} s of film) in {self.took:.1f} s: "
            f"{self.fps:.1f} frames a second; sound: {self.sound or 'none'}",
            f"the bottleneck is {self.bottleneck}; at work were {busy} of the time",
        ]
        lines += [f"{self.resumed} frames were there already"] * bool(self.resumed)
        lines += [f"frame {index} has no result: {why}" for index, why in self.failed]
        return "\n".join(lines + ["the source breaks off before its end"] * self.cut_off)


@dataclasses.dataclass
class Frame:
    """A frame on its way through the stages."""

    part: int  # number of the part of the film that it belongs to
    place: int  # in this part, from 0
    tick: int  # when it is shown
    duration: int
    image: np.ndarray  # (H, W, 3) uint8
    raw: Detections | None = None  # found here, or carried here
    found: Detections | None = None  # the same, with track ids
    drawn: np.ndarray | None = None
    problem: str | None = None  # why the detector has no result


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be made of a film: all that a machine must know to make a part of it."""

    src: pathlib.Path
    info: VideoInfo
    cuts: Cuts
    size: tuple[int, int]  # (height, width) of the new film
    every: int
    batch_size: int
    keep: bool  # what was found in a part is kept beside it


def make_plan(src, dst, start=0.0, end=None, every=1, scale=1.0, batch_size=8, keep=False) -> Plan:
    """Look at a film and check what is wanted of it; arguments and errors as of `process_video`."""
    for name, value in (("batch_size", batch_size), ("every", every)):
        require(value >= 1, f"{name} must be at least 1, got {value}")
    require(0 < scale <= 1, f"scale must be above 0 and at most 1, got {scale}")
    require(start >= 0, f"start must be at least 0, got {start}")
    require(dst.suffix.lower() == ".mp4", f"{dst} must end in .mp4")
    src = pathlib.Path(src).expanduser()
    info = video_info(src)
    if dst.exists() and dst.samefile(src):
        raise InputError(f"{dst}: is the film itself; choose another name for the result")
    even = lambda side: max(2, 2 * round(side * scale / 2)) if scale < 1 else side  # noqa: E731
    size = even(info.height), even(info.width)
    return Plan(src, info, cut_film(src, start, end), size, every, batch_size, keep)


def part_file(folder, number, suffix=".mp4") -> pathlib.Path:
    """The file of a part of a film: it is there when the part is finished."""
    return pathlib.Path(folder) / f"{number:05}{suffix}"


def process_video(
    src, dst, detector, *, start=0.0, end=None, max_seconds=None, every=1, scale=1.0, batch_size=8,
    track=True, resume=False, progress=True, on_frame=None,
) -> VideoReport:  # fmt: skip
    """Find and draw the objects of a film, frame by frame, into an mp4 with its sound.

    The frames keep their number and their times, also where the rate varies. Rotation is applied,
    the shape of pixels is kept. Sound is copied bit for bit if an mp4 can hold it, else turned into
    AAC; subtitles are left out. Memory does not grow with the film's length.

    The film is made in parts of about ten seconds in a folder beside dst, and joined at the end.

    Args:
        src, dst: the film, and where to; dst ends in .mp4 and is written whole, or not at all.
        detector: what has `batch(images) -> list[Detections]`; or a function of one frame
            (H, W, 3) uint8, a writable copy, that returns the frame to write, of the same size.
            A frame where it raises is kept, marked and reported; after 8 in a row the error is
            raised.
        start, end, max_seconds: the piece of the film, seconds from its first frame; None: all.
        every: detect in each so manieth frame of a part; masks are carried to those in between.
        scale: make the film smaller by this factor before anything else; at most 1.
        batch_size: frames given to the detector at a time.
        track: give each object a number and a colour that it keeps.
        resume: go on where an earlier run with resume=True was stopped or killed. Its finished
            parts, each a film that plays, lie in the folder dst + ".parts" until all is done.
        progress: show a bar if it takes over two seconds.
        on_frame: called with (index, seconds, Detections or None) for each frame, in order.

    Raises:
        InputError: as of `video_info`; dst is src, or cannot be written; there is no frame
            between start and end.
    """
    begun, dst = time.monotonic(), pathlib.Path(dst).expanduser()
    if max_seconds is not None:
        end = start + max_seconds if end is None else min(end, start + max_seconds)
    finds = hasattr(detector, "batch")
    require(every == 1 or finds, "every needs a detector with batch(images)")
    plan = make_plan(src, dst, start, end, every, scale, batch_size, keep=resume)
    cuts, clock, failed, count, resumed = plan.cuts, Clock(), [], 0, 0
    tracker = Tracker() if track and finds else None
    model = [getattr(detector, name, None) for name in ("name", "score_threshold")]
    settings = [repr(plan), plan.src.stat().st_mtime_ns, *model, track]
    bar = tqdm(total=cuts.frames, desc=plan.src.name, unit="frame", disable=not progress, delay=2)
    with bar, _folder(dst, settings, resume) as folder:
        numbers = range(len(cuts.starts))
        done = next((n for n in numbers if not part_file(folder, n).exists()), len(numbers))
        frames = _pipeline(plan, folder, numbers[done:], detector, tracker, clock)
        old = follow(recall(folder, numbers[:done]), plan, tracker, clock)
        with contextlib.closing(frames):
            for frame in itertools.chain(old, frames):
                seconds = cuts.seconds(frame.tick)
                failed += [(count, frame.problem)] if frame.problem else []
                if on_frame:
                    on_frame(count, seconds, frame.found)
                count, resumed = count + 1, resumed + (frame.image is None)
                bar.update()
        with clock("join"):
            paths = {n: part_file(folder, n) for n in numbers if part_file(folder, n).exists()}
            sound = join_parts(paths, cuts, plan.src, dst)
    last = min(math.inf if x is None else x for x in (end, plan.info.duration))
    cut_off = last < math.inf and seconds < start + 0.9 * (last - start) - 1
    took, stages = time.monotonic() - begun, dict(clock)
    return VideoReport(
        dst, count, seconds - start, took, sound, cut_off, stages, tuple(failed), resumed
    )


@contextlib.contextmanager
def _folder(dst, settings, resume):
    """The folder of the parts: a hidden one that is gone afterwards, or one to resume from."""
    try:
        dst.parent.mkdir(parents=True, exist_ok=True)
        if not resume:
            folder = pathlib.Path(tempfile.mkdtemp(prefix=f".{dst.stem}.", dir=dst.parent))
        else:
            folder, wanted = dst.with_name(dst.name + ".parts"), json.dumps(settings)
            stamp = folder / "settings.json"
            if (
                not stamp.exists() or stamp.read_text() != wanted
            ):  # of another film, or other wishes
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                stamp.write_text(wanted)
    except OSError as error:
        raise InputError(f"{dst}: could not be written ({error.strerror})") from None
    try:
        yield folder
        resume = False
    finally:
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)


def _pipeline(plan, folder, parts, detector, tracker, clock):
    """Make some parts, in order; yields each frame when it is written."""
    frames = _ahead(decode(plan, parts, clock), plan.batch_size)
    frames = _ahead(detect(frames, detector, plan, clock), plan.batch_size)
    frames = _ahead(draw(follow(frames, plan, tracker, clock), clock), 4)
    with contextlib.closing(frames):
        yield from write(frames, plan, folder, clock)


def _ahead(items, size):
    """Let a thread of its own work through a generator, at most `size` items ahead.

    What is raised there is raised here; when this generator is closed, so is that one.
    """
    ready, stopped, end = queue.Queue(size), threading.Event(), object()

    def work():
        error = None
        try:
            with contextlib.closing(items):
                for item in items:
                    ready.put((item, None))
                    if stopped.is_set():
                        return
        except BaseException as caught:  # Ctrl-C, too, if the detector gets it
            error = caught
        ready.put((end, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error:
                raise error
            if item is end:
                return
            yield item
    finally:
        stopped.set()
        while thread.is_alive():  # it may wait for room
            with contextlib.suppress(queue.Empty):
                ready.get(timeout=0.02)


class Clock(dict):
    """Adds up seconds by name: `with clock("draw"): ...`."""

    @contextlib.contextmanager
    def __call__(self, name):
        begun = time.perf_counter()
        try:
            yield
        finally:
            self[name] = self.get(name, 0) + time.perf_counter() - begun


def decode(plan, parts, clock):
    """First stage: the frames of some parts in a row."""
    if not parts:
        return
    starts, place = plan.cuts.starts, 0
    first = starts[parts[0]] if starts[parts[0]] > plan.cuts.begin else None
    end = starts[parts[-1] + 1] if parts[-1] + 1 < len(starts) else plan.cuts.end
    frames, part = frames_of(plan.src, first, end, plan.size), parts[0]
    with contextlib.closing(frames):
        while True:
            with clock("decode"):
                item = next(frames, None)
            if item is None:
                return
            number = max(part, bisect.bisect_right(starts, item[0]) - 1)
            place, part = (0 if number > part else place), number
            yield Frame(part, place, *item)
            place += 1


def detect(frames, detector, plan, clock):
    """Ask the detector about each k-th frame of a part, k = every."""
    batches, streak, total = hasattr(detector, "batch"), 0, 0
    while batch := list(itertools.islice(frames, plan.batch_size)):
        due = [frame for frame in batch if frame.place % plan.every == 0]
        for group in [due] * bool(due) if batches else [[frame] for frame in due]:
            with clock("detect"):
                error = _ask(detector, group, batches)
        for frame in due:
            streak, total = streak + 1 if frame.problem else 0, total + 1
        if streak >= GIVE_UP:
            raise error
        yield from batch
    if streak and streak == total:
        raise error


def _ask(detector, frames, batches):
    """Note what the detector says of some frames; returns the last one's error, or None.

    When it raises, the frames are asked about one by one: one must not spoil the others.
    """
    try:
        if batches:
            found = detector.batch([frame.image for frame in frames])
            for frame, objects in zip(frames, found, strict=True):
                frame.raw = objects
        else:
            frames[0].drawn = detector(frames[0].image)
    except Exception as error:
        if len(frames) > 1:
            return [_ask(detector, [frame], batches) for frame in frames][-1]
        frames[0].problem = f"{type(error).__name__}: {error}"
        return error


def follow(frames, plan, tracker, clock):
    """Carry masks to the frames between detections, and say who is who."""
    last = None
    for frame in frames:
        between = frame.place % plan.every and frame.image is not None
        if between and last.raw is not None:
            with clock("carry"):
                frame.raw = carry(last.image, frame.image, last.raw)
        with clock("track"):
            follows = tracker is not None and frame.raw is not None
            frame.found = tracker.update(frame.raw) if follows else frame.raw
        last = frame
        yield frame


def draw(frames, clock):
    """Draw what was found; mark a frame that the detector failed on."""
    for frame in frames:
        with clock("draw"):
            if frame.found is not None:
                frame.drawn = draw_detections(frame.image, frame.found, by_class=True)
            elif frame.problem:
                frame.drawn, (height, width) = frame.image.copy(), frame.image.shape[:2]
                color, line = color_of(5), max(2, min(height, width) // 60)
                cv2.rectangle(frame.drawn, (0, 0), (width - 1, height - 1), color, line)
            elif frame.drawn is None:
                frame.drawn = frame.image
        yield frame


def write(frames, plan, folder, clock):
    """Last stage: encode each part into a file, which appears when it is whole."""
    info, tick = plan.info, plan.cuts.time_base
    for number, frames_of_part in itertools.groupby(frames, key=lambda frame: frame.part):
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(create_film(part_file(folder, number)))
            shape = (*plan.size, 3)
            writer = Writer(out, shape, info.fps, tick, info.pixel_aspect)
            keep = stack.enter_context(_notes(folder, number)) if plan.keep else None
            for frame in frames_of_part:
                with clock("encode"):
                    start = plan.cuts.starts[number]
                    writer.add(frame.drawn, frame.tick - start, frame.duration)
                    if keep:
                        keep(frame)
                yield frame
            writer.close()


@contextlib.contextmanager
def _notes(folder, number):
    """What was found in a part, in a file of JSON lines; gives the function that adds a frame."""
    with replacing(part_file(folder, number, ".jsonl")) as part, open(part, "w") as file:
        yield lambda frame: file.write(json.dumps(_record(frame)) + "\n")


def _record(frame):
    """A frame without its pixels; masks as run lengths, column for row, which needs no copy."""
    from pycocotools import mask as rle

    found, record = frame.raw, {"tick": frame.tick, "problem": frame.problem}
    if found is None:
        return record
    names = ("boxes", "labels", "scores")
    record |= {name: getattr(found, name).tolist() for name in names}
    if found.masks is not None:
        codes = rle.encode(np.ascontiguousarray(found.masks).view(np.uint8).transpose(2, 1, 0))
        record["masks"] = [code["counts"].decode("ascii") for code in codes]
    return {**record, "image_size": found.image_size, "categories": found.categories}


def recall(folder, numbers):
    """The frames of finished parts, without their pixels, as the function of `_notes` got them."""
    from pycocotools import mask as rle

    for number in numbers:
        for place, line in enumerate(part_file(folder, number, ".jsonl").open()):
            record = json.loads(line)
            frame = Frame(number, place, record.pop("tick"), 0, None, problem=record.pop("problem"))
            if record:
                size, codes = record["image_size"][::-1], record.pop("masks", None)
                if codes is not None:
                    masks = rle.decode([{"size": size, "counts": code} for code in codes])
                    record["masks"] = masks.transpose(2, 1, 0).view(bool)
                record["categories"] = {int(k): v for k, v in record["categories"].items()}
                frame.raw = Detections(**record)
            yield frame
