"""The main job as a user meets it: files in, results out, one line for each bad file."""

import csv
import errno
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote

import cv2
import numpy as np
import pytest
from PIL import Image

import helpers.__main__ as job
import helpers.models
from helpers.job import inputs, running
from helpers.job.clip import crossed, video_figure
from helpers.job.crops import write_crops
from helpers.job.options import read_options
from helpers.job.outline import outline
from helpers.job.page import Entry
from helpers.job.problems import Problems
from helpers.models.sources import Source
from helpers.pictures import find_images, read_image, replacing, save_image
from helpers.structures import Detections, InputError
from helpers.video import History, process_video, read_frames, video_info, write_video

ROOT = pathlib.Path(__file__).parents[1]
NAMES = {1: "person", 3: "car"}


class Fake:
    """A detector of red (car) and blue (person) rectangles, by plain NumPy."""

    name, categories = "fake", NAMES
    card = {"name": "fake", "note": "fake knows rectangles <only>"}
    score_threshold = 0.5
    calls = 0

    def __call__(self, image):
        type(self).calls += 1
        masks, labels = [], []
        for label, channel in ((3, 0), (1, 2)):
            mask = (image[..., channel] > 150) & (np.delete(image, channel, 2).max(2) < 90)
            if mask.any():
                masks.append(mask)
                labels.append(label)
        size = image.shape[:2]
        if not masks:
            return Detections.empty(size, NAMES)
        spots = [np.nonzero(mask) for mask in masks]
        boxes = [(x.min(), y.min(), x.max() + 1, y.max() + 1) for y, x in spots]
        return Detections(boxes, labels, [0.9] * len(boxes), size, NAMES, np.stack(masks))

    def batch(self, images):
        return [self(image) for image in images]

    def __init__(self, score_threshold=0.5):
        self.score_threshold = score_threshold


def street(shift=0, car=True, person=True, size=(60, 80)):
    image = np.full((*size, 3), 128, np.uint8)
    if car:
        image[10:30, 5 + shift : 35 + shift] = (220, 10, 10)
    if person:
        image[20:50, 60:70] = (10, 10, 220)
    return image


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Pictures and a video, a fake model, and an empty current folder."""

    def find_source(name):
        if name not in ("streets", "everyday"):
            raise InputError(f"no model {name!r}: use streets")
        return Source("network", pathlib.Path(f"{name}.json"), {})

    def load_detector(source, score_threshold, **options):
        return Fake(score_threshold)

    # Where the face keeps what it has imported: so TensorFlow is not imported at all.
    monkeypatch.setitem(vars(helpers.models), "load_detector", load_detector)
    monkeypatch.setitem(vars(helpers.models), "find_source", find_source)
    monkeypatch.setattr(Fake, "calls", 0)
    folder = tmp_path / "my photos"
    save_image(folder / "both.png", street())
    save_image(folder / "car.jpg", street(person=False))
    save_image(folder / "none.webp", street(car=False, person=False))
    sound = np.full((24_000, 2), 1000, np.int16)
    write_video(tmp_path / "video.mp4", (street(3 * i) for i in range(6)), 12, sound)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def snapshot(folder):
    return {p: p.read_bytes() for p in sorted(pathlib.Path(folder).rglob("*")) if p.is_file()}


def run(*arguments):
    return job.main([str(argument) for argument in arguments])


# --- a good run -------------------------------------------------------------------------------


def test_pictures_and_video(files, capsys):
    code = run("--images", files / "my photos", "--video", files / "video.mp4")
    out, err = capsys.readouterr()
    assert code == 0 and err == ""
    assert "3 pictures, 3 objects: 2 × car, 1 × person" in out
    assert "video.mp4: 6 frames, sound copied; most at one time: 1 × car, 1 × person" in out
    assert "note on fake: fake knows rectangles <only>" in out
    assert str(files / "work/outputs") in out and "file:///" in out
    folder = files / "work/outputs"
    names = sorted(p.name for p in folder.iterdir())
    assert names == ["both.png", "car.jpg", "index.html", "none.webp.jpg", "page", "results.csv",
                     "results.json", "video.mp4", "video.mp4.tracks.csv"]  # fmt: skip
    drawn = read_image(folder / "both.png")
    assert drawn.shape == (60, 80, 3) and (drawn != street()).any()
    np.testing.assert_allclose(read_image(folder / "none.webp.jpg"), 128, atol=3)
    assert len(list(read_frames(folder / "video.mp4"))) == 6
    assert video_info(folder / "video.mp4").has_audio


def test_results_are_coco(files):
    coco = pytest.importorskip("pycocotools.coco")
    run("--images", files / "my photos", "--video", files / "video.mp4", "--score", "0.3")
    path = files / "work/outputs/results.json"
    content = json.loads(path.read_text())
    assert content["info"]["model"] == "fake"
    assert content["categories"] == [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]
    dataset = coco.COCO(str(path))
    assert len(dataset.imgs) == 3 + 6
    (both,) = (i for i in dataset.imgs.values() if i["file_name"].endswith("both.png"))
    assert (both["height"], both["width"], both["result"]) == (60, 80, "both.png")
    annotations = {a["category_id"]: a for a in dataset.imgToAnns[both["id"]]}
    right = {3: (street()[..., 0] == 220), 1: (street()[..., 2] == 220)}
    for category, mask in right.items():
        np.testing.assert_array_equal(dataset.annToMask(annotations[category]), mask)
        assert annotations[category]["area"] == mask.sum()
    assert annotations[3]["bbox"] == [5, 10, 30, 20] and annotations[3]["score"] == 0.9
    again = dataset.loadRes(content["annotations"])
    assert len(again.anns) == len(dataset.anns) == len(content["annotations"]) == 3 + 12
    frames = [image for image in content["images"] if "frame" in image]
    assert [image["frame"] for image in frames] == [0, 1, 2, 3, 4, 5]
    assert frames[3]["seconds"] == 0.25 and frames[3]["result"] == "video.mp4"
    assert len({image["id"] for image in content["images"]}) == 9


def test_the_table_says_what_the_coco_file_says(files):
    run("--images", files / "my photos", "--video", files / "video.mp4")
    with open("outputs/results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    content = json.loads(pathlib.Path("outputs/results.json").read_text())
    assert len(rows) == len(content["annotations"]) == 3 + 12
    row = next(row for row in rows if row["result"] == "both.png" and row["name"] == "car")
    assert [row[name] for name in ("x1", "y1", "x2", "y2")] == ["5.0", "10.0", "35.0", "30.0"]
    assert (row["score"], row["area"], row["object"], row["frame"]) == ("0.9", "600", "1", "")
    (row,) = (row for row in rows if row["frame"] == "3" and row["name"] == "car")
    assert row["seconds"] == "0.25" and float(row["x1"]) == pytest.approx(14, abs=1)


def test_objects_are_cut_out_clear_around_their_masks(files):
    assert run("--images", files / "my photos", "--crops") == 0
    folder = pathlib.Path("outputs/crops")
    cut = {path.relative_to(folder).as_posix() for path in folder.rglob("*-*.png")}
    assert cut == {"both.png/01-car.png", "both.png/02-person.png", "car.jpg/01-car.png"}
    mask = np.ones((4, 5), bool)
    mask[0, 0] = False
    image = np.full((10, 11, 3), 7, np.uint8)
    found = Detections([[3, 3, 8, 7], [20, 20, 30, 30]], [1, 3], [0.9, 0.8], (10, 11), NAMES)
    path, outside = write_crops(files / "a", image, found)
    assert np.asarray(Image.open(path)).tolist() == [[[7, 7, 7, 255]] * 5] * 4 and outside is None
    (path,) = write_crops(files / "b", image, found[0].replace(masks=np.pad(mask, 3)[None]))
    np.testing.assert_array_equal(np.asarray(Image.open(path))[..., 3], 255 * mask)
    assert write_crops(files / "c", image, Detections.empty((10, 11), NAMES)) == []


def test_results_are_named_by_the_endings_of_their_sources(files):
    for name in ("cat.bmp", "cat.jpg", "cat.png", "CAT.JPEG"):
        save_image(files / "cats" / name, street())
    save_image(files / "more/cat.jpg", street())
    assert run("--images", files / "cats", files / "more") == 0
    results = {path.name for path in find_images("outputs")}
    assert results == {"cat.bmp.jpg", "cat.jpg", "cat.png", "CAT.JPEG", "cat-2.jpg"}
    titles = re.findall("<h3>(.*?)</h3>", pathlib.Path("outputs/index.html").read_text("utf-8"))
    assert sorted(titles) == ["CAT.JPEG", "cat.bmp", "cat.jpg", "cat.png", "more/cat.jpg"]


def test_an_outline_drawn_again_is_the_mask():
    y, x = np.mgrid[:90, :120]
    mask = np.hypot(x - 60, y - 45) < 40
    mask &= np.hypot(x - 70, y - 50) > 12  # a hole
    mask[2:5, 3:20] = True  # a second part
    drawn = np.zeros((90, 120), np.uint8)
    for part in outline(mask, 120, 90).split("Z")[:-1]:
        points = [list(map(float, pair.split())) for pair in part[1:].split("L")]
        drawn ^= cv2.fillPoly(np.zeros_like(drawn), [np.int32(np.array(points) - 0.5)], 1)
    assert (drawn.astype(bool) != mask).sum() < 0.04 * mask.sum()
    assert outline(mask, 240, 45).count("M") == 3 and outline(np.zeros((4, 4), bool), 4, 4) == ""


def test_a_count_over_a_line_and_a_list_of_tracks(files, capsys):
    assert run("--video", files / "video.mp4", "--line", "0.35,1,0.35,0") == 0
    page = pathlib.Path("outputs/index.html").read_text("utf-8")
    # The car's middle goes from 20 to 35 of 80 pixels, past 28; the person stands at 65.
    assert ">1\xa0× car from A to B<" in page and '<line class="line" x1="28.0"' in page
    assert "; across the line 1\xa0× car from A to B\n" in capsys.readouterr().out
    assert re.search(r"<td>car</td><td>6</td><td>0.0 to 0.4</td><td>[56]\d\d</td>", page)
    (paths,) = re.findall('<script type="application/json">(.*?)</script>', page)
    ways = {track["name"]: track["path"] for track in json.loads(paths)}
    assert ways["car"][0] == pytest.approx([20, 20], abs=1.5) and len(ways["car"]) <= 3
    assert ways["car"][-1] == pytest.approx([35, 20], abs=1.5)
    history = History()
    for second, x in enumerate((10, 30, 50)):
        box = [[x - 5, 5, x + 5, 15]]
        history.add(second, Detections(box, [3], [1], (60, 80), NAMES, track_ids=[4]))
    figure = video_figure(Entry("a b.mp4", "a b.mov", "text"), "p.jpg", (60, 80), history)
    assert ">1\xa0× car from A to B<" in figure and "a%20b.mp4.tracks.csv" in figure
    assert crossed(history, (60, 80), (0.9, 1, 0.9, 0)) == "nothing crosses the line"


class Links(HTMLParser):
    """Collects what a page points at, and pictures that say nothing to who cannot see them."""

    def __init__(self):
        super().__init__()
        self.links, self.mute, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes[k] for k in ("src", "href", "poster") if k in attributes]
        self.mute += [tag] if tag == "img" and not attributes.get("alt") else []
        self.open += [] if tag in ("meta", "img", "input") else [tag]

    def handle_endtag(self, tag):
        while self.open.pop() != tag:
            pass


@pytest.mark.parametrize(
    "arguments, model",
    [
        ([], "everyday"),
        (["--model", "streets"], "streets"),
    ],
)
def test_what_a_user_brings_never_meets_the_model_for_drawings(files, arguments, model):
    options = read_options([str(files / "my photos"), str(files / "video.mp4"), *arguments])
    (work,) = inputs.find_work(options, Problems("errors.txt"))
    assert work.model == model and len(work.pictures) == 3 and len(work.videos) == 1


def test_the_page_is_whole_and_relative(files):
    save_image(files / "my photos/50% <b> #1?.png", street())
    run("--images", files / "my photos", "--video", files / "video.mp4")
    page = (files / "work/outputs/index.html").read_text("utf-8")
    parser = Links()
    parser.feed(page)
    assert not parser.mute and not parser.open and len(parser.links) >= 12
    for link in parser.links:
        if link.startswith("#"):
            continue
        assert not link.startswith(("/", "http", "file")), link
        assert (files / "work/outputs" / unquote(link)).is_file(), link
    assert "fake knows rectangles &lt;only&gt;" in page and "<b>" not in page
    assert "light-dark(" in page and "width=device-width" in page
    assert "controls" in page and str(files) not in page and not re.search(r"\$[a-z]", page)


def test_only_some_pictures_are_on_the_page(files, monkeypatch):
    monkeypatch.setattr(running, "ON_PAGE", 1)
    assert run("--images", files / "my photos") == 0
    page = (files / "work/outputs/index.html").read_text("utf-8")
    assert page.count("<figure ") == 1 and "2 more pictures are in this folder" in page
    assert len(list((files / "work/outputs/page").iterdir())) == 1


def test_large_pictures_get_small_copies_for_the_page(files):
    save_image(files / "large.png", street(size=(90, 3000)))
    run("--images", files / "large.png")
    assert read_image(files / "work/outputs/page/large.png.before.jpg").shape == (48, 1600, 3)
    assert read_image(files / "work/outputs/large.png").shape == (90, 3000, 3)


def test_globs_and_doubles(files):
    assert run("--images", files / "my photos/*.png", files / "my photos", "--out", "new/deep") == 0
    assert len(json.loads(pathlib.Path("new/deep/results.json").read_text())["images"]) == 3


def test_one_name_in_two_folders(files):
    for folder in ("one", "two"):
        save_image(files / folder / "a.jpg", street(person=folder == "one"))
        save_image(files / folder / "A-2.jpg", street())
    assert run("--images", files / "one", files / "two") == 0
    results = [p.name for p in find_images("outputs")]
    assert len({name.casefold() for name in results}) == len(results) == 4


def test_without_arguments_the_bundled_files(files, monkeypatch, capsys):
    save_image(files / "photographs/a.jpg", street())
    monkeypatch.setattr(inputs, "PHOTOGRAPHS", files / "photographs")
    monkeypatch.setattr(inputs, "DRAWINGS", files / "my photos")
    monkeypatch.setattr(inputs, "VIDEO", files / "street.mp4")
    (files / "video.mp4").rename(files / "street.mp4")
    assert run() == 0
    out, _ = capsys.readouterr()
    assert "4 pictures" in out and "street.mp4: 6 frames" in out and "note on" not in out
    results = json.loads((files / "work/outputs/results.json").read_text())
    assert results["info"]["model"] == "fake and fake"
    assert results["categories"] == [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]


def test_bundled_files_are_there():
    assert len(find_images(inputs.DRAWINGS)) >= 3 and len(find_images(inputs.PHOTOGRAPHS)) >= 3
    assert video_info(inputs.VIDEO).has_audio


def test_for_another_program_nothing_else_is_printed(files, capsys):
    assert run(files / "my photos", "--json") == 0
    out, err = capsys.readouterr()
    assert out == (files / "work/outputs/results.json").read_text()
    assert "3 pictures, 3 objects" in err


# --- bad input --------------------------------------------------------------------------------


def test_bad_files_get_a_line_each_and_the_others_are_done(files, capsys):
    photos, video = files / "my photos", files / "video.mp4"
    (photos / "text.jpg").write_text("I am not a picture")
    whole = save_image(files / "whole.jpg", street(size=(200, 300))).read_bytes()
    (photos / "half.jpg").write_bytes(whole[:1000])
    (files / "empty.mp4").touch()
    (files / "no pictures").mkdir()
    code = run("--images", photos, files / "gone.jpg", files / "no pictures",
               "--video", files / "empty.mp4", video, files / "gone.mp4")  # fmt: skip
    out, err = capsys.readouterr()
    assert code == 2
    lines = err.splitlines()
    for name in ("text.jpg", "half.jpg", "gone.jpg", "no pictures", "empty.mp4", "gone.mp4"):
        (line,) = (line for line in lines if name in line)
        assert re.search("check|copy|export|wanted", line), line
    assert len(lines) == 6 and "3 pictures, 3 objects" in out and "video.mp4: 6 frames" in out
    page = pathlib.Path("outputs/index.html").read_text("utf-8")
    assert "half.jpg" in page and not list(pathlib.Path("outputs").rglob(".*"))


def test_an_error_that_nobody_foresaw_names_its_file_and_the_others_are_done(
    files, monkeypatch, capsys
):
    def call(self, image, usual=Fake.__call__):
        if not (image == 128).any():
            raise KeyError("a fault\nof ours")
        return usual(self, image)

    monkeypatch.setattr(Fake, "__call__", call)
    save_image(files / "my photos/first.png", np.zeros((20, 20, 3), np.uint8))
    write_video(files / "bad.mp4", [np.zeros((20, 20, 3), np.uint8)] * 9, 12)
    code = run("--images", files / "my photos", "--video", files / "bad.mp4", files / "video.mp4")
    out, err = capsys.readouterr()
    assert code == 2 and "3 pictures, 3 objects" in out and "video.mp4: 6 frames" in out
    lines = err.splitlines()
    assert len(lines) == 2 and "Traceback" not in err
    for line, name in zip(lines, ("first.png", "bad.mp4"), strict=True):
        told = (
            rf"{name}: failed by a fault of Pixelwise .KeyError: 'a fault.*; report it with (.*) to"
        )
        (log,) = re.search(told, line).groups()
        assert name in pathlib.Path(log).read_text()
    assert pathlib.Path(log).read_text().count("Traceback") >= 2
    content = json.loads(pathlib.Path("outputs/results.json").read_text())
    assert not any("first" in image["file_name"] for image in content["images"])


def test_a_home_folder_is_meant_by_its_sign(files, monkeypatch, tmp_path):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    assert run("--images", files / "my photos", "--out", "~/found") == 0
    assert (tmp_path / "home/found/index.html").exists()
    assert save_image("~/a.png", street()) == tmp_path / "home/a.png"
    assert write_video("~/a.mp4", [street()], 5) == tmp_path / "home/a.mp4"
    report = process_video("~/a.mp4", "~/b.mp4", Fake(), progress=False)
    assert report.path == tmp_path / "home/b.mp4"
    with replacing("~/c.txt") as part:
        part.write_text("c")
    assert {p.name for p in (tmp_path / "home").iterdir()} >= {"a.png", "a.mp4", "b.mp4", "c.txt"}
    assert not pathlib.Path("~").exists()


@pytest.mark.parametrize(
    "arguments, line",
    [
        (["--images", "gone.jpg"], "no such file"),
        (["--video", "gone.mp4"], "no such file"),
        (["--images", "../my photos", "--model", "strets"], "no model 'strets': use streets"),
        (["--images", "broken.jpg"], "is empty"),
        (["--video", "broken.mp4"], "is no video|holds no"),
    ],
)
def test_a_failed_run_destroys_nothing(files, capsys, arguments, line):
    assert run("--images", files / "my photos", "--video", files / "video.mp4") == 0
    pathlib.Path("broken.jpg").touch()
    pathlib.Path("broken.mp4").write_bytes((files / "video.mp4").read_bytes()[:500])
    before, _ = snapshot("outputs"), capsys.readouterr()
    assert run(*arguments) == 2
    assert snapshot("outputs") == before
    out, err = capsys.readouterr()
    assert re.search(line, err) and "Traceback" not in err and len(err.splitlines()) <= 2


def test_a_video_that_fails_half_way_keeps_the_old_one(files, monkeypatch, capsys):
    assert run("--video", files / "video.mp4") == 0
    before = snapshot("outputs")

    def batch(self, images):
        if Fake.calls > 9:
            raise MemoryError
        return [self(image) for image in images]

    monkeypatch.setattr(Fake, "batch", batch)
    monkeypatch.setattr(Fake, "calls", 0)
    write_video(files / "video.mp4", (street(i) for i in range(30)), 12)
    assert run("--video", files / "video.mp4") == 2
    assert snapshot("outputs") == before
    assert "video.mp4: needs more memory" in capsys.readouterr().err
    monkeypatch.setattr(Fake, "calls", 0)
    assert run("--video", files / "video.mp4", "--images", files / "my photos") == 2
    content = json.loads(pathlib.Path("outputs/results.json").read_text())
    video = pathlib.Path("outputs/video.mp4")
    assert len(content["images"]) == 3 and len(content["annotations"]) == 3
    assert video.read_bytes() == before[video]


def test_stopped_by_hand_the_results_tell_what_was_done(files, monkeypatch, capsys):
    def call(self, image):
        Fake.calls += 1
        if Fake.calls == 3:
            raise KeyboardInterrupt
        return Detections.empty(image.shape[:2], NAMES)

    monkeypatch.setattr(Fake, "__call__", call)
    assert run("--images", files / "my photos", "--video", files / "video.mp4") == 130
    assert len(json.loads(pathlib.Path("outputs/results.json").read_text())["images"]) == 2
    assert "stopped" in capsys.readouterr().err and not pathlib.Path("outputs/video.mp4").exists()


def test_stopped_before_there_was_a_result_older_ones_stay(files, monkeypatch, capsys):
    assert run("--images", files / "my photos") == 0
    before, _ = snapshot("outputs"), capsys.readouterr()

    def stop(self, image):
        raise KeyboardInterrupt

    monkeypatch.setattr(Fake, "__call__", stop)
    assert run("--images", files / "my photos") == 130
    assert capsys.readouterr().err.splitlines() == ["stopped before there was a result"]
    assert snapshot("outputs") == before


def test_an_input_that_is_not_there_is_one_line(files, capsys):
    assert run("nowhere.jpg") == 2
    err = capsys.readouterr().err
    assert err == "nowhere.jpg: no such file or folder; check the name\n"


def test_results_never_replace_their_sources(files, capsys):
    before = snapshot(files / "my photos")
    assert run("--images", files / "my photos", "--out", files / "my photos") == 2
    assert snapshot(files / "my photos") == before
    assert "lies where the results go; name another folder with --out" in capsys.readouterr().err
    assert run("--video", files / "video.mp4", "--out", files) == 2


def test_an_output_folder_that_cannot_be(files, capsys):
    pathlib.Path("outputs").write_text("I am a file")
    assert run("--images", files / "my photos") == 2
    err = capsys.readouterr().err
    assert "outputs" in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_is_full_or_read_only_is_one_line(files, monkeypatch, capsys, code):
    assert run("--images", files / "my photos") == 0
    before, _ = snapshot("outputs"), capsys.readouterr()

    def full(*arguments, **options):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Image.Image, "save", full)
    assert run("--images", files / "my photos") == 2
    err = capsys.readouterr().err
    assert os.strerror(code) in err and len(err.splitlines()) == 1
    assert snapshot("outputs") == before


KILLED = """
import os, pathlib, signal, sys
import helpers.__main__ as job
import helpers.models
from helpers.models.sources import Source
from tests.test_main import Fake

vars(helpers.models)["load_detector"] = lambda *given, **options: Fake()
vars(helpers.models)["find_source"] = lambda name: Source("network", pathlib.Path("a.json"), {})
write_bytes = pathlib.Path.write_bytes

def write_half(path, encoded):
    if "car" not in path.name:
        return write_bytes(path, encoded)
    write_bytes(path, encoded[:50])
    os.kill(os.getpid(), signal.SIGKILL)

pathlib.Path.write_bytes = write_half
job.main(["--images", sys.argv[1]])
"""


@pytest.mark.slow  # a fresh process
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_killed_while_it_writes_a_picture_it_leaves_no_half_one_and_the_next_run_tidies(files):
    assert run("--images", files / "my photos") == 0
    before = snapshot("outputs")
    command = [sys.executable, "-c", KILLED, str(files / "my photos")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, env=environment, timeout=120).returncode == -signal.SIGKILL
    after = snapshot("outputs")
    halves = [path for path in after if path.name.startswith(".") and "car" in path.name]
    assert len(halves) == 1
    assert {path: after[path] for path in before} == before
    assert run("--images", files / "my photos") == 0
    assert snapshot("outputs").keys() == before.keys()


@pytest.mark.parametrize("score", ["-1", "1.5", "high"])
def test_a_senseless_score_is_refused(score, capsys):
    with pytest.raises(SystemExit) as stop:
        run("--score", score)
    assert stop.value.code == 2 and "--score" in capsys.readouterr().err


def test_memory_does_not_grow_with_the_number_of_pictures(files, monkeypatch):
    import tracemalloc

    monkeypatch.setattr(running, "ON_PAGE", 2)

    def peak(number):
        folder = files / f"{number}"
        for i in range(number):
            save_image(folder / f"{i}.png", street(size=(200, 300)))
        tracemalloc.start()
        assert run("--images", folder, "--out", files / f"out{number}") == 0
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(30) < peak(5) + 1_000_000  # 25 pictures more are 4,500,000 bytes
