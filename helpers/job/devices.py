"""Where TensorFlow computes."""

import os

from helpers.structures import InputError


def choose_device(name):
    """Hide the GPUs that are not wanted; before TensorFlow is imported.

    Args:
        name: "auto", "cpu", "gpu", or the number of a GPU as a string.
    """
    if name == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    elif name.isdigit():
        os.environ["CUDA_VISIBLE_DEVICES"] = name


def require_device(name):
    """Make sure that a GPU is there if one is wanted.

    Raises:
        InputError: TensorFlow sees none.
    """
    if name in ("auto", "cpu"):
        return
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        raise InputError(
            f"--device {name}: TensorFlow sees no such GPU; leave --device out, or see 'The GPU is "
            "not used' in docs/troubleshooting.md"
        )
