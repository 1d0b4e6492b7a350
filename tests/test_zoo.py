"""Models by name: ours, the zoo's from a local server, exported ones; ours is scored again."""

import copy
import functools
import json
import pickle
import re
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

import helpers.models.__main__ as models
from helpers import DATA
from helpers.mask_rcnn.inference import Candidates
from helpers.models import detector as detectors
from helpers.models import ids_of, sources
from helpers.models.loading import load_detector
from helpers.models.sources import find_source
from helpers.streets import draw_scene
from helpers.structures import InputError


def test_unknown_names(tmp_path, monkeypatch):
    monkeypatch.setenv("PIXELWISE_CACHE", str(tmp_path / "cache"))
    wanted = "no model 'street': use one of streets, everyday, coco, mask_rcnn_.*, auto, or"
    with pytest.raises(InputError, match=wanted):
        load_detector("street")
    with pytest.raises(InputError, match="no model 'xxx.{200,600}, or the folder of a model"):
        load_detector("x" * 5000, say=None)  # longer than any file's name may be
    with pytest.raises(InputError, match=r"no model in .*: no graph \(.pb, .onnx\) and no card"):
        load_detector(str(tmp_path))  # a folder without a model
    with pytest.raises(InputError, match="'yolov8n-seg.pt': PyTorch's files are not read"):
        load_detector("yolov8n-seg.pt")
    (tmp_path / "annotations.json").write_text('{"images": []}')
    with pytest.raises(InputError, match="annotations.json: .*it is no model's card, which has"):
        load_detector(str(tmp_path))
    with pytest.raises(ValueError, match="a model has a name or a path, got NoneType"):
        load_detector(None)
    monkeypatch.setattr(sources, "DATA", tmp_path)
    with pytest.raises(InputError, match=r"streets\.json: no readable model here"):
        load_detector("streets")


# --- detector ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def detector(folder):
    return load_detector(str(folder), score_threshold=0.0)


def test_a_folder_gives_a_detector(detector):
    assert detector.name == "toy" and detector.categories == {1: "square", 7: "disc"}
    assert detector.card["config"]["num_classes"] == 2 and detector.model.config.num_classes == 2


def test_images_of_any_size(detector, toy_pictures):
    image = toy_pictures[0][0]
    sizes = [(64, 64), (40, 100), (7, 5), (1, 1), (300, 200)]
    images = [image[:h, :w] if h < 64 else np.resize(image, (h, w, 3)) for h, w in sizes]
    detections = detector.batch(images)
    assert [f.image_size for f in detections] == [i.shape[:2] for i in images]
    for image, together in zip(images, detections, strict=True):
        alone = detector(image)
        for field in ("boxes", "labels", "scores", "masks"):
            np.testing.assert_array_equal(getattr(alone, field), getattr(together, field))
        (height, width), boxes = together.image_size, together.boxes
        assert (boxes >= 0).all() and (boxes <= [width, height, width, height]).all()
    assert len(detections[0]) > 0 and set(detections[0].labels) <= {1, 7}
    assert detector.batch([]) == []


def test_two_pictures_are_on_their_way_at_a_time():
    """Each waits until the other one is in the network, too: one after the other they never end."""
    meet = threading.Barrier(2)

    def outputs(image, least=0.0):
        meet.wait(timeout=20)
        return int(image[0, 0, 0])

    def decode(number, size):
        boxes, masks = np.array([[0.0, 0, 4, 4]]), np.ones((1, 2, 2))
        return Candidates(boxes, np.array([number]), np.ones(1), masks)

    detector = detectors.Detector(outputs, decode, {"name": "two", "categories": {7: "a", 8: "b"}})
    pictures = [np.full((6, 8, 3), number, np.uint8) for number in (7, 8)]
    assert [detections.names for detections in detector.batch(pictures)] == [["a"], ["b"]]


@pytest.mark.slow  # converts to TensorFlow Lite
def test_the_fast_form_takes_one_at_a_time(detector, toy_pictures):
    """Its interpreter refuses, or mixes up, what several threads ask of it at a time."""
    pictures = [picture for picture, _ in toy_pictures[:4]] * 6
    fast = detectors.from_model(detector.model, detector.card, 0.0, fast=True)
    for picture, together in zip(pictures, fast.batch(pictures), strict=True):
        np.testing.assert_array_equal(fast(picture).boxes, together.boxes)


def test_thresholds_make_new_detectors(detector, toy_pictures):
    image = toy_pictures[0][0]
    everything = detector(image)
    best = float(everything.scores[0])
    some = detector.with_threshold(best)(image)
    assert 1 <= len(some) == (everything.scores == best).sum() < len(everything)
    assert detector.score_threshold == 0 and len(detector(image)) == len(everything)
    for wrong in (50, -0.1, float("nan"), "0.5", None):
        with pytest.raises(ValueError, match="score_threshold must lie between 0 and 1, got"):
            detector.with_threshold(wrong)
        with pytest.raises(ValueError, match="score_threshold must lie between 0 and 1, got"):
            load_detector("streets", score_threshold=wrong)


def test_images_of_other_libraries(detector, toy_pictures):
    image = toy_pictures[0][0]
    locked = image.copy()
    locked.flags.writeable = False
    wanted = detector(image)
    assert len(wanted) > 0
    for given in (
        Image.fromarray(image), Image.fromarray(image).convert("RGBA"),
        ops.convert_to_tensor(image),
        locked, np.asfortranarray(image), np.repeat(image, 2, axis=1)[:, ::2],
    ):  # fmt: skip
        found = detector(given)
        np.testing.assert_array_equal(found.boxes, wanted.boxes)
        np.testing.assert_array_equal(found.masks, wanted.masks)
        assert len(detector.candidates(given).scores) >= len(wanted)
    assert not locked.flags.writeable
    grey = detector(Image.fromarray(image).convert("L"))
    assert grey.image_size == wanted.image_size


def test_a_detector_is_pickled_by_its_name_and_copied_with_its_network(detector, toy_pictures):
    image = toy_pictures[0][0]
    lower = detector.with_threshold(0.25)
    arrived = pickle.loads(pickle.dumps(lower))
    assert arrived.model is not detector.model and arrived.score_threshold == 0.25
    np.testing.assert_array_equal(arrived(image).boxes, lower(image).boxes)
    for one in (copy.copy(lower), copy.deepcopy(lower)):
        assert one.model is detector.model and one.score_threshold == 0.25
        np.testing.assert_array_equal(one(image).boxes, lower(image).boxes)
    made_here = detectors.Detector(None, None, {"name": "mine", "categories": {}})
    with pytest.raises(pickle.PicklingError, match="'mine' was not loaded by its name; save its"):
        pickle.dumps(made_here)


def test_a_name_lasts_and_a_path_is_whole(folder, monkeypatch):
    monkeypatch.chdir(folder)
    source = find_source(".")
    assert sources.lasting_name(".", source).path == folder / "toy.json"
    assert sources.lasting_name("auto", source).path == folder / "toy.json"
    assert sources.lasting_name(source, source).path == folder / "toy.json"
    for name in ("streets", "mask_rcnn_inception_v2_coco"):
        assert sources.lasting_name(name, source) == name


def test_a_detector_says_what_it_is(detector):
    assert repr(detector) == ("Detector 'toy', 2 kinds of objects: square, disc (scores from 0)")
    names = {i: f"<{i}>" for i in range(9)}
    many = detectors.Detector(None, None, {"name": "many", "categories": names})
    assert "9 kinds of objects: <0>, <1>, <2>, <3>, <4> … (scores from 0.5)" in repr(many)
    assert "&lt;4&gt; …" in many._repr_html_()
    bare = detectors.Detector(None, None, {"name": "bare", "categories": {}})
    assert "its classes have no names" in repr(bare)


def test_what_is_no_image_is_refused(detector):
    with pytest.raises(ValueError, match="an image must be RGB uint8"):
        detector(np.zeros((64, 64, 3)))
    with pytest.raises(ValueError, match="an image must be RGB uint8"):
        detector.batch([np.zeros((64, 64), np.uint8)])
    with pytest.raises(ValueError, match="an image must be RGB uint8 .* got str"):
        detector("street.jpg")


# --- the zoo, from a local server --------------------------------------------------------------

NAME = "mask_rcnn_inception_v2_coco"


def test_a_model_of_the_zoo_by_its_name(served, streets_detector, capsys):
    lines = []
    detector = load_detector(NAME, say=lines.append)
    assert detector.name == NAME and len(detector.categories) == 80
    image, _ = draw_scene(700_025)
    detections = detector(image)
    assert detections.names == streets_detector(image).names and len(detections) > 3
    assert len(lines) == 2 and not capsys.readouterr().out  # a bar, if at all, goes to stderr
    asked = len(served.requests)
    assert find_source(NAME, say=None).card["mask_size"] == 55
    assert not any(capsys.readouterr())
    archives = [path for path, _ in served.requests if path.endswith(".tar.gz")]
    assert len(archives) == 1 and len(served.requests) > asked  # the second time: the card alone


def test_auto_takes_coco_where_it_can_and_says_so(served):
    lines = []
    assert find_source("auto", say=lines.append).card["name"] == NAME
    assert lines[0] == f"auto: {NAME}, which knows the 80 classes of COCO"


def test_auto_takes_everyday_where_coco_cannot_be_had_and_says_why(served):
    served.behave(status=404)
    lines = []
    assert find_source("auto", say=lines.append).card["name"] == "everyday"
    (line,) = lines
    assert line.startswith("auto: everyday, which comes with Pixelwise") and "404" in line


def test_a_detector_of_some_classes_alone():
    card = {"name": "toy", "categories": {1: "person", 3: "car", 18: "dog"}}
    boxes = np.float32([[0, 0, 4, 4], [4, 4, 8, 8], [0, 0, 8, 8]])
    said = Candidates(boxes, np.int32([3, 1, 18]), np.float32([0.9, 0.8, 0.6]), None)
    detector = detectors.Detector(lambda image, least: None, lambda *_: said, card)
    image = np.zeros((8, 8, 3), np.uint8)
    detector.again = functools.partial(dict, classes=None)
    assert pickle.loads(pickle.dumps(detector.only("dog")))["classes"] == ["dog"]
    some = detector.only(["dog", "car"]).with_threshold(0.7)
    assert some(image).names == ["car"] and detector(image).names == ["car", "person", "dog"]
    assert some.candidates(image).labels.tolist() == [3, 18]
    np.testing.assert_array_equal(some(image).boxes, boxes[:1])
    with pytest.raises(InputError, match="toy knows no class 'dragon', but person, car, dog$"):
        detector.only(["dragon"])
    many = {"name": "toy", "categories": {i: f"kind {i}" for i in range(1, 81)}}
    with pytest.raises(InputError, match="'x', but kind 1, .*kind 10 and 70 more "):
        ids_of(["x"], many)
    with pytest.raises(InputError, match="no class 'persn', .*; did you mean 'person'.$"):
        detector.only(["car", "persn"])


def test_commands(served, tmp_path, capsys):
    """list, info, fetch, verify: as a user runs them."""
    assert models.main(["list"]) == 0
    head, line, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "classes", "MB", "mask", "mAP", "ms", "where"]
    assert rows[0].split()[:4] == ["streets", "8", "5", "28"]
    assert len(rows[1]) <= 100 and "coco is short for" in rows[-1]
    assert rows[2].endswith("to fetch")
    assert models.main(["fetch", "coco"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"coco: {tmp_path}") and out.endswith("frozen_inference_graph.pb\n")
    assert models.main(["list", "--json"]) == 0
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["name"] == NAME]
    assert row["where"] == "cached" and row["mask"] == 55
    assert models.main(["info", NAME, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mask_size"] == 55
    assert models.main(["info", "streets"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("streets\n") and "{" not in page
    assert re.search(r"(?m)^knows        8 classes: person, bicycle,", page)
    assert max(map(len, page.splitlines())) <= 100
    assert models.main(["verify", "coco"]) == 0
    (graph,) = (tmp_path / "cache").rglob("frozen_inference_graph.pb")
    graph.write_bytes(graph.read_bytes()[:-1])
    capsys.readouterr()
    assert models.main(["verify", NAME]) == 2
    said = capsys.readouterr()
    assert "frozen_inference_graph.pb" in said.err and said.err.count("\n") == 1
    assert models.main(["fetch", "street"]) == 2
    err = capsys.readouterr().err
    assert "no model 'street'" in err and "did you mean 'streets'?" in err


def test_looking_at_the_list_does_not_wait_for_keras():
    code = "import sys; from helpers.models.__main__ import main; main(['list'])"
    code += "; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


# --- a network otherwise than it was trained ---------------------------------------------------


@pytest.mark.slow  # three networks
def test_knobs_change_the_network_and_not_its_weights(detector, folder, toy_pictures):
    image = toy_pictures[0][0]
    knobs = {"image_size": [128, 192], "num_proposals": 5, "num_detections": 1}
    other = load_detector(str(folder), score_threshold=0.0, **knobs)
    assert other.card["image_size"] == other.model.config.image_size == (128, 192)
    stages = other.model(np.zeros((1, 128, 192, 3), np.uint8))
    assert stages.proposals.shape == (1, 5, 4) and stages.scores.shape == (1, 1)
    for ours, theirs in zip(detector.model.weights, other.model.weights, strict=True):
        if "seed" not in ours.path:
            np.testing.assert_array_equal(ours, theirs)
    assert len(other(image)) <= 1 < len(detector(image))
    # Fewer proposals than the network had detections: as few detections.
    assert load_detector(str(folder), num_proposals=3).model.config.num_detections == 3
    # What is not changed stays as it was trained.
    assert other.model.config.nms_iou == detector.model.config.nms_iou


def test_knobs_that_are_refused(folder, tmp_path):
    with pytest.raises(ValueError, match=r"no option \['widths'\]; of a Config only these may ch"):
        load_detector(str(folder), widths=(8, 8, 8, 8))
    for size in ((100, 128), (128,), (0, 64)):
        with pytest.raises(ValueError, match="image_size must be .*, each divisible by 64, got"):
            load_detector(str(folder), image_size=size)
    refused = r"toy cannot run with .*: num_proposals must be num_candidates \(4\) at most, got 12"
    with pytest.raises(ValueError, match=refused):
        load_detector(str(folder), num_candidates=4)
    graph = tmp_path / "frozen_inference_graph.pb"
    graph.touch()
    with pytest.raises(ValueError, match=r"inference_graph.pb is fixed: no \['num_proposals'\]"):
        load_detector(str(tmp_path), num_proposals=3)


# --- the bundled model -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def streets_scores():
    """AP on the first 100 held-out pictures: of the network, and of its fast form."""
    from helpers.evaluation import evaluate
    from helpers.training import held_out

    pictures = held_out(100, (256, 320))
    images = [image for image, _ in pictures]
    truth = [true for _, true in pictures]
    detectors = [load_detector("streets", fast, 0.0) for fast in (False, True)]
    return [evaluate(truth, detector.batch(images)) for detector in detectors]


@pytest.mark.slow
def test_the_card_keeps_its_promise(streets_scores):
    card = json.loads((DATA / "streets.json").read_text())
    for kind in ("mask", "box"):
        for name in ("AP", "AP50"):
            promised = card["held_out"][kind][name]
            assert streets_scores[0][kind][name] == pytest.approx(promised, abs=0.03), (kind, name)


def test_the_card_promises_enough():
    card = json.loads((DATA / "streets.json").read_text())
    held_out = card["held_out"]
    assert held_out["images"] >= 500 and held_out["first_seed"] == 500_000
    assert held_out["mask"]["AP"] >= 0.65 and held_out["mask"]["AP50"] >= 0.92
    assert held_out["box"]["AP"] >= 0.75
    assert set(held_out["per_class"]) == set(card["categories"].values())
    assert (DATA / "streets.npz").stat().st_size <= 6e6


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow Lite is fast")
@pytest.mark.slow
def test_the_fast_form_is_as_good(streets_scores):
    plain, fast = streets_scores
    assert fast["mask"]["AP"] == pytest.approx(plain["mask"]["AP"], abs=0.01)
    assert fast["box"]["AP"] == pytest.approx(plain["box"]["AP"], abs=0.02)  # .768 and .756 once
