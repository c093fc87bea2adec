"""rten, prediction only: runs the program of `rten/`, which `cargo build --release` in that folder builds."""

import os
import subprocess
import sys

import harness
import networks
import onnx_network

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "rten", "target", "release", "rten-peer")
MODELS = os.path.join(HERE, ".models")
VARIANTS = ("prepacked",)


def command(network, batch, *words):
    """The program's command line for a network, whose file is written if it is not there."""
    if not os.access(PROGRAM, os.X_OK):
        sys.exit(f"{PROGRAM} is not built")
    return [PROGRAM, onnx_network.file(network, batch, MODELS), *words]


def times(workload, threads, seconds):
    """The times of single steps, in seconds, and what else the processors did."""
    name, mode, batch = networks.WORKLOADS[workload]
    assert mode == "infer", "rten only predicts"
    height, _, channels = networks.NETWORKS[name][0]
    sizes = (batch, channels, height, threads, seconds)
    before = harness.processor_seconds()
    done = subprocess.run(command(name, batch, *map(str, sizes)), capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()], harness.noise_since(before)


if __name__ == "__main__":
    harness.run("rten", "0.27.0", VARIANTS, times=times)
