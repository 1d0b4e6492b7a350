"""A video through a detector: decode, detect, track and draw, encode, each in a thread of its own.

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

from helpers.drawing import LabelMemory, color_of, draw_detections
from helpers.structures import require
from helpers.video.motion import carry
from helpers.video.parts import (
    Frame,
    frames_from_notes,
    join_parts,
    part_file,
    parts_folder,
    to_note,
)
from helpers.video.plan import make_plan
from helpers.video.reading import timed_frames
from helpers.video.tracks import Tracker
from helpers.video.writing import PictureTrack, create_video

GIVE_UP = 8  # frames in a row without a result: then it is the detector's fault, not theirs
DRAWN_AHEAD = 4  # frames that wait to be encoded


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
        shares = [f"{name} {t / self.took:.0%}" for name, t in self.stages.items()]
        lines = [
            f"{self.frames} frames in {self.took:.1f} s: {self.fps:.1f} frames a second",
            f"the bottleneck is {self.bottleneck}; at work, of that time: {', '.join(shares)}",
            f"sound: {self.sound or 'none'}",
        ]
        if self.resumed:
            lines.append(f"{self.resumed} frames had been made before")
        for index, reason in self.failed.items():
            lines.append(f"frame {index} has no result: {reason}")
        if self.cut_off:
            lines.append("the source breaks off before its end")
        return "\n".join(lines)


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
    begun = time.monotonic()
    src, dst = pathlib.Path(src).expanduser(), pathlib.Path(dst).expanduser()
    if max_seconds is not None:
        stop = start + max_seconds
        end = stop if end is None else min(end, stop)
    plan = make_plan(src, dst, start, end, every, scale, batch_size)
    is_detector = hasattr(detector, "batch")
    require(is_detector or every == 1, "every needs a detector with batch(images)")
    tracker = Tracker() if track and is_detector else None
    stamp = _stamp(plan, detector, track) if resume else None

    clock = Clock()
    failed = {}
    count, resumed = 0, 0
    seconds = start
    bar = tqdm(total=plan.frames, desc=src.name, unit="frame", disable=not progress, delay=2)
    with bar, parts_folder(dst, stamp) as folder:
        numbers = range(len(plan.starts))
        num_done = _count_finished(folder, numbers)
        notes = frames_from_notes(folder, numbers[:num_done])
        old = track_frames(notes, plan, tracker, clock)
        new = make_parts(plan, folder, numbers[num_done:], detector, tracker, clock, keep=resume)
        with contextlib.closing(new):
            for frame in itertools.chain(old, new):
                seconds = plan.info.seconds(frame.time)
                if frame.problem:
                    failed[count] = frame.problem
                if on_frame:
                    on_frame(count, seconds, frame.tracked)
                count += 1
                if frame.image is None:
                    resumed += 1
                bar.update()
        with clock("join"):
            sound = join_parts(plan, folder, dst)
    length = plan.info.duration or 0
    wanted_seconds = min(length, end or length) - start
    return VideoReport(
        path=dst,
        frames=count,
        seconds=seconds - start,
        took=time.monotonic() - begun,
        sound=sound,
        cut_off=seconds < start + 0.9 * wanted_seconds - 1,
        stages=clock,
        failed=failed,
        resumed=resumed,
    )


def _stamp(plan, detector, track):
    """What is wanted of a video, as text: only parts of the same wishes are taken up again."""
    name = getattr(detector, "name", None)
    threshold = getattr(detector, "score_threshold", None)
    kept = getattr(detector, "kept", None)
    return repr((plan, plan.src.stat().st_mtime, name, threshold, kept, track))


def _count_finished(folder, numbers):
    """How many parts are there, from the first on without a gap."""
    for number in numbers:
        if not part_file(folder, number).exists():
            return number
    return len(numbers)


def make_parts(plan, folder, numbers, detector, tracker, clock, keep=False):
    """Make some parts of a video in a row; yields each `Frame` when it is written."""
    with contextlib.ExitStack() as stack:
        frames = decode(plan, numbers, clock)
        frames = detect(_ahead(stack, frames, plan.batch_size), detector, plan, clock)
        frames = track_frames(_ahead(stack, frames, plan.batch_size), plan, tracker, clock)
        frames = draw(frames, clock)
        yield from write(_ahead(stack, frames, DRAWN_AHEAD), plan, folder, clock, keep)


def _ahead(stack, items, size):
    """What a generator yields, while a thread of its own works `size` items ahead.

    What is raised there is raised here; when the stack ends, so do the thread and the generator.
    """
    pool = ThreadPoolExecutor(1)
    stack.callback(items.close)
    stack.callback(pool.shutdown, cancel_futures=True)

    def results():
        waiting = deque(pool.submit(next, items, None) for _ in range(size))
        while True:
            item = waiting.popleft().result()
            if item is None:
                return
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
        is_last = number + 1 == len(plan.starts)
        end = plan.end if is_last else plan.starts[number + 1]
        frames = timed_frames(plan.src, plan.info, plan.size, plan.starts[number], end)
        for place in itertools.count():
            with clock("decode"):
                item = next(frames, None)
            if item is None:
                break
            tick, duration, image = item
            yield Frame(number, place, tick, duration, image)


def detect(frames, detector, plan, clock):
    """Ask the detector about each k-th frame of a part, k = every."""
    num_failed = 0  # in a row
    while True:
        batch = list(itertools.islice(frames, plan.batch_size))
        if not batch:
            return
        due = [frame for frame in batch if frame.place % plan.every == 0]
        error = None
        if hasattr(detector, "batch"):
            if due:
                with clock("detect"):
                    error = _detect_batch(detector, due)
        else:
            for frame in due:
                with clock("detect"):
                    error = _apply(detector, frame)
        for frame in due:
            num_failed = num_failed + 1 if frame.problem else 0
        if num_failed >= GIVE_UP:
            raise error
        yield from batch


def _detect_batch(detector, frames):
    """Note what the detector says of some frames; returns the last one's error, or None.

    When it raises, it is asked about one frame at a time: one must not spoil the others.
    """
    try:
        answers = detector.batch([frame.image for frame in frames])
        for frame, detections in zip(frames, answers, strict=True):
            frame.detections = detections
    except Exception as error:
        if len(frames) == 1:
            frames[0].problem = f"{type(error).__name__}: {error}"
            return error
        errors = [_detect_batch(detector, [frame]) for frame in frames]
        return errors[-1]
    return None


def _apply(function, frame):
    """Let a function of one image draw a frame; returns its error, or None."""
    wanted = f"{frame.image.shape} uint8"
    try:
        drawn = function(frame.image)
        kind = getattr(drawn, "dtype", type(drawn).__name__)
        given = f"{getattr(drawn, 'shape', '')} {kind}".strip()
        require(given == wanted, f"the frame that it returns must be {wanted}, got {given}")
        frame.drawn = drawn
    except Exception as error:
        frame.problem = f"{type(error).__name__}: {error}"
        return error
    return None


def track_frames(frames, plan, tracker, clock):
    """Carry masks to the frames between detections, and say who is who; tracker may be None."""
    previous = None
    for frame in frames:
        is_between = frame.place % plan.every != 0
        if is_between and frame.image is not None and previous.detections is not None:
            with clock("carry"):
                frame.detections = carry(previous.image, frame.image, previous.detections)
        with clock("track"):
            if tracker is None or frame.detections is None:
                frame.tracked = frame.detections
            else:
                frame.tracked = tracker.update(frame.detections)
        previous = frame
        yield frame


def draw(frames, clock):
    """Draw what was found; frame in red what the detector failed on."""
    memory = LabelMemory()
    for frame in frames:
        if frame.place == 0:  # another part: any machine must draw it alike
            memory = LabelMemory()
        with clock("draw"):
            if frame.tracked is not None:
                frame.drawn = draw_detections(
                    frame.image, frame.tracked, by_class=True, label_memory=memory
                )
            elif frame.drawn is None:
                frame.drawn = _framed_in_red(frame.image)
        yield frame


def _framed_in_red(image):
    """A copy of an image (H, W, 3) with a red frame."""
    image = image.copy()
    height, width = image.shape[:2]
    red = color_of(5)
    line = max(2, min(height, width) // 50)
    cv2.rectangle(image, (0, 0), (width - 1, height - 1), red, line)
    return image


def write(frames, plan, folder, clock, keep=False):
    """Encode each part into its file; with keep, note beside it what was found."""
    for number, part in itertools.groupby(frames, lambda frame: frame.part):
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(create_video(part_file(folder, number)))
            shape = (*plan.size, 3)
            pictures = PictureTrack(
                out, shape, plan.info.fps, plan.info.tick, plan.info.pixel_aspect
            )
            if keep:
                notes = stack.enter_context(part_file(folder, number, ".jsonl").open("w"))
            for frame in part:
                with clock("encode"):
                    pictures.add(frame.drawn, frame.time - plan.starts[number], frame.duration)
                    if keep:
                        notes.write(to_note(frame))
                yield frame
            with clock("encode"):
                pictures.close()
