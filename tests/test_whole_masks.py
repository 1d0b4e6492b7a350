"""Models of PyTorch's world: a small ONNX graph, and stand-ins with the same outputs."""

import contextlib
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from helpers.models import from_torchvision, from_transformers, load_detector
from helpers.structures import InputError

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
NAMES = ["boxes", "labels", "scores", "masks"]
SCORES = [0.4, 0.9]  # not in order
BOXES = [[0, 0, 6, 4], [12, 10, 30, 20]]
FLOAT = TensorProto.FLOAT


def write_onnx(path, names=NAMES, size=("height", "width"), batch=(), mask=None):
    """An ONNX graph with torchvision's outputs: two boxes; masks are the picture's first channel.

    Args:
        path: where to.
        names: of the outputs.
        size: of the picture, as the graph tells it.
        batch: (1,) for an axis before the channels.
        mask: None, or a mask that is the same for all pictures.
    """
    values = {
        names[0]: np.float32(BOXES), names[1]: np.int64([3, 1]), names[2]: np.float32(SCORES),
        "low": np.int64([0]), "high": np.int64([1]), "axis": np.int64([len(batch)]),
        "twice": np.int64([2, 1, 1, 1]),
    }  # fmt: skip
    kinds = {names[0]: (FLOAT, ["n", 4]), names[1]: (TensorProto.INT64, ["n"]),
             names[2]: (FLOAT, ["n"]), names[3]: (FLOAT, ["n", 1, "h", "w"])}  # fmt: skip
    nodes = []
    for name in names[:3]:
        nodes.append(helper.make_node("Identity", [f"{name}_"], [name]))
        values[f"{name}_"] = values.pop(name)
    if mask is None:
        nodes.append(helper.make_node("Slice", ["image", "low", "high", "axis"], ["channel"]))
        if not batch:
            nodes.append(helper.make_node("Unsqueeze", ["channel", "low"], ["first"]))
        else:
            nodes.append(helper.make_node("Identity", ["channel"], ["first"]))
    else:
        values["first"] = np.float32(mask)
    nodes.append(helper.make_node("Tile", ["first", "twice"], [names[3]]))
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("image", FLOAT, [*batch, 3, *size])],
        [helper.make_tensor_value_info(name, *kinds[name]) for name in names],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return str(path)


@pytest.mark.parametrize(
    "names", [NAMES, ["6568", "6570", "6572", "6887"]], ids=["told", "numbers"]
)
@pytest.mark.parametrize("batch", [(), (1,)], ids=["CHW", "NCHW"])
def test_an_onnx_graph_as_torchvision_writes_it(tmp_path, names, batch):
    (tmp_path / "label_map.pbtxt").write_text(
        "item { id: 1 name: 'nut' } item { id: 3 name: 'fig' }"
    )
    path = write_onnx(tmp_path / "fruit.onnx", names, batch=batch)
    for place in (path, str(tmp_path)):
        detector = load_detector(place, score_threshold=0.3, say=None)
    found = detector(PICTURE)
    assert detector.name == tmp_path.name and found.names == ["nut", "fig"]
    np.testing.assert_allclose(found.scores, [0.9, 0.4])
    np.testing.assert_allclose(found.boxes, BOXES[::-1])
    np.testing.assert_array_equal(found.masks, [PICTURE[..., 0] > 127] * 2)
    assert len(detector.with_threshold(0.5)(PICTURE)) == 1
    with pytest.raises(ValueError, match="an ONNX graph has no faster way here"):
        load_detector(path, fast=True)


@pytest.mark.parametrize(
    "options, line",
    [
        (
            {"size": (480, 640)},
            r"one picture of any size; it takes image tensor.float. \[3, 480, 640\]",
        ),
        (
            {"mask": np.zeros((1, 1, 28, 28))},
            r"masks must be \(N, 1, 480, 640\) .* \(2, 1, 28, 28\)",
        ),
    ],
)
def test_other_onnx_graphs_are_refused_in_a_line(tmp_path, options, line):
    with pytest.raises(InputError, match=f"a.onnx: .*{line}") as caught:
        load_detector(write_onnx(tmp_path / "a.onnx", **options), say=None)
    assert "\n" not in str(caught.value)


def test_what_is_no_such_graph(tmp_path, monkeypatch):
    node = helper.make_node("Relu", ["x"], ["y"])
    ends = [helper.make_tensor_value_info(name, FLOAT, ["n"]) for name in "xy"]
    graph = helper.make_graph([node], "other", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(tmp_path / "a.onnx"))
    told = r"no Mask R-CNN .*; it takes x tensor\(float\) \['n'\] and gives y tensor\(float\)"
    with pytest.raises(InputError, match=told):
        load_detector(str(tmp_path / "a.onnx"), say=None)
    (tmp_path / "a.onnx").write_bytes(b"<html>")
    with pytest.raises(InputError, match="a.onnx: is no ONNX graph that can be read"):
        load_detector(str(tmp_path / "a.onnx"), say=None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="needs ONNX Runtime; python -m pip install onnxruntime"):
        load_detector(str(tmp_path / "a.onnx"), say=None)


class Tensor:
    """What the adapters ask of PyTorch's tensors."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def permute(self, *axes):
        return Tensor(self.values.transpose(axes))

    def __truediv__(self, number):
        return Tensor((self.values / number).astype(np.float32))

    def cpu(self):
        return self

    def numpy(self):
        return self.values


@pytest.fixture
def torch(monkeypatch):
    """The two things that the adapters take of PyTorch."""
    stand_in = SimpleNamespace(inference_mode=contextlib.nullcontext, from_numpy=Tensor)
    monkeypatch.setitem(sys.modules, "torch", stand_in)


def test_a_model_of_torchvision(torch):
    def model(images):
        (image,) = images
        assert image.values.shape == (3, 40, 60) and image.values.dtype == np.float32
        masks = np.stack([image.values[:1], 1 - image.values[:1]])
        found = {"boxes": np.float32(BOXES), "labels": np.int64([3, 1]),
                 "scores": np.float32(SCORES), "masks": masks}  # fmt: skip
        return [{key: Tensor(value) for key, value in found.items()}]

    categories = ["__background__", "nut", "N/A", "fig"]
    detector = from_torchvision(model, categories, score_threshold=0.3)
    found = detector(PICTURE)
    assert detector.categories == {1: "nut", 3: "fig"} and found.names == ["nut", "fig"]
    np.testing.assert_allclose(found.boxes, BOXES[::-1])
    bright = PICTURE[..., 0] > 127
    np.testing.assert_array_equal(found.masks, [~bright, bright])


@pytest.mark.parametrize("segments", [[(7, 0, 0.9), (2, 1, 0.6)], []])
def test_a_model_of_hugging_face(torch, segments):
    """Its answer is a picture of numbers, -1 for nothing, and a list of what each number is."""
    numbers = np.full((40, 60), -1)
    if segments:
        numbers[10:20, 12:30] = 7
        numbers[:4, :6] = 2
    asked = []

    def post_process(raw, threshold, target_sizes):
        asked.append((raw, threshold, target_sizes))
        info = [{"id": i, "label_id": label, "score": score, "was_fused": False}
                for i, label, score in segments]  # fmt: skip
        return [{"segmentation": Tensor(numbers), "segments_info": info}]

    class Processor:
        post_process_instance_segmentation = staticmethod(post_process)

        def __call__(self, images, return_tensors):
            assert images is PICTURE or np.array_equal(images, PICTURE)
            return {"pixel_values": return_tensors}

    class Model:
        config = SimpleNamespace(id2label={0: "nut", 1: "fig"})

        def __call__(self, pixel_values):
            return f"raw {pixel_values}"

    found = from_transformers(Model(), Processor(), score_threshold=0.3)(PICTURE)
    assert asked == [("raw pt", 0.3, [(40, 60)])]
    assert found.names == [["nut", "fig"][label] for _, label, _ in segments]
    assert found.masks.shape == (len(segments), 40, 60)
    if segments:
        np.testing.assert_array_equal(found.masks, [numbers == 7, numbers == 2])
        np.testing.assert_allclose(found.boxes, BOXES[::-1])
