"""The whole network: shapes, first values, gradients, one picture learnt by heart, and geometry."""

import keras
import numpy as np
import pytest

from helpers.mask_rcnn.fpn import FPN
from helpers.mask_rcnn.inference import candidates_of, filled_size, letterbox, to_detections
from helpers.mask_rcnn.mask_head import MaskHead
from helpers.mask_rcnn.model import LOSS_NAMES, MaskRCNN, Stages, Targets

only_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="GradientTape is TensorFlow's"
)
NAMES = {1: "square", 7: "disc"}


@pytest.fixture(scope="module")
def no_objects(toy_targets):
    """The toy batch, as if nothing were on the pictures."""
    nothing = {name: np.zeros_like(getattr(toy_targets, name)) for name in Targets._fields[1:4]}
    return toy_targets._replace(**nothing)


# --- forward -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stages(tiny_model, toy_pictures):
    """A toy picture and a noisy one through the tiny network, as NumPy."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    return keras.tree.map_structure(np.asarray, tiny_model(np.stack([toy_pictures[0][0], noise])))


def test_every_stage_by_name(stages, tiny_model):
    assert isinstance(stages, Stages)
    # P2 to P6 of a 64 px picture; 3 shapes on each cell of P3 to P6: 3 * (64 + 16 + 4 + 1) anchors
    assert {name: level.shape for name, level in stages.features.items()} == {
        "P2": (2, 16, 16, 16), "P3": (2, 8, 8, 16), "P4": (2, 4, 4, 16), "P5": (2, 2, 2, 16),
        "P6": (2, 1, 1, 16),
    }  # fmt: skip
    assert tiny_model.anchors.shape == (255, 4)
    shapes = {name: leaf.shape[1:] for name, leaf in stages._asdict().items() if name != "features"}
    assert shapes == {
        "objectness_logits": (255,), "anchor_deltas": (255, 4),
        "proposals": (12, 4), "proposal_scores": (12,), "roi_features": (12, 7, 7, 16),
        "class_logits": (12, 3), "box_deltas": (12, 4),
        "boxes": (6, 4), "labels": (6,), "scores": (6,),
        "mask_features": (6, 14, 14, 16), "mask_logits": (6, 28, 28, 2), "mask_scores": (6, 28, 28),
    }  # fmt: skip
    assert all(len(leaf) == 2 for leaf in keras.tree.flatten(stages))


def test_stages_are_what_their_names_say(stages):
    assert np.abs(stages.proposals).max() <= 64 and stages.proposals.min() >= 0
    assert (np.diff(stages.proposal_scores, axis=1) <= 0).all()
    assert (np.diff(stages.scores, axis=1) <= 0).all() and stages.scores.max() > 0
    found = stages.scores > 0
    assert ((stages.labels >= 1) == found).all() and stages.labels.max() <= 2
    own = np.take_along_axis(
        stages.mask_logits, np.maximum(stages.labels - 1, 0)[:, :, None, None, None], -1
    )[..., 0]
    np.testing.assert_allclose(
        stages.mask_scores[found], 1 / (1 + np.exp(-own[found])), rtol=1e-4, atol=1e-6
    )


def test_at_the_start_almost_nothing_is_an_object(tiny_config, toy_targets):
    logits = MaskRCNN(tiny_config)(toy_targets.images).objectness_logits
    objectness = 1 / (1 + np.exp(-np.asarray(logits)))
    assert objectness.mean() == pytest.approx(0.0474, abs=0.005)  # 1 / (1 + e^3)


def test_pictures_of_a_batch_do_not_meet(tiny_model, stages, toy_pictures):
    alone = tiny_model(toy_pictures[0][0][None])
    for name in ("proposals", "class_logits", "boxes", "mask_logits"):
        one, of_two = np.asarray(getattr(alone, name))[0], getattr(stages, name)[0]
        np.testing.assert_allclose(one, of_two, atol=1e-3, rtol=1e-3)


# --- losses ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def losses(tiny_config, toy_targets):
    """A new network, its losses on the toy batch, the gradients of their sum, and those that the
    losses of the second stage send to the first."""
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = MaskRCNN(tiny_config)
    with tf.GradientTape(persistent=True) as tape:
        values = model(toy_targets, training=True)
        total, second = sum(values.values()), values["class"] + values["box"] + values["mask"]
    gradients = tape.gradient(total, model.trainable_variables)
    return model, values, gradients, tape.gradient(second, model.rpn.trainable_variables)


@only_tensorflow
def test_five_losses(losses):
    _, values, _, _ = losses
    assert tuple(values) == LOSS_NAMES
    assert all(np.isfinite(value) and value > 0 for value in values.values())
    # Nothing known yet: three classes alike, pixels in or out alike.
    assert float(values["class"]) == pytest.approx(np.log(3), abs=0.35)
    assert float(values["mask"]) == pytest.approx(np.log(2), abs=0.35)


@only_tensorflow
def test_every_parameter_learns(losses):
    model, _, gradients, _ = losses
    names = [variable.path for variable in model.trainable_variables]
    assert len(names) == len(set(names))
    idle = [n for n, g in zip(names, gradients, strict=True) if g is None or not np.any(g)]
    assert idle == []
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@only_tensorflow
def test_nothing_is_learnt_through_the_proposals(losses):
    _, _, _, through_proposals = losses
    assert len(through_proposals) == 6
    assert all(gradient is None or not np.any(gradient) for gradient in through_proposals)


def test_losses_of_a_batch_without_objects(tiny_model, no_objects):
    values = tiny_model(no_objects, training=False)
    assert all(np.isfinite(value) for value in values.values())
    assert [float(values[name]) for name in ("rpn_box", "box", "mask")] == [0, 0, 0]
    assert float(values["rpn_class"]) > 0 and float(values["class"]) > 0


def test_the_loss_is_the_sum_and_each_part_is_kept(tiny_config):
    model = MaskRCNN(tiny_config)
    parts = {name: np.float32(2**i) for i, name in enumerate(LOSS_NAMES)}
    assert float(model.compute_loss(y_pred=parts)) == 31
    model.compute_loss(y_pred={name: 3 * value for name, value in parts.items()})
    assert {m.name: float(m.result()) for m in model.loss_means} == {
        name: 2 * value for name, value in parts.items()  # the mean of 1 and 3 times
    }  # fmt: skip


# --- learning ----------------------------------------------------------------------------------


def test_two_pictures_are_learnt_by_heart(tiny_model, toy_pictures):
    stages = tiny_model(np.stack([image for image, _ in toy_pictures]))
    for i, (_, truth) in enumerate(toy_pictures):
        leaves = stages.boxes, stages.labels, stages.scores, stages.mask_scores
        rows = [np.asarray(leaf)[i] for leaf in leaves]
        found = to_detections(candidates_of(*rows, 1.0, NAMES), (64, 64), NAMES, 0.5)
        assert sorted(found.names) == ["disc", "square"]
        for label, mask in zip(truth.labels, truth.masks, strict=True):
            own = found[found.labels == label].masks[0]
            assert (own & mask).sum() / (own | mask).sum() >= 0.93  # .98 to 1 with two seeds


# --- parts that can be exchanged ----------------------------------------------------------------


class Patches(keras.layers.Layer):
    """A backbone of four lines: one convolution per level."""

    levels = (2, 3, 4, 5)

    def __init__(self, channels):
        super().__init__()
        self.convs = [
            keras.layers.Conv2D(channels, 2**level, 2**level, activation="relu")
            for level in self.levels
        ]

    def call(self, images, training=False):
        x = keras.ops.cast(images, "float32") / 255
        return [conv(x) for conv in self.convs]


@pytest.mark.slow  # compiles a training step
def test_a_student_swaps_backbone_and_mask_head(tiny_config, toy_targets):
    keras.utils.set_random_seed(0)
    model = MaskRCNN(
        tiny_config,
        backbone=Patches(16),
        mask_head=MaskHead(num_classes=1, channels=16, num_convs=1),  # class-agnostic
    )
    first = sum(float(loss) for loss in model(toy_targets).values())
    adam = keras.optimizers.Adam(3e-3)
    adam.build(model.trainable_variables)  # or TensorFlow traces the step twice
    model.compile(adam, jit_compile=False)
    for _ in range(40):
        model.train_on_batch(toy_targets)
    assert sum(float(loss) for loss in model(toy_targets).values()) < first / 2
    assert model(toy_targets.images).mask_logits.shape == (2, 6, 28, 28, 1)


def test_a_neck_without_the_levels_that_are_asked_for(tiny_config):
    neck = FPN(16, backbone_levels=(2, 3, 4))
    with pytest.raises(ValueError, match=r"the neck gives levels \(2, 3, 4, 5\), but not \[6\]"):
        MaskRCNN(tiny_config, neck=neck)


# --- global settings of Keras -------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, back",
    [
        (lambda: keras.config.set_dtype_policy("mixed_float16"),
         lambda: keras.config.set_dtype_policy("float32")),
        (lambda: keras.config.set_floatx("float64"), lambda: keras.config.set_floatx("float32")),
        (lambda: keras.config.set_image_data_format("channels_first"),
         lambda: keras.config.set_image_data_format("channels_last")),
    ],
    ids=["mixed precision", "float64", "channels first"],
)  # fmt: skip
def test_a_global_setting_changes_nothing(change, back, tiny_config, tiny_model, toy_targets):
    expected = tiny_model(toy_targets.images)
    change()
    try:
        model = MaskRCNN(tiny_config)
        model(toy_targets.images)
        model.set_weights(tiny_model.get_weights())
        stages = model(toy_targets.images)
        losses = model(toy_targets)
    finally:
        back()
    for name in ("boxes", "scores", "mask_scores"):
        given = getattr(stages, name)
        assert keras.backend.standardize_dtype(given.dtype) == "float32"
        np.testing.assert_allclose(given, getattr(expected, name), atol=1e-5)
    assert all(np.isfinite(float(loss)) for loss in losses.values())


# --- into the network --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size, scale, inside",
    [
        ((64, 64), 1, (64, 64)),
        ((128, 128), 0.5, (64, 64)),
        ((100, 50), 0.64, (64, 32)),  # tall: grey on the right
        ((16, 32), 2, (32, 64)),  # wide and small: enlarged, grey below
        ((3, 1000), 0.064, (1, 64)),  # .19 px high is a pixel
        ((1, 1), 64, (64, 64)),
    ],
)
def test_letterbox(size, scale, inside):
    canvas, found = letterbox(np.full((*size, 3), (10, 200, 90), np.uint8), (64, 64))
    assert canvas.shape == (64, 64, 3) and canvas.dtype == np.uint8 and found == scale
    painted = (canvas == (10, 200, 90)).all(2)
    assert painted[: inside[0], : inside[1]].all() and painted.sum() == inside[0] * inside[1]
    assert (canvas[~painted] == 127).all()


@pytest.mark.parametrize(
    "size, inside",
    [
        ((128, 256), (32, 64)),  # half of it, to the pixel
        ((132, 256), (48, 64)),  # 33 rows need a third cell of 16
        ((256, 130), (64, 32)),  # 32.5 columns: Python rounds to the even 32
        ((1, 9000), (16, 64)),  # a row is a row
        ((64, 64), (64, 64)),
    ],
)
def test_what_a_letterboxed_image_fills(size, inside):
    assert filled_size(size, (64, 64), 16) == inside
    canvas, _ = letterbox(np.zeros((*size, 3), np.uint8), (64, 64))
    assert (canvas[inside[0] :] == 127).all() and (canvas[:, inside[1] :] == 127).all()


def test_letterbox_keeps_pixels_in_place():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 96, 3), np.uint8)
    same, _ = letterbox(image, (64, 128))
    np.testing.assert_array_equal(same[:, :96], image)
    # Half the size: each pixel is the mean of four.
    half, _ = letterbox(image, (32, 48))
    means = image.reshape(32, 2, 48, 2, 3).mean((1, 3))
    assert np.abs(half - means).max() <= 0.5
    # Turned over, as a view: the same as a copy of it.
    np.testing.assert_array_equal(
        letterbox(image[:, ::-1], (32, 48))[0], letterbox(image[:, ::-1].copy(), (32, 48))[0]
    )


@pytest.mark.parametrize(
    "image, given",
    [
        (np.zeros((8, 8, 3)), r"float64 \(8, 8, 3\)"),
        (np.zeros((8, 8), np.uint8), r"uint8 \(8, 8\)"),
        (np.zeros((8, 8, 4), np.uint8), r"uint8 \(8, 8, 4\)"),
        (np.zeros((1, 8, 8, 3), np.uint8), r"uint8 \(1, 8, 8, 3\)"),
        (np.zeros((0, 8, 3), np.uint8), r"uint8 \(0, 8, 3\)"),
        ("photo.jpg", "str"),
    ],
)
def test_what_is_no_image_is_refused(image, given):
    with pytest.raises(ValueError, match="an image must be RGB uint8 .* got " + given):
        letterbox(image, (64, 64))


# --- out of the network ------------------------------------------------------------------------


def final_stages(boxes, labels, scores, cells=4):
    """Rows of the last stages: masks that are in on their left half."""
    masks = np.zeros((len(boxes), cells, cells), np.float32)
    masks[:, :, : cells // 2] = 1
    return np.array(boxes, np.float32), np.array(labels), np.array(scores, np.float32), masks


@pytest.mark.parametrize("scale", [0.5, 1, 2])
def test_detections_in_pixels_of_the_image(scale):
    rows = final_stages(
        [[8, 4, 24, 12], [32, 16, 40, 32], [0] * 4, [0] * 4], [2, 1, 0, 0], [0.75, 0.5, 0, 0]
    )
    size = int(40 / scale), int(60 / scale)
    found = to_detections(candidates_of(*rows, scale, NAMES), size, NAMES, 0.5)
    assert found.names == ["disc", "square"] and found.image_size == size
    np.testing.assert_allclose(found.scores, [0.75, 0.5])
    expected = np.array([[8, 4, 24, 12], [32, 16, 40, 32]]) / scale
    np.testing.assert_array_equal(found.boxes, expected)
    for mask, (x1, y1, x2, y2) in zip(found.masks, expected.astype(int), strict=True):
        left = np.zeros(size, bool)
        left[y1:y2, x1 : (x1 + x2) // 2] = True
        np.testing.assert_array_equal(mask, left)


def test_thresholds_and_nothing():
    rows = final_stages([[8, 4, 24, 12], [0] * 4], [2, 0], [0.75, 0])
    candidates = candidates_of(*rows, 1, NAMES)
    assert len(to_detections(candidates, (40, 60), NAMES, 0.75)) == 1  # from the threshold on
    assert len(to_detections(candidates, (40, 60), NAMES, 0.0)) == 1  # padding never counts
    none = to_detections(candidates, (40, 60), NAMES, 0.76)
    assert len(none) == 0 and none.masks.shape == (0, 40, 60)


def test_a_box_beyond_the_image_is_cut_and_its_mask_with_it():
    # The picture is 40 wide; the box reaches 24 px further, into the grey. Its left half is in.
    rows = final_stages([[16, 8, 64, 24]], [1], [0.9])
    found = to_detections(candidates_of(*rows, 1, NAMES), (40, 40), NAMES, 0.5)
    np.testing.assert_array_equal(found.boxes, [[16, 8, 40, 24]])
    expected = np.zeros((40, 40), bool)
    expected[8:24, 16:40] = True  # half of 48 px is all that is left
    np.testing.assert_array_equal(found.masks, [expected])
