"""The larger network of notebook 03: the heads of an FCN on the backbone of `streets`.

Letters: B images, H x W pixels, h x w cells of a map, C channels, K classes.
"""

import keras
import numpy as np
from keras import layers

from helpers import DATA
from helpers.models import load_model, read_weights
from helpers.streets import draw_scene

CLASSES = ("background", "person, bicycle", "vehicle")
GROUPS = {1: 1, 2: 1, 3: 2, 6: 2, 8: 2}  # category ids of the street world -> our classes
IMAGE_SIZE = (256, 320)
WIDTHS = (64, 112, 168)  # channels of C3, C4 and C5, the maps of 1/8, 1/16 and 1/32
HIDDEN = 64  # channels of the convolution before the scores
WEIGHTS = DATA / "fcn.npz"  # of the heads; .ci/train_fcn.py trains them


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


def build_heads(widths=WIDTHS, hidden=HIDDEN, num_classes=3):
    """What stands on the body of an FCN: three maps of features -> three maps of logits.

    Args:
        widths: channels of the maps of 1/8, 1/16 and 1/32.
        hidden: channels of the 3 x 3 convolution that each map gets before it is scored.
        num_classes: K, background included.

    Returns:
        A Keras model of [(B, h, w, C), (B, h/2, w/2, C), (B, h/4, w/4, C)]; each of its outputs
        fcn32s, fcn16s, fcn8s is (B, 8 h, 8 w, K). The side of the last map may be any number.

    Source: Long, Shelhamer, Darrell 2015, section 4.2. There only the map of 1/32 has convolutions
    of its own before the scores, the two that were dense layers.
    """
    maps = [layers.Input((None, None, width)) for width in widths]
    scores32 = _scores(maps[2], hidden, num_classes, "scores32", "glorot_uniform")
    skip16 = _scores(maps[1], hidden, num_classes, "scores16", "zeros")
    skip8 = _scores(maps[0], hidden, num_classes, "scores8", "zeros")
    scores16 = layers.Add()([_doubled(scores32, num_classes, "double32"), skip16])
    scores8 = layers.Add()([_doubled(scores16, num_classes, "double16"), skip8])
    outputs = []
    for scores, factor in ((scores32, 32), (scores16, 16), (scores8, 8)):
        larger = layers.UpSampling2D(factor, interpolation="bilinear", name=f"fcn{factor}s")
        outputs.append(larger(scores))
    return keras.Model(maps, outputs, name="fcn_heads")


def _scores(x, hidden, num_classes, name, start):
    """A convolution, then a number per class in each cell."""
    x = layers.Conv2D(hidden, 3, padding="same", activation="relu", name=f"{name}_conv")(x)
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


def load_body():
    """The backbone of `streets`: images (B, H, W, 3) uint8 -> [C2, C3, C4, C5]."""
    model, _ = load_model(DATA / "streets.json")
    return model.backbone


def load_fcn() -> keras.Model:
    """FCN-32s, 16s and 8s for streets of IMAGE_SIZE, trained.

    Returns:
        A Keras model: images (B, H, W, 3) uint8 -> three maps of logits (B, H, W, K).
    """
    heads = build_heads()
    weights = read_weights(WEIGHTS)
    for variable in heads.weights:
        variable.assign(weights[variable.path].astype(np.float32))
    picture = layers.Input((*IMAGE_SIZE, 3), dtype="uint8")
    maps = load_body()(picture)[1:]
    return keras.Model(picture, heads(maps), name="fcn")
