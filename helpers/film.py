"""Film files: frames in, frames out, with their times, their orientation and their sound.

All of it is read and written by PyAV (FFmpeg's libraries in Python). A frame's time is an exact
count of the file's own clock, in ticks, so a film of variable frame rate keeps every frame where
it was. A film is made in parts, each from a key frame to another, which are joined as they are.
"""

import contextlib
import dataclasses
import heapq
import itertools
import math
import pathlib
from fractions import Fraction

import av
import numpy as np

from helpers.pictures import replacing
from helpers.structures import InputError, require

COPIED = ("aac", "mp3", "opus", "flac")  # sound that an mp4 holds and browsers play; else AAC
BT709, LIMITED = 1, 1  # FFmpeg's numbers of the colours that players expect: HD's, range 16..235
# The number of threads changes the result a little: a fixed one gives the same bits everywhere.
X264 = {"crf": "20", "preset": "veryfast", "threads": "4"}


@dataclasses.dataclass(frozen=True)
class VideoInfo:
    """What a film file says about itself."""

    width: int  # pixels, as shown: upright
    height: int
    fps: Fraction
    num_frames: int | None  # what it claims; None: nothing
    duration: float | None  # seconds
    rotation: int  # degrees counterclockwise that make the stored picture upright
    pixel_aspect: Fraction  # width of a pixel over its height: 1, but for old discs
    has_audio: bool
    tick: Fraction  # seconds from one count of its clock to the next
    begin: int  # what the clock shows at the first frame, ticks
    delay: float  # seconds that the first frame comes after the first sound, if it does

    def seconds(self, time) -> float:
        """From the clock's ticks to seconds after the first frame."""
        return float((time - self.begin) * self.tick)

    def ticks(self, seconds) -> float:
        """The first tick that is not before so many seconds; None: never."""
        after = lambda: math.ceil((seconds - 1e-6) / self.tick)  # noqa: E731
        return math.inf if seconds is None else self.begin + after()


def video_info(path) -> VideoInfo:
    """Describe a film file; its first frame is decoded for it.

    Raises:
        InputError: the file is missing, no film, or without a readable frame; one line.
    """
    with open_film(path) as (source, video):
        frame = next(_all(source, video), None)
        if frame is None:
            raise InputError(f"{path}: holds no frame that can be read; copy it again")
        turn = frame.rotation
        width, height = (frame.width, frame.height)[:: -1 if turn % 180 else 1]
        tick, begin = video.time_base, video.start_time or 0
        length = video.duration and float(video.duration * tick)
        return VideoInfo(
            width,
            height,
            fps=video.average_rate or video.guessed_rate or Fraction(25),
            num_frames=video.frames or None,
            duration=length or (source.duration and source.duration / av.time_base),
            rotation=turn,
            pixel_aspect=(video.sample_aspect_ratio or Fraction(1)) ** (-1 if turn % 180 else 1),
            has_audio=bool(source.streams.audio),
            tick=tick,
            begin=begin,
            delay=float(begin * tick) - (source.start_time or 0) / av.time_base,
        )


def read_frames(path, start=0.0, max_seconds=None):
    """The frames of a film, one after another, upright.

    Args:
        path: a film file.
        start, max_seconds: where to begin, and how much to read from there; None: all.

    Yields:
        (H, W, 3) uint8 RGB, each a new writable array.

    Raises:
        InputError: as of `video_info`.
    """
    info, end = video_info(path), None if max_seconds is None else start + max_seconds
    frames = frames_of(path, info, (info.height, info.width), info.ticks(start), info.ticks(end))
    yield from (image for _, _, image in frames)


def write_video(path, frames, fps, audio=None, audio_rate=48000) -> pathlib.Path:
    """Write frames as an mp4 (H.264) that any browser plays; whole, or not at all.

    Args:
        path: ends in .mp4. An older file there is replaced when the new one is complete.
        frames: iterable of (H, W, 3) uint8 RGB of one size, at least one. An odd side grows by one
            pixel, as H.264 wants even ones.
        fps, audio_rate: frames and samples a second; fps may be a Fraction.
        audio: (S, 2) int16 samples, left and right, or None.

    Raises:
        ValueError: there is no frame, or one of another size or type.
    """
    frames, fps = iter(frames), Fraction(fps).limit_denominator(1001)
    first = next(frames, None)
    require(first is not None, "frames must hold at least one frame, got none")
    with create_film(path) as out:
        writer = Writer(out, np.shape(first), fps, 1 / fps)
        if audio is not None:
            track = out.add_stream("aac", rate=audio_rate, layout="stereo")
            samples = np.ascontiguousarray(audio, np.int16).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(samples, "s16", "stereo")
            sound.sample_rate = audio_rate
            out.mux(track.encode(sound) + track.encode(None))  # waits there for its pictures
        for index, image in enumerate(itertools.chain([first], frames)):
            writer.add(image, index, 1)
        writer.close()
    return pathlib.Path(path)


def play(path, width=640):
    """A film as a notebook cell's output, stored in the notebook: keep it to a few MB."""
    from IPython.display import Video

    return Video(str(path), embed=True, width=width, html_attributes="controls loop")


@contextlib.contextmanager
def open_film(path):
    """Open a film: (PyAV's container, its picture stream); what is no film gives an InputError."""
    path = pathlib.Path(path).expanduser()
    try:  # an absolute path is never taken for a web address, nor does a play list lead to one
        source = av.open(str(path.resolve()), options={"protocol_whitelist": "file"})
    except av.FFmpegError as error:
        reason = "it is empty" if path.is_file() and not path.stat().st_size else error.strerror
        raise InputError(f"{path}: is no film that can be read ({reason}); copy it again") from None
    with source:
        cover = av.stream.Disposition.attached_pic  # the picture in a music file
        films = [stream for stream in source.streams.video if not stream.disposition & cover]
        if source.format.name.endswith("_pipe") or source.format.name == "image2":
            raise InputError(f"{path}: is a picture; give it where pictures are wanted")
        if not films or films[0].codec_context is None:
            raise InputError(f"{path}: holds no moving picture; convert it to mp4 if it should")
        films[0].thread_type = "AUTO"
        yield source, films[0]


@contextlib.contextmanager
def create_film(path):
    """A new mp4 container that becomes `path` when the block ends without an error."""
    require(pathlib.Path(path).suffix.lower() == ".mp4", f"{path} must end in .mp4")
    # for playing before all has arrived: the index first, sound and pictures side by side
    options = {"movflags": "+faststart", "max_interleave_delta": "0"}
    try:
        with replacing(path) as part, av.open(str(part.resolve()), "w", options=options) as out:
            yield out
    except av.FFmpegError as error:
        raise InputError(f"{path}: could not be written ({error.strerror})") from None


def frames_of(path, info, size, first, last):
    """Yields (tick, duration, (H, W, 3) uint8 upright, of `size`) for first <= tick < last."""
    expected = info.begin
    for frame in _decoded(path, first if first > info.begin else None):
        tick = expected if frame.pts is None else frame.pts
        duration = frame.duration or max(1, round(1 / (info.fps * info.tick)))
        expected = tick + duration
        if tick >= last:
            return
        if tick >= first or first <= info.begin:
            height, width = size[::-1] if frame.rotation % 180 else size
            image = frame.to_ndarray(format="rgb24", width=width, height=height)
            image = np.rot90(image, frame.rotation // 90 % 4)
            yield tick, duration, np.ascontiguousarray(image)


def frame_times(path):
    """Yields (tick or None, is it a key frame?) of each frame, as stored; nothing is decoded."""
    with open_film(path) as (source, video):
        for packet in _packets(source, video):
            if packet.size:
                yield packet.dts if packet.pts is None else packet.pts, packet.is_keyframe


def entry(path, time):
    """Where to seek, so that decoding begins at tick `time` or before; None: only at the start."""
    with open_film(path) as (source, video), contextlib.suppress(av.FFmpegError):
        for target in (time, time - math.ceil(1 / video.time_base)):
            source.seek(target, stream=video)
            frame = next(_all(source, video), None)
            if frame is not None and frame.pts is not None and frame.pts <= time:
                return target
    return None


def _decoded(path, first):
    """PyAV's frames: all from tick `first`, and perhaps some before."""
    target = None if first is None else entry(path, first)
    with open_film(path) as (source, video):
        if target is not None:
            source.seek(target, stream=video)
        yield from _all(source, video)


def _all(source, video):
    """PyAV's frames, up to where the file breaks off."""
    for packet in _packets(source, video):
        yield from _decode(packet)


def _packets(source, *streams):
    """The compressed pieces in file order, up to where the file breaks off."""
    with contextlib.suppress(av.FFmpegError, IndexError):  # of damage that looks like a new stream
        yield from source.demux(*streams)


def _decode(packet):
    """The frames that a compressed piece completes; none if it is damaged."""
    with contextlib.suppress(av.FFmpegError):
        return packet.decode()
    return []


class Writer:
    """Encodes frames of one shape (H, W, 3) into an H.264 stream of an open container."""

    def __init__(self, out, shape, fps, time_base, pixel_aspect=Fraction(1)):
        self.out, self.shape, self.lowest, self.next = out, tuple(shape), -(10**15), 0
        self.stream = out.add_stream("libx264", fps, options=X264)
        self.stream.height, self.stream.width = (side + side % 2 for side in shape[:2])
        self.stream.pix_fmt, context = "yuv420p", self.stream.codec_context
        context.time_base, context.sample_aspect_ratio = time_base, pixel_aspect
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED
        self.tick = max(1, round(1 / (fps * time_base)))  # how long a frame lasts, if unknown

    def add(self, image, pts, duration):
        """Encode an image for the time `pts`, in ticks of time_base, to be seen for `duration`."""
        given = np.shape(image), np.asarray(image).dtype
        require(given == (self.shape, np.uint8), f"a frame must be {self.shape} uint8, got {given}")
        even = np.pad(image, [(0, side % 2) for side in self.shape[:2]] + [(0, 0)], "edge")
        frame = av.VideoFrame.from_ndarray(even, "rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
        frame.time_base = self.stream.codec_context.time_base
        frame.pts = max(self.lowest, pts)  # times must rise
        frame.duration = duration or self.tick
        self.lowest = frame.pts + 1
        self.out.mux(self.stream.encode(frame))

    def close(self):
        """Encode what is still waiting."""
        self.out.mux(self.stream.encode(None))


def join_parts(parts, src, dst, info, zero, end) -> str | None:
    """Put the parts of a film after one another, as they are, with the sound of the source.

    Args:
        parts: {tick of the source at which it begins: file}, in order.
        src, dst: the source and the new film, which appears whole, or not at all.
        info: of the source.
        zero, end: ticks of the source at which the new film's clock begins, and its sound ends.

    Returns:
        What became of the sound: "copied", "as AAC", or None if there is none.
    """
    with open_film(src) as (source, _), create_film(dst) as out:
        with av.open(str(next(iter(parts.values())))) as part:
            stream = out.add_stream_from_template(part.streams.video[0])
        pictures = _pictures(parts, stream, info.tick, zero)
        since = zero * info.tick if zero > info.begin else -math.inf
        how, sound = _sound(source, out, since, zero * info.tick, end * info.tick)
        for packet in heapq.merge(
            pictures, sound, key=lambda packet: packet.dts * packet.time_base
        ):
            with contextlib.suppress(*[av.InvalidDataError] * (packet.stream is not stream)):
                out.mux(packet)
    return how


def _pictures(parts, stream, tick, zero):
    """The compressed frames of all parts, timed for the joined film."""
    lowest = -math.inf
    for begin, path in parts.items():
        with av.open(str(path)) as part:
            for packet in part.demux(video=0):
                if packet.size:
                    shift = round((begin - zero) * tick / packet.time_base)
                    # a part may want to be decoded before the one before it has ended
                    lowest = max(packet.dts + shift, lowest + 1)
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, lowest, stream
                    yield packet


def _sound(source, out, since, zero, end):
    """What becomes of the first sound track, and its pieces from second `since` to `end`.

    Copied, or as AAC; timed for a film whose clock begins at second `zero` of the source's.
    """
    track, how = next(iter(source.streams.audio), None), "copied"
    context = track and track.codec_context
    if not context or not context.sample_rate or not context.channels:
        return None, ()
    if context.codec.canonical_name in COPIED:
        new = out.add_stream_from_template(track)
    else:
        new, how = out.add_stream("aac", rate=48000, layout="stereo"), "as AAC"

    def pieces():
        for packet in itertools.chain(_packets(source, track), [None]):
            if packet and (packet.dts is None or not since <= packet.pts * packet.time_base < end):
                continue
            copied = [packet] if packet else []
            for piece in copied if how == "copied" else _encoded(new, packet):
                shift = round(zero / piece.time_base)
                piece.pts, piece.dts, piece.stream = piece.pts - shift, piece.dts - shift, new
                yield piece

    return how, pieces()


def _encoded(track, packet):
    """A piece of sound, decoded and encoded again; a damaged one is left out. None: the rest."""
    with contextlib.suppress(av.InvalidDataError):
        return [
            new for frame in (_decode(packet) if packet else [None]) for new in track.encode(frame)
        ]
    return []
