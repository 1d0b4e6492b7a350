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

import logging
import pathlib

import numpy as np

from helpers.mask_rcnn.inference import Candidates
from helpers.models.detector import Detector
from helpers.models.programs import in_turn
from helpers.structures import InputError

OUTPUTS = ("num_detections", "detection_boxes", "detection_scores", "detection_classes")
MASKS = "detection_masks"
LIMITS = (800, 1365)  # the zoo's graphs scale to: shorter side, but longer side at most


def graph_detector(path, card, score_threshold=0.5, bfloat16=False, sides=None) -> Detector:
    """A Detector of a graph.

    Args:
        path, bfloat16, sides: see `load_graph`.
        card: dict with at least "name" and "categories" ({id: name}).
        score_threshold: detections below it are dropped.

    Raises:
        InputError: see `load_graph`; and, from the detector, the graph refuses a picture.
    """
    import tensorflow as tf

    function = in_turn(load_graph(path, bfloat16, sides))  # four at a time need much memory

    def outputs(image):
        try:
            return function(image[None])
        except tf.errors.OpError as error:
            height, width = image.shape[:2]
            raise InputError(
                f"{card['name']} cannot take a picture of {width} x {height} pixels: "
                f"{_reason(error)}"
            ) from None

    return Detector(outputs, decode, card, None, score_threshold, corners=True)


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
    num, boxes_yxyx_norm, scores, labels = (np.asarray(outputs[name])[0] for name in OUTPUTS)
    rows = np.argsort(-scores[: int(num)], kind="stable")
    height, width = image_size
    boxes = boxes_yxyx_norm[rows][:, [1, 0, 3, 2]] * np.float32([width, height, width, height])
    labels = np.rint(labels[rows]).astype(np.int32)
    masks = np.asarray(outputs[MASKS])[0][rows] if MASKS in outputs else None
    return Candidates(boxes, labels, scores[rows], masks)


def _frozen_graph(tf, graph_def, bfloat16):
    """A frozen graph as a function; through a Session where pruning fails or bfloat16 is wanted."""
    names = {node.name for node in graph_def.node}
    outputs = _wanted(names, ("image_tensor", *OUTPUTS))[1:]
    if not bfloat16:
        try:
            return _pruned(tf, graph_def, outputs)
        except Exception as error:  # loops can defeat prune: tensorflow/tensorflow#55736
            logging.getLogger(__name__).info("through a Session, since pruning failed: %s", error)
    return _session(tf, graph_def, outputs, bfloat16)


def _pruned(tf, graph_def, names):
    """A frozen graph as one of today's functions."""

    def import_it():
        tf.compat.v1.import_graph_def(graph_def, name="")

    wrapped = tf.compat.v1.wrap_function(import_it, [])
    image = wrapped.graph.get_tensor_by_name("image_tensor:0")
    outputs = {name: wrapped.graph.get_tensor_by_name(f"{name}:0") for name in names}
    return _numpy(tf, wrapped.prune(image, outputs))


def _session(tf, graph_def, names, bfloat16):
    """A frozen graph as TF1 ran it; one Session for all pictures."""
    config = tf.compat.v1.ConfigProto()
    if bfloat16:
        config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 = 1  # on
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    with session.graph.as_default():
        tf.compat.v1.import_graph_def(graph_def, name="")
    fetches = {name: f"{name}:0" for name in names}

    def call(images):
        return session.run(fetches, {"image_tensor:0": images})

    return call


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
    """The same function, from NumPy to NumPy."""

    def call(images):
        return {name: value.numpy() for name, value in function(tf.constant(images)).items()}

    return call


def _with_limits(tf, graph_def, sides):
    """The graph with other limits in its resizer: two constants, each once or both as a pair."""
    new_limits = dict(zip(LIMITS, sides, strict=True))
    changed = 0
    for node in graph_def.node:
        if node.op != "Const" or "ResizeToRange" not in node.name:
            continue
        value = tf.make_ndarray(node.attr["value"].tensor)
        if value.size in (1, 2) and set(value.ravel().tolist()) <= set(LIMITS):
            new = np.array([new_limits[int(limit)] for limit in value.ravel()], value.dtype)
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(new.reshape(value.shape)))
            changed += 1
    if changed != 2:
        raise InputError("its resizer is not the zoo's, so its sides cannot be changed")
    return graph_def


def _reason(error) -> str:
    """What TensorFlow has against a picture: it stands before the first node's name."""
    return error.message.split("[[{{node")[0].strip().splitlines()[-1].strip()
