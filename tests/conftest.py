"""What several files of tests share: one tiny network, and a picture made by hand."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

from helpers.structures import Detections  # noqa: E402

SHAPES = {1: "square", 7: "disc"}  # ids with a gap: classes 1 and 2 of the network


@pytest.fixture(scope="session")
def tiny_config():
    """A Mask R-CNN for 64 x 64 pictures that runs in milliseconds.

    Its widths are multiples of 16: TensorFlow 2.21 on a CPU breaks the heap in the gradient of a
    1 x 1 convolution of stride 2 on one picture with 8 channels.
    """
    from helpers.mask_rcnn.model import Config

    return Config(
        num_classes=2, image_size=(64, 64), widths=(16, 16, 32, 32), depths=(1, 1, 1, 1),
        fpn_channels=16, anchor_sides=((12,), (24,), (40,), (60,)), num_candidates=48,
        num_proposals=12, box_units=32, num_detections=6, num_training_proposals=24, num_rois=16,
        num_foreground=6,
    )  # fmt: skip


@pytest.fixture(scope="session")
def tiny_model(tiny_config):
    """The network, built, with random weights. Shared: look, do not train."""
    import keras

    from helpers.mask_rcnn.model import MaskRCNN

    keras.utils.set_random_seed(1)
    model = MaskRCNN(tiny_config)
    model(np.zeros((1, 64, 64, 3), np.uint8))
    # Moving averages as if trained: otherwise an error in saving them would go unseen.
    rng = np.random.default_rng(1)
    for variable in model.non_trainable_variables:
        if "moving" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return model


@pytest.fixture(scope="session")
def toy_picture():
    """A yellow square and a blue disc on grey, 64 x 64, and the truth about them."""
    y, x = np.mgrid[:64, :64] + 0.5
    square = (x > 8) & (x < 28) & (y > 30) & (y < 50)
    disc = (x - 44) ** 2 + (y - 22) ** 2 < 14**2
    image = np.full((64, 64, 3), 120, np.uint8)
    image[square], image[disc] = (240, 220, 60), (40, 60, 220)
    boxes = [[8, 30, 28, 50], [30, 8, 58, 36]]
    return image, Detections(boxes, [1, 7], [1, 1], (64, 64), SHAPES, np.stack([square, disc]))
