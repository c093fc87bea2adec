"""The networks of the workloads as lists of layers, each a tuple of its kind and sizes; every peer builds them its own way.

    ("conv", filters, kernel, stride, pad)   with bias, and relu after it
    ("max_pool", kernel, stride, ceil)
    ("gate", reduction)                      squeeze and excitation
    ("fire", squeeze, expand)                a squeeze of 1x1, beside each other an expansion of 1x1 and one of 3x3
    ("flatten",), ("dense", outputs, relu), ("dropout", part), ("global_avg_pool",)
"""

import math


def _squeezenet(filters, kernel, pooled):
    """SqueezeNet with its first convolution, and the fire modules behind which it pools."""
    layers = [("conv", filters, kernel, 2, 0), ("max_pool", 3, 2, True)]
    sizes = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]
    for number, (squeeze, expand) in enumerate(sizes, start=2):
        layers.append(("fire", squeeze, expand))
        if number in pooled:
            layers.append(("max_pool", 3, 2, True))
    return [*layers, ("dropout", 0.5), ("conv", 1000, 1, 1, 0), ("global_avg_pool",)]


# Name: the shape of an image (height, width, channels), classes, layers. What comes out are scores; where a network of ours
# ends with a softmax, the workloads' steps of prediction have one, too.
NETWORKS = {
    "lenet": (
        (28, 28, 1),
        10,
        [
            ("conv", 32, 5, 1, 0),
            ("max_pool", 2, 2, False),
            ("conv", 64, 5, 1, 0),
            ("max_pool", 2, 2, False),
            ("flatten",),
            ("dense", 128, True),
            ("dense", 10, False),
        ],
    ),
    "squeeze_excite": (
        (28, 28, 1),
        10,
        [
            ("conv", 32, 3, 1, 0),
            ("max_pool", 2, 2, False),
            ("gate", 4),
            ("conv", 64, 3, 1, 0),
            ("max_pool", 2, 2, False),
            ("gate", 4),
            ("flatten",),
            ("dense", 128, True),
            ("dense", 10, False),
        ],
    ),
    "squeezenet": ((224, 224, 3), 1000, _squeezenet(64, 3, (3, 5))),
    "squeezenet10": ((224, 224, 3), 1000, _squeezenet(96, 7, (4, 8))),
}

# SqueezeNet's first blocks over images of a growing size: those of scaling.py.
GROWING = [32, 64, 128, 256, 512]
for _side in GROWING:
    _layers = [("conv", 64, 3, 2, 0), ("max_pool", 3, 2, True), ("fire", 16, 64), ("fire", 16, 64)]
    NETWORKS[f"images{_side}"] = ((_side, _side, 3), 10, [*_layers, ("global_avg_pool",), ("dense", 10, False)])

# Name: network, what a step is, images of a step.
WORKLOADS = {
    "lenet-train-b64": ("lenet", "train", 64),
    "lenet-infer-b1": ("lenet", "infer", 1),
    "lenet-infer-b64": ("lenet", "infer", 64),
    "squeezenet-infer-b1": ("squeezenet", "infer", 1),
    "squeezenet10-infer-b1": ("squeezenet10", "infer", 1),
    "squeezenet-infer-b16": ("squeezenet", "infer", 16),
    "squeezenet-train-b16": ("squeezenet", "train", 16),
    "se-cnn-train-b64": ("squeeze_excite", "train", 64),
    "lenet-cold": ("lenet", "cold", 1),
} | {f"images{side}-{mode}-b8": (f"images{side}", mode, 8) for side in GROWING for mode in ("infer", "train")}


def is_large(network):
    """Whether it trains with momentum, as SqueezeNet did; the others train with Adam."""
    return network.startswith("squeezenet")


def pooled(side, kernel, stride, ceil):
    """A side of what a pooling makes of an image."""
    whole = math.ceil if ceil else math.floor
    return whole((side - kernel) / stride) + 1


def shapes(network):
    """Each layer with the shape of its input: (height, width, channels), or (features,)."""
    shape, _, layers = NETWORKS[network]
    for layer in layers:
        yield layer, shape
        kind, *sizes = layer
        if kind == "conv":
            filters, kernel, stride, pad = sizes
            shape = (*((side + 2 * pad - kernel) // stride + 1 for side in shape[:2]), filters)
        elif kind == "max_pool":
            shape = (*(pooled(side, *sizes) for side in shape[:2]), shape[2])
        elif kind == "fire":
            shape = (*shape[:2], 2 * sizes[1])
        elif kind == "flatten":
            shape = (math.prod(shape),)
        elif kind == "dense":
            shape = (sizes[0],)
        elif kind == "global_avg_pool":
            shape = (shape[2],)


def multiply_adds(network):
    """Those of each weighted layer, for an image."""
    for (kind, *sizes), shape in shapes(network):
        if kind == "conv":
            filters, kernel, stride, pad = sizes
            pixels = math.prod((side + 2 * pad - kernel) // stride + 1 for side in shape[:2])
            yield pixels * kernel**2 * shape[2] * filters
        elif kind == "gate":
            yield 2 * shape[2] * (shape[2] // sizes[0])
        elif kind == "fire":
            squeeze, expand = sizes
            yield shape[0] * shape[1] * squeeze * (shape[2] + 10 * expand)
        elif kind == "dense":
            yield shape[0] * sizes[0]


def operations(workload):
    """Useful floating-point operations of a step: two for each multiply-add; training is forward, weight gradients and input
    gradients, of which the first layer has none."""
    network, mode, batch = WORKLOADS[workload]
    layers = list(multiply_adds(network))
    times = sum(layers) if mode != "train" else 3 * sum(layers) - layers[0]
    return 2 * times * batch


if __name__ == "__main__":
    for name in NETWORKS:
        print(name, sum(multiply_adds(name)), list(shapes(name))[-1])
