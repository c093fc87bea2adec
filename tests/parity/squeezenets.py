"""What torchvision's SqueezeNets compute and learn: probabilities, a loss with its gradients, and ten SGD steps.

    .venv/bin/python tests/parity/squeezenets.py     writes reference/squeezenets.json, in two minutes on one thread

Weights and images are a formula's values, as in `families.py`, whose rules translate the names. The models are in
evaluation mode, in which nothing but dropout is different: its random numbers are each framework's own. All is computed in
f64. `tests/parity/squeezenets.rs` has the other half.
"""

import os
import sys

import families
import formula
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from generate import HERE, text

# Key of the family, and the images: height and width, how many.
CASES = [(key, size, batch) for key in ("squeezenet1_0", "squeezenet1_1") for size, batch in ((64, 4), (224, 2))]

STEPS = 10
# A larger rate lets relus and maxima fall to the other side after some steps, in which PyTorch in f32 ends a hundredth away
# from itself in f64.
SETTINGS = {"lr": 0.0001, "momentum": 0.9, "weight_decay": 0.0002}


def to_ours(name, tensor):
    """A gradient or a difference in our order of axes."""
    array = tensor.detach().numpy()
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array


def compute(key, size, batch):
    name = f"{key}/{size}"
    model, found, _ = families.family(key)
    parameters = {}
    with torch.no_grad():
        for path, shape, tensor, to_torch in found:
            value = families.parameter(f"{key}/{path}", shape)
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(to_torch(value))))
            parameters[path] = tensor

    def pixels(step):
        values = formula.uniform(f"{name}/images{step}", (batch, size, size, 3), -1, 1).astype(np.float64)
        return torch.from_numpy(values).permute(0, 3, 1, 2)

    def loss_of(step):
        return F.cross_entropy(model(pixels(step)), torch.from_numpy(formula.labels(f"{name}/labels{step}", batch, 1000)))

    with torch.no_grad():
        output = F.softmax(model(pixels(0)), dim=1).numpy()
    start = {path: tensor.detach().clone() for path, tensor in parameters.items()}
    optimizer = torch.optim.SGD(parameters.values(), **SETTINGS)
    gradients, losses = {}, []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(step)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            gradients = {path: formula.summary(to_ours(path, tensor.grad)) for path, tensor in parameters.items()}
        optimizer.step()
    moved = {path: formula.summary(to_ours(path, tensor - start[path])) for path, tensor in parameters.items()}
    print(f"{name}: losses {losses[0]:.5g} to {losses[-1]:.5g}", file=sys.stderr)
    return {"output": formula.summary(output), "gradients": gradients, "losses": losses, "moved": moved}


def main():
    torch.set_num_threads(1)
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    values = {
        "versions": {name: version.split("+")[0] for name, version in versions.items()},
        "cases": {f"{key}_{size}": compute(key, size, batch) for key, size, batch in CASES},
    }
    path = os.path.join(HERE, "reference", "squeezenets.json")
    with open(path, "w", encoding="ascii") as file:
        file.write(text(values) + "\n")
    print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
