"""A one-stage network as two ONNX graphs without a loop, for images of any size.

    detect.onnx: image -> class_logits, distance_logits, maps
    masks.onnx: boxes, maps -> mask_scores

Between them stands what takes a loop: which boxes are objects (`onnx_program.choose`; in a browser,
web/objects.mjs). The graphs are written from the layers, in the order of helpers/one_stage/.

Letters: A cells of all levels, C channels, D boxes, H x W pixels of the input, h x w cells of a
map, K classes, M cells along a side of a mask.
"""

import math
import pathlib

import numpy as np
from keras.ops import convert_to_numpy

from helpers.models.onnx_writer import GraphWriter
from helpers.one_stage.backbone import PIXEL_MEAN_BGR, PIXEL_STD_BGR, SLOPE
from helpers.one_stage.head import NUM_BINS
from helpers.one_stage.mask_branch import COARSE_SIDE, FINE_SIDE
from helpers.one_stage.model import OneStageMaskRCNN
from helpers.structures import require

MAPS = ("coarse3", "coarse4", "coarse5", "fine2", "fine3")  # in the order of `MaskMaps`


def write_onnx(model, folder):
    """Write detect.onnx and masks.onnx.

        detect.onnx  image (1, H, W, 3) uint8, sides divisible by 32 -> class_logits (A, K),
                     distance_logits (A, 4, bins) and the MAPS, (1, C, h, w) each
        masks.onnx   boxes (D, 4) and the MAPS -> mask_scores (D, M, M); D is at least 1

    Args:
        model: OneStageMaskRCNN, built.
        folder: where to; it exists.

    Raises:
        ValueError: the model is another.
    """
    wanted = "only a OneStageMaskRCNN can be written as ONNX"
    require(isinstance(model, OneStageMaskRCNN), f"{wanted}, not a {type(model).__name__}")
    folder = pathlib.Path(folder)
    detect_graph(model).write(folder / "detect.onnx")
    masks_graph(model).write(folder / "masks.onnx")


# --- detect.onnx -------------------------------------------------------------------------------


def detect_graph(model):
    """The graph of `OneStageMaskRCNN.detect`, but for `select`."""
    graph = GraphWriter("detect")
    image = graph.input("image", "uint8", [1, "H", "W", 3])
    levels = _backbone(graph, model.backbone, image)
    pyramid = _neck(graph, model.neck, levels)
    class_logits, distance_logits = _head(graph, model, pyramid)
    graph.output(class_logits, "class_logits", ["A", model.config.num_classes])
    graph.output(distance_logits, "distance_logits", ["A", 4, NUM_BINS])
    maps = _maps(graph, model.mask_branch.maps, levels, pyramid)
    for name, value, shape in zip(MAPS, maps, _map_shapes(model), strict=True):
        graph.output(value, name, shape)
    return graph


def _map_shapes(model):
    """(1, C, h, w) of each of the MAPS; h and w are names, since they are open."""
    maps, config = model.mask_branch.maps, model.config
    shapes = []
    for channels, strides in (
        (config.mask_channels, maps.coarse_strides),
        (config.fine_channels, maps.fine_strides),
    ):
        for stride in strides:
            shapes.append([1, channels, f"H/{stride}", f"W/{stride}"])
    return shapes


def _backbone(graph, backbone, image):
    """`CspBackbone`."""
    x = graph.add("Cast", image, to=1)  # float32
    x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.add("Gather", x, graph.constant(np.int64([2, 1, 0])), axis=1)  # blue, green, red
    mean = np.float32(PIXEL_MEAN_BGR).reshape(1, 3, 1, 1)
    std = np.float32(PIXEL_STD_BGR).reshape(1, 3, 1, 1)
    x = graph.add("Div", graph.add("Sub", x, graph.constant(mean)), graph.constant(std))
    x = _conv_leaky(graph, backbone.stem, x)
    x = graph.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    levels = []
    for stage in backbone.stages:
        x = _csp_stage(graph, stage, x)
        levels.append(x)
    return levels


def _csp_stage(graph, stage, x):
    """`CspStage` with its `CspBlock`s."""
    first = _conv_leaky(graph, stage.first, x)
    x = first
    for block in stage.blocks:
        half = _conv_leaky(graph, block.first, x)
        x = graph.add("Concat", _conv_leaky(graph, block.second, half), half, axis=1)
    return graph.add("Concat", _conv_leaky(graph, stage.last, x), first, axis=1)


def _neck(graph, neck, levels):
    """`PathNeck`."""
    merged = [_conv(graph, conv, x) for conv, x in zip(neck.lateral, levels[1:], strict=True)]
    for i in (1, 0):
        merged[i] = graph.add("Add", merged[i], graph.double(merged[i + 1]))
    for i in (1, 2):
        halved = graph.add("AveragePool", merged[i - 1], kernel_shape=[2, 2], strides=[2, 2])
        merged[i] = graph.add("Add", merged[i], halved)
    return merged


def _head(graph, model, pyramid):
    """`OneStageHead` and `Calibration`: class_logits (A, K), distance_logits (A, 4, NUM_BINS)."""
    head, num_classes = model.head, model.config.num_classes
    rows = _rows(graph, pyramid, head.convs, head.outputs)
    sizes = graph.constant(np.int64([num_classes, 4 * NUM_BINS]))
    class_logits, distances = _split(graph, rows, sizes)
    scale = graph.constant(convert_to_numpy(model.calibration.scale))
    shift = graph.constant(convert_to_numpy(model.calibration.shift))
    class_logits = graph.add("Add", graph.add("Mul", class_logits, scale), shift)
    shape = graph.constant(np.int64([-1, 4, NUM_BINS]))
    return class_logits, graph.add("Reshape", distances, shape)


def _rows(graph, pyramid, convs, outputs):
    """Two convolutions on each level; their answers cell by cell, of all levels: (A, C)."""
    rows = []
    for x, conv, output in zip(pyramid, convs, outputs, strict=True):
        x = _conv(graph, output, _conv_leaky(graph, conv, x))
        x = graph.add("Transpose", x, perm=[0, 2, 3, 1])
        rows.append(graph.add("Reshape", x, graph.constant(np.int64([-1, output.filters]))))
    return graph.add("Concat", *rows, axis=0)


def _split(graph, rows, sizes):
    """Rows (A, C) cut in two, behind so many columns."""
    from onnx import helper

    names = [f"{rows}_left", f"{rows}_right"]
    graph.nodes.append(helper.make_node("Split", [rows, sizes], names, axis=1))
    return names


def _maps(graph, maps, levels, pyramid):
    """`MaskMaps`: the coarse ones, then the fine ones."""
    coarse = []
    for body, neck, conv in zip(levels[1:], pyramid, maps.coarse, strict=True):
        both = graph.add("Concat", body, neck, axis=1)
        coarse.append(graph.add("Relu", _conv_norm(graph, conv, both)))
    both = graph.add("Concat", levels[1], coarse[0], axis=1)
    fine3 = _conv_norm(graph, maps.fine[1], both)
    fine2 = graph.add("Add", _conv_norm(graph, maps.fine[0], levels[0]), graph.double(fine3))
    fine2 = _conv_norm(graph, maps.smooth, graph.add("Relu", fine2))
    return [*coarse, graph.add("Relu", fine2), graph.add("Relu", fine3)]


# --- masks.onnx --------------------------------------------------------------------------------


def masks_graph(model):
    """The graph of `OneStageMaskRCNN.cut_out`."""
    graph = GraphWriter("masks")
    boxes = graph.input("boxes", "float32", ["D", 4])
    maps = []
    for name, shape in zip(MAPS, _map_shapes(model), strict=True):
        maps.append(graph.input(name, "float32", shape))
    strides, side = model.mask_branch.maps, model.config.mask_side
    coarse = _roi_features(graph, maps[:3], boxes, strides.coarse_strides, side // 2, COARSE_SIDE)
    fine = _roi_features(graph, maps[3:], boxes, strides.fine_strides, side, FINE_SIDE)
    graph.output(_mask_head(graph, model.mask_branch.head, coarse, fine, side), "mask_scores",
                 ["D", side, side])  # fmt: skip
    return graph


def _roi_features(graph, maps, boxes, strides, size, canonical_side):
    """`roi_align`: each box's features on each of the maps, of which its own level's are kept."""
    from onnx import helper

    num_boxes = graph.add("Shape", boxes, start=0, end=1)
    zero = helper.make_tensor("zero", 7, [1], [0])  # int64
    images = graph.add("ConstantOfShape", num_boxes, value=zero)
    level = _level(graph, boxes, canonical_side)
    chosen = graph.roi_align(maps[0], boxes, images, strides[0], size)
    for x, stride in zip(maps[1:], strides[1:], strict=True):
        features = graph.roi_align(x, boxes, images, stride, size)
        least = graph.constant(np.float32(math.log2(stride)))
        chosen = graph.add("Where", graph.add("GreaterOrEqual", level, least), features, chosen)
    return chosen


def _level(graph, boxes, canonical_side):
    """`pyramid_level`, not rounded: (D, 1, 1, 1); from k on a box is of the map of 2 ** k."""
    corners = []
    for first in (0, 2):
        columns = graph.constant(np.int64([first, first + 1]))
        corners.append(graph.add("Gather", boxes, columns, axis=1))
    sides = graph.add("Sub", corners[1], corners[0])
    sides = graph.add("Max", sides, graph.constant(np.float32(1e-3)))
    # The sum of both logarithms is that of the area; half of it, that of its square root.
    doubled = graph.add("ReduceSum", graph.add("Log", sides), graph.constant(np.int64([1])))
    level = graph.add("Mul", doubled, graph.constant(np.float32(0.5 / math.log(2))))
    shift = graph.constant(np.float32(4 - math.log2(canonical_side)))
    level = graph.add("Add", level, shift)
    return graph.add("Reshape", level, graph.constant(np.int64([-1, 1, 1, 1])))


def _mask_head(graph, head, coarse, fine, side):
    """`FineMaskHead`, its scores from 0 to 1: (D, side, side)."""
    x = coarse
    for conv in head.convs:
        x = graph.add("Relu", _conv_norm(graph, conv, x))
    kernel = graph.weight(convert_to_numpy(head.up.kernel).transpose(3, 2, 0, 1))
    bias = graph.weight(convert_to_numpy(head.up.bias))
    x = graph.add("ConvTranspose", x, kernel, bias, strides=[2, 2])
    x = graph.add("Relu", graph.add("Add", x, fine))
    x = graph.add("Relu", _conv_norm(graph, head.merge, x))
    scores = graph.add("Sigmoid", _conv(graph, head.logits, x))
    return graph.add("Reshape", scores, graph.constant(np.int64([-1, side, side])))


# --- convolutions ------------------------------------------------------------------------------


def _conv(graph, layer, x):
    """A `Conv2D` of Keras with a bias."""
    return graph.convolve(x, convert_to_numpy(layer.kernel), convert_to_numpy(layer.bias))


def _conv_leaky(graph, part, x):
    """`ConvLeaky`."""
    kernel, bias = convert_to_numpy(part.conv.kernel), convert_to_numpy(part.conv.bias)
    return graph.add("LeakyRelu", graph.convolve(x, kernel, bias, part.strides), alpha=SLOPE)


def _conv_norm(graph, part, x):
    """`ConvNorm`, the normalisation folded into the convolution."""
    norm = part.norm
    scale = convert_to_numpy(norm.gamma) / np.sqrt(
        convert_to_numpy(norm.moving_variance) + norm.epsilon
    )
    shift = convert_to_numpy(norm.beta) - convert_to_numpy(norm.moving_mean) * scale
    return graph.convolve(x, convert_to_numpy(part.conv.kernel) * scale, shift)
