"""The networks of networks.py as ONNX files of their own operators, channels first, for a fixed batch; weights are drawn."""

import math
import os

import networks
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class _Writer:
    """The nodes and weights written so far; a method for each layer takes a value's name and gives the next."""

    def __init__(self):
        self.random = np.random.default_rng(1)
        self.nodes, self.weights = [], []

    def node(self, kind, *inputs, **attributes):
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, array):
        name = f"constant{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def weighted(self, kind, x, shape, inner, outputs, relu, **attributes):
        weight = self.random.standard_normal(shape).astype(np.float32) * np.float32(np.sqrt(2.0 / inner))
        bias = np.zeros(outputs, np.float32)
        x = self.node(kind, x, self.constant(weight), self.constant(bias), **attributes)
        return self.node("Relu", x) if relu else x

    def conv(self, x, shape, filters, kernel, stride, pad):
        weight = (filters, shape[2], kernel, kernel)
        return self.weighted("Conv", x, weight, math.prod(weight[1:]), filters, True, strides=[stride] * 2, pads=[pad] * 4, dilations=[1, 1])

    def max_pool(self, x, shape, kernel, stride, ceil):
        return self.node("MaxPool", x, kernel_shape=[kernel] * 2, strides=[stride] * 2, ceil_mode=int(ceil))

    def fire(self, x, shape, squeeze, expand):
        x = self.conv(x, shape, squeeze, 1, 1, 0)
        shape = (*shape[:2], squeeze)
        return self.node("Concat", self.conv(x, shape, expand, 1, 1, 0), self.conv(x, shape, expand, 3, 1, 1), axis=1)

    def gate(self, x, shape, reduction):
        channels = shape[2]
        gate = self.node("Flatten", self.node("GlobalAveragePool", x), axis=1)
        gate = self.dense(gate, (channels,), channels // reduction, True)
        gate = self.node("Sigmoid", self.dense(gate, (channels // reduction,), channels, False))
        return self.node("Mul", x, self.node("Reshape", gate, self.constant(np.array([-1, channels, 1, 1], np.int64))))

    def dense(self, x, shape, outputs, relu):
        return self.weighted("Gemm", x, (shape[0], outputs), shape[0], outputs, relu)

    def flatten(self, x, shape):
        return self.node("Flatten", x, axis=1)

    def dropout(self, x, shape, part):
        return x

    def global_avg_pool(self, x, shape):
        return self.node("Flatten", self.node("GlobalAveragePool", x), axis=1)


def serialised(network, batch):
    """A network that predicts, images `[N, C, H, W]` to probabilities."""
    writer, x = _Writer(), "image"
    for (kind, *sizes), shape in networks.shapes(network):
        x = getattr(writer, kind)(x, shape, *sizes)
    (height, width, channels), classes, _ = networks.NETWORKS[network]
    x = writer.node("Softmax", x, axis=1)
    writer.nodes[-1].output[0] = "probabilities"
    graph = helper.make_graph(
        writer.nodes,
        network,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, channels, height, width])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [batch, classes])],
        writer.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def channels_first(images):
    """Images `[N, H, W, C]` as `[N, C, H, W]`."""
    return [np.ascontiguousarray(x.transpose(0, 3, 1, 2)) for x in images]


def file(network, batch, folder):
    """The path of a network's file in a folder, written if it is not there."""
    path = os.path.join(folder, f"{network}-b{batch}.onnx")
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        with open(path + ".new", "wb") as out:
            out.write(serialised(network, batch))
        os.replace(path + ".new", path)
    return path
