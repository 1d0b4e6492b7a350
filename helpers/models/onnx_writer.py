"""An ONNX graph put together node by node, with weights from layers of Keras.

Maps are (1, C, h, w), as ONNX has them, and Keras' kernels are turned to that. Weights are stored
in 16 bits and computed with in 32: half the file, and what is stored so already loses nothing.
onnx is imported where it is used.
"""

import numpy as np

OPSET = 16  # the first whose RoiAlign counts pixels at their centres
IR_VERSION = 8
HALF_PIXEL = {"coordinate_transformation_mode": "half_pixel"}


class GraphWriter:
    """Nodes and weights of one graph, in the order in which they are computed.

    Every method takes names of values and returns the name of a new one.

    Args:
        name: of the graph.
    """

    def __init__(self, name):
        self.name = name
        self.nodes = []
        self.weights = []
        self.inputs = []
        self.outputs = []

    def input(self, name, dtype, shape):
        """Announce an input; an axis whose length is open has a name instead."""
        self.inputs.append(_announced(name, dtype, shape))
        return name

    def output(self, value, name, shape):
        """Announce a value, float32, as an output of the graph under this name."""
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(_announced(name, "float32", shape))

    def add(self, operator, *inputs, **attributes):
        """One node with one output."""
        from onnx import helper

        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, values):
        """Numbers that the graph brings along, as they are."""
        from onnx import numpy_helper

        name = f"constant_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weight(self, values):
        """Numbers that were learnt: stored in 16 bits, used in 32."""
        from onnx import TensorProto

        return self.add("Cast", self.constant(np.float16(values)), to=TensorProto.FLOAT)

    def convolve(self, x, kernel, bias, strides=1):
        """A convolution: kernel (k, k, C, C') and bias (C',) of Keras, (k - 1) / 2 zeros around."""
        margin = (kernel.shape[0] - 1) // 2
        weights = [self.weight(kernel.transpose(3, 2, 0, 1)), self.weight(bias)]
        return self.add("Conv", x, *weights, pads=[margin] * 4, strides=[strides] * 2)

    def double(self, x):
        """A map with twice as many cells along each side, interpolated."""
        factors = self.constant(np.float32([1, 1, 2, 2]))
        return self.add("Resize", x, "", factors, mode="linear", **HALF_PIXEL)

    def roi_align(self, x, boxes, images, stride, size):
        """(D, C, size, size): one point in each cell of the grid of each box (D, 4), pixels."""
        return self.add(
            "RoiAlign", x, boxes, images, spatial_scale=1 / stride, sampling_ratio=1, mode="avg",
            output_height=size, output_width=size, **HALF_PIXEL,
        )  # fmt: skip

    def write(self, path):
        """Check the graph and write it."""
        path.write_bytes(self.to_bytes())

    def to_bytes(self):
        """Check the graph; what a file of it holds."""
        import onnx
        from onnx import helper

        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.weights)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString()


def _announced(name, dtype, shape):
    """What ONNX wants to know of an input or output."""
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, shape)
