"""PyTorch: eager and compiled, channels last where that is faster."""

import os
import sys

VARIANTS = ("eager", "compile", "compile-channels-last")

# PyTorch frees and allocates its activations at every step. Left alone, glibc hands them back to the kernel each time,
# which takes longer than some of the layers; it reads these settings when the process starts.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_TOP_PAD_": str(1 << 28),
}

if os.environ.keys() & MALLOC.keys() != MALLOC.keys():
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | MALLOC)

import harness
import torch
from torch import nn


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 32, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1024, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def build(variant, mode, batch, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    compiled = variant.startswith("compile")
    # Eager convolutions are faster so; the compiler lays its own tensors out, and which start suits it varies.
    channels_last = variant != "compile"
    layout = torch.channels_last if channels_last else torch.contiguous_format
    images, labels = harness.batches(batch)
    images = [torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=layout) for x in images]
    images, labels = harness.in_turn(images), harness.in_turn([torch.from_numpy(y) for y in labels])
    net = lenet().to(memory_format=layout)
    if mode == "infer":
        net = nn.Sequential(net, nn.Softmax(1)).eval()
        if compiled:
            # Parameters become constants, laid out once as the kernels want them.
            from torch._inductor import config

            config.freezing = True
            net = torch.compile(net)
        # Freezing wants the plain `no_grad`; elsewhere inference mode saves more.
        guard = torch.no_grad if compiled else torch.inference_mode

        def predict():
            with guard():
                return net(next(images))

        return predict
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)

    def loss_of(x, y):
        return nn.functional.cross_entropy(net(x), y)

    if compiled:
        loss_of = torch.compile(loss_of)

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(next(images), next(labels))
        loss.backward()
        optimizer.step()
        return loss.item()

    return train


if __name__ == "__main__":
    harness.run("torch", torch.__version__.split("+")[0], VARIANTS, build)
