"""A Keras network as a program: compiled by its backend, or as a TensorFlow Lite program.

TensorFlow, JAX and LiteRT are imported where they are used.
"""

import functools
import os
import threading

import keras

from helpers.silence import silence

# What comes out of a program, in this order: fields of the network's `Stages`.
FINAL_STAGES = ("boxes", "labels", "scores", "mask_scores")


def compiled(model):
    """The network, (1, H, W, 3) uint8 of its own size -> the `FINAL_STAGES`, as its backend can.

    TensorFlow: a tf.function. JAX: jitted, with the weights of the moment. Another: as it is.
    """

    def forward(images):
        return final_stages(model(images, training=False))

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        image = tf.TensorSpec((1, *model.config.image_size, 3), tf.uint8)
        return tf.function(forward, input_signature=[image])
    if backend == "jax":
        return _jitted(model)
    return forward


def final_stages(stages) -> tuple:
    """The `FINAL_STAGES` of a network's `Stages`."""
    return tuple(getattr(stages, name) for name in FINAL_STAGES)


def _jitted(model):
    """`compiled` for JAX, whose functions get the weights handed in."""
    import jax

    @jax.jit
    def pure(trainable, fixed, images):
        stages, _ = model.stateless_call(trainable, fixed, images, training=False)
        return final_stages(stages)

    def forward(images):
        trainable = [variable.value for variable in model.trainable_variables]
        fixed = [variable.value for variable in model.non_trainable_variables]
        return pure(trainable, fixed, images)

    return forward


def frozen(function, lower_control_flow):
    """A tf.function with constants for variables, and with loops as TF1 wrote them, or not."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    function = function.get_concrete_function()
    return convert_variables_to_constants_v2(function, lower_control_flow=lower_control_flow)


def to_lite(function) -> bytes:
    """A tf.function as a TensorFlow Lite program with 8-bit weights."""
    import tensorflow as tf

    # The converter loses the weights unless they are frozen first; it wants its loops whole.
    constant = frozen(function, lower_control_flow=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([constant], constant)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def run_lite(program: bytes):
    """A TensorFlow Lite program as a function like that of `compiled`, on all cores."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=program, num_threads=os.cpu_count())
    with silence():  # LiteRT says what it runs on, and has no setting for that
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
