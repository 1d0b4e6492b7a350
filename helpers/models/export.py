"""Our models for others, in the Object Detection API's contract (see graphs.py).

Whatever runs the zoo's models runs ours: a SavedModel and a frozen graph; and TensorFlow Lite.
TensorFlow is imported where it is used.
"""

import json
import pathlib
import shutil

import keras
import numpy as np

from helpers.alone import alone_in
from helpers.models.graphs import MASKS, OUTPUTS
from helpers.models.onnx_export import write_onnx
from helpers.models.programs import compiled, frozen, to_lite
from helpers.one_stage.model import OneStageMaskRCNN
from helpers.pictures import visible
from helpers.silence import silence
from helpers.structures import InputError

NUM_ROWS = 100  # of each output in the contract


def export_model(model, card, folder):
    """Write a model for others: `saved_model/`, `frozen_inference_graph.pb`, TF Lite, label map.

    The graphs take pictures of any size, scale them inside, and answer in the contract of
    graphs.py, 100 rows each. The contract pastes masks from corner to corner, up to half a
    pixel aside: masks are sampled anew, on 2 M - 1 cells, so that they end where they belong.
    `model.tflite` is the network alone, for pictures of the size that `model.json` says. One-stage
    networks get `onnx/`, too, which the browser runs: see onnx_export.py.

    Args:
        model: MaskRCNN, built. TensorFlow backend.
        card: dict with at least "name" and "categories" ({id: name}).
        folder: a new folder; it appears when all is written.

    Raises:
        InputError: the folder exists and is not empty, another run exports to it, another backend
            is at work, or TensorFlow cannot write.
        OSError: nothing can be written there.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise InputError(f"to export needs KERAS_BACKEND=tensorflow, not {backend}")
    folder = pathlib.Path(folder).expanduser()
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(f"{folder}: exists already; name a new folder to export to")

    part = folder.with_name(f".{folder.name}.part")
    with alone_in(folder, lock=folder.with_name(f".{folder.name}.lock")):
        shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
        part.mkdir()
        try:
            _write_all(model, card, part)
            _put_in_place(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _write_all(model, card, folder):
    """Write all files into a folder that is there."""
    function = _contract(model, [int(key) for key in card["categories"]])
    _write_frozen_graph(function, 2 * model.config.mask_side - 1, folder)
    _write_saved_model(function, model, folder)
    (folder / "model.tflite").write_bytes(to_lite(compiled(model)))
    if isinstance(model, OneStageMaskRCNN):
        (folder / "onnx").mkdir()
        write_onnx(model, folder / "onnx")
    card = {**card, "image_size": model.config.image_size}
    (folder / "model.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
    (folder / "label_map.pbtxt").write_text(_label_map(card["categories"]), encoding="utf-8")


def _put_in_place(part, folder):
    """Rename a folder to a name that is free, or that an empty folder or a dead link has."""
    if folder.is_symlink():
        folder.unlink()
    if folder.is_dir():
        folder.rmdir()
    part.rename(folder)


def _write_frozen_graph(function, side, folder):
    """The contract's function as a graph of TF1: constants, loops as TF1 wrote them, its names."""
    import tensorflow as tf

    constant = frozen(function, lower_control_flow=True)
    graph = tf.Graph()
    with graph.as_default():
        image = tf.compat.v1.placeholder(tf.uint8, [1, None, None, 3], "image_tensor")
        outputs = tf.graph_util.import_graph_def(
            constant.graph.as_graph_def(),
            {constant.inputs[0].op.name: image},
            [tensor.name for tensor in constant.outputs],
            name="model",
        )
        shapes = {
            "num_detections": (1,),
            "detection_boxes": (1, NUM_ROWS, 4),
            "detection_scores": (1, NUM_ROWS),
            "detection_classes": (1, NUM_ROWS),
            MASKS: (1, NUM_ROWS, side, side),
        }
        # A function's outputs are sorted by name. Not just identity: the loops have forgotten
        # their shapes.
        for name, output in zip(sorted(shapes), outputs, strict=True):
            tf.reshape(output, shapes[name], name)
    wanted = [*OUTPUTS, MASKS]
    with silence():  # it says that it is of TF1, as the graph shall be
        definition = tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), wanted)
    (folder / "frozen_inference_graph.pb").write_bytes(definition.SerializeToString())


def _write_saved_model(function, model, folder):
    """The contract's function as a SavedModel; the model goes along, for its weights."""
    import tensorflow as tf

    module = tf.Module()
    module.model = model
    place = folder / "saved_model"
    try:
        tf.saved_model.save(module, str(place), {"serving_default": function})
    except tf.errors.OpError as error:  # its writers know no OSError
        reason = error.message.rpartition("; ")[2].partition(" [Op:")[0]
        raise InputError(f"{visible(place)}: could not be written ({reason})") from None


def _label_map(categories) -> str:
    """A label map as the API writes it."""
    return "".join(
        f'item {{\n  id: {key}\n  name: "{name}"\n}}\n' for key, name in categories.items()
    )


def _contract(model, ids):
    """The network as a tf.function in the contract, from pictures of any size on."""
    import tensorflow as tf

    config = model.config
    num = min(config.num_detections, NUM_ROWS)
    labels_to_ids = np.array([1, *ids], np.float32)  # padding carries 1, as the API's rows do

    def padded(rows):
        """The rows of one picture, filled up with zeros, as a batch."""
        after = [[0, NUM_ROWS - num]] + [[0, 0]] * (len(rows.shape) - 1)
        return tf.pad(rows, after)[None]

    image_tensor = tf.TensorSpec((1, None, None, 3), tf.uint8, "input_tensor")

    @tf.function(input_signature=[image_tensor], autograph=False)
    def serve(image):
        canvas, scale = _letterbox(tf, image, config.image_size)
        stages = model(canvas, training=False)
        limits = tf.cast(tf.tile(tf.shape(image)[1:3], [2]), tf.float32)
        boxes_yxyx = tf.gather(stages.boxes[0, :num], [1, 0, 3, 2], axis=1) / scale
        clipped = tf.clip_by_value(boxes_yxyx, 0, limits)
        masks = _resampled(tf, stages.mask_scores[0, :num], boxes_yxyx, clipped, limits)
        scores = stages.scores[0, :num]
        return {
            "num_detections": tf.reduce_sum(tf.cast(scores > 0, tf.float32))[None],
            "detection_boxes": padded(clipped / limits),
            "detection_scores": padded(scores),
            "detection_classes": tf.gather(labels_to_ids, padded(stages.labels[0, :num])),
            "detection_masks": padded(masks),
        }

    return serve


def _resampled(tf, masks, boxes, clipped, limits):
    """Masks on the grid that the contract pastes from corner to corner.

    Args:
        masks: (D, M, M), 0..1, on the cells of `boxes`.
        boxes, clipped: (D, 4), y1 x1 y2 x2 in pixels; clipped at the border of the picture.
        limits: (4,), height, width, height, width of the picture.

    Returns:
        (D, 2 M - 1, 2 M - 1), on the cells of `clipped`.
    """
    side = masks.shape[-1]
    cells = np.arange(side, dtype=np.float32)
    fine = np.linspace(0, 1, 2 * side - 1).astype(np.float32)

    def weights(axis):  # (D, 2 M - 1, M): how much of each old cell is in each new one
        low, high, length = boxes[:, axis], boxes[:, axis + 2], limits[axis]
        first, last = clipped[:, axis], clipped[:, axis + 2]
        at = first[:, None] + (last - first)[:, None] * fine
        at = at * (length - 1) / length + 0.5  # where the contract's pixel stands in the picture
        at = (at - low[:, None]) / tf.maximum(high - low, 1e-6)[:, None] * side - 0.5
        at = tf.clip_by_value(at, 0, side - 1)
        return tf.nn.relu(1 - tf.abs(at[..., None] - cells))

    return weights(0) @ masks @ tf.transpose(weights(1), (0, 2, 1))


def _letterbox(tf, image, size):
    """`letterbox` of the network as a graph: (1, h, w, 3) uint8 -> (1, *size, 3) uint8, scale."""
    given = tf.cast(tf.shape(image)[1:3], tf.float64)
    scale = tf.reduce_min(tf.constant(size, tf.float64) / given)
    new = tf.maximum(tf.cast(tf.round(given * scale), tf.int32), 1)
    small = tf.cond(
        scale < 1,
        lambda: tf.image.resize(image, new, "area"),
        lambda: tf.image.resize(image, new, "bilinear"),
    )
    small = tf.cast(tf.round(small), tf.int32)
    right_and_below = [[0, 0], [0, size[0] - new[0]], [0, size[1] - new[1]], [0, 0]]
    canvas = tf.pad(small, right_and_below, constant_values=127)
    return tf.ensure_shape(tf.cast(canvas, tf.uint8), (1, *size, 3)), tf.cast(scale, tf.float32)
