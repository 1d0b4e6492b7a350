"""Videos keep their frames, times, orientation, shape and sound; what is no video is refused."""

import gc
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import tracemalloc
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest

from helpers.alone import alone_in
from helpers.structures import Detections, InputError
from helpers.video import (
    plan,
    process_video,
    read_frames,
    video_info,
    write_video,
    writing,
)
from tests.videos import CLIPS, RATE, Painter, make, make_short_video, picture, read, tone

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture
def video(tmp_path):
    return make_short_video(tmp_path / "video.mp4")


def test_process_draws_and_keeps_everything(video, tmp_path):
    painter, seen = Painter(), []
    report = process_video(video, tmp_path / "new/out.mp4", painter, batch_size=5, progress=False,
                           on_frame=lambda *event: seen.append(event))  # fmt: skip
    assert (report.frames, report.sound, report.cut_off) == (12, "copied", False)
    assert painter.batches == [5, 5, 2]
    assert [event[0] for event in seen] == list(range(12)) and seen[3][2].names == ["car"]
    assert [event[1] for event in seen] == pytest.approx([i / 12 for i in range(12)])
    (times, sound), (old_times, old_sound) = read(report.path), read(video)
    assert times == old_times and sound == old_sound and len(sound) > 40
    before, after = next(read_frames(video)), next(read_frames(report.path))
    assert np.abs(before[40:, 40:].astype(int) - after[40:, 40:]).max() < 6
    assert np.abs(before[2:12, 2:16].astype(int) - after[2:12, 2:16]).mean() > 20


def test_process_takes_a_frame_function(video, tmp_path):
    def negative(frame):
        frame[:] = 255 - frame  # a copy of its own: writable
        return frame

    report = process_video(video, tmp_path / "out.mp4", negative, progress=False)
    assert report.frames == 12
    for old, new in zip(read_frames(video), read_frames(report.path), strict=True):
        assert np.abs(255 - old[30:, 30:].astype(int) - new[30:, 30:]).max() < 8


@pytest.mark.parametrize(
    "function, given",
    [
        (lambda frame: None, "NoneType"),
        (lambda frame: frame / 255, r"\(48, 64, 3\) float64"),
        (lambda frame: frame[:20], r"\(20, 64, 3\) uint8"),
    ],
)
def test_a_function_that_gives_no_frame_back(video, tmp_path, function, given):
    wanted = rf"that it returns must be \(48, 64, 3\) uint8, got {given}$"
    with pytest.raises(ValueError, match=wanted):
        process_video(video, tmp_path / "out.mp4", function, progress=False)
    assert list(tmp_path.iterdir()) == [video]


def test_max_seconds_cuts_pictures_and_sound(video, tmp_path):
    report = process_video(video, tmp_path / "out.mp4", Painter(), max_seconds=0.5, progress=False)
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
    # the sound begins first, at 0.25 s: there the new video begins
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


def flat(path, signal, size=(64, 64), **tags):
    """A video of one colour, by PyAV alone: 10-bit numbers R, G, B 0..1023, written as told."""
    values = np.broadcast_to(np.uint16(signal), (*size, 3))
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=5, options={"crf": "1"})
        video.height, video.width = size
        video.pix_fmt = "yuv420p10le"
        for name, value in tags.items():
            setattr(video.codec_context, name, value)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(values), "gbrp10le")
        space = tags.get("colorspace", 1)
        frame = frame.reformat(format="yuv420p10le", dst_colorspace=space, dst_color_range=1)
        file.mux(video.encode(frame) + video.encode(None))
    return path


HDR = {"colorspace": 9, "color_primaries": 9, "color_range": 1}
# From ITU-R BT.2408, table 1: grey card 18 % and white of a scene, as HLG and PQ in per cent; and
# from tables 4 and 5 of BT.2100 with the matrix of BT.2087: a red, BT.709's 200 50 20.
SIGNALS = {
    "HLG": (18, {75: 255, 38: 108}, (0.5647, 0.2657, 0.1427)),
    "PQ": (16, {58: 255, 38: 108}, (0.4789, 0.3133, 0.2065)),
}


@pytest.mark.parametrize("kind", SIGNALS)
def test_bright_videos_of_phones_keep_their_colours(tmp_path, kind):
    curve, greys, red = SIGNALS[kind]
    for per_cent, number in greys.items():
        path = flat(tmp_path / "a.mp4", [per_cent * 10.23] * 3, color_trc=curve, **HDR)
        assert np.abs(next(read_frames(path))[32, 32].astype(int) - number).max() < 9
    path = flat(tmp_path / "a.mp4", np.multiply(red, 1023), color_trc=curve, **HDR)
    report = process_video(path, tmp_path / "out.mp4", lambda frame: frame, progress=False)
    for name in (path, report.path):
        assert np.abs(next(read_frames(name))[32, 32].astype(int) - (200, 50, 20)).max() < 9
    with av.open(str(report.path)) as file:
        context = file.streams.video[0].codec_context
        tags = context.colorspace, context.color_primaries, context.color_trc
    assert tags == (1, 1, 1)


@pytest.mark.parametrize("size, kr, kb", [((720, 1280), 0.2126, 0.0722), ((64, 64), 0.299, 0.114)])
def test_without_a_word_on_its_colours_hd_is_bt709(tmp_path, size, kr, kb):
    path = tmp_path / "a.mp4"
    yuv = 120, 90, 180
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=5, options={"crf": "1"})
        video.height, video.width = size
        video.pix_fmt = "yuv420p"
        frame = av.VideoFrame(*size[::-1], "yuv420p")
        for plane, value in zip(frame.planes, yuv, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        file.mux(video.encode(frame) + video.encode(None))
    y, u, v = (np.array(yuv) - (16, 128, 128)) / (219, 224, 224)
    red, blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    right = 255 * np.array([red, (y - kr * red - kb * blue) / (1 - kr - kb), blue])
    assert np.abs(next(read_frames(path))[32, 32] - right).max() < 3


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


def test_sound_of_a_phone_whose_frames_have_no_times_of_their_own(tmp_path):
    """AMR: five frames of 20 ms in a packet, which alone has a time; NUT takes them so, as 3gp."""
    rng, path = np.random.default_rng(0), tmp_path / "a.amr"
    frames = [b"\x3c" + rng.bytes(31) for _ in range(50)]  # 12.2 kbit/s: ETSI TS 126 101
    path.write_bytes(b"#!AMR\n" + b"".join(frames))
    src = tmp_path / "a.nut"
    pictures = make(tmp_path / "pictures.mp4", range(10), Fraction(1, 10))
    with (
        av.open(str(path)) as sound,
        av.open(str(pictures)) as video,
        av.open(str(src), "w") as out,
    ):
        to_video = out.add_stream_from_template(video.streams.video[0])
        to_sound = out.add_stream_from_template(sound.streams.audio[0])
        for packet in video.demux(video=0):
            if packet.size:
                packet.stream = to_video
                out.mux(packet)
        for first in range(0, 50, 5):
            packet = av.Packet(b"".join(frames[first : first + 5]))
            packet.pts = packet.dts = first * 160
            packet.duration, packet.time_base, packet.stream = 800, Fraction(1, 8000), to_sound
            out.mux(packet)
    report = process_video(src, tmp_path / "out.mp4", Painter(), progress=False)
    assert (report.frames, report.sound) == (10, "as AAC")
    with av.open(str(src)) as old, av.open(str(report.path)) as new:
        wanted, heard = (
            np.concatenate([f.to_ndarray() for f in file.decode(audio=0)], axis=1)
            for file in (old, new)
        )
    assert wanted.shape[1] == 8000
    assert heard.shape[1] == pytest.approx(48000, abs=3000)
    tenths = [
        np.abs(samples[0, : 10 * (len(samples[0]) // 10)]).reshape(10, -1).mean(1)
        for samples in (wanted.clip(-1, 1), heard[:, :48000])
    ]
    assert heard.shape[0] == 1 and np.corrcoef(*tenths)[0, 1] > 0.95
    assert 0.5 < np.mean(tenths[1]) / np.mean(tenths[0]) < 1.5


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


def test_a_failed_run_keeps_the_old_film(video, tmp_path):
    dst = tmp_path / "out.mp4"
    dst.write_bytes(b"older")
    calls = []

    def fails(frame):
        calls.append(1)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return frame

    with pytest.raises(KeyboardInterrupt):
        process_video(video, dst, fails, progress=False)
    with pytest.raises(ValueError, match=r"must be \(48, 64, 3\) uint8, got"):
        process_video(video, dst, lambda frame: frame[::2], progress=False)
    assert dst.read_bytes() == b"older" and set(tmp_path.iterdir()) == {video, dst}


def test_a_film_is_never_its_own_target(video):
    old = video.read_bytes()
    with pytest.raises(InputError, match="is the video itself; choose another name"):
        process_video(video, video, Painter())
    assert video.read_bytes() == old
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        process_video(video, video.with_name("b.mp4"), Painter(), batch_size=0)


def test_what_is_no_film_is_refused_in_one_line(tmp_path, video):
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
    (tmp_path / "text.mp4").write_text("I am not a video.\n" * 50)
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nhttp://example.org/a.ts\n")
    (tmp_path / "half.mp4").write_bytes(video.read_bytes()[:600])
    (tmp_path / "folder.mp4").mkdir()
    cases = {
        "gone.mp4": "no video that can be read .No such file",
        "folder.mp4": "no video that can be read .Is a directory",
        "empty.mp4": "no video that can be read .it is empty",
        "text.mp4": "no video that can be read .Invalid data",
        "list.mp4": "no video that can be read|holds no",
        "half.mp4": "no video that can be read|holds no frame",
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


@pytest.mark.slow
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


# --- pieces, parts, stages ----------------------------------------------------------------------


@pytest.fixture
def long_video(tmp_path, monkeypatch):
    """Four seconds, a key frame in six: parts of a second; sound."""
    monkeypatch.setattr(plan, "PART_SECONDS", 1)
    with monkeypatch.context() as only_here:
        only_here.setitem(writing.X264, "g", "6")
        frames = [picture(i % 16, (64, 128)) for i in range(40)]
        return write_video(tmp_path / "long.mp4", frames, 10, tone(4.0))


def working():
    """The stages' threads that are still there."""
    return [thread for thread in threading.enumerate() if "Executor" in thread.name]


def frames_of(path):
    return [frame.tobytes() for frame in read_frames(path)]


def test_parts_join_without_a_seam(long_video, tmp_path):
    made = plan.make_plan(long_video, tmp_path / "out.mp4")
    assert len(made.starts) == 4 and made.frames == 40
    report = process_video(long_video, tmp_path / "out.mp4", Painter(), progress=False)
    assert read(report.path) == read(long_video) and report.frames == 40
    assert set(report.stages) >= {"decode", "detect", "track", "draw", "encode", "join"}
    assert report.bottleneck in report.stages and f"{report.frames} frames" in str(report)
    with av.open(str(report.path)) as file:
        dts = [packet.dts for packet in file.demux(video=0) if packet.size]
    assert dts == sorted(set(dts))


def test_a_piece_from_the_middle(tmp_path):
    """A flash and a beep at 1.5 s are at 0.75 s in the piece from 0.75 s."""
    frames = [picture(15 if i >= 30 else 0) for i in range(60)]
    sound = tone(3.0) * (np.arange(3 * RATE)[:, None] >= 1.5 * RATE)
    src = write_video(tmp_path / "a.mp4", frames, 20, sound.astype(np.int16))
    seconds = []
    report = process_video(
        src, tmp_path / "out.mp4", Painter(), start=0.75, end=2.5, progress=False,
        on_frame=lambda index, second, found: seconds.append(second),
    )  # fmt: skip
    assert report.frames == 35 and report.sound == "copied" and not report.cut_off
    assert seconds == pytest.approx([0.75 + i / 20 for i in range(35)])
    times, pieces = read(report.path)
    flash = next(i for i, f in enumerate(read_frames(report.path)) if f[40, 40, 0] > 150)
    with av.open(str(report.path)) as file:
        blocks = [(f.time, np.abs(f.to_ndarray()).max()) for f in file.decode(audio=0)]
    beep = next(time for time, loud in blocks if loud > 0.1)
    assert float(times[flash]) == pytest.approx(0.75) and beep == pytest.approx(0.75, abs=0.045)
    assert blocks[-1][0] == pytest.approx(1.75, abs=0.045)
    with pytest.raises(InputError, match="holds no frame from second 9 to the end"):
        process_video(src, tmp_path / "b.mp4", Painter(), start=9, progress=False)


@pytest.mark.parametrize(
    "name, codec", [("a.ts", "mpeg2video"), ("a.avi", "mpeg4"), ("a.h264", "libx264")]
)
def test_files_without_an_index_of_times(tmp_path, monkeypatch, name, codec):
    monkeypatch.setattr(plan, "PART_SECONDS", 0.5)
    src = tmp_path / name
    with av.open(str(src), "w") as file:
        video = file.add_stream(codec, rate=10, options={"g": "4"})
        video.height, video.width, video.pix_fmt = 64, 128, "yuv420p"
        for i in range(20):
            frame = av.VideoFrame.from_ndarray(picture(i % 16, (64, 128)), "rgb24")
            file.mux(video.encode(frame.reformat(format="yuv420p")))
        file.mux(video.encode(None))
    report = process_video(src, tmp_path / "out.mp4", lambda frame: frame, progress=False)
    assert report.frames == 20
    for old, new in zip(read_frames(src), read_frames(report.path), strict=True):
        assert np.abs(old.astype(int) - new).mean() < 3


def test_every_third_frame_is_detected_and_the_others_follow(tmp_path):
    class Finder(Painter):
        """Finds the light square exactly."""

        def batch(self, images):
            self.batches.append(len(images))
            masks = [image.min(2) > 200 for image in images]
            spots = [np.argwhere(mask) for mask in masks]
            boxes = [[[*s.min(0)[::-1], *(s.max(0)[::-1] + 1)]] for s in spots]
            return [
                Detections(box, [3], [0.9], mask.shape, self.categories, mask[None])
                for box, mask in zip(boxes, masks, strict=True)
            ]

    ground = np.random.default_rng(0).integers(20, 120, (96, 160, 3), np.uint8)
    frames = []
    for i in range(24):
        frames.append(ground.copy())
        frames[-1][30:60, 10 + 3 * i : 40 + 3 * i] = 250
        frames[-1][40:50, 20 + 3 * i : 30 + 3 * i] = 210  # texture for the flow
    src, finder, seen = write_video(tmp_path / "a.mp4", frames, 12), Finder(), []
    process_video(
        src, tmp_path / "out.mp4", finder, every=3, progress=False,
        on_frame=lambda index, second, found: seen.append(found),
    )  # fmt: skip
    assert sum(finder.batches) == 8 and len(seen) == 24
    lag = [abs(float(found.boxes[0, 0]) - (10 + 3 * i)) for i, found in enumerate(seen)]
    assert max(lag) < 3  # without carrying it would be 6
    assert {tuple(found.track_ids) for found in seen} == {(1,)}
    with pytest.raises(ValueError, match="every needs a detector"):
        process_video(src, tmp_path / "b.mp4", lambda frame: frame, every=2)
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        process_video(src, tmp_path / "b.mp4", finder, every=0)


def test_scale_makes_everything_smaller(video, tmp_path):
    seen = []
    report = process_video(
        video, tmp_path / "out.mp4", Painter(), scale=0.5, progress=False,
        on_frame=lambda index, second, found: seen.append(found),
    )  # fmt: skip
    assert (video_info(report.path).height, video_info(report.path).width) == (24, 32)
    assert seen[0].image_size == (24, 32) and seen[0].boxes.tolist() == [[0, 0, 10, 8]]
    with pytest.raises(ValueError, match="scale must be above 0 and at most 1, got 2"):
        process_video(video, tmp_path / "b.mp4", Painter(), scale=2)


class Fails(Painter):
    """Raises on some of the frames that it is asked about one by one, or in a batch."""

    def __init__(self, dark):
        super().__init__()
        self.dark = dark

    def batch(self, images):
        if any(image[-1, -1, 0] < self.dark for image in images):
            raise RuntimeError("too dark")
        return super().batch(images)


def test_a_frame_that_the_detector_fails_on_is_kept_marked_and_reported(tmp_path):
    frames = [picture(15) for _ in range(45)]
    frames[37] = picture(0)
    src, seen = write_video(tmp_path / "a.mp4", frames, 15), []
    report = process_video(
        src, tmp_path / "out.mp4", Fails(80), progress=False,
        on_frame=lambda index, second, objects: seen.append(objects and len(objects)),
    )  # fmt: skip
    assert report.frames == 45 and report.failed == {37: "RuntimeError: too dark"}
    assert seen == [1] * 37 + [None] + [1] * 7
    assert "frame 37 has no result: RuntimeError: too dark" in str(report)
    marked = [int(f[24, 0, 0]) > int(f[24, 0, 2]) + 60 for f in read_frames(report.path)]
    assert marked == [i == 37 for i in range(45)]


def test_a_detector_that_fails_on_and_on_is_not_borne(video, tmp_path):
    with pytest.raises(RuntimeError, match="too dark"):
        process_video(video, tmp_path / "out.mp4", Fails(255), progress=False)
    assert list(tmp_path.iterdir()) == [video] and not working()


# --- stopped, killed, resumed -------------------------------------------------------------------


def test_a_stopped_run_goes_on_where_it_was(long_video, tmp_path):
    """The same video comes out, and the detector is not asked again about finished parts."""
    whole, dst = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    of_whole, of_resumed = [], []

    def note_whole(index, second, detections):
        of_whole.append((index, detections.track_ids.tolist()))

    def note_resumed(index, second, detections):
        of_resumed.append((index, detections.track_ids.tolist()))

    process_video(long_video, whole, Painter(), progress=False, on_frame=note_whole)

    def stop(index, second, detections):
        if index == 27:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process_video(long_video, dst, Painter(), resume=True, progress=False, on_frame=stop)
    assert not dst.exists() and not working()
    done = sorted((tmp_path / "out.mp4.parts").glob("*.mp4"))
    assert len(done) == 2 and all(len(list(read_frames(path))) == 12 for path in done)  # they play
    painter = Painter()
    report = process_video(
        long_video, dst, painter, resume=True, progress=False, on_frame=note_resumed
    )
    assert report.resumed == 24 and sum(painter.batches) == 16 and report.frames == 40
    assert frames_of(dst) == frames_of(whole) and read(dst) == read(whole)
    assert of_resumed == of_whole and [index for index, _ in of_whole] == list(range(40))
    assert not (tmp_path / "out.mp4.parts").exists()


def test_a_second_run_with_the_same_parts_is_refused(video, tmp_path):
    dst = tmp_path / "out.mp4"

    def try_again(index, second, found):
        if index == 2:
            with pytest.raises(InputError, match="out.mp4.parts: another run is at work there"):
                process_video(video, dst, Painter(), resume=True, progress=False)

    process_video(video, dst, Painter(), resume=True, progress=False, on_frame=try_again)
    assert sorted(tmp_path.iterdir()) == sorted([video, dst]) and read(dst) == read(video)


def test_what_a_killed_run_left_behind_goes(video, tmp_path):
    dst = tmp_path / "out.mp4"
    left, at_work = (tmp_path / f".{name}.out.mp4.parts" for name in ("left", "at-work"))
    for folder in (left, at_work):
        folder.mkdir()
        (folder / "00000.mp4").write_bytes(b"half a video")
    with alone_in(at_work):
        process_video(video, dst, Painter(), progress=False)
    assert not left.exists() and (at_work / "00000.mp4").exists()


def test_other_wishes_begin_afresh(long_video, tmp_path):
    def stop(index, second, found):
        if index == 20:
            raise KeyboardInterrupt

    for options in ({}, {"every": 2}):
        painter = Painter()
        with pytest.raises(KeyboardInterrupt):
            process_video(
                long_video, tmp_path / "out.mp4", painter, resume=True, progress=False,
                on_frame=stop, **options,
            )  # fmt: skip
        assert sum(painter.batches) > 5 and sum(painter.batches[:1]) == (4 if not options else 2)


@pytest.mark.slow
def test_a_killed_process_leaves_parts_to_go_on_with(long_video, tmp_path):
    code = (
        "import os, signal, sys\n"
        "from helpers.video import plan, process_video\n"
        "from tests.videos import Painter\n"
        "plan.PART_SECONDS = 1\n"
        "kill = lambda i, *_: i == 30 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "process_video(*sys.argv[1:], Painter(), resume=True, on_frame=kill, progress=False)"
    )
    command = [sys.executable, "-c", code, str(long_video), str(tmp_path / "out.mp4")]
    assert subprocess.run(command, cwd=ROOT).returncode == -signal.SIGKILL
    report = process_video(long_video, tmp_path / "out.mp4", Painter(), resume=True, progress=False)
    assert report.resumed == 24 and read(report.path) == read(long_video)


def test_ctrl_c_while_the_detector_works(long_video, tmp_path):
    class Pressed(Painter):
        def batch(self, images):
            if len(self.batches) == 3:
                signal.raise_signal(signal.SIGINT)
            return super().batch(images)

    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            process_video(long_video, tmp_path / "out.mp4", Pressed(), progress=False)
    finally:
        signal.signal(signal.SIGINT, old)
    assert list(tmp_path.iterdir()) == [long_video] and not working()


@pytest.mark.parametrize("broken", ["draw_detections", "carry"])
def test_an_error_in_any_stage_ends_all(video, tmp_path, monkeypatch, broken):
    def fails(*args, **options):
        raise ZeroDivisionError("by hand")

    monkeypatch.setattr(f"helpers.video.pipeline.{broken}", fails)
    with pytest.raises(ZeroDivisionError, match="by hand"):
        process_video(video, tmp_path / "out.mp4", Painter(), every=2, progress=False)
    assert list(tmp_path.iterdir()) == [video] and not working()


def test_an_encoder_that_dies(video, tmp_path, monkeypatch):
    real = av.VideoFrame.from_numpy_buffer
    count = iter(range(100))

    def fails(*args):
        if next(count) == 7:
            raise av.error.ExternalError(-542398533, "Generic error in an external library")
        return real(*args)

    monkeypatch.setattr(writing.av, "VideoFrame", SimpleNamespace(from_numpy_buffer=fails))
    with pytest.raises(InputError, match="could not be written .Generic error"):
        process_video(video, tmp_path / "out.mp4", Painter(), progress=False)
    assert list(tmp_path.iterdir()) == [video] and not working()


# --- more bad input -----------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 100 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(small_disk, tmp_path):
    rng = np.random.default_rng(0)
    noise = (rng.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(60))
    src = write_video(tmp_path / "a.mp4", noise, 20)
    assert src.stat().st_size > 200_000
    with pytest.raises(InputError, match="could not be written .No space left"):
        process_video(src, small_disk / "out.mp4", Painter(), progress=False)
    assert not list(small_disk.iterdir()) and not working()


def test_where_nothing_can_be_written(video, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        InputError, match="out.mp4: could not be written .Not a directory|File exists"
    ):
        process_video(video, tmp_path / "file/out.mp4", Painter(), progress=False)


@pytest.mark.parametrize(
    "codec, form, name",
    [("ffv1", "yuva420p", "a.mkv"), ("png", "rgba", "a.mov"), ("ffv1", "yuv420p10le", "a.mkv")],
    ids=["alpha", "alpha of a picture", "10 bit"],
)
def test_alpha_and_ten_bits(tmp_path, codec, form, name):
    with av.open(str(tmp_path / name), "w") as file:
        video = file.add_stream(codec, rate=5)
        video.height, video.width, video.pix_fmt = 48, 64, form
        for i in range(5):
            frame = av.VideoFrame.from_ndarray(picture(3 * i), "rgb24")
            file.mux(video.encode(frame.reformat(format=form)))
        file.mux(video.encode(None))
    report = process_video(
        tmp_path / name, tmp_path / "out.mp4", lambda frame: frame, progress=False
    )
    assert report.frames == 5
    for i, frame in enumerate(read_frames(report.path)):
        assert np.abs(frame.astype(int) - picture(3 * i))[30:, 30:].max() < 8


def test_a_film_without_a_frame(tmp_path):
    src = make(tmp_path / "a.mkv", [], Fraction(1, 10), sound="aac")
    with pytest.raises(InputError, match="holds no frame that can be read"):
        process_video(src, tmp_path / "out.mp4", Painter(), progress=False)


def test_moviepy_gives_the_same_frames(video, tmp_path):
    """The function that process_video takes is the one that image_transform takes."""
    from moviepy import VideoFileClip

    def negative(frame):
        return 255 - frame

    report = process_video(video, tmp_path / "ours.mp4", negative, progress=False)
    with VideoFileClip(str(video)) as clip:
        theirs = list(clip.image_transform(negative).iter_frames(dtype="uint8"))
    assert len(theirs) == report.frames == 12
    for one, other in zip(read_frames(report.path), theirs, strict=True):
        assert np.abs(one.astype(int) - other).mean() < 3
