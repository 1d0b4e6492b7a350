"""Films keep their frames, times, orientation, shape and sound; what is no film is refused."""

import gc
import tracemalloc
from fractions import Fraction

import av
import numpy as np
import pytest

from helpers.film import read_frames, video_info, write_video
from helpers.structures import InputError
from helpers.video import process_video
from tests.films import CLIPS, RATE, Painter, make, picture, read, tone, write_film


@pytest.fixture
def film(tmp_path):
    return write_film(tmp_path / "film.mp4")


def test_process_draws_and_keeps_everything(film, tmp_path):
    painter, seen = Painter(), []
    report = process_video(film, tmp_path / "new/out.mp4", painter, batch_size=5, progress=False,
                           on_frame=lambda *event: seen.append(event))  # fmt: skip
    assert (report.frames, report.sound, report.cut_off) == (12, "copied", False)
    assert painter.batches == [5, 5, 2]
    assert [event[0] for event in seen] == list(range(12)) and seen[3][2].names == ["car"]
    assert [event[1] for event in seen] == pytest.approx([i / 12 for i in range(12)])
    (times, sound), (old_times, old_sound) = read(report.path), read(film)
    assert times == old_times and sound == old_sound and len(sound) > 40
    before, after = next(read_frames(film)), next(read_frames(report.path))
    assert np.abs(before[40:, 40:].astype(int) - after[40:, 40:]).max() < 6
    assert np.abs(before[2:12, 2:16].astype(int) - after[2:12, 2:16]).mean() > 20


def test_process_takes_a_frame_function(film, tmp_path):
    def negative(frame):
        frame[:] = 255 - frame  # a copy of its own: writable
        return frame

    report = process_video(film, tmp_path / "out.mp4", negative, progress=False)
    assert report.frames == 12
    for old, new in zip(read_frames(film), read_frames(report.path), strict=True):
        assert np.abs(255 - old[30:, 30:].astype(int) - new[30:, 30:]).max() < 8


def test_max_seconds_cuts_pictures_and_sound(film, tmp_path):
    report = process_video(film, tmp_path / "out.mp4", Painter(), max_seconds=0.5, progress=False)
    times, sound = read(report.path)
    assert report.frames == len(times) == 6 and not report.cut_off
    assert float(sound[-1][0]) == pytest.approx(0.5, abs=0.03)


def test_variable_rate_and_late_start_keep_their_times(tmp_path):
    ticks = [300, 333, 400, 700, 701, 1500]  # of 1/600 s
    src = make(tmp_path / "a.mkv", ticks, Fraction(1, 600), sound="aac", start=0.25)
    (old, old_sound), report = read(src), process_video(
        src, tmp_path / "out.mp4", Painter(), batch_size=4, progress=False
    )  # fmt: skip
    new, new_sound = read(report.path)
    assert [float(t) for t in old] == pytest.approx([t / 600 for t in ticks], abs=1e-3)
    # the sound begins first, at 0.25 s: there the new film begins
    assert [float(t) + 0.25 for t in new] == pytest.approx([float(t) for t in old], abs=1e-3)
    assert [piece for _, piece in new_sound] == [piece for _, piece in old_sound]
    assert float(new_sound[0][0]) + 0.25 == pytest.approx(float(old_sound[0][0]), abs=1e-3)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_film_shot_sideways_comes_out_upright(tmp_path, turns):
    """The matrix in an mp4's track header (ISO 14496-12, tkhd) turns the picture clockwise."""
    src = write_video(tmp_path / "a.mp4", [picture(3)] * 4, 10)
    right = np.rot90(next(read_frames(src)), -turns)
    (a, b), one = {1: (0, 1), 2: (-1, 0), 3: (0, -1)}[turns], 1 << 16
    data, matrix = bytearray(src.read_bytes()), (a * one, b * one, 0, -b * one, a * one, 0)
    place = data.index(b"tkhd") + 44
    data[place : place + 24] = np.array(matrix, ">i4").tobytes()
    src.write_bytes(data)
    aspect = make(tmp_path / "b.mp4", [0], Fraction(1, 10), sample_aspect_ratio=Fraction(4, 3))
    wide = aspect.read_bytes()
    place = wide.index(b"tkhd") + 44
    aspect.write_bytes(wide[:place] + np.array(matrix, ">i4").tobytes() + wide[place + 24 :])
    assert video_info(aspect).pixel_aspect == Fraction(4, 3) ** (-1 if turns % 2 else 1)
    report = process_video(src, tmp_path / "out.mp4", lambda frame: frame, progress=False)
    for path in (src, report.path):
        image = next(read_frames(path))
        assert image.shape == right.shape and np.abs(image.astype(int) - right).mean() < 3
    info = video_info(report.path)
    assert (info.height, info.width) == right.shape[:2] and info.rotation == 0


def test_shape_of_pixels_is_kept(tmp_path):
    aspect = Fraction(16, 11)
    src = make(tmp_path / "a.mp4", range(5), Fraction(1, 10), sample_aspect_ratio=aspect)
    report = process_video(src, tmp_path / "out.mp4", Painter(), progress=False)
    assert video_info(src).pixel_aspect == video_info(report.path).pixel_aspect == aspect


@pytest.mark.parametrize("space", [1, 5], ids=["BT.709", "BT.601"])
@pytest.mark.parametrize("reach", [1, 2], ids=["limited", "full"])
def test_colours_of_each_kind_are_read_right(tmp_path, space, reach):
    """Against the definition: Y' = Kr R' + (1 - Kr - Kb) G' + Kb B' (ITU-R BT.709, BT.601)."""
    yuv, (kr, kb) = (120, 90, 180), {1: (0.2126, 0.0722), 5: (0.299, 0.114)}[space]
    planes = [np.full(n, value, np.uint8) for n, value in zip((4096, 1024, 1024), yuv, strict=True)]
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        video = file.add_stream("libx264", rate=5, options={"crf": "1"})
        video.height = video.width = 64
        video.pix_fmt, context = "yuv420p", video.codec_context
        context.colorspace, context.color_range = space, reach
        frame = av.VideoFrame.from_ndarray(np.concatenate(planes).reshape(96, 64), "yuv420p")
        file.mux(video.encode(frame) + video.encode(None))
    y, u, v = (np.array(yuv) - (16 if reach == 1 else 0, 128, 128)) / (
        (219, 224, 224) if reach == 1 else (255, 255, 255)
    )
    red, blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    right = 255 * np.array([red, (y - kr * red - kb * blue) / (1 - kr - kb), blue])
    src, dst = tmp_path / "a.mp4", tmp_path / "out.mp4"
    process_video(src, dst, lambda frame: frame, progress=False)
    for path, bar in ((src, 3), (dst, 6)):
        assert np.abs(next(read_frames(path))[32, 32] - right).max() < bar


@pytest.mark.parametrize(
    "name, sound", [("a.avi", "pcm_s16le"), ("a.mkv", "ac3"), ("a.mkv", "aac")]
)
def test_sound_that_browsers_cannot_play_becomes_aac(tmp_path, name, sound):
    src = make(tmp_path / name, range(10), Fraction(1, 10), sound=sound)
    report = process_video(src, tmp_path / "out.mp4", Painter(), progress=False)
    assert report.sound == ("copied" if sound == "aac" else "as AAC") and report.frames == 10
    with av.open(str(report.path)) as file:
        assert file.streams.audio[0].codec_context.name == "aac"
        heard = np.concatenate([f.to_ndarray() for f in file.decode(audio=0)], axis=1)[
            0, 4096:40000
        ]
    assert np.abs(heard).max() == pytest.approx(8000 / 32768, rel=0.1)


def test_a_film_that_breaks_off_gives_what_can_be_read(tmp_path):
    whole = write_video(tmp_path / "a.mp4", [picture(i % 16) for i in range(60)], 6)
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(60)]
    whole = write_video(tmp_path / "a.mp4", noise, 6)
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    report = process_video(whole, tmp_path / "out.mp4", Painter(), progress=False)
    assert 20 < report.frames < 40 and report.cut_off
    assert len(list(read_frames(report.path))) == report.frames


def test_one_frame(tmp_path):
    src = write_video(tmp_path / "a.mp4", [picture(3)], 25)
    report = process_video(src, tmp_path / "out.mp4", Painter(), progress=False)
    assert report.frames == len(list(read_frames(report.path))) == 1 and report.sound is None


def test_a_failed_run_keeps_the_old_film(film, tmp_path):
    dst = tmp_path / "out.mp4"
    dst.write_bytes(b"older")
    calls = []

    def fails(frame):
        calls.append(1)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return frame

    with pytest.raises(KeyboardInterrupt):
        process_video(film, dst, fails, progress=False)
    with pytest.raises(ValueError, match=r"must be \(48, 64, 3\) uint8, got"):
        process_video(film, dst, lambda frame: frame[::2], progress=False)
    assert dst.read_bytes() == b"older" and sorted(tmp_path.iterdir()) == [film, dst]


def test_a_film_is_never_its_own_target(film):
    old = film.read_bytes()
    with pytest.raises(InputError, match="is the film itself; choose another name"):
        process_video(film, film, Painter())
    assert film.read_bytes() == old
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        process_video(film, film.with_name("b.mp4"), Painter(), batch_size=0)


def test_what_is_no_film_is_refused_in_one_line(tmp_path, film):
    from PIL import Image

    music = tmp_path / "music.mp4"
    with av.open(str(music), "w") as file:
        audio = file.add_stream("aac", rate=RATE, layout="stereo")
        frame = av.AudioFrame.from_ndarray(tone(0.5).reshape(1, -1), "s16", "stereo")
        frame.sample_rate = RATE
        file.mux(audio.encode(frame) + audio.encode(None))
    for kind in ("png", "jpeg"):
        Image.fromarray(picture(1)).save(tmp_path / f"{kind}.mp4", kind)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("I am not a film.\n" * 50)
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nhttp://example.org/a.ts\n")
    (tmp_path / "half.mp4").write_bytes(film.read_bytes()[:600])
    (tmp_path / "folder.mp4").mkdir()
    cases = {
        "gone.mp4": "no film that can be read .No such file",
        "folder.mp4": "no film that can be read .Is a directory",
        "empty.mp4": "no film that can be read .it is empty",
        "text.mp4": "no film that can be read .Invalid data",
        "list.mp4": "no film that can be read|holds no",
        "half.mp4": "no film that can be read|holds no frame",
        "music.mp4": "holds no moving picture",
        "png.mp4": "is a picture",
        "jpeg.mp4": "is a picture",
    }
    for name, line in cases.items():
        for attempt in (
            lambda path: process_video(path, tmp_path / "out.mp4", Painter(), progress=False),
            lambda path: next(read_frames(path)),
        ):
            with pytest.raises(InputError, match=line) as caught:
                attempt(tmp_path / name)
            message = str(caught.value)
            assert message.startswith(str(tmp_path / name)) and "\n" not in message, message
    assert not (tmp_path / "out.mp4").exists() and not list(tmp_path.glob(".*"))


def test_memory_does_not_grow_with_length(tmp_path):
    def peak(frames):
        src = write_video(tmp_path / "a.mp4", (picture(i % 16) for i in range(frames)), 25)
        gc.collect()
        tracemalloc.start()
        process_video(src, tmp_path / "out.mp4", Painter(), progress=False)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(16)
    assert peak(160) < peak(32) + 600_000  # the 128 frames more are 1,200,000 bytes


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the real clips are not here")
@pytest.mark.parametrize(
    "name, size, frames",
    [
        ("tiny_with_audio.mp4", (240, 320), 36),
        ("portrait_rotated_90.mov", (568, 320), 62),
        ("rotated_180_variable_rate.mp4", (720, 1280), 25),
        ("non_square_pixels.mp4", (144, 176), 120),
        ("no_duration.webm", (720, 1280), 74),
        ("variable_rate.mov", (480, 640), 123),
        ("failing_audio.mp4", (360, 640), 280),
    ],
)
def test_real_clips(tmp_path, name, size, frames):
    src = CLIPS / name
    report = process_video(src, tmp_path / "out.mp4", lambda frame: frame, progress=False)
    old, new = video_info(src), video_info(report.path)
    assert (new.height, new.width) == size == (old.height, old.width)
    assert report.frames == frames and not report.cut_off
    assert new.rotation == 0 and new.pixel_aspect == old.pixel_aspect
    (times, sound), (old_times, old_sound) = read(report.path), read(src)
    assert [float(t) for t in times] == pytest.approx([float(t) for t in old_times], abs=1e-6)
    assert [piece for _, piece in sound] == [piece for _, piece in old_sound]
    before, after = next(read_frames(src)), next(read_frames(report.path))
    assert np.abs(before.astype(int) - after).mean() < 5
