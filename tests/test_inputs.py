"""Inputs of the main job: folders, patterns, addresses, a camera; told apart by their content."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from helpers import pictures
from helpers.job import camera, fetching, inputs
from helpers.job.options import read_options
from helpers.job.problems import Problems
from helpers.models import download
from helpers.pictures import read_image, save_image
from helpers.structures import InputError
from helpers.video import read_frames, video_info, write_video
from tests.faults import FAULTS
from tests.zoo_server import serve

ROOT = pathlib.Path(__file__).parents[1]
GREY = np.full((24, 32, 3), 128, np.uint8)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty current folder; a home folder with pictures and a video, also further down."""
    home = tmp_path / "home"
    save_image(home / "a.png", GREY)
    save_image(home / "trip/day 1/b.jpg", GREY)
    save_image(home / ".hidden/c.jpg", GREY)
    (home / "trip/notes.txt").write_text("a day at the sea\n" * 99)
    write_video(home / "trip/clip.mp4", [GREY] * 3, 5)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return home


def find(*words):
    """Names of pictures and of videos, and the lines on what could not be used."""
    options = read_options([str(word) for word in words])
    problems = Problems(pathlib.Path("errors.txt"))
    pictures, videos = [], []
    for work in inputs.find_work(options, problems):
        pictures += [path.name for path in work.pictures]
        videos += [path.name for path in work.videos]
    return pictures, videos, problems.lines


def test_a_folder_with_all_that_is_in_it(place):
    assert find(place) == (["a.png", "b.jpg"], ["clip.mp4"], [])
    assert find(place / "trip/day 1") == (["b.jpg"], [], [])


def test_a_folder_with_videos_alone(place):
    os.remove(place / "trip/day 1/b.jpg")
    assert find("--images", place / "trip") == ([], ["clip.mp4"], [])


def test_patterns(place):
    assert find(f"{place}/*.png") == (["a.png"], [], [])
    assert find(f"{place}/**/*.*") == (["a.png", "b.jpg"], ["clip.mp4"], [])
    _, _, (line,) = find(f"{place}/*.gif")
    assert "no pictures and no videos in" in line


def test_the_content_says_what_a_file_is_whatever_option_and_name(place):
    clip, still = place / "clip.jpg", place / "still.mp4"
    clip.write_bytes((place / "trip/clip.mp4").read_bytes())
    still.write_bytes((place / "a.png").read_bytes())
    nameless = place / "nameless"
    nameless.write_bytes((place / "a.png").read_bytes())
    found = find("--images", clip, nameless, "--video", still)
    assert found == (["nameless", "still.mp4"], ["clip.jpg"], [])


def test_a_moving_gif_is_a_video_and_a_still_one_a_picture(place):
    frames = [Image.new("RGB", (32, 24), (shade, 0, 0)) for shade in (0, 99, 200)]
    frames[0].save(place / "still.gif")
    frames[0].save(place / "moving.gif", save_all=True, append_images=frames[1:])
    assert find(place / "still.gif", place / "moving.gif") == (["still.gif"], ["moving.gif"], [])


def test_each_file_once_and_two_of_one_name(place):
    save_image(place / "trip/a.png", GREY)
    names, _, _ = find(place / "a.png", place, place / "trip/a.png")
    assert sorted(names) == ["a.png", "a.png", "b.jpg"]


@pytest.mark.parametrize(
    "name, told",
    [
        ("hme/a.png", "no such file or folder; check the name"),
        ("home/a.pgn", "check the name; did you mean 'a.png'?"),
        ("home/trip/notes.txt", "neither a picture nor a video that can be read; export it"),
        ("home/empty", "no pictures and no videos in"),
        ("home/broken.mp4", "copy it again"),
        ("~no-such-user/a.jpg", "no such file or folder"),
        ("x" * 5000, "no such file or folder"),
        ("", "no such file or folder"),
        ("ftp://example.org/a.jpg", "only http and https are fetched"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_the_rest_goes_on(place, name, told):
    (place / "empty").mkdir()
    (place / "broken.mp4").write_bytes(bytes(200))
    name = place.parent / name if name.startswith("h") else name
    names, _, (line,) = find(place / "a.png", name)
    assert len(line) < 300 and names == ["a.png"] and told in line and "\n" not in line


def test_a_file_that_may_not_be_read_does_not_end_the_rest(place, monkeypatch):
    def refuse(path, *arguments, usual=open, **options):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return usual(path, *arguments, **options)

    (place / "secret").write_bytes(bytes(9))
    monkeypatch.setattr("builtins.open", refuse)
    names, _, (line,) = find(place / "secret", place / "a.png")
    assert names == ["a.png"] and "secret: is neither" in line


def test_results_are_no_inputs(place, monkeypatch):
    monkeypatch.chdir(place)
    save_image("outputs/old.jpg", GREY)
    save_image("outputs/page/old.jpg", GREY)
    save_image("of yesterday/page/old.jpg", GREY)
    for name in inputs.RESULTS:
        pathlib.Path("of yesterday", name).touch()
    assert find(".") == (["a.png", "b.jpg"], ["clip.mp4"], [])


def test_what_comes_with_pixelwise_goes_to_the_model_that_knows_it():
    works = {}
    for model in (None, "streets", "everyday"):
        works[model] = [(name, files) for name, files in inputs.bundled(model)]
    drawings = ("streets", [inputs.DRAWINGS, inputs.VIDEO])
    photographs = ("everyday", [inputs.PHOTOGRAPHS])
    assert works == {
        None: [photographs, drawings],
        "streets": [drawings],
        "everyday": [photographs],
    }


def test_heic_without_its_package(place, monkeypatch):
    monkeypatch.setattr(pictures, "pillow_heif", None)
    monkeypatch.setattr(pictures, "FORMATS", pictures.FORMATS[:-1])
    (place / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    with pytest.raises(InputError, match="HEIC needs the package pillow-heif; install it, or"):
        read_image(place / "a.heic")


# --- addresses --------------------------------------------------------------------------------


@pytest.fixture
def server(place):
    """The home folder on a server of this computer."""
    with serve(place) as server:
        yield server


def of_addresses():
    """The files that were fetched, also those that nobody is to see."""
    return sorted(path for path in pathlib.Path("outputs/fetched").rglob("*") if path.is_file())


def test_addresses_are_fetched_whole_under_their_names(server, place):
    found = find(f"{server.url}/a.png?width=3", f"{server.url}/trip/clip.mp4")
    assert found == (["a.png"], ["clip.mp4"], [])
    seen = [path for path in of_addresses() if path.name != ".lock"]
    assert sorted(path.name for path in seen) == ["a.png", "clip.mp4"]
    (picture,) = [path for path in seen if path.name == "a.png"]
    assert picture.read_bytes() == (place / "a.png").read_bytes()


def test_two_addresses_of_one_name_are_two_files(server, place):
    shutil.copy(place / "trip/day 1/b.jpg", place / "trip/a.png")
    addresses = [f"{server.url}/a.png", f"{server.url}/trip/a.png", f"{server.url}/a.png"]
    assert find(*addresses) == (["a.png", "a.png"], [], [])


@pytest.mark.parametrize(
    "url, name",
    [
        ("http://x/a/b%20c.jpg?d=e.png", "b_c.jpg"),
        ("http://x", "download"),
        ("http://x/..%2F..%2Fetc", "etc"),
        ("http://x/.ssh", "ssh"),
        ("http://x/" + "é" * 200 + ".jpg", "é" * 76 + ".jpg"),
    ],
)
def test_a_name_from_an_address_stays_in_its_folder(url, name):
    assert fetching.name_of(url) == name


MISHAPS = {
    "404": ({"status": 404}, "404 Not Found; check the address"),
    "page": ({"content": b"<!DOCTYPE html>"}, "is a web page, not a file; give the address of"),
    "length": ({"announce": 4 * 10**9}, "it has 4.0 GB; at most 2.0 are fetched; download it"),
    "endless": ({"content": b"x" * 9000, "chunked": True}, "it has no end, or more than"),
    "stall": ({"stall_after": 0}, "the transfer stalled; check the address"),
    "circle": ({"redirect": "/a.png"}, "it leads from one address to the next without end"),
    "away": ({"redirect": "file:///etc/passwd"}, "check the address"),
    "drip": ({"content": b"x" * 400, "drip": 0.02}, "it comes too slowly"),
}


@pytest.mark.parametrize("behaviour, told", MISHAPS.values(), ids=MISHAPS)
def test_a_bad_address_is_one_line_and_leaves_nothing(server, place, monkeypatch, behaviour, told):
    monkeypatch.setattr(download, "SECONDS", (10, 0.3))
    monkeypatch.setattr(download, "PACE", (0.3, 10_000))
    if "no end" in told:
        monkeypatch.setattr(fetching, "MOST", 5000)
    server.behave(**behaviour)
    names, _, (line,) = find(f"{server.url}/a.png", place / "trip/day 1")
    assert names == ["b.jpg"] and told in line and "\n" not in line
    assert line.startswith(f"{server.url}/a.png: ")
    if told.startswith("it"):
        assert [path.name for path in of_addresses()] == [".lock"]


def test_two_runs_that_want_one_address_wait_for_each_other(server, place):
    server.behave(drip=0.001)
    folder = pathlib.Path("outputs/fetched")
    with ThreadPoolExecutor(2) as two:
        paths = list(two.map(fetching.fetch, [f"{server.url}/a.png"] * 2, [folder] * 2))
    assert paths[0] == paths[1] and paths[0].read_bytes() == (place / "a.png").read_bytes()
    assert [path.name for path in of_addresses()] == [".lock", "a.png"]


def test_an_older_file_stays_until_the_new_one_is_whole(server, place):
    find(f"{server.url}/a.png")
    server.behave(status=500)
    find(f"{server.url}/a.png")
    (old,) = [path for path in of_addresses() if path.name == "a.png"]
    assert old.read_bytes() == (place / "a.png").read_bytes()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_an_address_broken_off_half_way_is_no_file_and_is_had_the_next_time(
    server, place, monkeypatch, fault
):
    chunks = download._chunks

    def half(answer):
        yield next(chunks(answer))[:40]
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(download, "_chunks", half)
        with pytest.raises(type(fault)):
            find(f"{server.url}/a.png")
    assert sorted(path.name for path in of_addresses()) == [".a.png.part", ".a.png.tag", ".lock"]
    assert find(f"{server.url}/a.png") == (["a.png"], [], [])
    assert server.requests[-1][1]["Range"] == "bytes=40-"
    lock, file = of_addresses()
    assert file.read_bytes() == (place / "a.png").read_bytes()


@pytest.mark.slow  # a fresh process
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_killed_while_an_address_is_fetched_the_next_run_has_it(server, place):
    code = (
        "import os, pathlib, signal, sys\n"
        "from helpers.job import fetching\n"
        "from helpers.models import download\n"
        "def half(answer):\n"
        "    yield answer.raw.read(40)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "download._chunks = half\n"
        "fetching.fetch(sys.argv[1], pathlib.Path('outputs/fetched'))"
    )
    command = [sys.executable, "-c", code, f"{server.url}/a.png"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    dead = subprocess.run(command, env=environment, timeout=120)
    assert dead.returncode == -signal.SIGKILL
    assert "a.png" not in [path.name for path in of_addresses()]
    assert find(f"{server.url}/a.png") == (["a.png"], [], [])
    lock, file = of_addresses()
    assert file.read_bytes() == (place / "a.png").read_bytes()


# --- the camera -------------------------------------------------------------------------------


class Camera:
    """OpenCV's VideoCapture of a blue wall, which a hand ends after some frames."""

    def __init__(self, num_frames):
        self.left = num_frames

    def read(self):
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        frame = np.zeros((24, 32, 3), np.uint8)
        frame[..., 0] = 200  # BGR
        return True, frame

    def release(self):
        pass


@pytest.mark.parametrize("camera_fps", [5, 30])
def test_a_camera_of_any_pace_gives_a_video_of_a_steady_one(camera_fps):
    times = iter(np.arange(999) / camera_fps)
    frames = list(camera.steady_frames(Camera(999), GREY, 2, clock=lambda: next(times)))
    assert len(frames) == 2 * camera.FPS
    np.testing.assert_array_equal(frames[-1][0, 0], [0, 0, 200])


def test_a_recording_that_is_stopped_is_kept(place, monkeypatch, capsys):
    monkeypatch.setattr(camera.cv2, "VideoCapture", lambda number: Camera(3))
    assert find("0", "--seconds", "60") == ([], ["camera-0.mp4"], [])
    path = pathlib.Path("outputs/fetched/camera-0.mp4")
    assert video_info(path).fps == camera.FPS
    assert next(read_frames(path))[0, 0].argmax() == 2
    assert "camera 0: 60 s; Ctrl-C ends it before" in capsys.readouterr().err


def test_no_camera(place, monkeypatch):
    nothing = types.SimpleNamespace(read=lambda: (False, None), release=lambda: None)
    monkeypatch.setattr(camera.cv2, "VideoCapture", lambda number: nothing)
    names, _, (line,) = find("0", place / "a.png")
    assert names == ["a.png"]
    assert line == "0: no camera answers; connect it and permit its use, or name a file"
