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
# A fixed number of threads, and no look beyond the part: the same bits on every machine.
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


@dataclasses.dataclass(frozen=True)
class Cuts:
    """Where a film, or a piece of it, is cut into parts; in ticks of the film's own clock."""

    time_base: Fraction  # seconds of a tick
    begin: int  # of the film's first frame
    zero: int  # when the new film begins: its clock then shows 0
    starts: tuple[int, ...]  # where each part begins; all but the first at a key frame
    end: int  # before which the last part ends
    frames: int  # in all parts

    def seconds(self, tick):
        """How many seconds after the film's first frame it is then."""
        return float((tick - self.begin) * self.time_base)


def video_info(path) -> VideoInfo:
    """Describe a film file; its first frame is decoded for it.

    Raises:
        InputError: the file is missing, no film, or without a readable frame; one line.
    """
    with open_film(path) as (source, video):
        frame = next(_decoded(source, video), None)
        if frame is None:
            raise InputError(f"{path}: holds no frame that can be read; copy it again")
        turn, sides = frame.rotation, (frame.width, frame.height)
        width, height = sides[::-1] if turn % 180 else sides
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
    info = video_info(path)
    with open_film(path) as (_, video):
        begin, tick = video.start_time or 0, video.time_base
    first = begin + math.ceil((start - 1e-6) / tick) if start > 0 else None
    last = math.inf if max_seconds is None else begin + (start + max_seconds - 1e-6) / tick
    frames = frames_of(path, first, last, (info.height, info.width))
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


def cut_film(path, start=0.0, end=None, part_seconds=10.0) -> Cuts:
    """Plan the parts of a film, from its index alone: nothing is decoded.

    Args:
        path: a film file.
        start, end: the piece that is wanted, seconds from the first frame; None: all.
        part_seconds: a part ends at the first key frame after so much.

    Raises:
        InputError: as of `video_info`; or there is no frame between start and end.
    """
    with open_film(path) as (source, video):
        begin, tick = video.start_time or 0, video.time_base
        zero = begin + math.ceil((start - 1e-6) / tick)
        limit = 2**62 if end is None else begin + math.ceil((end - 1e-6) / tick)
        starts, frames, apart = [zero], 0, math.ceil(part_seconds / tick)
        for packet in _packets(source, video):
            time = packet.dts if packet.pts is None else packet.pts
            if packet.size and (time is None or zero <= time < limit):
                frames += 1
                if packet.is_keyframe and time is not None and time - starts[-1] >= apart:
                    starts.append(time)
        if not frames:
            raise InputError(f"{path}: holds no frame from second {start:g} to {end or 'the end'}")
        if start == 0:  # then the sound's and the pictures' own delays stay, too
            zero = round((source.start_time or 0) / av.time_base / tick)
        return Cuts(tick, begin, zero, tuple(starts), limit, frames)


def join_parts(parts, cuts, src, dst) -> str | None:
    """Put the parts of a film after one another, as they are, with the sound of the source.

    Args:
        parts: {number of the part: its file}, in order.
        cuts: where they belong.
        src, dst: the source and the new film, which appears whole, or not at all.

    Returns:
        What became of the sound: "copied", "as AAC", or None if there is none.
    """
    with open_film(src) as (source, _), create_film(dst) as out:
        with av.open(str(next(iter(parts.values())))) as part:
            stream = out.add_stream_from_template(part.streams.video[0])
        sound = _Sound(source, out)
        seen, heard = _pictures(parts, cuts, stream), sound.packets(source, cuts)
        for packet in heapq.merge(seen, heard, key=lambda packet: packet.dts * packet.time_base):
            with contextlib.suppress(*[av.InvalidDataError] * (packet.stream is not stream)):
                out.mux(packet)
    return sound.how


def _pictures(parts, cuts, stream):
    """The compressed frames of all parts, timed for the joined film."""
    lowest = -(2**62)
    for number, path in parts.items():
        with av.open(str(path)) as part:
            for packet in part.demux(video=0):
                if packet.size:
                    shift = int(
                        (cuts.starts[number] - cuts.zero) * cuts.time_base / packet.time_base
                    )
                    packet.pts += shift
                    # decoding may begin as early as the last part's end allows, but not earlier
                    packet.dts = lowest = max(lowest + 1, packet.dts + shift)
                    packet.stream = stream
                    yield packet


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
    with replacing(path) as part:
        # for playing before all has arrived: the index first, sound and pictures side by side
        options = {"movflags": "+faststart", "max_interleave_delta": "0"}
        try:
            with av.open(str(part.resolve()), "w", options=options) as out:
                yield out
        except av.FFmpegError as error:
            raise InputError(f"{path}: could not be written ({error.strerror})") from None


def frames_of(path, first, last, size):
    """The frames with first <= tick < last; first None: from the start.

    Yields:
        tick, duration in ticks (0: unknown), (H, W, 3) uint8 upright, of `size` (height, width).
    """
    expected = 0
    for frame in _from(path, first):
        tick = expected if frame.pts is None else frame.pts
        expected = tick + (frame.duration or 1)
        if tick >= last:
            return
        if first is None or tick >= first:
            height, width = size[::-1] if frame.rotation % 180 else size
            image = frame.to_ndarray(format="rgb24", width=width, height=height)
            image = np.rot90(image, frame.rotation // 90 % 4)
            yield tick, frame.duration or 0, np.ascontiguousarray(image)


def _from(path, first):
    """PyAV's frames, at least from tick `first`: from the key frame before if there is an index."""
    if first is not None:
        with open_film(path) as (source, video), contextlib.suppress(av.FFmpegError):
            source.seek(first, stream=video)
            frames = _decoded(source, video)
            head = next(frames, None)
            if head is not None and head.pts is not None and head.pts <= first:
                yield head
                yield from frames
                return
    with open_film(path) as (source, video):
        yield from _decoded(source, video)


def _decoded(source, video):
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


class _Sound:
    """The first sound track of `source` into `out`: copied, or as AAC; nothing if there is none."""

    def __init__(self, source, out):
        self.how, self.streams = None, source.streams.audio[:1]
        context = self.streams[0].codec_context if self.streams else None
        if context is None or not context.sample_rate or not context.channels:
            self.streams = ()
        elif context.codec.canonical_name in COPIED:
            self.how, self.track = "copied", out.add_stream_from_template(self.streams[0])
        else:
            self.how, self.track = "as AAC", out.add_stream("aac", rate=48000, layout="stereo")

    def packets(self, source, cuts):
        """The pieces that sound between the cuts, timed for the new film; without damaged ones."""
        zero, last = cuts.zero * cuts.time_base, cuts.end * cuts.time_base
        first = zero if cuts.zero > cuts.begin else -math.inf
        for packet in itertools.chain(_packets(source, *self.streams), [None]) if self.how else ():
            if packet and (packet.dts is None or not first <= packet.pts * packet.time_base < last):
                continue
            pieces = [packet] if packet else []
            if self.how == "as AAC":
                frames = _decode(packet) if packet else [None]
                pieces = []
                with contextlib.suppress(av.InvalidDataError):
                    pieces = [piece for frame in frames for piece in self.track.encode(frame)]
            for piece in pieces:
                shift = round(zero / piece.time_base)
                piece.pts, piece.dts = piece.pts - shift, piece.dts - shift
                piece.stream = self.track
                yield piece
