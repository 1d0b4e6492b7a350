"""A video made in parts: planned, kept in a folder until all are there, joined as they are.

A part runs from a key frame of the source to another, so that any machine can make it from there.
"""

import contextlib
import dataclasses
import heapq
import json
import math
import pathlib
import shutil
import tempfile

import av
import numpy as np
from pycocotools import mask as rle

from helpers.structures import Detections, InputError, require
from helpers.video import files

PART_SECONDS = 10  # a part ends at the first key frame after so much video


@dataclasses.dataclass
class Frame:
    """A frame on its way through a video's stages."""

    part: int
    place: int  # in its part, from 0
    time: int  # ticks of the source
    duration: int
    image: np.ndarray | None  # (H, W, 3) uint8; None: it has been made before
    detections: Detections | None = None  # of the detector, or carried here
    tracked: Detections | None = None  # the same, with track ids
    drawn: np.ndarray | None = None
    problem: str | None = None  # why the detector has no result


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be made of a video: all that a machine must know to make a part of it."""

    src: pathlib.Path
    info: files.VideoInfo
    size: tuple[int, int]  # (height, width) of the new video
    every: int
    batch_size: int
    zero: int  # when the new video's clock begins, ticks of the source
    starts: tuple[int, ...]  # when each part begins; but for the first, at a key frame
    end: float  # when the last part ends
    frames: int  # how many that makes


def make_plan(src, dst, start=0.0, end=None, every=1, scale=1.0, batch_size=8) -> Plan:
    """Check what is wanted of a video and cut it into parts; arguments as of `process_video`."""
    for name, value in (("batch_size", batch_size), ("every", every)):
        require(value >= 1, f"{name} must be at least 1, got {value}")
    require(0 < scale <= 1, f"scale must be above 0 and at most 1, got {scale}")
    require(start >= 0, f"start must be at least 0, got {start}")
    require(dst.suffix.lower() == ".mp4", f"{dst} must end in .mp4")
    info = files.video_info(src)
    if dst.exists() and dst.samefile(src):
        raise InputError(f"{dst}: is the video itself; choose another name for the result")
    zero, limit, frames = info.ticks(start), info.ticks(end), 0
    starts, latest, jumps = [zero], -math.inf, False
    for time, is_key in files.frame_times(src):
        if time is None or zero <= time < limit:
            frames += 1
            if is_key and time and (time - starts[-1]) * info.tick >= PART_SECONDS:
                starts.append(time)
        jumps |= time is None or is_key and time < latest
        latest = time if is_key and not jumps else latest
    if not frames:
        raise InputError(f"{src}: holds no frame from second {start:g} to {end or 'the end'}")
    if len(starts) > 1 and (jumps or files.entry(src, starts[1]) is None):
        del starts[1:]  # it can only be read from its start
    zero = zero if start else info.zero  # sound and picture keep what they are late by
    even = lambda side: max(2, 2 * round(side * scale / 2)) if scale < 1 else side  # noqa: E731
    size = even(info.height), even(info.width)
    return Plan(src, info, size, every, batch_size, zero, tuple(starts), limit, frames)


def part_file(folder, number, suffix=".mp4") -> pathlib.Path:
    """The file of a part of a video: it is there when the part is finished."""
    return pathlib.Path(folder) / f"{number:05}{suffix}"


@contextlib.contextmanager
def parts_folder(dst, stamp=None):
    """A folder beside `dst` that is gone afterwards; with a stamp, it stays if the block raises."""
    folder = dst.with_name(f"{dst.name}.parts")
    try:
        dst.parent.mkdir(parents=True, exist_ok=True)
        if stamp is None:
            folder = pathlib.Path(tempfile.mkdtemp(prefix=f".{dst.stem}.", dir=dst.parent))
        elif not (folder / "plan").exists() or (folder / "plan").read_text() != stamp:
            shutil.rmtree(folder, ignore_errors=True)  # of another video, or of other wishes
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


def note(frame):
    """What was found in a frame, as a line of JSON; masks as run lengths, column by column."""
    found = frame.detections
    if found is not None:
        codes = found.masks
        if codes is not None:  # pycocotools wants (W, H, N), which as a rule is a view
            codes = rle.encode(np.asfortranarray(codes.view(np.uint8).T))
            codes = [code["counts"].decode() for code in codes]
        found = {**vars(found), "masks": codes}
    record = {"time": frame.time, "found": found, "problem": frame.problem}
    return json.dumps(record, default=np.ndarray.tolist) + "\n"


def recall(folder, parts, suffix=".jsonl"):
    """The frames of some parts, without their pixels, from the notes on them."""
    for number in parts:
        with part_file(folder, number, suffix).open() as lines:
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


def join_parts(plan, folder, dst) -> str | None:
    """Put the parts after one another into `dst`, with the sound of the source.

    Returns:
        What became of the sound: "copied", "as AAC", or None if there is none.
    """
    parts = {start: part_file(folder, number) for number, start in enumerate(plan.starts)}
    parts = {start: path for start, path in parts.items() if path.exists()}
    if not parts:  # frames are announced, but damaged
        raise InputError(f"{plan.src}: no frame there can be read; copy it again")
    tick = plan.info.tick
    with files.open_video(plan.src) as (source, _), files.create_video(dst) as out:
        with av.open(str(next(iter(parts.values())))) as part:
            stream = out.add_stream_from_template(part.streams.video[0])
        cut = plan.zero > plan.info.begin
        how, sound = files.sound_of(source, out, plan.zero * tick, plan.end * tick, cut)
        pictures = _pictures(parts, stream, plan)
        for packet in heapq.merge(pictures, sound, key=lambda piece: piece.dts * piece.time_base):
            with contextlib.suppress(*[av.InvalidDataError] * (packet.stream is not stream)):
                out.mux(packet)
    return how


def _pictures(parts, stream, plan):
    """The compressed frames of all parts {when it begins: file}, timed for the joined video."""
    lowest = -math.inf
    for start, path in parts.items():
        with av.open(str(path)) as part:
            for packet in (packet for packet in part.demux(video=0) if packet.size):
                shift = round((start - plan.zero) * plan.info.tick / packet.time_base)
                # a part may want to be decoded before the one before it has ended
                lowest = max(packet.dts + shift, lowest + 1)
                packet.pts, packet.dts, packet.stream = packet.pts + shift, lowest, stream
                yield packet
