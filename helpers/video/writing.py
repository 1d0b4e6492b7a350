"""Frames to video files: H.264 in mp4, which any browser plays, with the sound of a source."""

import contextlib
import math
import numbers
import pathlib
from fractions import Fraction

import av
import numpy as np

from helpers.pictures import replacing, visible
from helpers.structures import InputError, require
from helpers.video.colours import BT709, to_yuv
from helpers.video.reading import decode_packet, packets

COPIED_CODECS = ("aac", "mp3", "opus", "flac")  # sound that an mp4 holds and browsers play
RANGE_LIMITED = 1  # 16..235, as players expect
# The same video from every run: mbtree reads memory that x264 never set; threads count, too.
X264 = {"crf": "21", "preset": "veryfast", "threads": "4", "x264-params": "mbtree=0"}


def write_video(path, frames, fps, audio=None, audio_rate=48000) -> pathlib.Path:
    """Write frames as an mp4 (H.264) that any browser plays; whole, or not at all.

    Args:
        path: ends in .mp4. An older file there is replaced when the new one is complete.
        frames: iterable of (H, W, 3) uint8 RGB of one size, at least one: also those of a folder,
            `map(read_image, find_images(folder))`. An odd side grows by a pixel.
        fps, audio_rate: frames and samples a second; fps may be a Fraction.
        audio: None, or samples: (S, 2), left and right, or (S,) for both; int16, or floats from
            -1 to 1.

    Raises:
        ValueError: there is no frame, or one of another size or type; audio is none, fps is 0.
    """
    frames = iter(frames)
    is_rate = isinstance(fps, numbers.Real) and 1e-3 <= fps < math.inf
    require(is_rate, f"fps must be a number of frames a second, got {fps!r}")
    fps = Fraction(fps).limit_denominator(1001)
    if audio is not None:
        audio = _stereo(audio)
        require(audio_rate > 0, f"audio_rate must be above 0, got {audio_rate}")
    first = next(frames, None)
    require(first is not None, "frames must hold at least one frame, got none")
    with create_video(path) as out:
        pictures = PictureTrack(out, np.shape(first), fps, tick=1 / fps)
        if audio is not None:
            _add_sound(out, audio, audio_rate)
        pictures.add(first, time=0, duration=1)
        for number, image in enumerate(frames, 1):
            pictures.add(image, time=number, duration=1)
        pictures.close()
    return pathlib.Path(path).expanduser()


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
            raise InputError(f"{visible(path)}: could not be written ({error.strerror})") from None


class PictureTrack:
    """A new stream of H.264 in an open container.

    Args:
        out: from `create_video`.
        shape: (H, W, 3) of all images; odd sides grow by one pixel.
        fps, tick, pixel_aspect: as in `VideoInfo`.
    """

    def __init__(self, out, shape, fps, tick, pixel_aspect=Fraction(1)):
        self._out = out
        self._shape = tuple(shape)
        self._tick = tick
        self._earliest = -math.inf  # times must rise
        height, width = shape[:2]
        self._padding = [(0, height % 2), (0, width % 2), (0, 0)]
        self._stream = out.add_stream("libx264", fps, options=X264)
        self._stream.height = height + height % 2
        self._stream.width = width + width % 2
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = tick
        context.sample_aspect_ratio = pixel_aspect
        context.colorspace = BT709
        context.color_primaries = BT709
        context.color_trc = BT709
        context.color_range = RANGE_LIMITED

    def add(self, image, time, duration):
        """Encode an image (H, W, 3) uint8 RGB; its time and duration are in ticks.

        Raises:
            ValueError: the image is of another shape or type than announced.
        """
        given = np.shape(image), np.asarray(image).dtype
        wanted = f"a frame must be {self._shape} uint8"
        require(given == (self._shape, np.uint8), f"{wanted}, got {given}")
        if np.any(self._padding):
            image = np.pad(image, self._padding, "edge")
        frame = to_yuv(image)
        frame.time_base = self._tick
        frame.pts = max(self._earliest, time)
        frame.duration = duration
        self._earliest = frame.pts + 1
        self._out.mux(self._stream.encode(frame))

    def close(self):
        """Write what the encoder still holds; nothing can be added any more."""
        self._out.mux(self._stream.encode(None))


def _stereo(audio):
    """Samples as (S, 2) int16.

    Raises:
        ValueError: they are neither int16 nor floats from -1 to 1, or not (S,), (S, 1) or (S, 2).
    """
    samples = np.asarray(audio)
    if samples.ndim == 1:
        samples = samples[:, None]
    is_sound = samples.ndim == 2 and samples.shape[1] in (1, 2)
    require(is_sound, f"audio must be (S, 2) or (S,), got {np.shape(audio)}")
    if np.issubdtype(samples.dtype, np.floating):
        is_in_range = bool(np.all(np.abs(samples) <= 1))
        require(is_in_range, "audio of floats must lie between -1 and 1; divide it by its highest")
        samples = np.round(samples * 32767).astype(np.int16)
    require(samples.dtype == np.int16, f"audio must be int16 or floats, got {samples.dtype}")
    return np.repeat(samples, 2 // samples.shape[1], axis=1)


def _add_sound(out, samples, rate):
    """Add (S, 2) int16 as AAC to an open container; it waits there for its pictures."""
    track = out.add_stream("aac", rate=rate, layout="stereo")
    interleaved = np.ascontiguousarray(samples).reshape(1, -1)
    sound = av.AudioFrame.from_ndarray(interleaved, "s16", "stereo")
    sound.sample_rate = rate
    out.mux(track.encode(sound) + track.encode(None))


class SoundTrack:
    """The first sound track of a source, for a new video: copied if an mp4 can hold it, else AAC.

    Args:
        source: an open container, as of `open_video`.
        out: from `create_video`.
        zero, end: the piece of the source that the new video shows, seconds of its clock.
        cut_before: leave out what sounds before `zero`, too.

    Attributes:
        how: "copied", "as AAC", or None: the source has no sound that can be read.
    """

    def __init__(self, source, out, zero, end, cut_before):
        self._source, self._zero, self._end = source, zero, end
        self._cut_before = cut_before
        self._expected = zero  # the time of a frame that has none, seconds
        self.how = None
        if not source.streams.audio:
            return
        self._track = source.streams.audio[0]
        context = self._track.codec_context
        if not context or not context.sample_rate or not context.channels:
            return
        if context.codec.canonical_name in COPIED_CODECS:
            self.how = "copied"
            self._new = out.add_stream_from_template(self._track)
        else:
            self.how = "as AAC"
            layout = "mono" if context.channels == 1 else "stereo"  # as two, it would get fainter
            self._new = out.add_stream("aac", rate=48000, layout=layout)

    def pieces(self):
        """The compressed pieces, timed for the new video; none if there is no sound."""
        if self.how is None:
            return
        for packet in packets(self._source, self._track):
            if not self._is_wanted(packet):
                continue
            if self.how == "as AAC":
                pieces = self._encoded_again(packet)
            elif packet.dts is None:  # the empty one at the end
                pieces = []
            else:
                packet.pts = packet.dts if packet.pts is None else packet.pts
                pieces = [packet]
            for piece in pieces:
                shift = round(self._zero / piece.time_base)
                piece.pts -= shift
                piece.dts -= shift
                piece.stream = self._new
                yield piece

    def _is_wanted(self, packet):
        """Whether a piece sounds while the new video runs."""
        if packet.pts is None:
            return True
        time = packet.pts * packet.time_base
        is_early = self._cut_before and time < self._zero
        return not is_early and time < self._end

    def _encoded_again(self, packet):
        """A piece of sound, decoded and encoded anew; without what is damaged."""
        with contextlib.suppress(av.InvalidDataError):
            frames = decode_packet(packet)
            for frame in frames:
                self._set_time(frame)
            if packet.size == 0:  # an empty one comes at the end: let the encoder finish
                frames = [*frames, None]
            return [piece for frame in frames for piece in self._new.encode(frame)]
        return []

    def _set_time(self, frame):
        """Of several frames in a packet only the first has a time: the others follow it."""
        if frame.pts is None:
            frame.pts = round(self._expected / frame.time_base)
        self._expected = frame.pts * frame.time_base + Fraction(frame.samples, frame.sample_rate)
