"""Our models in the Object Detection API's contract: every form says what the Keras model says."""

import errno
import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

import helpers.models.__main__ as models
from helpers import DATA
from helpers.models import export, programs
from helpers.models.export import export_model
from helpers.models.graphs import MASKS, OUTPUTS
from helpers.models.label_maps import read_label_map
from helpers.models.loading import load_detector
from helpers.streets import draw_scene
from helpers.structures import InputError, mask_iou

SIZES = {"as trained": (256, 320), "twice as large": (512, 640), "wide": (200, 500)}


def test_what_is_written(exported):
    names = ["frozen_inference_graph.pb", "label_map.pbtxt", "model.json", "model.tflite"]
    assert sorted(p.name for p in exported.iterdir()) == [*names, "saved_model"]
    assert not list(exported.parent.glob(".*.part"))
    card = json.loads((DATA / "streets.json").read_text())
    names = {int(key): name for key, name in card["categories"].items()}
    assert read_label_map(exported / "label_map.pbtxt") == names


def test_the_frozen_graph_is_one_of_tf1(exported):
    """No function library, loops as TF1 wrote them, names and types of the contract."""
    content = (exported / "frozen_inference_graph.pb").read_bytes()
    graph_def = tf.compat.v1.GraphDef.FromString(content)
    ops = [node.op for node in graph_def.node]
    assert not graph_def.library.function and {"Enter", "Exit", "Switch", "Merge"} <= set(ops)
    assert ops.count("Placeholder") == 1 and not {op for op in ops if "Variable" in op}
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    image = graph.get_tensor_by_name("image_tensor:0")
    assert image.dtype == tf.uint8 and image.shape.as_list() == [1, None, None, 3]
    tensors = [graph.get_tensor_by_name(f"{name}:0") for name in (*OUTPUTS, MASKS)]
    assert {tensor.dtype for tensor in tensors} == {tf.float32}
    shapes = [tensor.shape.as_list() for tensor in tensors]
    assert shapes == [[1], [1, 100, 4], [1, 100], [1, 100], [1, 100, 55, 55]]


@pytest.mark.slow  # a fresh process
def test_converting_is_silent(tiny_model, capfd):
    program = programs.to_lite(programs.compiled(tiny_model))
    boxes, *_ = programs.run_lite(program)(
        np.zeros((1, *tiny_model.config.image_size, 3), np.uint8)
    )
    assert boxes.shape[1:] == (tiny_model.config.num_detections, 4)
    assert capfd.readouterr() == ("", "")


@pytest.fixture(scope="module")
def frozen(exported):
    """The frozen graph as a detector that drops nothing above .3."""
    return load_detector(str(exported), score_threshold=0.3, say=None)


def agree(graph, ours, name, seeds):
    """The same objects; scores within .02, boxes .5 px; masks, pasted otherwise, IoU .98 of it."""
    assert graph.categories == ours.categories and graph.name == "streets"
    overlaps = []
    for seed in seeds:
        image, _ = draw_scene(seed, size=SIZES[name])
        wanted, given = ours(image), graph(image)
        assert given.names == wanted.names, (name, seed)
        np.testing.assert_allclose(given.scores, wanted.scores, atol=0.02)
        np.testing.assert_allclose(given.boxes, wanted.boxes, atol=0.5)
        for one, other in zip(given.masks, wanted.masks, strict=True):
            overlaps.append(mask_iou(one[None], other[None])[0, 0])
    assert len(overlaps) > 8 and np.mean(overlaps) > 0.98 and min(overlaps) > 0.85, name


@pytest.mark.parametrize("name", SIZES)
def test_the_frozen_graph_says_what_keras_says(frozen, streets_detector, name):
    agree(frozen, streets_detector.with_threshold(0.3), name, range(700_000, 700_004))


def test_the_saved_model_says_what_keras_says(exported, streets_detector):
    graph = load_detector(str(exported / "saved_model"), score_threshold=0.3, say=None)
    agree(graph, streets_detector.with_threshold(0.3), "wide", range(700_000, 700_004))


def test_padding_is_that_of_the_api(frozen):
    raw = frozen.outputs(np.full((40, 50, 3), 90, np.uint8))
    num = int(raw["num_detections"][0])
    assert num < 24 and not raw["detection_boxes"][0, num:].any()
    assert not raw["detection_scores"][0, num:].any()
    assert (raw["detection_classes"][0, num:] == 1).all()


@pytest.mark.slow  # converts twice
def test_lite_says_what_the_fast_form_says(exported):
    fast = load_detector("streets", fast=True)
    lite = load_detector(str(exported / "model.tflite"))
    assert lite.name == "streets" and lite.model is None
    for seed in (700_000, 700_001):
        image, _ = draw_scene(seed, size=(300, 300))
        one, other = fast(image), lite(image)
        assert one.names == other.names and len(one) > 0
        np.testing.assert_array_equal(one.masks, other.masks)


def test_an_existing_folder_is_left_alone(streets_detector, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="exists already; name a new folder"):
        export_model(streets_detector.model, streets_detector.card, tmp_path)
    assert models.main(["export", "streets", str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.slow
def test_a_full_disk_is_a_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*given, **more):
        raise tf.errors.ResourceExhaustedError(
            None, None, "a/b; No space left on device [Op:SaveV2]"
        )

    for name in ("_contract", "_write_frozen_graph"):
        monkeypatch.setattr(export, name, lambda *given: None)
    monkeypatch.setattr(tf.saved_model, "save", full)
    model = SimpleNamespace(config=SimpleNamespace(mask_side=14))
    with pytest.raises(InputError, match="could not be written .No space left on device.$"):
        export_model(model, {"name": "toy", "categories": {}}, tmp_path / "toy")
    assert [path.name for path in tmp_path.iterdir()] == [".toy.lock"]


def test_ctrl_c_and_a_second_export_leave_nothing_half_written(tmp_path, monkeypatch):
    folder = tmp_path / "toy"
    (tmp_path / ".toy.part/saved_model").mkdir(parents=True)  # of a run that was killed

    def stop(model, card, part):
        assert not list(part.iterdir())
        (part / "model.json").write_text("half")
        with pytest.raises(InputError, match="toy: another run is at work there"):
            export_model(None, {}, folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "_write_all", stop)
    with pytest.raises(KeyboardInterrupt):
        export_model(None, {}, folder)
    assert [path.name for path in tmp_path.iterdir()] == [".toy.lock"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_is_full_or_read_only_is_a_line(tmp_path, monkeypatch, capsys, code):
    def fail(model, card, part):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(export, "_write_all", fail)
    monkeypatch.setitem(
        models.COMMANDS, "models export", lambda options: export_model(None, {}, options.folder)
    )
    folder = tmp_path / "toy"
    assert models.main(["export", "toy", str(folder)]) == 2
    assert capsys.readouterr().err == f"{folder}: {os.strerror(code)}\n"
    assert not folder.exists()


@pytest.mark.slow
def test_the_command(folder, tmp_path, capsys):
    """A training run's folder -> graphs that load; but not from graphs to graphs."""
    out = tmp_path / "out"
    assert models.main(["export", str(folder), str(out)]) == 0
    assert str(out / "saved_model") in capsys.readouterr().out
    detector = load_detector(str(out), score_threshold=0.0, say=None)
    assert detector.categories == {1: "square", 7: "disc"}
    assert detector(np.zeros((64, 64, 3), np.uint8)).image_size == (64, 64)
    assert models.main(["export", str(out), str(tmp_path / "again")]) == 2
    assert "only our own models can be exported" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()
