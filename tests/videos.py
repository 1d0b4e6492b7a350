"""What the tests of videos share: small videos made here, and what reads a video by PyAV alone."""

import pathlib
from fractions import Fraction

import av
import numpy as np

from helpers.structures import Detections
from helpers.video import write_video

CLIPS = pathlib.Path(__file__).parents[1] / "../shared/data/clips"
RATE = 48_000


def picture(number, size=(48, 64)):
    """A flat picture whose colour tells its number (0 to 15) after H.264, with a light corner."""
    image = np.full((*size, 3), (40 + 10 * number, 120, 200 - 8 * number), np.uint8)
    image[: size[0] // 3, : size[1] // 3] = 250
    return image


def tone(seconds):
    wave = 8000 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)
    return np.stack([wave, wave / 2], 1).astype(np.int16)


def make_short_video(path):
    """One second: 12 frames and sound."""
    return write_video(path, [picture(i) for i in range(12)], 12, tone(1.0))


class Painter:
    """A detector of the upper left third; remembers how many images it got at a time."""

    categories = {3: "car"}

    def __init__(self):
        self.batches = []

    def batch(self, images):
        self.batches.append(len(images))
        found = []
        for image in images:
            size = image.shape[:2]
            mask = np.zeros((1, *size), bool)
            mask[:, : size[0] // 3, : size[1] // 3] = True
            box = [[0, 0, size[1] // 3, size[0] // 3]]
            found.append(Detections(box, [3], [0.9], size, self.categories, mask))
        return found


def read(path):
    """Times of the frames in seconds; sound pieces as (time, bytes); by PyAV alone."""
    with av.open(str(path)) as file:
        times = [frame.pts * frame.time_base for frame in file.decode(video=0)]
    sound = []
    with av.open(str(path)) as file:
        for packet in file.demux(*file.streams.audio[:1]) if file.streams.audio else ():
            if packet.dts is not None:
                sound.append((packet.pts * packet.time_base, bytes(packet)))
    return times, sound


def make(path, times, time_base, shape=(48, 64), sound=None, start=0, **tags):
    """A video by PyAV alone: frames at given ticks; sound, a codec's name, from `start` seconds."""
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=10)
        video.height, video.width, video.pix_fmt = *shape, "yuv420p"
        video.codec_context.time_base = time_base
        for name, value in tags.items():
            setattr(video.codec_context, name, value)
        audio = file.add_stream(sound, rate=RATE, layout="stereo") if sound else None
        for i, pts in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(i % 16, shape), "rgb24")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = pts, time_base
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
        if audio:
            frame = av.AudioFrame.from_ndarray(tone(1.0).reshape(1, -1), "s16", "stereo")
            frame.sample_rate, frame.pts = RATE, round(start * RATE)
            frame.time_base = Fraction(1, RATE)
            file.mux(audio.encode(frame))
            file.mux(audio.encode(None))
    return path
