"""RoIAlign against pencil and paper and against ONNX Runtime's operator."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from helpers.mask_rcnn.roi_align import pyramid_level, roi_align

STRIDES = (4, 8, 16, 32)


# --- which level -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "width, height, level",
    [
        (96, 96, 2),  # 96 px: P4, the third level
        (95, 96, 1),
        (48, 48, 1),  # half of it: P3
        (24, 96, 1),  # the same area
        (47, 48, 0),
        (191, 192, 2),
        (192, 192, 3),  # twice of it: P5
        (1000, 1000, 3),  # there is no P7
        (0.5, 0.5, 0),  # nor P1
        (0, 50, 0),
        (-3, -3, 0),  # inside out
    ],
)
def test_level_by_size(width, height, level):
    boxes = np.array([[[10, 20, 10 + width, 20 + height]]], "float32")
    found = pyramid_level(boxes, STRIDES)
    assert found.shape == (1, 1) and "int32" in str(found.dtype)
    assert int(found[0, 0]) == level


# --- pencil and paper --------------------------------------------------------------------------


def on_map(features, box, size, samples=1, stride=1):
    """RoIAlign of one box on one map (h, w), as a (size, size) array."""
    features, boxes = np.array(features, "float32")[None, ..., None], np.array([[box]], "float32")
    return np.asarray(roi_align([features], boxes, (stride,), size, samples))[0, 0, :, :, 0]


@pytest.mark.parametrize("samples", [1, 2])
def test_on_a_slope_with_a_pencil(samples):
    # detectron2's case. The map is 5 y + x at the pixel in row y, column x, that is at (x + .5,
    # y + .5). The box goes from 1 to 3, cells have a side of .5, the first centre is at 1.25: .75
    # of the way from pixel 0 to pixel 1. There the map is 5 * .75 + .75 = 4.5; a cell to the right
    # is .5 more, a cell below 2.5 more. On a slope the mean of four points is that of the centre.
    slope = np.arange(25).reshape(5, 5)
    expected = [[4.5, 5, 5.5, 6], [7, 7.5, 8, 8.5], [9.5, 10, 10.5, 11], [12, 12.5, 13, 13.5]]
    np.testing.assert_allclose(on_map(slope, [1, 1, 3, 3], 4, samples), expected, rtol=1e-6)


def test_each_cell_is_the_mean_of_its_points():
    # One bright pixel at (1.5, 1.5). The cell is the box; its points are at 1 and 2 both ways
    # (a quarter and three quarters of 0.5..2.5), each half a pixel from the bright one in x and in
    # y: weight .5 * .5 each. With one point it is hit in the middle.
    bright = np.zeros((4, 4))
    bright[1, 1] = 8
    np.testing.assert_allclose(on_map(bright, [0.5, 0.5, 2.5, 2.5], 1, samples=2), [[2]])
    np.testing.assert_allclose(on_map(bright, [0.5, 0.5, 2.5, 2.5], 1, samples=1), [[8]])


def test_the_stride_is_the_size_of_a_feature():
    # Features of 8 px: the box 8..24 covers features 1 and 2 exactly.
    slope = np.arange(25).reshape(5, 5)
    np.testing.assert_allclose(on_map(slope, [8, 8, 24, 24], 2, stride=8), [[6, 7], [11, 12]])


def test_beyond_the_last_centre_the_border_goes_on():
    # The corner 0..1 of the map has its points at .25 and .75: outside and between the centres.
    corner = [[1, 2], [3, 4]]
    expected = [[1, 1.25], [1.5, 1.75]]  # .25 of the way right (+1) and down (+2), or not at all
    np.testing.assert_allclose(on_map(corner, [0, 0, 1, 1], 2), expected)
    expected = [[3.25, 3.5], [3.75, 4]]
    np.testing.assert_allclose(on_map(corner, [1, 1, 2, 2], 2), expected)


def test_a_box_without_size_is_a_point():
    slope = np.arange(25).reshape(5, 5)
    np.testing.assert_allclose(on_map(slope, [2, 3, 2, 3], 2, samples=2), np.full((2, 2), 14.0))


# --- reference ---------------------------------------------------------------------------------


def onnx_roi_align(features, boxes, images, stride, size, samples):
    """The operator itself: features (B, h, w, C), boxes (N, 4), images (N,) -> (N, s, s, C)."""
    node = helper.make_node(
        "RoiAlign", ["x", "rois", "images"], ["y"], coordinate_transformation_mode="half_pixel",
        mode="avg", output_height=size, output_width=size, sampling_ratio=samples,
        spatial_scale=1 / stride,
    )  # fmt: skip
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "roi_align",
        [
            value("x", TensorProto.FLOAT, [None] * 4),
            value("rois", TensorProto.FLOAT, [None, 4]),
            value("images", TensorProto.INT64, [None]),
        ],
        [value("y", TensorProto.FLOAT, [None] * 4)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    inputs = {"x": features.transpose(0, 3, 1, 2), "rois": boxes, "images": images}
    return session.run(None, inputs)[0].transpose(0, 2, 3, 1)


@pytest.mark.parametrize("size, samples", [(7, 2), (14, 1), (3, 3)])
def test_against_onnx_runtime(size, samples):
    rng = np.random.default_rng(size)
    height, width, num_images, channels = 256, 320, 2, 5
    pyramid = [
        rng.normal(size=(num_images, height // s, width // s, channels)).astype("float32")
        for s in STRIDES
    ]
    sides = np.repeat([2, 20, 68, 136, 230], 12)[:, None]  # below a cell of P2, then P2 .. P5
    sides = sides * rng.uniform(0.85, 1.1, (num_images, 60, 2))
    corner = rng.uniform(0, 1, sides.shape) * ([width, height] - sides)
    boxes = np.concatenate([corner, corner + sides], -1)
    boxes[:, 0] = [0, 0, width, height]
    boxes[:, 1:5] = [[0, 0, 30, 40], [290, 0, 320, 33], [0, 250, 9, 256], [200, 150, 320, 256]]
    boxes[:, 5:8] = [[0, 0, 0.5, 0.5], [319.5, 255.5, 320, 256], [77.2, 33.3, 77.3, 33.4]]
    boxes = boxes.astype("float32")

    area = np.prod(boxes[..., 2:].astype(float) - boxes[..., :2], -1)
    level = np.clip(np.floor(4 + np.log2(np.sqrt(area) / 96)), 2, 5).astype(int) - 2
    assert (np.bincount(level.ravel(), minlength=4) >= 20).all()

    found = np.asarray(roi_align(pyramid, boxes, STRIDES, size, samples))
    assert found.shape == (num_images, 60, size, size, channels)
    for i, stride in enumerate(STRIDES):
        images, rows = np.nonzero(level == i)
        expected = onnx_roi_align(pyramid[i], boxes[images, rows], images, stride, size, samples)
        np.testing.assert_allclose(found[images, rows], expected, atol=1e-4, rtol=0)


# --- nothing, and gradients --------------------------------------------------------------------


@pytest.mark.parametrize("samples", [1, 2])
def test_no_boxes(samples):
    pyramid = [np.ones((2, 64 // s, 64 // s, 3), "float32") for s in STRIDES]
    empty = roi_align(pyramid, np.zeros((2, 0, 4), "float32"), STRIDES, 7, samples)
    assert empty.shape == (2, 0, 7, 7, 3)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="GradientTape is TensorFlow's")
def test_the_gradient_of_a_feature_is_its_weight():
    import tensorflow as tf

    # Bilinear weights of a point sum to 1, so the gradients of one channel's sum over 2 boxes of
    # 3 x 3 cells sum to 18, all in the level that the boxes are cut from, around the boxes.
    pyramid = [tf.Variable(np.zeros((1, 64 // s, 64 // s, 1), "float32")) for s in STRIDES]
    boxes = np.array([[[8, 8, 20, 20], [8, 8, 20, 20]]], "float32")
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(roi_align(pyramid, boxes, STRIDES, 3, 2))
    gradients = [tf.convert_to_tensor(g).numpy() for g in tape.gradient(total, pyramid)]
    assert abs(gradients[0].sum() - 18) < 1e-4 and all((g == 0).all() for g in gradients[1:])
    rows, columns = np.nonzero(gradients[0][0, :, :, 0])
    # In features of 4 px the box goes from 2 to 5, its first point is at 2.25, between the centres
    # of features 1 and 2; its last at 4.75, between 4 and 5.
    assert set(rows) == set(columns) == {1, 2, 3, 4, 5} and gradients[0].min() >= 0
