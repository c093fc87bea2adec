"""ONNX Runtime, prediction only: LeNet as a graph of its own operators, made here."""

import harness
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

VARIANTS = ("run", "bound")


def lenet(batch):
    """The network as serialised ONNX, over images `[N, 1, 28, 28]` (of one channel: the same bytes as channels last)."""
    random = np.random.default_rng(1)
    nodes, weights = [], []

    def weighted(kind, x, y, *shape, **attributes):
        names = [f"{y}_weight", f"{y}_bias"]
        # A convolution's weight begins with its outputs, a matrix product's ends with them.
        inner, outputs = (shape[1:], shape[0]) if kind == "Conv" else (shape[:1], shape[1])
        values = random.standard_normal(shape).astype(np.float32) / np.float32(np.sqrt(np.prod(inner)))
        for name, array in zip(names, (values, np.zeros(outputs, np.float32))):
            weights.append(numpy_helper.from_array(array, name))
        nodes.append(helper.make_node(kind, [x, *names], [y], **attributes))

    def plain(kind, x, y, **attributes):
        nodes.append(helper.make_node(kind, [x], [y], **attributes))

    weighted("Conv", "image", "conv1", 32, 1, 5, 5)
    plain("Relu", "conv1", "relu1")
    plain("MaxPool", "relu1", "pool1", kernel_shape=[2, 2], strides=[2, 2])
    weighted("Conv", "pool1", "conv2", 64, 32, 5, 5)
    plain("Relu", "conv2", "relu2")
    plain("MaxPool", "relu2", "pool2", kernel_shape=[2, 2], strides=[2, 2])
    plain("Flatten", "pool2", "flat")
    weighted("Gemm", "flat", "dense1", 1024, 128)
    plain("Relu", "dense1", "relu3")
    weighted("Gemm", "relu3", "dense2", 128, 10)
    plain("Softmax", "dense2", "probabilities", axis=1)
    graph = helper.make_graph(
        nodes,
        "lenet",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 1, 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [batch, 10])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def build(variant, mode, batch, threads):
    assert mode == "infer", "ONNX Runtime only predicts here"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(lenet(batch), options, providers=["CPUExecutionProvider"])
    images = [x.reshape(batch, 1, 28, 28) for x in harness.batches(batch)[0]]
    if variant == "run":
        turn = harness.in_turn(images)
        return lambda: session.run(None, {"image": next(turn)})[0]
    output = onnxruntime.OrtValue.ortvalue_from_shape_and_type([batch, 10], np.float32)
    bindings = []
    for image in images:
        binding = session.io_binding()
        binding.bind_ortvalue_input("image", onnxruntime.OrtValue.ortvalue_from_numpy(image))
        binding.bind_ortvalue_output("probabilities", output)
        bindings.append(binding)
    turn = harness.in_turn(bindings)
    return lambda: session.run_with_iobinding(next(turn))


if __name__ == "__main__":
    harness.run("onnxruntime", onnxruntime.__version__, VARIANTS, build)
