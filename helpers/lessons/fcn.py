"""The network of notebook 03 as a function, and a wider one that was trained for longer.

Letters: B images, H x W pixels, K classes.
"""

import keras
import numpy as np
from keras import layers

from helpers import DATA
from helpers.models import read_weights
from helpers.streets import draw_scene

CLASSES = ("background", "person, bicycle", "vehicle")
GROUPS = {1: 1, 2: 1, 3: 2, 6: 2, 8: 2}  # category ids of the street world -> our classes
CONVS = (1, 1, 2, 2, 2)  # convolutions of the five stages

# Of the network that is shipped (.ci/train_fcn.py trains it)
IMAGE_SIZE = (256, 320)
WIDTHS = (16, 32, 64, 96, 128)  # channels of its stages
WEIGHTS = DATA / "fcn.npz"


def draw_labels(seed, size=IMAGE_SIZE):
    """A street and the class of each of its pixels.

    Args:
        seed: of the street.
        size: (height, width), pixels.

    Returns:
        (H, W, 3) uint8, (H, W) uint8 in 0..2 (see CLASSES), and the truth as Detections.
    """
    image, truth = draw_scene(seed, size)
    labels = np.zeros(size, np.uint8)
    for category, mask in zip(truth.labels.tolist(), truth.masks, strict=True):
        labels[mask] = GROUPS.get(category, 0)
    return image, labels, truth


def build_fcn(image_size, widths, num_classes=3):
    """FCN-32s, 16s and 8s on one body: images (B, H, W, 3) uint8 -> three maps of logits.

    Args:
        image_size: (height, width), multiples of 32.
        widths: channels of the five stages.
        num_classes: K, background included.

    Returns:
        A Keras model; each of its outputs fcn32s, fcn16s, fcn8s is (B, H, W, K).

    Source: Long, Shelhamer, Darrell 2015, section 4.2; its convolutions are fewer and narrower.
    """
    picture = layers.Input((*image_size, 3), dtype="uint8", name="picture")
    x = layers.Rescaling(1 / 127.5, -1)(picture)
    pools = []
    for level, (width, num_convs) in enumerate(zip(widths, CONVS, strict=True), 1):
        x = _stage(x, width, num_convs, f"stage{level}")
        pools.append(x)
    scores32 = _scores(pools[4], num_classes, "scores32", "glorot_uniform")
    skip16 = _scores(pools[3], num_classes, "scores16", "zeros")
    skip8 = _scores(pools[2], num_classes, "scores8", "zeros")
    scores16 = layers.Add()([_doubled(scores32, num_classes, "double32"), skip16])
    scores8 = layers.Add()([_doubled(scores16, num_classes, "double16"), skip8])
    outputs = []
    for scores, factor in ((scores32, 32), (scores16, 16), (scores8, 8)):
        larger = layers.UpSampling2D(factor, interpolation="bilinear", name=f"fcn{factor}s")
        outputs.append(larger(scores))
    return keras.Model(picture, outputs, name="fcn")


def _stage(x, width, num_convs, name):
    """Convolutions; the last one's map is pooled, then normalised."""
    for i in range(num_convs):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"{name}_conv{i}")(x)
        if i == num_convs - 1:
            x = layers.MaxPooling2D(2)(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{i}")(x)
        x = layers.ReLU()(x)
    return x


def _scores(x, num_classes, name, start):
    """A number per class in each cell."""
    return layers.Conv2D(num_classes, 1, kernel_initializer=start, name=name)(x)


def _doubled(x, num_classes, name):
    """Twice as many rows and columns: bilinear at first, then as it is learnt."""
    return layers.Conv2DTranspose(
        num_classes, 4, 2, padding="same", use_bias=False, kernel_initializer=tent_kernel,
        name=name,
    )(x)  # fmt: skip


def tent_kernel(shape, dtype=None):
    """The kernel (side, side, K, K) of bilinear stretching; each class only into itself."""
    side, _, classes, _ = shape
    tent = 1 - abs((np.arange(side) + 0.5) / (side / 2) - 1)
    return np.einsum("y,x,oi->yxoi", tent, tent, np.eye(classes)).astype("float32")


def load_fcn() -> keras.Model:
    """The FCN that is shipped, for streets of IMAGE_SIZE, with its trained weights."""
    network = build_fcn(IMAGE_SIZE, WIDTHS)
    weights = read_weights(WEIGHTS)
    for variable in network.weights:
        variable.assign(weights[variable.path].astype(np.float32))
    return network
