"""Small files of weights as PyTorch and Keras write them, with what each computes from them: `cli/tests/imports`.

    .venv/bin/python tests/parity/imports.py     writes them anew, in half a minute

The network is `small.net` there; `cli/tests/command/import.rs` has the other half.
"""

import json
import os
import subprocess
import sys

import numpy as np
from generate import HERE

FOLDER = os.path.join(HERE, "..", "..", "cli", "tests", "imports")


def image():
    return np.random.default_rng(1).uniform(-1, 1, (1, 8, 8, 2)).astype(np.float32)


def pytorch():
    import safetensors.torch
    import torch
    from torch import nn

    torch.manual_seed(2)
    model = nn.Module()
    model.features = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4, eps=1e-3),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1, groups=4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.ConvTranspose2d(4, 3, 2, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )
    model.classifier = nn.Sequential(nn.Flatten(), nn.Linear(48, 6), nn.ReLU(), nn.Linear(6, 5))
    model.eval()
    with torch.no_grad():
        norm = model.features[1]
        for tensor, low, high in ((norm.weight, 0.5, 1.5), (norm.bias, -0.5, 0.5), (norm.running_mean, -0.5, 0.5), (norm.running_var, 0.5, 1.5)):
            tensor.uniform_(low, high)
        x = torch.from_numpy(image()).permute(0, 3, 1, 2)
        output = model.classifier(model.features(x)).numpy()
    state = model.state_dict()
    safetensors.torch.save_file(state, os.path.join(FOLDER, "torch.safetensors"))
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    safetensors.torch.save_file(half, os.path.join(FOLDER, "half.safetensors"))
    return output


def keras():
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, padding="same"),
            layers.BatchNormalization(epsilon=1e-3),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2DTranspose(3, 2, strides=2),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(6, activation="relu"),
            layers.Dense(5),
        ]
    )
    numbers = np.random.default_rng(4)
    for weight in model.weights:
        low, high = (0.5, 1.5) if weight.path.endswith(("gamma", "moving_variance")) else (-0.5, 0.5)
        weight.assign(numbers.uniform(low, high, weight.shape))
    np.savez_compressed(os.path.join(FOLDER, "keras.npz"), **{weight.path: weight.numpy() for weight in model.weights})
    np.savez(os.path.join(FOLDER, "numbered.npz"), *model.get_weights())
    return model(image()).numpy()


def main():
    if len(sys.argv) > 1:  # the two frameworks do not bear each other in one process
        output = {"torch": pytorch, "keras": keras}[sys.argv[1]]()
        print(json.dumps([float(value) for value in output.ravel()]))
        return
    os.makedirs(FOLDER, exist_ok=True)
    values = {"image": [float(value) for value in image().ravel()]}
    for name in ("torch", "keras"):
        printed = subprocess.run([sys.executable, os.path.abspath(__file__), name], check=True, capture_output=True, text=True)
        values[name] = json.loads(printed.stdout.splitlines()[-1])
    with open(os.path.join(FOLDER, "outputs.json"), "w", encoding="ascii") as file:
        file.write(json.dumps(values) + "\n")


if __name__ == "__main__":
    main()
