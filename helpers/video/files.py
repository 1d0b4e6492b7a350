"""Video files: frames in, frames out, with their times, their orientation and their sound.

All of it is read and written by PyAV (FFmpeg's libraries in Python). A frame's time is an exact
count of the file's own clock, in ticks, so a video of variable frame rate keeps every frame where
it was. Whatever is read comes out in order, up to where a damaged file breaks off.
"""

import contextlib
import dataclasses
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
# The same video from every run: mbtree reads memory that x264 never set; threads count, too.
X264 = {"crf": "21", "preset": "veryfast", "threads": "4", "x264-params": "mbtree=0"}


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
        return math.inf if seconds is None else self.begin + math.ceil(seconds / self.tick - 1e-3)


def video_info(path) -> VideoInfo:
    """Describe a video file; its first frame is decoded for it.

    Raises:
        InputError: the file is missing, no video, or without a readable frame; one line.
    """
    with open_video(path) as (source, video):
        frame = next(_frames(source, video), None)
        if frame is None:
            raise InputError(f"{path}: holds no frame that can be read; copy it again")
        turn, tick = frame.rotation, video.time_base
        width, height = (frame.width, frame.height)[:: -1 if turn % 180 else 1]
        fps = video.average_rate or video.guessed_rate or Fraction(25)
        length = video.duration and float(video.duration * tick)
        length = length or (source.duration and source.duration / av.time_base)
        pixel = (video.sample_aspect_ratio or Fraction(1)) ** (-1 if turn % 180 else 1)
        begin, sound = video.start_time or 0, bool(source.streams.audio)
        zero = min(begin, round((source.start_time or 0) / av.time_base / tick))
        count = video.frames or None
        return VideoInfo(width, height, fps, count, length, turn, pixel, sound, tick, begin, zero)


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
    info, end = video_info(path), None if max_seconds is None else start + max_seconds
    frames = timed_frames(path, info, (info.height, info.width), info.ticks(start), info.ticks(end))
    yield from (image for _, _, image in frames)


def write_video(path, frames, fps, audio=None, audio_rate=48000) -> pathlib.Path:
    """Write frames as an mp4 (H.264) that any browser plays; whole, or not at all.

    Args:
        path: ends in .mp4. An older file there is replaced when the new one is complete.
        frames: iterable of (H, W, 3) uint8 RGB of one size, at least one: also those of a folder,
            `map(read_image, find_images(folder))`. An odd side grows by a pixel.
        fps, audio_rate: frames and samples a second; fps may be a Fraction.
        audio: (S, 2) int16 samples, left and right, or None.

    Raises:
        ValueError: there is no frame, or one of another size or type.
    """
    frames, fps = iter(frames), Fraction(fps).limit_denominator(1001)
    first = next(frames, None)
    require(first is not None, "frames must hold at least one frame, got none")
    with create_video(path) as out:
        add = add_pictures(out, np.shape(first), fps, 1 / fps)
        if audio is not None:
            track = out.add_stream("aac", rate=audio_rate, layout="stereo")
            samples = np.ascontiguousarray(audio, np.int16).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(samples, "s16", "stereo")
            sound.sample_rate = audio_rate
            out.mux(track.encode(sound) + track.encode(None))  # waits there for its pictures
        for index, image in enumerate(itertools.chain([first], frames)):
            add(image, index, 1)
        add(None)
    return pathlib.Path(path)


def play(path, width=640):
    """A video as a notebook cell's output, stored in the notebook: keep it to a few MB."""
    from IPython.display import Video

    return Video(str(path), embed=True, width=width, html_attributes="controls loop")


@contextlib.contextmanager
def open_video(path):
    """Open a video: (PyAV's container, its picture stream); InputError if it is none."""
    path = pathlib.Path(path).expanduser()
    try:  # an absolute path is never taken for a web address, nor does a play list lead to one
        source = av.open(str(path.resolve()), options={"protocol_whitelist": "file"})
    except av.FFmpegError as error:
        reason = "it is empty" if path.is_file() and not path.stat().st_size else error.strerror
        raise InputError(
            f"{path}: is no video that can be read ({reason}); copy it again"
        ) from None
    with source:
        cover = av.stream.Disposition.attached_pic  # the picture in a music file
        videos = [stream for stream in source.streams.video if not stream.disposition & cover]
        if source.format.name.endswith("_pipe") or source.format.name == "image2":
            raise InputError(f"{path}: is a picture; give it where pictures are wanted")
        if not videos or videos[0].codec_context is None:
            raise InputError(f"{path}: holds no moving picture; convert it to mp4 if it should")
        videos[0].thread_type = "AUTO"
        yield source, videos[0]


@contextlib.contextmanager
def create_video(path):
    """A new mp4 container that becomes `path` when the block ends without an error."""
    require(pathlib.Path(path).suffix.lower() == ".mp4", f"{path} must end in .mp4")
    # for playing before all has arrived: the index first, sound and pictures side by side
    options = {"movflags": "+faststart", "max_interleave_delta": "0"}
    with replacing(path) as part:
        try:
            with av.open(str(part.resolve()), "w", options=options) as out:
                yield out
        except av.FFmpegError as error:
            raise InputError(f"{path}: could not be written ({error.strerror})") from None


def frame_times(path):
    """Yields (tick or None, is it a key frame?) of every frame as stored; none is decoded."""
    with open_video(path) as (source, video):
        for packet in _packets(source, video):
            if packet.size:
                yield packet.dts if packet.pts is None else packet.pts, packet.is_keyframe


def entry(path, time):
    """Where to seek so that decoding begins at tick `time` or before; None: only at the start."""
    with open_video(path) as (source, video), contextlib.suppress(av.FFmpegError):
        for target in (time, time - math.ceil(1 / video.time_base)):
            source.seek(target, stream=video)
            frame = next(_frames(source, video), None)
            if frame is not None and frame.pts is not None and frame.pts <= time:
                return target
    return None


def timed_frames(path, info, size, first, last):
    """Yields (tick, duration, (H, W, 3) uint8 upright, of `size`) for first <= tick < last."""
    target, expected = entry(path, first) if first > info.begin else None, info.begin
    with open_video(path) as (source, video):
        if target is not None:
            source.seek(target, stream=video)
        for frame in _frames(source, video):
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


def _frames(source, video):
    """PyAV's frames of an open video."""
    for packet in _packets(source, video):
        yield from _decode(packet)


def _packets(source, *streams):
    """The compressed pieces in file order."""
    with contextlib.suppress(av.FFmpegError, IndexError):  # of damage that looks like a new stream
        yield from source.demux(*streams)


def _decode(packet):
    """The frames that a compressed piece completes; none if it is damaged."""
    with contextlib.suppress(av.FFmpegError):
        return packet.decode()
    return []


def add_pictures(out, shape, fps, tick, pixel_aspect=Fraction(1)):
    """A new stream of H.264 in an open container; returns what encodes an image into it.

    Args:
        out: from `create_video`.
        shape: (H, W, 3) of all images; odd sides grow by one pixel.
        fps, tick, pixel_aspect: as in `VideoInfo`.

    Returns:
        function of an image, its time and its duration in ticks; None instead: that was all.
    """
    stream, lowest = out.add_stream("libx264", fps, options=X264), -math.inf
    stream.height, stream.width = (side + side % 2 for side in shape[:2])
    stream.pix_fmt, context = "yuv420p", stream.codec_context
    context.time_base, context.sample_aspect_ratio = tick, pixel_aspect
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED
    pad = [(0, side % 2) for side in shape[:2]] + [(0, 0)]

    def add(image, time=0, duration=0):
        nonlocal lowest
        if image is None:
            return out.mux(stream.encode(None))
        given = np.shape(image), np.asarray(image).dtype
        require(
            given == (tuple(shape), np.uint8), f"a frame must be {tuple(shape)} uint8, got {given}"
        )
        even = np.pad(image, pad, "edge") if np.any(pad) else np.ascontiguousarray(image)
        frame = av.VideoFrame.from_numpy_buffer(even, "rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
        frame.time_base, frame.pts, frame.duration = tick, max(lowest, time), duration
        lowest = frame.pts + 1  # times must rise
        out.mux(stream.encode(frame))

    return add


def sound_of(source, out, zero, end, cut):
    """What becomes of the first sound track, and its pieces for a video that begins at `zero`.

    Those before are left out with `cut`; those from `end` on, always. Both in seconds.
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
        for packet in _packets(source, track):
            time = math.nan if packet.pts is None else packet.pts * packet.time_base
            if not (cut and time < zero) and not time >= end:
                copied = [packet] * (packet.dts is not None)
                for piece in copied if how == "copied" else _encoded(new, packet):
                    shift = round(zero / piece.time_base)
                    piece.pts, piece.dts, piece.stream = piece.pts - shift, piece.dts - shift, new
                    yield piece

    return how, pieces()


def _encoded(track, packet):
    """A piece of sound, decoded and encoded again; without what is damaged."""
    with contextlib.suppress(av.InvalidDataError):
        frames = _decode(packet) + [None] * (packet.size == 0)  # an empty one comes at the end
        return [piece for frame in frames for piece in track.encode(frame)]
    return []
