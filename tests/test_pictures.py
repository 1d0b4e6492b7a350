"""Pictures in and out: each odd file gives the right pixels or one clear line."""

import os
import pathlib
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from helpers.pictures import (
    WRITTEN,
    explain_system,
    find_images,
    read_image,
    remove_halves,
    replacing,
    save_image,
    visible,
)
from helpers.structures import InputError

EXIF = pathlib.Path(__file__).parents[1] / "../shared/data/exif"


@pytest.fixture
def photo():
    """A smooth picture, no side like another, that survives JPEG."""
    y, x = np.mgrid[:48, :64]
    return np.stack([4 * x, 5 * y, 255 - 2 * x - y], 2).astype(np.uint8)


# --- find -------------------------------------------------------------------------------------


def test_find_images_of_a_folder_a_file_and_a_glob(tmp_path, monkeypatch):
    for name in ("b.JPG", "a.png", "c.webp", ".hidden.jpg", "notes.txt", "sub/d.tiff"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    def names(pattern):
        return [path.name for path in find_images(pattern)]

    assert names(tmp_path) == ["a.png", "b.JPG", "c.webp"]
    assert names(str(tmp_path / "*.png")) == ["a.png"]
    assert names(f"{tmp_path}/**") == ["a.png", "b.JPG", "c.webp", "d.tiff"]
    assert names(tmp_path / "notes.txt") == ["notes.txt"]  # named outright: read_image judges it
    monkeypatch.setenv("HOME", str(tmp_path))
    assert names("~/a.png") == names("~/a.p*") == ["a.png"]


def test_a_file_name_may_look_like_a_pattern(tmp_path):
    (tmp_path / "photo[1].jpg").write_bytes(b"x")
    assert find_images(tmp_path / "photo[1].jpg") == [tmp_path / "photo[1].jpg"]


@pytest.mark.parametrize("name", ["", "*.jpg", "gone.jpg"])
def test_find_images_names_what_is_missing(tmp_path, name):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="no pictures|no such file") as caught:
        find_images(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


# --- read: right pixels -----------------------------------------------------------------------


@pytest.mark.parametrize("ending", WRITTEN)
def test_what_is_saved_is_read(tmp_path, photo, ending):
    read = read_image(save_image(tmp_path / f"new/photo{ending}", photo))
    assert read.shape == photo.shape and read.dtype == np.uint8 and read.flags.writeable
    if ending in (".png", ".bmp", ".tif", ".tiff"):
        np.testing.assert_array_equal(read, photo)
    elif ending != ".gif":  # 256 colours
        assert np.abs(read.astype(int) - photo).mean() < 3


@pytest.mark.parametrize("ending", [".heic", ".HEIF", ".avif", ".jfif", ".jpe"])
def test_what_phones_and_browsers_save_is_read(tmp_path, photo, ending):
    kind = {".heic": "HEIF", ".heif": "HEIF", ".avif": "AVIF"}.get(ending.lower(), "JPEG")
    Image.fromarray(photo).save(tmp_path / f"a{ending}", kind, quality=95)
    assert find_images(tmp_path) == [tmp_path / f"a{ending}"]
    read = read_image(tmp_path / f"a{ending}")
    assert read.shape == photo.shape and np.abs(read.astype(int) - photo).mean() < 6
    with pytest.raises(ValueError, match="must end in one of .jpg"):
        save_image(tmp_path / f"b{ending}", photo)
    (tmp_path / f"a{ending}").write_bytes((tmp_path / f"a{ending}").read_bytes()[:60])
    with pytest.raises(InputError, match="is not a JPEG|is damaged"):
        read_image(tmp_path / f"a{ending}")


def test_outputs_may_lie_in_the_home_folder(tmp_path, photo, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert save_image("~/x/a.png", photo) == tmp_path / "home/x/a.png"
    with replacing("~/b.txt") as part:
        part.write_text("b")
    assert (tmp_path / "home/b.txt").read_text() == "b" and not (tmp_path / "~").exists()


def read_from(tmp_path, picture, name="a.png", **options):
    picture.save(tmp_path / name, **options)
    return read_image(tmp_path / name)


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_pencil_grey_and_colour(tmp_path, mode):
    picture = Image.new(mode, (2, 1))
    picture.putpixel((1, 0), (9, 8, 7) if mode == "RGB" else 255)
    right = [9, 8, 7] if mode == "RGB" else [255] * 3
    np.testing.assert_array_equal(read_from(tmp_path, picture), [[[0, 0, 0], right]])


def test_pencil_transparency_lies_over_white(tmp_path):
    # alpha 51 of 255 is 1/5: 4/5 of white and 1/5 of the colour; 0 is white; 255 the colour.
    rgba = np.array([[[100, 0, 50, 51], [100, 0, 50, 0], [100, 0, 50, 255]]], np.uint8)
    right = [[[224, 204, 214], [255, 255, 255], [100, 0, 50]]]
    np.testing.assert_array_equal(read_from(tmp_path, Image.fromarray(rgba)), right)
    grey = Image.fromarray(rgba[..., [0, 3]])
    assert grey.mode == "LA"
    right = [[[224] * 3, [255] * 3, [100] * 3]]
    np.testing.assert_array_equal(read_from(tmp_path, grey, "la.png"), right)


def test_pencil_palette_with_and_without_transparency(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    np.testing.assert_array_equal(read_from(tmp_path, picture), [[[255, 0, 0], [0, 0, 255]]])
    read = read_from(tmp_path, picture, "b.png", transparency=0)
    np.testing.assert_array_equal(read, [[[255, 255, 255], [0, 0, 255]]])
    read = read_from(tmp_path, picture, "c.gif", transparency=1)
    np.testing.assert_array_equal(read, [[[255, 0, 0], [255, 255, 255]]])


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_pencil_16_bits(tmp_path, name):
    deep = Image.fromarray(np.array([[0, 257, 32896, 65535]], np.uint16))
    assert deep.mode == "I;16"
    assert read_from(tmp_path, deep, name)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_16_bit_colour_is_scaled(tmp_path):
    import cv2

    deep = np.array([[[0, 65535, 32896], [257, 514, 771]]], np.uint16)  # blue, green, red
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    assert read_image(tmp_path / "a.png").tolist() == [[[128, 255, 0], [3, 2, 1]]]


@pytest.mark.parametrize("values", [[[0.25, 0.5, 0.75]], [[-7, 0, 7]], [[4, 4, 4]]])
def test_no_fixed_white_is_stretched(tmp_path, values):
    values = np.array(values, np.float32 if values[0][0] == 0.25 else np.int32)
    grey = read_from(tmp_path, Image.fromarray(values), "a.tif")[0, :, 0]
    right = [0, 0, 0] if values.max() == values.min() else [0, 127.5, 255]
    np.testing.assert_allclose(grey, right, atol=0.6)


def test_cmyk(tmp_path):
    # no ink is white, full black ink is black, full cyan ink has no red left
    inks = Image.new("CMYK", (48, 16))
    inks.paste((0, 0, 0, 255), (16, 0, 32, 16))
    inks.paste((255, 0, 0, 0), (32, 0, 48, 16))
    for name in ("a.jpg", "a.tif"):
        read = read_from(tmp_path, inks, name)[8, [4, 24, 44]]
        assert np.abs(read - np.array([[255] * 3, [0] * 3, [0, 255, 255]], int)).max() <= 4


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation(tmp_path, photo, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    # EXIF 2.3, tag 0x0112: the turn or mirroring that the camera applied when it stored the picture
    stored = {
        1: photo,
        2: np.fliplr(photo),
        3: np.rot90(photo, 2),
        4: np.flipud(photo),
        5: photo.swapaxes(0, 1),
        6: np.rot90(photo, 1),
        7: np.rot90(photo, 2).swapaxes(0, 1),
        8: np.rot90(photo, -1),
    }[turn]
    stored = Image.fromarray(np.ascontiguousarray(stored))
    np.testing.assert_array_equal(read_from(tmp_path, stored, exif=exif), photo)


@pytest.mark.skipif(not EXIF.is_dir(), reason="the real EXIF photos are not here")
def test_exif_orientation_of_real_photos():
    photos = [read_image(path) for path in find_images(EXIF)]  # one view, of different brightness
    assert [photo.shape for photo in photos] == [(450, 600, 3)] * 8
    alike = np.corrcoef([photo.ravel() for photo in photos])[0]
    turned = np.corrcoef(photos[0].ravel(), photos[0][::-1].ravel())[0, 1]
    assert alike.min() > 0.95 and turned < 0.6


def test_one_pixel(tmp_path):
    for name in ("a.png", "a.jpg", "a.gif"):
        read = read_from(tmp_path, Image.new("RGB", (1, 1), "white"), name)
        assert read.tolist() == [[[255] * 3]]


@pytest.mark.slow
def test_12000_by_9000_in_silence(tmp_path):
    Image.new("L", (12_000, 9_000), 7).save(tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = read_image(tmp_path / "a.png")
    assert read.shape == (9_000, 12_000, 3) and read[-1, -1].tolist() == [7, 7, 7]


# --- read: one clear line ---------------------------------------------------------------------


def test_refusals_name_the_file_and_the_remedy(tmp_path, photo):
    whole = save_image(tmp_path / "whole.jpg", photo).read_bytes()
    png = save_image(tmp_path / "whole.png", photo).read_bytes()
    (tmp_path / "folder.jpg").mkdir()
    huge = tmp_path / "huge.png"
    Image.new("1", (20_000, 20_000)).save(huge)
    cases = {
        "gone.jpg": (None, "no such file; check the name"),
        "folder.jpg": (None, "is a folder; name a picture"),
        "huge.png": (huge.read_bytes(), "has over 178 million pixels; make it smaller"),
        "empty.jpg": (b"", "is empty .*again"),
        "text.jpg": (b"I am not a picture.\n", "is not a JPEG, .*export it as JPEG"),
        "head.jpg": (whole[:100], "damaged or cut off .*again|is not a JPEG"),
        "half.jpg": (whole[: len(whole) * 2 // 3], "damaged or cut off .*copy it again"),
        "half.png": (png[: len(png) * 2 // 3], "damaged or cut off .*copy it again"),
        "drawing.psd": (b"8BPS\0\1" + bytes(200), "is not a JPEG"),
    }
    for name, (content, line) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=line) as caught:
            read_image(tmp_path / name)
        message = str(caught.value)
        assert message.startswith(str(tmp_path / name)) and "\n" not in message, message


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.gif", "a.webp", "a.bmp"])
def test_a_damaged_file_never_raises_anything_else(tmp_path, photo, name):
    whole = np.frombuffer(save_image(tmp_path / name, photo).read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = whole.copy()
        places = rng.integers(0, len(whole), 6)
        damaged[places] = rng.integers(0, 256, 6)
        (tmp_path / name).write_bytes(damaged[: rng.integers(1, len(whole) + 1)].tobytes())
        try:
            assert read_image(tmp_path / name).ndim == 3
        except InputError as error:
            assert "\n" not in str(error)


# --- save -------------------------------------------------------------------------------------


def test_a_failed_save_keeps_the_old_picture(tmp_path, photo, monkeypatch):
    path = save_image(tmp_path / "a.png", photo)
    old = path.read_bytes()

    def half(self, data, write=pathlib.Path.write_bytes):
        write(self, data[:100])
        raise OSError("disk full")

    monkeypatch.setattr(pathlib.Path, "write_bytes", half)
    with pytest.raises(OSError, match="disk full"):
        save_image(path, photo)
    assert path.read_bytes() == old and list(tmp_path.iterdir()) == [path]


def test_replacing_cleans_up_when_stopped(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.txt") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with replacing(tmp_path / "deep/b.txt") as part:
        part.write_text("whole")
        assert not (tmp_path / "deep/b.txt").exists()
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["b.txt"]


def test_what_killed_runs_left_is_removed(tmp_path):
    """Of dead processes and of this one's number; not of the living, nor other hidden files."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for number in (ended.pid, os.getpid(), os.getppid()):
        (tmp_path / f".a b.c.{number}.part.jpg").touch()
    kept = [f".a b.c.{os.getppid()}.part.jpg", ".0.part", ".clip.mp4.parts", ".env", "a.7.part.jpg"]
    for name in kept:
        (tmp_path / name).touch()
    remove_halves(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
    remove_halves(tmp_path / "nowhere")


def test_save_refuses(tmp_path, photo):
    with pytest.raises(ValueError, match="must end in"):
        save_image(tmp_path / "a.mp4", photo)
    for wrong in (photo[..., 0], photo.astype(float), photo[..., :2]):
        with pytest.raises(ValueError, match="must be .H, W, 3. uint8, got"):
            save_image(tmp_path / "a.png", wrong)
    assert not list(tmp_path.iterdir())


def test_save_takes_views_and_read_only_arrays(tmp_path, photo):
    view = photo[::2, ::-1]
    view.flags.writeable = False
    np.testing.assert_array_equal(read_image(save_image(tmp_path / "a.png", view)), view)


@pytest.mark.parametrize(
    "name, seen",
    [
        ("out/cat.jpg", "out/cat.jpg"),
        ("out/.results.4711.part.json", "out"),
        (".local/.x7.clip.mp4.parts/00000.mp4", ".local"),
        ("out/clip.mp4.parts/00000.mp4", "out/clip.mp4.parts/00000.mp4"),
    ],
)
def test_a_line_names_what_a_user_can_see(name, seen):
    full = OSError(28, "no room\nafter 3 of 4 bytes", name)
    assert explain_system(full, "elsewhere") == f"{pathlib.Path(seen)}: No space left on device"
    assert explain_system(OSError("odd"), name) == f"{pathlib.Path(seen)}: odd"


def test_half_a_file_is_of_those_that_nobody_sees(tmp_path):
    with replacing(tmp_path / "a.json") as part:
        assert visible(part) == tmp_path
        part.write_text("{}")
