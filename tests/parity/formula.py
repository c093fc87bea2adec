"""Numbers that both sides compute, so that neither inputs nor initial weights need to be stored.

`tests/parity/formula.rs` is the other half: a hash of the array's name and of each element's index, reduced to 24 bits,
so that every value is the same float in both languages.
"""

import math

import numpy as np


def name_hash(name):
    """FNV-1a in 32 bits."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def draws(name, count):
    """`count` numbers of 24 bits: the index, spread and keyed by the name, through a 32-bit mixer."""
    z = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(name_hash(name))
    z ^= z >> np.uint32(16)
    z *= np.uint32(0x85EBCA6B)
    z ^= z >> np.uint32(13)
    z *= np.uint32(0xC2B2AE35)
    z ^= z >> np.uint32(16)
    return z >> np.uint32(8)


def unit(name, count):
    """Numbers from -1 up and below 1, in f64."""
    return draws(name, count) / 2.0**23 - 1.0


def uniform(name, shape, low, high):
    """An f32 array of numbers from `low` up and below `high`."""
    values = (low + high) / 2 + (high - low) / 2 * unit(name, math.prod(shape))
    return values.astype(np.float32).reshape(shape)


def parameter(name, shape):
    """The initial value of a parameter or state array: about unit gain for weights, near 1 for scales and variances."""
    if name.endswith((".scale", ".running_variance")):
        return uniform(name, shape, 0.5, 1.5)
    if len(shape) == 1:
        return uniform(name, shape, -0.25, 0.25)
    limit = math.sqrt(3.0 / math.prod(shape[:-1]))
    return uniform(name, shape, -limit, limit)


def labels(name, count, classes):
    """Classes of `count` images."""
    return (draws(name, count) % classes).astype(np.int64)


def dropout_mask(rate, seed, layer, step, shape):
    """What Netwright's dropout multiplies a batch `[n, ...]` by: zero, or one over the kept fraction.

    Elements come in blocks of 32: element `8 word + lane` of block `b` is dropped where that word of Philox 4x32-10
    (Salmon et al., 2011) of the counter `(8 b + lane, image, layer, step)` is below `rate` times two to the 32nd.
    """
    low, word = np.uint64(0xFFFFFFFF), np.uint64(32)
    n, element = shape[0], np.arange(math.prod(shape[1:]), dtype=np.uint64)
    counter = np.zeros((4, n, element.size), dtype=np.uint64)
    counter[0] = element // 32 * 8 + element % 8
    counter[1] = np.arange(n, dtype=np.uint64)[:, None]
    counter[2], counter[3] = layer, step
    key = np.array([seed & 0xFFFFFFFF, seed >> 32], dtype=np.uint64)
    for _ in range(10):
        a, b = counter[0] * np.uint64(0xD2511F53), counter[2] * np.uint64(0xCD9E8D57)
        counter = np.stack([b >> word ^ counter[1] ^ key[0], b & low, a >> word ^ counter[3] ^ key[1], a & low])
        key = key + np.array([0x9E3779B9, 0xBB67AE85], dtype=np.uint64) & low
    rate = float(np.float32(rate))
    words = np.take_along_axis(counter, np.broadcast_to(element % 32 // 8, (1, n, element.size)).astype(int), 0)[0]
    return np.where(words < np.uint64(rate * 2.0**32), 0.0, 1.0 / (1.0 - rate)).reshape(shape)


def brief(values):
    """What is kept of an array where there are many: its size, its norm, and its product with a fixed pseudo-random array.

    No wrong, moved or missing element goes unseen in both.
    """
    values = np.asarray(values, dtype=np.float64).ravel()
    return [values.size, float(np.sqrt(np.sum(values**2))), float(np.dot(values, unit("projection", values.size)))]


def summary(values):
    """What is kept of a large array, in logical order: what `brief` keeps, and some elements."""
    values = np.asarray(values, dtype=np.float64).ravel()
    count, norm, projection = brief(values)
    picked = [index for index in range(min(8, count))] + [index * count // 24 for index in range(24)]
    return {
        "count": count,
        "mean": float(values.mean()),
        "norm": norm,
        "projection": projection,
        "picked": np.asarray([values[index] for index in picked], dtype=np.float32),
    }
