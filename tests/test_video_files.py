"""Video files are read and written exactly: frames, times, sizes, colours, sound."""

from fractions import Fraction

import av
import numpy as np
import pytest

from helpers.pictures import find_images, read_image, save_image
from helpers.video import play, read_frames, video_info, write_video
from tests.videos import RATE, make_short_video, picture, read, tone


@pytest.fixture
def video(tmp_path):
    return make_short_video(tmp_path / "video.mp4")


def test_what_is_written_is_read(video):
    frames = list(read_frames(video))
    assert len(frames) == 12 and all(f.shape == (48, 64, 3) for f in frames)
    for number, frame in enumerate(frames):
        assert np.abs(frame[30:, 30:].mean((0, 1)) - picture(number)[-1, -1]).max() < 4
        assert frame[4:10, 4:14].min() > 235 and frame.flags.writeable and frame.flags.c_contiguous


def test_info(video):
    info = video_info(video)
    assert (info.width, info.height, info.fps, info.num_frames) == (64, 48, 12, 12)
    assert info.duration == pytest.approx(1) and info.rotation == 0 and info.pixel_aspect == 1
    assert info.has_audio


def test_a_part_of_a_film(video):
    def numbers(frames):
        return [round((frame[30:, 30:, 0].mean() - 40) / 10) for frame in frames]

    assert numbers(read_frames(video, start=0.5)) == [6, 7, 8, 9, 10, 11]
    assert numbers(read_frames(video, 0.25, max_seconds=0.25)) == [3, 4, 5]
    assert numbers(read_frames(video, max_seconds=0.01)) == [0] and not list(
        read_frames(video, 9.0)
    )


@pytest.mark.parametrize("fps", [24, 29.97, 23.976, Fraction(60000, 1001), 7.5])
def test_frame_rates_are_exact(tmp_path, fps):
    path = write_video(tmp_path / "a.mp4", [picture(i % 16) for i in range(9)], fps)
    right = Fraction(fps).limit_denominator(1001)
    assert [float(t) for t in read(path)[0]] == pytest.approx(
        [i / right for i in range(9)], abs=1e-4
    )
    assert float(video_info(path).fps) == pytest.approx(float(fps), rel=1e-4)


@pytest.mark.parametrize("size", [(49, 65), (47, 64), (1, 1), (2, 3)])
def test_odd_sizes_grow_to_even(tmp_path, size):
    path = write_video(tmp_path / "a.mp4", [np.full((*size, 3), 90, np.uint8)] * 2, 5)
    even = tuple(side + side % 2 for side in size)
    assert [f.shape for f in read_frames(path)] == [(*even, 3)] * 2
    assert all(np.abs(f.astype(int) - 90).max() < 4 for f in read_frames(path))


def test_it_plays_in_browsers(video):
    with av.open(str(video)) as file:
        pictures = file.streams.video[0].codec_context
        sound = file.streams.audio[0].codec_context
        assert (pictures.name, pictures.pix_fmt, sound.name) == ("h264", "yuv420p", "aac")
        assert (pictures.color_range, pictures.colorspace) == (1, 1)
    data = video.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # the index first


def test_sound_lasts_and_sounds(video):
    with av.open(str(video)) as file:
        heard = np.concatenate([f.to_ndarray() for f in file.decode(audio=0)], axis=1)
    heard = heard[:, 1024 * 2 : RATE - 2048]
    assert len(read(video)[1]) == pytest.approx(RATE / 1024, abs=2)
    assert np.abs(heard).max(1) == pytest.approx([8000 / 32768, 4000 / 32768], rel=0.05)
    spectrum = np.abs(np.fft.rfft(heard[0]))
    assert spectrum.argmax() * RATE / heard.shape[1] == pytest.approx(440, abs=2)


def heard(path):
    with av.open(str(path)) as file:
        return np.concatenate([f.to_ndarray() for f in file.decode(audio=0)], axis=1)


@pytest.mark.parametrize(
    "audio",
    [tone(0.8)[:, 0] / 32768, tone(0.8)[:, :1], np.float32(tone(0.8)[:, [0, 0]] / 32768)],
    ids=["mono, floats", "mono, a column", "stereo, floats"],
)
def test_sound_of_other_shapes_is_as_long_and_as_loud(tmp_path, audio):
    path = write_video(tmp_path / "a.mp4", [picture(0)] * 8, 10, audio)
    sound = heard(path)
    assert sound.shape[1] / RATE == pytest.approx(0.8, abs=1024 * 2 / RATE)
    peaks = np.abs(sound[:, 2048:36000]).max(1)
    assert peaks == pytest.approx([8000 / 32768] * 2, rel=0.05)


@pytest.mark.parametrize(
    "audio, line",
    [
        (tone(0.1).T, r"audio must be \(S, 2\) or \(S,\), got \(2, 4800\)"),
        (tone(0.1) / 1.0, "must lie between -1 and 1"),
        (np.full((9, 2), np.nan), "must lie between -1 and 1"),
        (tone(0.1).astype(np.int32), "must be int16 or floats, got int32"),
    ],
)
def test_what_is_no_sound_is_refused(tmp_path, audio, line):
    with pytest.raises(ValueError, match=line):
        write_video(tmp_path / "a.mp4", [picture(0)], 5, audio)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fps", [0, -5, float("nan"), float("inf"), 1e-9, "25", None])
def test_a_rate_that_is_none_is_refused(tmp_path, fps):
    with pytest.raises(ValueError, match="fps must be a number of frames a second, got"):
        write_video(tmp_path / "a.mp4", [picture(0)], fps)


def test_colours_come_back_without_a_shift(tmp_path):
    """On the way to the file and back each number is rounded, not cut."""
    rng, errors = np.random.default_rng(0), []
    colours = rng.integers(0, 256, (24, 3), np.uint8)
    path = write_video(
        tmp_path / "a.mp4", (np.full((48, 64, 3), colour, np.uint8) for colour in colours), 10
    )
    for frame, colour in zip(read_frames(path), colours, strict=True):
        errors.append(frame[24, 32].astype(int) - colour)
    assert abs(np.mean(errors)) < 0.4 and np.abs(errors).max() <= 4


def test_write_refuses(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"older")
    for frames, line in (
        ([], "at least one frame"),
        ([picture(0), picture(0, (24, 32))], r"must be \(48, 64, 3\) uint8, got .*24, 32"),
        ([picture(0) / 255], "got .*float64"),
    ):
        with pytest.raises(ValueError, match=line):
            write_video(path, frames, 5)
    with pytest.raises(ValueError, match="must end in .mp4"):
        write_video(tmp_path / "a.avi", [picture(0)], 5)
    assert path.read_bytes() == b"older" and list(tmp_path.iterdir()) == [path]


def test_play_embeds_the_film(video):
    html = play(video)._repr_html_()
    assert "data:video/mp4;base64," in html and "controls" in html


def test_a_folder_of_pictures_becomes_a_film(tmp_path):
    for i in range(5):
        save_image(tmp_path / f"frame{i}.png", picture(3 * i))
    path = write_video(tmp_path / "a.mp4", map(read_image, find_images(tmp_path)), 5)
    for i, frame in enumerate(read_frames(path)):
        assert np.abs(frame.astype(int) - picture(3 * i))[30:, 30:].max() < 8
