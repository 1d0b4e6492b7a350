"""Models that TensorFlow's Object Detection API exported, loaded by today's TensorFlow.

TF1 frozen graphs, TF1 and TF2 SavedModels share a contract (exporter.py, exporter_lib_v2.py of
tensorflow/models, research/object_detection):

    one RGB picture (1, H, W, 3) uint8 of any size, scaled inside the graph ->
    num_detections     (1,)          how many rows are real; the rest is padding
    detection_boxes    (1, D, 4)     ymin, xmin, ymax, xmax, each 0..1 of the picture
    detection_scores   (1, D)        0..1, highest first
    detection_classes  (1, D)        ids of the label map, from 1 on; padding has 1, too
    detection_masks    (1, D, M, M)  0..1, on the grid of the box; box detectors have none

Others use the same names otherwise, see `decode`. A frozen graph runs in one TF1 session that is
kept: as fast as a function of today's, with the same bits, in three quarters of the memory.
"""

import pathlib

import numpy as np

from helpers.mask_rcnn.inference import Candidates
from helpers.models.detector import Detector
from helpers.models.programs import in_turn
from helpers.structures import InputError

OUTPUTS = ("num_detections", "detection_boxes", "detection_scores", "detection_classes")
MASKS = "detection_masks"
SCALING = "image_info"  # of Model Garden: how the picture was scaled
LIMITS = (800, 1365)  # the zoo's graphs scale to: shorter side, but longer side at most
PROBE = (480, 640)  # height and width of the first picture


def graph_detector(path, card, score_threshold=0.5, bfloat16=False, sides=None) -> Detector:
    """A Detector of a graph, after one run that warms it up and shows what its outputs are.

    Args:
        path, bfloat16, sides: see `load_graph`.
        card: dict with at least "name" and "categories" ({id: name}).
        score_threshold: detections below it are dropped.

    Raises:
        InputError: see `load_graph`; and, from the detector, the graph refuses a picture.
    """
    import tensorflow as tf

    function = in_turn(load_graph(path, bfloat16, sides))  # four at a time need much memory

    def outputs(image, least=0.0):
        try:
            return function(image[None])
        except tf.errors.OpError as error:
            height, width = image.shape[:2]
            raise InputError(
                f"{card['name']} cannot take a picture of {width} x {height} pixels: "
                f"{_reason(error)}"
            ) from None

    first = outputs(np.full((*PROBE, 3), 127, np.uint8))
    try:
        is_whole = _are_masks_whole(first)
        decode(first, PROBE, is_whole)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None

    def decode_all(outputs, image_size):
        return decode(outputs, image_size, is_whole)

    return Detector(outputs, decode_all, card, None, score_threshold, corners=True)


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
        InputError: the file is damaged, no such graph, takes no picture of uint8, or has no such
            resizer.
    """
    import tensorflow as tf

    path = pathlib.Path(path)
    try:
        if path.name == "saved_model.pb":
            if sides or bfloat16:
                raise InputError("bfloat16 and sides are for frozen graphs; this is a SavedModel")
            return _saved_model(tf, path.parent)
        graph_def = tf.compat.v1.GraphDef.FromString(path.read_bytes())
        outputs = _wanted(*_ends(tf, graph_def))
        if sides:
            graph_def = _with_limits(tf, graph_def, sides)
        return _session(tf, graph_def, outputs, bfloat16)
    except Exception as error:  # a damaged file can raise anything, from protobuf's errors down
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: no usable Object Detection graph ({reason})") from None


def decode(outputs, image_size, is_whole=False):
    """The real rows of a graph's outputs, in pixels of the image.

    Rows from `num_detections` on are padding. They carry class 1 and masks above one half, so
    neither class nor mask tells them apart. Boxes beyond 1 are in pixels: of the image that the
    graph scaled for itself where it says how (Model Garden's `image_info`: sizes before and after,
    scale, offset; each y, x), else of the image, if they fit into it.

    Args:
        outputs: {name: array}, as a function of `load_graph` returns them.
        image_size: (height, width) of the image, pixels.
        is_whole: whether masks are as large as the image.

    Returns:
        Candidates, highest score first; there may be none.

    Raises:
        InputError: the outputs are not those of the contract.
    """
    boxes, scores, labels = (np.asarray(outputs[name]) for name in OUTPUTS[1:])
    _refuse_other_shapes(outputs)
    num = int(np.ravel(outputs["num_detections"])[0])
    rows = np.argsort(-scores[0, :num], kind="stable")
    boxes, scores = boxes[0][rows].astype(np.float32), scores[0][rows].astype(np.float32)
    if not np.all((scores >= 0) & (scores <= 1)):
        raise InputError("its scores do not lie between 0 and 1: they are no probabilities")
    boxes = _to_pixels(boxes, image_size, outputs.get(SCALING))[:, [1, 0, 3, 2]]
    labels = np.rint(labels[0][rows]).astype(np.int32)
    masks = np.asarray(outputs[MASKS])[0][rows] if MASKS in outputs else None
    return Candidates(boxes, labels, scores, masks, is_whole)


def _refuse_other_shapes(outputs):
    """Raise InputError unless the outputs are of one picture and have rows."""
    ranks = {"detection_boxes": 3, "detection_scores": 2, "detection_classes": 2, MASKS: 4}
    for name, rank in ranks.items():
        shape = np.shape(outputs.get(name, np.zeros([1] * rank)))
        if len(shape) != rank or shape[0] != 1:
            wanted = ("1", "D", "4" if rank == 3 else "M", "M")[:rank]
            raise InputError(f"{name} must be ({', '.join(wanted)}), it is {shape}")


def _to_pixels(boxes_yxyx, image_size, scaling):
    """Boxes (N, 4), [y1, x1, y2, x2], of a graph in pixels of the image."""
    limits = np.float32([*image_size, *image_size])
    highest = boxes_yxyx.max(initial=0)
    if highest <= 1.5:  # a little beyond the border is nothing strange
        return boxes_yxyx * limits
    if scaling is not None:
        _, _, scale, offset = np.asarray(scaling, np.float32).reshape(4, 2)
        return (boxes_yxyx + np.tile(offset, 2)) / np.tile(scale, 2)
    if np.any(boxes_yxyx > limits + 1):
        height, width = image_size
        raise InputError(
            f"its boxes reach {highest:.0f} pixels in a picture of {width} x {height}: they are of "
            "another size, and it has no image_info to tell which"
        )
    return boxes_yxyx


def _are_masks_whole(outputs) -> bool:
    """Whether the masks of the first picture are as large as that, and not on a box's grid."""
    if MASKS not in outputs:
        return False
    height, width = np.shape(outputs[MASKS])[-2:]
    if (height, width) == PROBE:
        return True
    if height == width:
        return False
    raise InputError(
        f"its masks of {width} x {height} are neither of a box's grid nor of the whole picture"
    )


def _ends(tf, graph_def):
    """A frozen graph's placeholders {name: (dtype, shape)}, and the names of its last nodes."""
    inputs = {}
    used = set()
    names = []
    for node in graph_def.node:
        names.append(node.name)
        used.update(name.split(":")[0].lstrip("^") for name in node.input)
        if node.op == "Placeholder":
            shape = tf.TensorShape(node.attr["shape"].shape)
            inputs[node.name] = tf.dtypes.as_dtype(node.attr["dtype"].type).name, shape
    known = set(OUTPUTS) | {MASKS, SCALING}
    last = [name for name in names if name not in used or name in known]
    return inputs, [name for name in last if name not in inputs]


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
    function = loaded.signatures.get("serving_default")
    if function is None:
        raise InputError(f"no signature serving_default, only {sorted(loaded.signatures)}")
    specs = function.structured_input_signature[1]
    inputs = {name: (spec.dtype.name, spec.shape) for name, spec in specs.items()}
    wanted = _wanted(inputs, function.structured_outputs, of_any_name=True)
    (key,) = inputs

    def call(image, owner=loaded):  # the weights live as long as their owner does
        outputs = function(**{key: tf.constant(image)})
        return {name: outputs[name].numpy() for name in wanted}

    return call


def _wanted(inputs, outputs, of_any_name=False):
    """The contract's outputs among those that a graph has; it may lack masks alone.

    Args:
        inputs: {name: (name of the dtype, shape)}.
        outputs: their names.
        of_any_name: whether its input may be called otherwise than image_tensor.

    Raises:
        InputError: it is of another contract.
    """
    pictures = [name for name in inputs if of_any_name or name == "image_tensor"]
    lacking = [name for name in OUTPUTS if name not in outputs]
    given = ", ".join(f"{name} {kind} {shape}" for name, (kind, shape) in inputs.items())
    named = ", ".join(sorted(outputs)[:12])
    told = f"it takes {given or 'nothing'} and gives {named or 'nothing'}"
    if lacking:
        raise InputError(f"it has no {lacking[0]}: {told}")
    if len(pictures) != 1 or inputs[pictures[0]][0] != "uint8":
        raise InputError(
            f"it must take a picture of uint8: {told}; export it with --input_type image_tensor"
        )
    _, shape = inputs[pictures[0]]
    if not shape.is_compatible_with((1, *PROBE, 3)):
        raise InputError(
            f"it must take one picture of any size: {told}; export it with batch size 1 and "
            "without a fixed size"
        )
    return [name for name in (*OUTPUTS, MASKS, SCALING) if name in outputs]


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
