"""Computes the reference values that `tests/parity` compares Netwright with, from PyTorch and from Keras.

    python3.11 -m venv .venv && .venv/bin/pip install -r tests/parity/requirements.txt
    .venv/bin/python tests/parity/generate.py

It writes `reference/torch.json` and `reference/keras.json` beside itself, in a minute on one thread, and has
`families.py` write `reference/families.json`. Nothing in it is random: inputs and initial weights come from a formula. All
arithmetic is in f64, of which fewer digits are kept than it is good for, so that another processor writes the same files.
"""

import json
import os
import subprocess
import sys

import layers
import numpy as np
import shapes
import training

HERE = os.path.dirname(os.path.abspath(__file__))

# What is left of a zero after rounding in f64.
NOTHING = 1e-13


def text(value, depth=0):
    """JSON with one array a line: arrays as f32, as short as they can be read back, single numbers to twelve digits."""
    if isinstance(value, dict):
        inner = ",\n".join(f"{' ' * depth} {json.dumps(key)}: {text(item, depth + 1)}" for key, item in value.items())
        return "{\n" + inner + "\n" + " " * depth + "}"
    if isinstance(value, list):
        return "[" + ", ".join(text(item) for item in value) + "]"
    if isinstance(value, np.ndarray):
        return "[" + ", ".join(number(item) for item in value.astype(np.float32).ravel()) + "]"
    if isinstance(value, float):
        return json.dumps(0.0 if abs(value) < NOTHING else float(f"{value:.12g}"))
    return json.dumps(value)


def number(value):
    """The shortest decimal that reads back as this f32."""
    assert np.isfinite(value)
    return "0" if abs(value) < NOTHING else str(np.float32(value)).removesuffix(".0")


def main():
    if len(sys.argv) == 1:  # the two frameworks do not bear each other in one process
        for name in ("torch", "keras"):
            subprocess.run([sys.executable, os.path.abspath(__file__), name], check=True)
        subprocess.run([sys.executable, os.path.join(HERE, "families.py")], check=True)
        return
    if sys.argv[1] == "torch":
        from torch_side import Torch as fw
    else:
        from keras_side import Keras as fw
    os.makedirs(os.path.join(HERE, "reference"), exist_ok=True)
    values = {"versions": fw.versions(), "layers": layers.generate(fw, layers.CASES + shapes.CASES)} | training.generate(fw)
    path = os.path.join(HERE, "reference", f"{fw.name}.json")
    with open(path, "w", encoding="ascii") as file:
        file.write(text(values) + "\n")
    print(f"{path}: {os.path.getsize(path)} bytes, {len(values['layers'])} layers")


if __name__ == "__main__":
    main()
