"""Films: frames in, frames out, with their times, their orientation and their sound.

All of it is read and written by PyAV (FFmpeg's libraries in Python). A frame's time is an exact
count of the file's own clock, so a film of variable frame rate keeps every frame where it was.
"""

import contextlib
import dataclasses
import itertools
import math
import pathlib
import time
from fractions import Fraction

import av
import numpy as np
from tqdm.auto import tqdm

from helpers.drawing import draw_detections
from helpers.pictures import replacing
from helpers.structures import InputError, require

COPIED = ("aac", "mp3", "opus", "flac")  # sound that an mp4 holds and browsers play; else AAC
BT709, LIMITED = 1, 1  # FFmpeg's numbers of the colours that players expect: HD's, range 16..235


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


@dataclasses.dataclass(frozen=True)
class VideoReport:
    """What `process_video` wrote."""

    path: pathlib.Path
    frames: int
    seconds: float  # of film
    took: float  # seconds to make it
    sound: str | None  # "copied" or "as AAC"
    cut_off: bool  # the source breaks off before the end that it claims to have


def video_info(path) -> VideoInfo:
    """Describe a film file; its first frame is decoded for it.

    Raises:
        InputError: the file is missing, no film, or without a readable frame; one line.
    """
    with _open(path) as (source, video):
        _, frame, image = next(_frames(source, video), (None, None, None))
        if frame is None:
            raise InputError(f"{path}: holds no frame that can be read; copy it again")
        (height, width, _), turn = image.shape, frame.rotation
        fps = video.average_rate or video.guessed_rate or Fraction(25)
        length = video.duration and float(video.duration * video.time_base)
        length = length or (source.duration and source.duration / av.time_base)
        pixel = (video.sample_aspect_ratio or Fraction(1)) ** (-1 if turn % 180 else 1)
        sound = bool(source.streams.audio)
        return VideoInfo(width, height, fps, video.frames or None, length, turn, pixel, sound)


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
    video_info(path)
    with _open(path) as (source, video):
        if start > 0:  # from the key frame before, if the format has an index
            with contextlib.suppress(av.FFmpegError):
                source.seek(int(start / video.time_base) + (video.start_time or 0), stream=video)
        last = None if max_seconds is None else start + max_seconds
        for seconds, _, image in _frames(source, video, last):
            if seconds >= start - 1e-6:
                yield image


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
    with _create(path) as out:
        writer = _Writer(out, np.shape(first), fps, 1 / fps)
        if audio is not None:
            track = out.add_stream("aac", rate=audio_rate, layout="stereo")
            samples = np.ascontiguousarray(audio, np.int16).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(samples, "s16", "stereo")
            sound.sample_rate = audio_rate
            out.mux(track.encode(sound) + track.encode(None))  # waits there for its pictures
        for index, image in enumerate(itertools.chain([first], frames)):
            writer.add(image, index, 1)
        out.mux(writer.stream.encode(None))
    return pathlib.Path(path)


def process_video(
    src, dst, detector, *, batch_size=8, max_seconds=None, progress=True, on_frame=None
) -> VideoReport:
    """Find and draw the objects of a film, frame by frame, into an mp4 with its sound.

    The frames keep their number and their times, also where the rate varies. Rotation is applied,
    the shape of pixels is kept. Sound is copied bit for bit if an mp4 can hold it, else turned into
    AAC; subtitles are left out. Memory does not grow with the film's length.

    Args:
        src, dst: the film, and where to; dst ends in .mp4 and is written whole, or not at all.
        detector: what has `batch(images) -> list[Detections]`; or a function of one frame
            (H, W, 3) uint8, a writable copy, that returns the frame to write, of the same size.
        batch_size: frames given to the detector at a time.
        max_seconds: only so much from the start; None: all.
        progress: show a bar if it takes over two seconds.
        on_frame: called with (index, seconds, Detections or None) for each frame.

    Raises:
        InputError: as of `video_info`; or dst is src, or cannot be written.
    """
    require(batch_size >= 1, f"batch_size must be at least 1, got {batch_size}")
    src, dst, begun = pathlib.Path(src).expanduser(), pathlib.Path(dst), time.monotonic()
    info, count, seconds = video_info(src), 0, 0.0
    if dst.exists() and dst.samefile(src):
        raise InputError(f"{dst}: is the film itself; choose another name for the result")
    last = min(math.inf if x is None else x for x in (max_seconds, info.duration))
    total = None if last == math.inf else round(last * info.fps)
    bar = tqdm(total=total, desc=src.name, unit="frame", delay=2, disable=not progress)
    with bar, _open(src) as (source, video), _create(dst) as out:
        shape = (info.height, info.width, 3)
        writer = _Writer(out, shape, info.fps, video.time_base, info.pixel_aspect)
        frames = _frames(source, video, max_seconds, sound := _Sound(source, out))
        while batch := list(itertools.islice(frames, batch_size)):
            images = [image for _, _, image in batch]
            found = detector.batch(images) if hasattr(detector, "batch") else [None] * len(batch)
            for (seconds, frame, image), d in zip(batch, found, strict=True):
                drawn = detector(image) if d is None else draw_detections(image, d, by_class=True)
                writer.add(drawn, frame.pts, frame.duration)
                if on_frame:
                    on_frame(count, seconds, d)
                count += 1
            bar.update(len(batch))
        out.mux(writer.stream.encode(None))
        sound.write(None)
    cut_off = last < math.inf and seconds < 0.9 * last - 1
    return VideoReport(dst, count, seconds, time.monotonic() - begun, sound.how, cut_off)


def play(path, width=640):
    """A film as a notebook cell's output, stored in the notebook: keep it to a few MB."""
    from IPython.display import Video

    return Video(str(path), embed=True, width=width, html_attributes="controls loop")


@contextlib.contextmanager
def _open(path):
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
def _create(path):
    """A new mp4 container that becomes `path` when the block ends without an error."""
    require(pathlib.Path(path).suffix.lower() == ".mp4", f"{path} must end in .mp4")
    with replacing(path) as part:
        # for playing before all has arrived: the index first, sound and pictures side by side
        options = {"movflags": "+faststart", "max_interleave_delta": "0"}
        try:
            with av.open(str(part.resolve()), "w", options=options) as out:
                yield out
        except av.FFmpegError as error:
            raise InputError(f"{path}: could not be written ({error.strerror})") from None


def _frames(source, video, max_seconds=None, sound=None):
    """Yields (seconds from the start, PyAV's frame, (H, W, 3) uint8 upright); feeds the sound."""
    begin, size, over = (video.start_time or 0) * video.time_base, {}, False
    max_seconds = math.inf if max_seconds is None else max_seconds
    tracks = sound.streams if sound else ()
    for packet in _packets(source, video, *tracks):
        if packet.stream.index != video.index:
            if packet.pts is None or packet.pts * packet.time_base - begin < max_seconds:
                sound.write(packet)
            elif over:
                return
            continue
        for frame in () if over else _decode(packet):
            seconds = float((frame.pts or 0) * frame.time_base - begin)
            if over := seconds >= max_seconds:
                break
            size = size or {"width": frame.width, "height": frame.height}  # later ones may vary
            image = np.rot90(frame.to_ndarray(format="rgb24", **size), frame.rotation // 90 % 4)
            yield seconds, frame, np.ascontiguousarray(image)
        if over and not tracks:
            return


def _packets(source, *streams):
    """The compressed pieces in file order, up to where the file breaks off."""
    with contextlib.suppress(av.FFmpegError, IndexError):  # of damage that looks like a new stream
        yield from source.demux(*streams)


def _decode(packet):
    """The frames that a compressed piece completes; none if it is damaged."""
    with contextlib.suppress(av.FFmpegError):
        return packet.decode()
    return []


class _Writer:
    """Encodes frames of one shape (H, W, 3) into an H.264 stream of an open container."""

    def __init__(self, out, shape, fps, time_base, pixel_aspect=Fraction(1)):
        self.out, self.shape, self.lowest, self.next = out, shape, -(10**15), 0
        self.stream = out.add_stream("libx264", fps, options={"crf": "20", "preset": "veryfast"})
        self.stream.height, self.stream.width = (side + side % 2 for side in shape[:2])
        self.stream.pix_fmt, context = "yuv420p", self.stream.codec_context
        context.time_base, context.sample_aspect_ratio = time_base, pixel_aspect
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED
        self.tick = max(1, round(1 / (fps * time_base)))  # how long a frame lasts, if unknown

    def add(self, image, pts, duration):
        """Encode an image for the time `pts`, in ticks of time_base; None or 0: not known."""
        given = np.shape(image), np.asarray(image).dtype
        require(given == (self.shape, np.uint8), f"a frame must be {self.shape} uint8, got {given}")
        even = np.pad(image, [(0, side % 2) for side in self.shape[:2]] + [(0, 0)], "edge")
        frame = av.VideoFrame.from_ndarray(even, "rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
        frame.time_base = self.stream.codec_context.time_base
        frame.pts = max(self.lowest, self.next if pts is None else pts)  # times must rise
        frame.duration = duration or self.tick
        self.lowest, self.next = frame.pts + 1, frame.pts + frame.duration
        self.out.mux(self.stream.encode(frame))


class _Sound:
    """The first sound track of `source` into `out`: copied, or as AAC; nothing if there is none."""

    def __init__(self, source, out):
        self.out, self.how, self.streams = out, None, source.streams.audio[:1]
        context = self.streams[0].codec_context if self.streams else None
        if context is None or not context.sample_rate or not context.channels:
            self.streams = ()
        elif context.codec.canonical_name in COPIED:
            self.how, self.track = "copied", out.add_stream_from_template(self.streams[0])
        else:
            self.how, self.track = "as AAC", out.add_stream("aac", rate=48000, layout="stereo")

    def write(self, packet):
        """Take over one piece of sound; a damaged one is left out. None: that was all."""
        with contextlib.suppress(av.InvalidDataError):
            if self.how == "as AAC":
                for frame in [None] if packet is None else _decode(packet):
                    self.out.mux(self.track.encode(frame))
            elif packet is not None and packet.dts is not None:
                packet.stream = self.track
                self.out.mux(packet)
