"""OpenVINO, prediction only, in 32-bit floats: one request at a time, or a queue of them that shares the threads."""

import harness
import networks
import onnx_network
import openvino

VARIANTS = ("latency", "throughput")


def build(variant, workload, threads):
    name, mode, batch = networks.WORKLOADS[workload]
    assert mode == "infer", "OpenVINO only predicts"
    core = openvino.Core()
    settings = {
        "PERFORMANCE_HINT": variant.upper(),
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    if variant == "throughput":
        settings["NUM_STREAMS"] = str(threads)
    net = core.compile_model(core.read_model(onnx_network.serialised(name, batch)), "CPU", settings)
    images = onnx_network.channels_first(harness.batches(name, batch)[0])
    if variant == "latency":
        request = net.create_infer_request()
        tensors = harness.in_turn([openvino.Tensor(image) for image in images])

        def predict():
            request.set_input_tensor(next(tensors))
            request.infer()
            return request.get_output_tensor().data

        return predict
    queue = openvino.AsyncInferQueue(net, threads)
    turn = harness.in_turn(images)
    steps = 64 if name == "lenet" and batch == 1 else 8

    def predict_many():
        for _ in range(steps):
            queue.start_async({0: next(turn)}, share_inputs=True)
        queue.wait_all()

    return predict_many, steps


if __name__ == "__main__":
    harness.run("openvino", openvino.__version__.split("-")[0], VARIANTS, build)
