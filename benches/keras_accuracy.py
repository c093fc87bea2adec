"""Trains the tutorial's LeNet with Keras, one run a seed, and prints each run's test accuracy as a line of JSON.

    python benches/keras_accuracy.py [--data DIR] [--seeds 1,2,3,4,5] [--epochs 10]

The recipe is that of `models/lenet.net`: all 60,000 training images scaled to 0..1, batches of 64, ten epochs, Adam at
0.001, Keras's own initialisation and shuffling. Nothing is chosen by looking at accuracies: what counts is the state after
the last epoch. The last line has the median.
"""

import argparse
import gzip
import json
import os
import statistics
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def cache_folder():
    """Where `netwright data fetch mnist` puts the files."""
    if chosen := os.environ.get("NETWRIGHT_CACHE"):
        return os.path.join(chosen, "mnist")
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "netwright", "mnist")


def idx(folder, name):
    """An IDX file of bytes, raw or gzip."""
    path = os.path.join(folder, name)
    opener = open if os.path.exists(path) else gzip.open
    with opener(path if opener is open else path + ".gz", "rb") as file:
        data = file.read()
    n_axes = data[3]
    if data[:3] != b"\0\0\x08":
        raise SystemExit(f"{path} is no IDX file of bytes")
    shape = np.frombuffer(data, ">u4", n_axes, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * n_axes).reshape(shape)


def split(folder, prefix):
    """Images `[N, 28, 28, 1]` from 0 to 1, and classes."""
    images = idx(folder, f"{prefix}-images-idx3-ubyte")
    return images[..., None].astype(np.float32) / 255, idx(folder, f"{prefix}-labels-idx1-ubyte").astype(np.int64)


def lenet():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=cache_folder(), help="a folder with MNIST's four IDX files, raw or gzip")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int, help="train on the first so many images only, to try the script out")
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    images, labels = (array[: args.images] for array in split(args.data, "train"))
    test = split(args.data, "t10k")
    accuracies = []
    for seed in (int(seed) for seed in args.seeds.split(",")):
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        net = lenet()
        net.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        start = time.perf_counter()
        net.fit(images, labels, batch_size=64, epochs=args.epochs, verbose=0)
        seconds = time.perf_counter() - start
        loss, accuracy = net.evaluate(*test, batch_size=1000, verbose=0)
        accuracies.append(accuracy)
        run = {"seed": seed, "epochs": args.epochs, "images": len(images), "train_seconds": round(seconds, 1)}
        print(json.dumps(run | {"test_loss": round(loss, 5), "test_accuracy": round(accuracy, 5)}), flush=True)
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    summary = {"runs": len(accuracies), "median_test_accuracy": round(statistics.median(accuracies), 5)}
    print(json.dumps(summary | {"least": round(min(accuracies), 5)} | versions))


if __name__ == "__main__":
    main()
