"""Video files to frames, with their times and their orientation.

All of it is read by PyAV (FFmpeg's libraries in Python). A frame's time is an exact count of the
file's own clock, in ticks, so a video of variable frame rate keeps every frame where it was.
Whatever is read comes out in order, up to where a damaged file breaks off.
"""

import contextlib
import dataclasses
import math
import pathlib
from fractions import Fraction

import av
import numpy as np

from helpers.structures import InputError
from helpers.video.colours import to_rgb


@dataclasses.dataclass(frozen=True)
class VideoInfo:
    """What a video file says about itself."""

    width: int  # pixels, as shown: upright
    height: int
    fps: Fraction
    num_frames: int | None  # what it claims; None: nothing
    duration: float | None  # seconds
    rotation: int  # degrees counterclockwise that make the stored picture upright
    pixel_aspect: Fraction  # width of a pixel over its height: 1, but for old discs
    has_audio: bool
    tick: Fraction  # seconds
    begin: int  # of the first frame, ticks
    zero: int  # of whatever comes first, frame or sound

    def seconds(self, time) -> float:
        """From ticks of the video's clock to seconds after its first frame."""
        return float((time - self.begin) * self.tick)

    def ticks(self, seconds) -> float:
        """The first tick that is not before so many seconds; None: never."""
        if seconds is None:
            return math.inf
        return self.begin + math.ceil(seconds / self.tick - 1e-3)


def video_info(path) -> VideoInfo:
    """Describe a video file; its first frame is decoded for it.

    Raises:
        InputError: the file is missing, no video, or without a readable frame; one line.
    """
    with open_video(path) as (source, stream):
        frame = next(_decoded_frames(source, stream), None)
        if frame is None:
            raise InputError(f"{path}: holds no frame that can be read; copy it again")
        tick = stream.time_base
        width, height = frame.width, frame.height
        pixel_aspect = stream.sample_aspect_ratio or Fraction(1)
        if frame.rotation % 180:
            width, height = height, width
            pixel_aspect = 1 / pixel_aspect

        duration = None
        if stream.duration:
            duration = float(stream.duration * tick)
        elif source.duration:
            duration = source.duration / av.time_base
        begin = stream.start_time or 0
        first_of_all = round((source.start_time or 0) / av.time_base / tick)
        return VideoInfo(
            width=width,
            height=height,
            fps=stream.average_rate or stream.guessed_rate or Fraction(25),
            num_frames=stream.frames or None,
            duration=duration,
            rotation=frame.rotation,
            pixel_aspect=pixel_aspect,
            has_audio=bool(source.streams.audio),
            tick=tick,
            begin=begin,
            zero=min(begin, first_of_all),
        )


def read_frames(path, start=0.0, max_seconds=None):
    """The frames of a video, one after another, upright.

    Args:
        path: a video file.
        start, max_seconds: where to begin, and how much to read from there; None: all.

    Yields:
        (H, W, 3) uint8 RGB, each a new writable array.

    Raises:
        InputError: as of `video_info`.
    """
    info = video_info(path)
    end = None if max_seconds is None else start + max_seconds
    size = info.height, info.width
    for _, _, image in timed_frames(path, info, size, info.ticks(start), info.ticks(end)):
        yield image


def play(path, width=640):
    """A video as a notebook cell's output, stored in the notebook: keep it to a few MB."""
    from IPython.display import Video

    return Video(str(path), embed=True, width=width, html_attributes="controls loop")


@contextlib.contextmanager
def open_video(path):
    """Open a video file.

    Yields:
        PyAV's container, and its stream of pictures.

    Raises:
        InputError: the file is missing or no video.
    """
    path = pathlib.Path(path).expanduser()
    try:  # an absolute path is never taken for a web address, nor does a play list lead to one
        source = av.open(str(path.resolve()), options={"protocol_whitelist": "file"})
    except av.FFmpegError as error:
        is_empty = path.is_file() and path.stat().st_size == 0
        reason = "it is empty" if is_empty else error.strerror
        problem = f"is no video that can be read ({reason})"
        raise InputError(f"{path}: {problem}; copy it again") from None
    with source:
        if source.format.name.endswith("_pipe") or source.format.name == "image2":
            raise InputError(f"{path}: is a picture; give it where pictures are wanted")
        stream = _first_moving_picture(source)
        if stream is None or stream.codec_context is None:
            raise InputError(f"{path}: holds no moving picture; convert it to mp4 if it should")
        stream.thread_type = "AUTO"
        yield source, stream


def _first_moving_picture(source):
    """The first stream of pictures that is not the cover of a music file, or None."""
    for stream in source.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    return None


def frame_times(path):
    """Yields (tick or None, is it a key frame?) of every frame as stored; none is decoded."""
    with open_video(path) as (source, stream):
        for packet in packets(source, stream):
            if packet.size:
                yield packet.dts if packet.pts is None else packet.pts, packet.is_keyframe


def seek_target(path, time):
    """Where to seek so that decoding begins at tick `time` or before; None: only at the start."""
    with open_video(path) as (source, stream), contextlib.suppress(av.FFmpegError):
        a_second_before = time - math.ceil(1 / stream.time_base)
        for target in (time, a_second_before):
            source.seek(target, stream=stream)
            frame = next(_decoded_frames(source, stream), None)
            if frame is not None and frame.pts is not None and frame.pts <= time:
                return target
    return None


def timed_frames(path, info, size, first, last):
    """The frames of a piece of a video, upright, with their times.

    Args:
        path, info: a video file and its `video_info`.
        size: (height, width) of the images.
        first, last: ticks; frames with first <= time < last are read.

    Yields:
        Time and duration in ticks, and the image (H, W, 3) uint8 RGB.
    """
    from_the_start = first <= info.begin
    target = None if from_the_start else seek_target(path, first)
    usual_duration = max(1, round(1 / (info.fps * info.tick)))
    expected = info.begin  # the time of a frame that has none
    with open_video(path) as (source, stream):
        if target is not None:
            source.seek(target, stream=stream)
        for frame in _decoded_frames(source, stream):
            time = expected if frame.pts is None else frame.pts
            duration = frame.duration or usual_duration
            expected = time + duration
            if time >= last:
                return
            if time >= first or from_the_start:
                yield time, duration, _upright(frame, size)


def _upright(frame, size):
    """PyAV's frame as an image of `size` (height, width), turned as the file asks for."""
    height, width = size
    if frame.rotation % 180:
        height, width = width, height
    return np.ascontiguousarray(np.rot90(to_rgb(frame, width, height), frame.rotation // 90 % 4))


def _decoded_frames(source, stream):
    """PyAV's frames of an open video."""
    for packet in packets(source, stream):
        yield from decode_packet(packet)


def packets(source, stream):
    """The compressed pieces of a stream in file order, up to where the file is damaged."""
    # An IndexError comes of damage that looks like a new stream.
    with contextlib.suppress(av.FFmpegError, IndexError):
        yield from source.demux(stream)


def decode_packet(packet):
    """The frames that a compressed piece completes; none if it is damaged."""
    with contextlib.suppress(av.FFmpegError):
        return packet.decode()
    return []
