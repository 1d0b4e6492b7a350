"""Models that TensorFlow's Object Detection API exported, loaded by today's TensorFlow.

TF1 frozen graphs, TF1 and TF2 SavedModels share a contract (exporter.py, exporter_lib_v2.py of
tensorflow/models, research/object_detection):

    one RGB picture (1, H, W, 3) uint8 of any size, scaled inside the graph ->
    num_detections     (1,)          how many rows are real; the rest is padding
    detection_boxes    (1, D, 4)     ymin, xmin, ymax, xmax, each 0..1 of the picture
    detection_scores   (1, D)        0..1, highest first
    detection_classes  (1, D)        ids of the label map, from 1 on; padding has 1, too
    detection_masks    (1, D, M, M)  0..1, on the grid of the box; box detectors have none
"""

import pathlib
import re

import numpy as np

from helpers.mask_rcnn.inference import Candidates
from helpers.structures import InputError

OUTPUTS = ("num_detections", "detection_boxes", "detection_scores", "detection_classes")
MASKS = "detection_masks"
LIMITS = (800, 1365)  # the zoo's graphs scale to: shorter side, but longer side at most


def read_label_map(path) -> dict[int, str]:
    """{id: name} of a label map (`.pbtxt`), by id; `display_name` counts more than `name`.

    Raises:
        InputError: the file cannot be read, holds no item, or an item has no id or no name.
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a label map ({error})") from None
    text = re.sub(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|#.*""", r"\1", text)  # no comments
    names = {}
    for number, item in enumerate(re.findall(r"\bitem\s*:?\s*\{(.*?)\}", text, re.DOTALL), start=1):
        pairs = re.findall(r"""(\w+)\s*:\s*(?:(-?\d+)|"([^"]*)"|'([^']*)')""", item)
        fields = {key: "".join(values) for key, *values in pairs}
        name = fields.get("display_name") or fields.get("name")
        if not name or not fields.get("id", "").isdigit():
            raise InputError(f"{path}: item {number} needs an id (a number) and a name (in quotes)")
        if int(fields["id"]) in names:
            raise InputError(f"{path}: the id {fields['id']} stands there twice")
        names[int(fields["id"])] = name
    if not names:
        raise InputError(f"{path}: no item {{ id: 1 name: 'cat' }} in it: this is no label map")
    return dict(sorted(names.items()))


def find_graph(path) -> pathlib.Path | None:
    """The graph in a folder, or the file itself: a frozen graph first, else a SavedModel's."""
    path = pathlib.Path(path)
    if path.is_file():
        return path if path.suffix == ".pb" else None
    first = [path / "frozen_inference_graph.pb", path / "saved_model.pb"]
    first += [path / "saved_model/saved_model.pb", *sorted(path.glob("*.pb"))]
    return next((file for file in first if file.is_file()), None)


def find_label_map(graph) -> pathlib.Path | None:
    """The `.pbtxt` beside a graph or one folder above, one called label map first."""
    for folder in (graph.parent, graph.parent.parent):
        maps = sorted(folder.glob("*.pbtxt"), key=lambda path: "label" not in path.name)
        maps = [path for path in maps if b"item" in path.read_bytes()]
        if maps:
            return maps[0]
    return None


def load_graph(path, bfloat16=False, sides=None):
    """A graph as a function, one for pictures of every size.

    Args:
        path: the `.pb` file of a frozen graph or of a SavedModel.
        bfloat16: let oneDNN compute a frozen graph in 16 bits. On processors made for it a frame
            takes about half the time; scores change by about .005. Others get slower.
        sides: (shorter, longer) limits in pixels to scale pictures to inside a frozen graph,
            instead of the zoo's (800, 1365). Less time, but small objects get lost.

    Returns:
        A function: (1, H, W, 3) uint8 -> {name: NumPy array}, the outputs of the contract.

    Raises:
        InputError: the file is damaged, no such graph, or has no such resizer.
    """
    import tensorflow as tf

    path = pathlib.Path(path)
    try:
        if path.name == "saved_model.pb":
            if sides or bfloat16:
                raise InputError("bfloat16 and sides are for frozen graphs; this is a SavedModel")
            return _saved_model(tf, path.parent)
        graph_def = tf.compat.v1.GraphDef.FromString(path.read_bytes())
        if sides:
            graph_def = _with_limits(tf, graph_def, sides)
        return _frozen_graph(tf, graph_def, bfloat16)
    except Exception as error:  # a damaged file can raise anything, from protobuf's errors down
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: no usable Object Detection graph ({reason})") from None


def decode(outputs, image_size):
    """The real rows of a graph's outputs, in pixels of the image.

    Rows from `num_detections` on are padding. They carry class 1 and masks above one half, so
    neither class nor mask tells them apart.

    Args:
        outputs: {name: array}, as a function of `load_graph` returns them.
        image_size: (height, width) of the image, pixels.

    Returns:
        Candidates, highest score first; there may be none.
    """
    num, boxes, scores, labels = (np.asarray(outputs[name])[0] for name in OUTPUTS)
    rows = np.argsort(-scores[: int(num)], kind="stable")
    boxes = boxes[rows][:, [1, 0, 3, 2]] * np.float32([*image_size[::-1]] * 2)
    labels = np.rint(labels[rows]).astype(np.int32)
    masks = np.asarray(outputs[MASKS])[0][rows] if MASKS in outputs else None
    return Candidates(boxes, labels, scores[rows], masks)


def _frozen_graph(tf, graph_def, bfloat16):
    """A frozen graph as a function; through a Session where pruning fails or bfloat16 is wanted."""
    names = {node.name for node in graph_def.node}
    wanted = _wanted(names, ("image_tensor", *OUTPUTS))[1:]
    if not bfloat16:
        try:
            wrapped = tf.compat.v1.wrap_function(
                lambda: tf.compat.v1.import_graph_def(graph_def, name=""), []
            )
            tensor = lambda name: wrapped.graph.get_tensor_by_name(f"{name}:0")  # noqa: E731
            outputs = {name: tensor(name) for name in wanted}
            return _numpy(tf, wrapped.prune(tensor("image_tensor"), outputs))
        except Exception:  # noqa: S110 (loops can defeat prune: tensorflow/tensorflow#55736)
            pass
    config = tf.compat.v1.ConfigProto()
    if bfloat16:
        config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 = 1  # on
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    with session.graph.as_default():
        tf.compat.v1.import_graph_def(graph_def, name="")
    fetches = {name: f"{name}:0" for name in wanted}
    return lambda images: session.run(fetches, {"image_tensor:0": images})


def _saved_model(tf, folder):
    """A SavedModel, TF1 or TF2, as a function."""
    loaded = tf.saved_model.load(str(folder))
    function = loaded.signatures["serving_default"]
    (key,) = function.structured_input_signature[1]
    wanted = _wanted(function.structured_outputs)

    def call(image, owner=loaded):  # the weights live as long as their owner does
        outputs = function(**{key: image})
        return {name: outputs[name] for name in wanted}

    return _numpy(tf, call)


def _wanted(names, needed=OUTPUTS):
    """The contract's outputs among the names that a graph has; it may lack masks alone."""
    lacking = [name for name in needed if name not in names]
    if lacking:
        raise InputError(f"it has no {lacking[0]}: the API did not export it for inference")
    return [name for name in (*needed, MASKS) if name in names]


def _numpy(tf, function):
    def call(images):
        return {name: value.numpy() for name, value in function(tf.constant(images)).items()}

    return call


def _with_limits(tf, graph_def, sides):
    """The graph with other limits in its resizer: two constants, each once or both as a pair."""
    wanted, changed = dict(zip(LIMITS, sides, strict=True)), 0
    for node in graph_def.node:
        if node.op != "Const" or "ResizeToRange" not in node.name:
            continue
        value = tf.make_ndarray(node.attr["value"].tensor)
        if value.size in (1, 2) and set(value.ravel().tolist()) <= set(LIMITS):
            new = np.array([wanted[int(v)] for v in value.ravel()], value.dtype)
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(new.reshape(value.shape)))
            changed += 1
    if changed != 2:
        raise InputError("its resizer is not the zoo's, so its sides cannot be changed")
    return graph_def
