"""One training on several devices."""

import contextlib

import keras


def spread(devices=None):
    """A context in which a model is trained on several devices, each with a part of every batch.

    Args:
        devices: names as `keras.distribution.list_devices()` gives them; None for all of these:
            all GPUs or, without one, the CPU.
    """
    backend = keras.backend.backend()
    if devices is None and backend != "torch":
        devices = keras.distribution.list_devices()
    if devices is None or len(devices) < 2:
        return contextlib.nullcontext()
    if backend == "jax":
        return keras.distribution.DataParallel(devices=devices).scope()
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(devices).scope()
