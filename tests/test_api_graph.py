"""The stand-ins for the zoo's graphs keep the Object Detection API's contract."""

import collections
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests import api_graph

SMALL = {"width": 0.1, "sides": (96, 160)}
PICTURES = pathlib.Path(__file__).parents[1] / "data/pictures"
NAMES = {name: f"{name}:0" for name in api_graph.OUTPUTS}


def read(folder):
    data = (folder / "frozen_inference_graph.pb").read_bytes()
    return tf.compat.v1.GraphDef.FromString(data)


def load(folder):
    """A frozen graph as a function: images (B, H, W, 3) uint8 -> {name: array}."""
    graph, wrap = read(folder), tf.compat.v1.wrap_function
    wrapped = wrap(lambda: tf.compat.v1.import_graph_def(graph, name=""), [])
    tensor = wrapped.graph.get_tensor_by_name
    run = wrapped.prune(tensor("image_tensor:0"), {k: tensor(v) for k, v in NAMES.items()})
    return lambda x: {name: value.numpy() for name, value in run(tf.constant(x)).items()}


@pytest.mark.slow
def test_it_is_a_graph_of_2018(tmp_path):
    api_graph.build(tmp_path, **SMALL)  # 90 classes
    graph = read(tmp_path)
    ops = collections.Counter(node.op for node in graph.node)
    assert len(graph.node) > 10_000 and not graph.library.function
    assert ops["NonMaxSuppressionV3"] == 91
    for op in ("Enter", "Exit", "Switch", "Merge", "NextIteration", "LoopCond", "TensorArrayV3"):
        assert ops[op] >= 3, op
    limits = [n for n in graph.node if "Preprocessor/map/while/ResizeToRange/Const" in n.name]
    limits = [tf.make_ndarray(n.attr["value"].tensor).tolist() for n in limits]
    assert [value for value in limits if isinstance(value, float)] == [96.0, 160.0]


@pytest.mark.slow
def test_contract_in_prune_session_and_saved_model(tmp_path):
    formats = "frozen_inference_graph.pb", "saved_model/saved_model.pb"
    api_graph.build(tmp_path, num_classes=12, formats=formats, **SMALL)
    pruned = load(tmp_path)
    saved = tf.saved_model.load(str(tmp_path / "saved_model")).signatures["serving_default"]
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        tf.compat.v1.import_graph_def(read(tmp_path), name="")
    images = [np.asarray(Image.open(path))[None] for path in sorted(PICTURES.glob("*.jpg"))[:2]]
    images += [
        images[0][:, :200, :150],
        np.concatenate(images),
        np.zeros((1, 90, 120, 3), np.uint8),
    ]
    counts = []
    for image in images:
        outputs = pruned(image)
        others = session.run(NAMES, {"image_tensor:0": image}), saved(inputs=tf.constant(image))
        shapes = (), (100, 4), (100,), (100,), (100, 15, 15)
        for name, shape in zip(NAMES, shapes, strict=True):
            assert outputs[name].dtype == np.float32 and outputs[name].shape == (len(image), *shape)
            for other in others:
                np.testing.assert_array_equal(outputs[name], other[name], err_msg=name)
        for num, *rows in zip(*(outputs[name] for name in NAMES), strict=True):
            boxes, scores, classes, masks = rows
            num = int(num)
            counts.append(num)
            assert np.all(np.diff(scores) <= 0) and np.all(scores[:num] > 0.3)
            assert np.all((boxes >= 0) & (boxes <= 1))
            assert np.all(boxes[:num, 2:] > boxes[:num, :2])
            assert set(classes.tolist()) <= set(range(1, 13))
            assert not boxes[num:].any() and not scores[num:].any()
            assert np.all(classes[num:] == 1) and masks[num:].max(initial=0) > 0.5  # the trap
            assert masks.min() >= 0 and masks.max() <= 1
    assert min(counts[:2]) > 2 and counts[0] != counts[1] and counts[-1] == 0  # black: nothing


@pytest.mark.slow
def test_the_seed_decides_and_masks_can_be_33(tmp_path):
    graphs = []
    for name, seed in ("a", 5), ("b", 5), ("c", 6):
        api_graph.build(tmp_path / name, seed=seed, num_classes=2, mask_size=33, **SMALL)
        graphs.append((tmp_path / name / "frozen_inference_graph.pb").read_bytes())
    assert graphs[0] == graphs[1] != graphs[2]
    outputs = load(tmp_path / "a")(np.full((1, 60, 80, 3), 200, np.uint8))
    assert outputs["detection_masks"].shape == (1, 100, 33, 33)


def test_toy_says_what_it_was_given_and_wants_uint8(tmp_path):
    boxes = np.float32([[0.1, 0.2, 0.5, 0.6], [0, 0, 1, 1]])
    api_graph.toy(tmp_path, boxes, [3, 90], [0.9, 0.4], np.zeros((2, 15, 15)))
    toy = load(tmp_path)
    outputs = toy(np.zeros((1, 7, 9, 3), np.uint8))
    assert outputs["num_detections"] == [2] and outputs["detection_masks"].shape == (1, 100, 15, 15)
    np.testing.assert_array_equal(outputs["detection_boxes"][0, :2], boxes)
    np.testing.assert_array_equal(outputs["detection_classes"][0, :4], [3, 90, 1, 1])
    np.testing.assert_array_equal(outputs["detection_masks"][0, :3, 0, 0], np.float32([0, 0, 0.6]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="uint8"):
        toy(np.zeros((1, 7, 9, 3), np.float32))
