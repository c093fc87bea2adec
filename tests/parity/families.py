"""What torchvision's models compute, for the bundled families of networks.

    .venv/bin/python tests/parity/families.py            writes reference/families.json, in a minute
    .venv/bin/python tests/parity/families.py resnet18   lists the arrays that the network must have

No pretrained weights: every parameter and running statistic is a formula's value for its name, which is ours, made from
torchvision's by the rules below. `tests/families` has the other half.
"""

import math
import os
import re
import sys

import formula
import numpy as np
import torch
import torchvision
from generate import HERE, text
from torch import nn

torch.use_deterministic_algorithms(True)


def lenet300_100():
    """Not one of torchvision's; the names are those that its VGG would give the layers."""
    model = nn.Module()
    model.classifier = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)
    )
    model.forward = lambda x: model.classifier(x)
    return model


def googlenet():
    """Without the auxiliary classifiers, which prediction has no use for."""
    return torchvision.models.googlenet(weights=None, aux_logits=False, init_weights=False)


def numbered(prefix, ours, first):
    """Layers that torchvision numbers among activations and poolings, and Netwright by themselves."""
    return [(rf"^{prefix}\.{index}$", f"{ours}{number}") for number, index in enumerate(first, 1)]


def fire(places):
    """Fire modules; the second is the first, as the first layer is a convolution."""
    modules = [(rf"^features\.{index}\.", f"fire.{number}.") for number, index in enumerate(places, 2)]
    return [(r"^features\.0$", "conv1"), (r"^classifier\.1$", "conv10"), *modules, (r"expand(\d)x\d$", r"expand\1")]


RESNET = [
    (r"^conv1$", "stem.conv"),
    (r"^bn1$", "stem.norm"),
    (r"^layer(\d)\.(\d)\.", r"layer.\1.\2."),
    (r"conv1$", "first.conv"),
    (r"bn1$", "first.norm"),
    (r"conv2$", "second.conv"),
    (r"bn2$", "second.norm"),
    (r"downsample\.0$", "shortcut.conv"),
    (r"downsample\.1$", "shortcut.norm"),
]

GOOGLENET = [
    (r"\.bn$", ".norm"),
    (r"branch([23])\.0\.", r"reduce\1."),
    (r"branch([23])\.1\.", r"branch\1."),
    (r"branch4\.1\.", "branch4."),
]

DENSENET = [
    (r"^features\.", ""),
    (r"^denseblock(\d)\.denselayer(\d+)\.", lambda m: f"dense.{m[1]}.{int(m[2]) - 1}."),
    (r"^(dense\..*\.)norm1$", r"\1first.norm"),
    (r"^(dense\..*\.)conv1$", r"\1first.conv"),
    (r"^(dense\..*\.)norm2$", r"\1second.norm"),
    (r"^(dense\..*\.)conv2$", r"\1second.conv"),
    (r"^transition(\d)", r"transition.\1"),
]

# Inverted residuals by stage: torchvision counts them through.
INVERTED = [
    f"inverted.{stage}.{index}." for stage, count in enumerate([1, 2, 3, 4, 3, 3, 1], 1) for index in range(count)
]

MOBILENET = [
    (r"^features\.0\.0$", "stem.conv"),
    (r"^features\.0\.1$", "stem.norm"),
    (r"^features\.18\.0$", "head.conv"),
    (r"^features\.18\.1$", "head.norm"),
    (r"^classifier\.1$", "classifier"),
    (r"^features\.(\d+)\.", lambda m: INVERTED[int(m[1]) - 1]),
    # The first has no expansion.
    (r"^(inverted\.1\.0\.)conv\.0\.0$", r"\1depthwise"),
    (r"^(inverted\.1\.0\.)conv\.0\.1$", r"\1norm"),
    (r"^(inverted\.1\.0\.)conv\.1$", r"\1project"),
    (r"^(inverted\.1\.0\.)conv\.2$", r"\1project_norm"),
    (r"conv\.0\.0$", "expand.conv"),
    (r"conv\.0\.1$", "expand.norm"),
    (r"conv\.1\.0$", "depthwise"),
    (r"conv\.1\.1$", "norm"),
    (r"conv\.2$", "project"),
    (r"conv\.3$", "project_norm"),
]

models = torchvision.models

# Name: how it is built, the rules from torchvision's names of modules to ours, applied in order, the image, and the shape
# `[H, W, C]` that is flattened before the first dense layer.
#
# Images are small, and where poolings round up such that all of them have something to round. torchvision's AlexNet and
# VGG pool their features to 6 x 6 and 7 x 7 whatever the image; ours have the published layout, which agrees with that
# for 224 x 224.
FAMILIES = {
    "lenet300_100": (lenet300_100, numbered("classifier", "dense", [1, 3, 5]), (28, 1), (28, 28, 1)),
    "alexnet": (
        models.alexnet,
        numbered("features", "conv", [0, 3, 6, 8, 10]) + numbered("classifier", "dense", [1, 4, 6]),
        (224, 3),
        (6, 6, 256),
    ),
    "vgg11": (
        models.vgg11,
        numbered("features", "conv", [0, 3, 6, 8, 11, 13, 16, 18]) + numbered("classifier", "dense", [0, 3, 6]),
        (224, 3),
        (7, 7, 512),
    ),
    "vgg16": (
        models.vgg16,
        numbered("features", "conv", [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28])
        + numbered("classifier", "dense", [0, 3, 6]),
        (224, 3),
        (7, 7, 512),
    ),
    "googlenet": (googlenet, GOOGLENET, (80, 3), None),
    "resnet18": (models.resnet18, RESNET, (64, 3), None),
    "resnet34": (models.resnet34, RESNET, (64, 3), None),
    "squeezenet1_0": (models.squeezenet1_0, fire([3, 4, 5, 7, 8, 9, 10, 12]), (53, 3), None),
    "squeezenet1_1": (models.squeezenet1_1, fire([3, 4, 6, 7, 9, 10, 11, 12]), (49, 3), None),
    "densenet121": (models.densenet121, DENSENET, (64, 3), None),
    "mobilenet_v2": (models.mobilenet_v2, MOBILENET, (64, 3), None),
}

NORM = {"weight": "scale", "bias": "shift", "running_mean": "running_mean", "running_var": "running_variance"}


def parameter(name, shape):
    """Weights that keep the size of what relus halve; scales and variances near one."""
    if name.endswith((".scale", ".running_variance")):
        return formula.uniform(name, shape, 0.5, 1.5)
    if len(shape) == 1:
        return formula.uniform(name, shape, -0.25, 0.25)
    limit = math.sqrt(6.0 / math.prod(shape[:-1]))
    return formula.uniform(name, shape, -limit, limit)


def arrays(model, rules, flat):
    """Every array of a model as `(name, shape, tensor, to_torch)`: our name and shape, torchvision's tensor, and the way
    from an array of ours to one of torchvision's.
    """
    for path, module in model.named_modules():
        own = dict(module.named_parameters(recurse=False)) | dict(module.named_buffers(recurse=False))
        if not own:
            continue
        for pattern, ours in rules:
            path = re.sub(pattern, ours, path)
        for leaf, tensor in own.items():
            if leaf == "num_batches_tracked":
                continue
            is_norm = isinstance(module, nn.BatchNorm2d)
            name = f"{path}.{NORM[leaf] if is_norm else leaf}"
            if isinstance(module, nn.Conv2d) and leaf == "weight":  # [F, C, KH, KW] and [KH, KW, C, F]
                yield name, [tensor.shape[axis] for axis in (2, 3, 1, 0)], tensor, lambda a: a.transpose(3, 2, 0, 1)
            elif isinstance(module, nn.Linear) and leaf == "weight":
                shape = list(tensor.shape)[::-1]
                if flat:  # [F, C H W] and [H W C, F]
                    of_image, flat = (*flat, shape[1]), None
                    yield name, shape, tensor, lambda a, s=of_image, t=shape[::-1]: (
                        a.reshape(s).transpose(3, 2, 0, 1).reshape(t)
                    )
                else:
                    yield name, shape, tensor, np.transpose
            else:
                yield name, list(tensor.shape), tensor, np.asarray


def names(found):
    return "".join(sorted(f"{name}: {' '.join(map(str, shape))}\n" for name, shape, _, _ in found))


def family(key):
    """A model with its arrays, parameters not yet set."""
    build, rules, image, flat = FAMILIES[key]
    model = build().double().eval()
    return model, list(arrays(model, rules, flat)), image


def compute(key):
    model, found, (size, channels) = family(key)
    with torch.no_grad():
        for name, shape, tensor, to_torch in found:
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(to_torch(parameter(f"{key}/{name}", shape)))))

        def logits(image):
            pixels = formula.uniform(f"{key}/{image}", (1, size, size, channels), -1, 1).astype(np.float64)
            return model(torch.from_numpy(pixels).permute(0, 3, 1, 2)).numpy().ravel()

        values, others = logits("image"), logits("other")
    # Else early layers could be wrong without being seen.
    moved = np.linalg.norm(values - others) / np.linalg.norm(values)
    assert moved > 0.01, f"{key}: another image moves the scores by {moved:.1e} only"
    kept = formula.summary(values)
    kept["picked"] = [float(values[index]) for index in [*range(8), *(index * values.size // 24 for index in range(24))]]
    print(f"{key}: norm {kept['norm']:.3g}, moved by {moved:.2g}", file=sys.stderr)
    return {
        "size": size,
        "parameters": sum(tensor.numel() for tensor in model.parameters()),
        "arrays": len(found),
        "names": formula.name_hash(names(found)),
        "logits": kept,
    }


def main():
    if len(sys.argv) > 1:
        for key in sys.argv[1:]:
            print(names(family(key)[1]), end="")
        return
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    values = {
        "versions": {name: version.split("+")[0] for name, version in versions.items()},
        "families": {key: compute(key) for key in FAMILIES},
    }
    path = os.path.join(HERE, "reference", "families.json")
    with open(path, "w", encoding="ascii") as file:
        file.write(text(values) + "\n")
    print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
