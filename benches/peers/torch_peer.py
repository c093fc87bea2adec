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
import networks
import torch
from torch import nn


class Fire(nn.Module):
    def __init__(self, channels, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.expand1(x)), torch.relu(self.expand3(x))], 1)


class Gate(nn.Module):
    def __init__(self, channels, reduction):
        super().__init__()
        self.reduce = nn.Linear(channels, channels // reduction)
        self.restore = nn.Linear(channels // reduction, channels)

    def forward(self, x):
        gate = torch.relu(self.reduce(x.mean((2, 3))))
        return x * torch.sigmoid(self.restore(gate))[:, :, None, None]


def modules(layer, shape):
    """The modules of a layer of networks.py over images of that shape."""
    kind, *sizes = layer
    if kind == "conv":
        filters, kernel, stride, pad = sizes
        return [nn.Conv2d(shape[2], filters, kernel, stride, pad), nn.ReLU()]
    if kind == "dense":
        return [nn.Linear(shape[0], sizes[0]), *([nn.ReLU()] if sizes[1] else [])]
    if kind == "max_pool":
        kernel, stride, ceil = sizes
        return [nn.MaxPool2d(kernel, stride, ceil_mode=ceil)]
    if kind == "global_avg_pool":
        return [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    made = {"fire": Fire, "gate": Gate}
    if kind in made:
        return [made[kind](shape[2], *sizes)]
    return [{"flatten": nn.Flatten, "dropout": nn.Dropout}[kind](*sizes)]


def network(name):
    return nn.Sequential(*(module for layer, shape in networks.shapes(name) for module in modules(layer, shape)))


def build(variant, workload, threads):
    name, mode, batch = networks.WORKLOADS[workload]
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    compiled = variant.startswith("compile")
    # Eager convolutions are faster so; the compiler lays its own tensors out, and which start suits it varies.
    channels_last = variant != "compile"
    layout = torch.channels_last if channels_last else torch.contiguous_format
    images, labels = harness.batches(name, batch)
    images = [torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=layout) for x in images]
    images, labels = harness.in_turn(images), harness.in_turn([torch.from_numpy(y) for y in labels])
    net = network(name).to(memory_format=layout)
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
    if networks.is_large(name):
        optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, fused=True)
    else:
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
