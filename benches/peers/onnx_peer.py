"""ONNX Runtime, prediction only."""

import harness
import networks
import numpy as np
import onnx_network
import onnxruntime

VARIANTS = ("run", "bound")


def session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def build(variant, workload, threads):
    name, mode, batch = networks.WORKLOADS[workload]
    assert mode == "infer", "ONNX Runtime only predicts here"
    net = session(onnx_network.serialised(name, batch), threads)
    images = onnx_network.channels_first(harness.batches(name, batch)[0])
    if variant == "run":
        turn = harness.in_turn(images)
        return lambda: net.run(None, {"image": next(turn)})[0]
    output = onnxruntime.OrtValue.ortvalue_from_shape_and_type([batch, networks.NETWORKS[name][1]], np.float32)
    bindings = []
    for image in images:
        binding = net.io_binding()
        binding.bind_ortvalue_input("image", onnxruntime.OrtValue.ortvalue_from_numpy(image))
        binding.bind_ortvalue_output("probabilities", output)
        bindings.append(binding)
    turn = harness.in_turn(bindings)
    return lambda: net.run_with_iobinding(next(turn))


if __name__ == "__main__":
    harness.run("onnxruntime", onnxruntime.__version__, VARIANTS, build)
