"""A Keras MaskRCNN as a program: compiled; with TensorFlow TF Lite, SavedModel, frozen graph, too.

The last two speak the Object Detection API's contract (see graphs.py), so that whatever runs
the zoo's models runs ours. TensorFlow and JAX are imported where they are used.
"""

import contextlib
import functools
import json
import os
import pathlib
import shutil
import threading

import numpy as np

from helpers.models.graphs import MASKS, OUTPUTS
from helpers.structures import InputError

# What comes out of a MaskRCNN's `Stages`.
FINAL_STAGES = ("boxes", "labels", "scores", "mask_scores")
NUM_ROWS = 100  # of each output in the contract


def compiled(model):
    """The network, (1, H, W, 3) uint8 of its own size -> the `FINAL_STAGES`, as its backend can.

    TensorFlow: a tf.function. JAX: jitted, with the weights of the moment. Another: as it is.
    """
    import keras

    def some(stages):
        return tuple(getattr(stages, name) for name in FINAL_STAGES)

    def forward(images):
        return some(model(images, training=False))

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        size = (1, *model.config.image_size, 3)
        return tf.function(forward, input_signature=[tf.TensorSpec(size, tf.uint8)])
    if keras.backend.backend() == "jax":
        import jax

        pure = jax.jit(lambda *inputs: some(model.stateless_call(*inputs, training=False)[0]))
        weights = model.trainable_variables, model.non_trainable_variables
        return lambda images: pure(*([v.value for v in part] for part in weights), images)
    return forward


@contextlib.contextmanager
def _quietly():
    """What TensorFlow's C++ tells its developers, on file 2, is nothing for users."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def to_lite(function) -> bytes:
    """A tf.function as a TensorFlow Lite program with 8-bit weights."""
    import tensorflow as tf

    with _quietly():
        # The converter loses the weights unless they are frozen first; it wants its loops whole.
        frozen = _frozen(function, False)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], frozen)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return converter.convert()


def run_lite(program: bytes):
    """A TensorFlow Lite program as a function like that of `compiled`, on all cores."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=program, num_threads=os.cpu_count())
    with _quietly():
        runner.allocate_tensors()
    image = runner.get_input_details()[0]["index"]
    outputs = [leaf["index"] for leaf in runner.get_output_details()]

    def forward(images):
        runner.set_tensor(image, images)
        runner.invoke()
        return [runner.get_tensor(index) for index in outputs]

    return in_turn(forward)


def in_turn(function):
    """The same function for several threads, which wait for each other."""
    lock = threading.Lock()

    @functools.wraps(function)
    def alone(*args):
        with lock:
            return function(*args)

    return alone


def export(model, card, folder):
    """Write a model for others: `saved_model/`, `frozen_inference_graph.pb`, TF Lite, label map.

    The graphs take pictures of any size, scale them inside, and answer in the contract of
    graphs.py, 100 rows each. The contract pastes masks from corner to corner, up to half a
    pixel aside: masks are sampled anew, on 2 M - 1 cells, so that they end where they belong.
    `model.tflite` is the network alone, for pictures of the size that `model.json` says.

    Args:
        model: MaskRCNN, built. TensorFlow backend.
        card: dict with at least "name" and "categories" ({id: name}).
        folder: a new folder; it appears when all is written.

    Raises:
        InputError: the folder exists and is not empty, or another backend is at work.
    """
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        raise InputError(f"to export needs KERAS_BACKEND=tensorflow, not {keras.backend.backend()}")

    folder = pathlib.Path(folder)
    if folder.is_file() or folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: exists already; name a new folder to export to")
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)

    function = _contract(model, [int(id) for id in card["categories"]])
    frozen, graph = _frozen(function, True), tf.Graph()
    with graph.as_default():
        image = tf.compat.v1.placeholder(tf.uint8, [1, None, None, 3], "image_tensor")
        outputs = tf.graph_util.import_graph_def(
            frozen.graph.as_graph_def(), {frozen.inputs[0].op.name: image},
            [tensor.name for tensor in frozen.outputs], name="model",
        )  # fmt: skip
        side = 2 * model.config.mask_side - 1
        tails = {
            "num_detections": (),
            "detection_boxes": (NUM_ROWS, 4),
            MASKS: (NUM_ROWS, side, side),
        }
        for name, output in zip(sorted([*OUTPUTS, MASKS]), outputs, strict=True):
            # Not just identity: the loops have forgotten their shapes.
            tf.reshape(output, (1, *tails.get(name, (NUM_ROWS,))), name)
    definition = tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), [*OUTPUTS, MASKS])
    (part / "frozen_inference_graph.pb").write_bytes(definition.SerializeToString())

    module = tf.Module()
    module.model = model
    tf.saved_model.save(module, str(part / "saved_model"), {"serving_default": function})

    (part / "model.tflite").write_bytes(to_lite(compiled(model)))
    card = {**card, "image_size": model.config.image_size}
    (part / "model.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
    items = (
        f'item {{\n  id: {id}\n  name: "{name}"\n}}\n' for id, name in card["categories"].items()
    )
    (part / "label_map.pbtxt").write_text("".join(items), encoding="utf-8")
    folder.unlink(missing_ok=True) if folder.is_symlink() else None
    if folder.is_dir():
        folder.rmdir()
    part.rename(folder)


def _frozen(function, lower_control_flow):
    """A tf.function with constants for variables, and with loops as TF1 wrote them, or not."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    function = function.get_concrete_function()
    return convert_variables_to_constants_v2(function, lower_control_flow=lower_control_flow)


def _contract(model, ids):
    """The network as a tf.function in the contract, from pictures of any size on."""
    import tensorflow as tf

    side, num = model.config.mask_side, min(model.config.num_detections, NUM_ROWS)
    pad = NUM_ROWS - num
    labels_to_ids = np.array([1, *ids], np.float32)  # padding carries 1, as the API's rows do
    cells, fine = np.float32(range(side)), np.float32(np.linspace(0, 1, 2 * side - 1))

    def weights(low, high, cut_low, cut_high, length):  # four (D,) -> (D, 2 M - 1, M)
        at = cut_low[:, None] + (cut_high - cut_low)[:, None] * fine
        at = at * (length - 1) / length + 0.5  # where the contract's pixel stands in the picture
        at = (at - low[:, None]) / tf.maximum(high - low, 1e-6)[:, None] * side - 0.5
        at = tf.clip_by_value(at, 0, side - 1)
        return tf.nn.relu(1 - tf.abs(at[..., None] - cells))

    @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8, "input_tensor")])
    def serve(image):
        canvas, scale = _letterbox(tf, image, model.config.image_size)
        stages = model(canvas, training=False)
        limits = tf.cast(tf.tile(tf.shape(image)[1:3], [2]), tf.float32)
        boxes = tf.gather(stages.boxes[0, :num], [1, 0, 3, 2], axis=1) / scale
        cut = tf.clip_by_value(boxes, 0, limits)
        rows, columns = (
            weights(boxes[:, i], boxes[:, i + 2], cut[:, i], cut[:, i + 2], limits[i])
            for i in (0, 1)
        )
        masks = rows @ stages.mask_scores[0, :num] @ tf.transpose(columns, (0, 2, 1))
        scores = stages.scores[0, :num]
        more = lambda rows: tf.pad(rows, [[0, pad]] + [[0, 0]] * (len(rows.shape) - 1))[None]  # noqa: E731
        return {
            "num_detections": tf.reduce_sum(tf.cast(scores > 0, tf.float32))[None],
            "detection_boxes": more(cut / limits),
            "detection_scores": more(scores),
            "detection_classes": tf.gather(labels_to_ids, more(stages.labels[0, :num])),
            "detection_masks": more(masks),
        }

    return serve


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
