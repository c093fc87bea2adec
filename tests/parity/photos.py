"""What torchvision's transforms make of an image, for `runtime/src/image/photo/tests.rs`, which makes the same image.

    .venv/bin/python tests/parity/photos.py      writes reference/photos.json, in a second
"""

import json
import os
import zlib

import numpy as np
import PIL
import torchvision
from generate import HERE
from PIL import Image
from torchvision import transforms as T

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

# Width and height of the image, the shorter side after resizing, height and width of what is cut out.
CASES = [
    (61, 43, 32, 28, 24),
    (43, 61, 31, 24, 28),
    (61, 43, 64, 50, 63),
    (61, 43, 43, 43, 43),
    (300, 200, 256, 224, 224),
    (200, 310, 9, 8, 7),
]


def image(width, height):
    """A byte of every pixel and channel by a formula of whole numbers."""
    x, y, c = np.arange(width)[None, :, None], np.arange(height)[:, None, None], np.arange(3)[None, None, :]
    return ((x * x * 3 + y * 5 + c * 71 + x * y) % 256).astype(np.uint8)


def compute(width, height, resize, crop_height, crop_width):
    pillow = Image.fromarray(image(width, height))
    cut = T.Compose([T.Resize(resize), T.CenterCrop((crop_height, crop_width))])(pillow)
    values = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])(cut).permute(1, 2, 0).numpy().ravel()
    return {
        "image": [width, height],
        "resize": resize,
        "crop": [crop_height, crop_width],
        "crc32": zlib.crc32(np.asarray(cut).tobytes()),
        "picked": [float(values[index * values.size // 16]) for index in range(16)],
    }


def main():
    values = {"versions": {"torchvision": torchvision.__version__.split("+")[0], "pillow": PIL.__version__}}
    values["cases"] = [compute(*case) for case in CASES]
    path = os.path.join(HERE, "reference", "photos.json")
    with open(path, "w", encoding="ascii") as file:
        file.write(json.dumps(values, indent=1) + "\n")
    print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
