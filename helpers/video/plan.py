"""What is to be made of a video: checked, and cut into parts that any machine can make.

A part runs from a key frame of the source to another, since decoding can begin only there.
"""

import dataclasses
import math
import pathlib

from helpers.structures import InputError, require
from helpers.video.reading import VideoInfo, frame_times, seek_target, video_info

PART_SECONDS = 10  # a part ends at the first key frame after so much video


@dataclasses.dataclass(frozen=True)
class Plan:
    """All that a machine must know to make a part of a video."""

    src: pathlib.Path
    info: VideoInfo
    size: tuple[int, int]  # (height, width) of the new video
    every: int
    batch_size: int
    zero: int  # when the new video's clock begins, ticks of the source
    starts: tuple[int, ...]  # when each part begins; but for the first, at a key frame
    end: float  # when the last part ends
    frames: int  # how many that makes


def make_plan(src, dst, start=0.0, end=None, every=1, scale=1.0, batch_size=8) -> Plan:
    """Check what is wanted of a video and cut it into parts; arguments as of `process_video`."""
    require(batch_size >= 1, f"batch_size must be at least 1, got {batch_size}")
    require(every >= 1, f"every must be at least 1, got {every}")
    require(0 < scale <= 1, f"scale must be above 0 and at most 1, got {scale}")
    require(start >= 0, f"start must be at least 0, got {start}")
    require(dst.suffix.lower() == ".mp4", f"{dst} must end in .mp4")
    info = video_info(src)
    if dst.exists() and dst.samefile(src):
        raise InputError(f"{dst}: is the video itself; choose another name for the result")
    first, last = info.ticks(start), info.ticks(end)
    starts, num_frames = _cut(src, info, first, last)
    if num_frames == 0:
        raise InputError(f"{src}: holds no frame from second {start:g} to {end or 'the end'}")
    return Plan(
        src=src,
        info=info,
        size=(_scaled(info.height, scale), _scaled(info.width, scale)),
        every=every,
        batch_size=batch_size,
        zero=first if start else info.zero,  # sound and picture keep what they are late by
        starts=tuple(starts),
        end=last,
        frames=num_frames,
    )


def _cut(src, info, first, last):
    """When each part begins, in ticks, and how many frames there are with first <= time < last."""
    starts = [first]
    num_frames = 0
    latest_key = -math.inf
    in_order = True
    for time, is_key in frame_times(src):
        if time is None or first <= time < last:
            num_frames += 1
            if is_key and time and (time - starts[-1]) * info.tick >= PART_SECONDS:
                starts.append(time)
        if time is None or (is_key and time < latest_key):
            in_order = False
        elif is_key:
            latest_key = time
    if len(starts) > 1 and not (in_order and seek_target(src, starts[1]) is not None):
        starts = [first]  # it can only be read from its start
    return starts, num_frames


def _scaled(side, scale):
    """A side in pixels, made smaller: even, and at least 2."""
    if scale == 1:
        return side
    return max(2, 2 * round(side * scale / 2))
