"""Holds what .ci/nightly measured on MNIST to the bars, and says each; exits 1 where one is missed.

    bars.py FOLDER    with NAME.json of `netwright eval --json` for each, and the .nwz files
"""

import json
import pathlib
import statistics
import sys

FOLDER = pathlib.Path(sys.argv[1])
missed = []


def accuracy(name):
    return json.loads((FOLDER / f"{name}.json").read_text())["accuracy"]


def bar(what, found, least):
    holds = found >= least
    print(f"{'held' if holds else 'MISSED'}: {what} is {found:.6g}, at least {least:.6g}")
    if not holds:
        missed.append(what)


lenets = sorted(accuracy(f"lenet-{seed}") for seed in range(1, 6))
print("LeNet, seeds 1 to 5, sorted:", *lenets)
bar("the median accuracy of LeNet", statistics.median(lenets), 0.99)
bar("the least accuracy of LeNet", lenets[0], 0.987)
bar("the accuracy of squeezenet_digits", accuracy("squeezenet_digits-1"), 0.992)
bar("the accuracy of squeeze_excite", accuracy("squeeze_excite-1"), 0.99)
for network in ("lenet", "squeezenet_digits"):
    # A tenth of a percent is ten images.
    bar(f"the accuracy of {network} in integers", accuracy(f"{network}-int8"), accuracy(f"{network}-1") - 0.001)
# The table of "Deep Compression" (Han et al., 2016): parameters of four bytes by the bytes of the file.
for network, parameters, times in (("lenet300_100", 266_610, 40), ("lenet_caffe", 431_080, 39)):
    bar(f"the accuracy of {network} compressed", accuracy(f"{network}-compressed"), accuracy(f"{network}-trained"))
    bar(f"how much smaller {network} is", 4 * parameters / (FOLDER / network / f"{network}.nwz").stat().st_size, times)
sys.exit(1 if missed else 0)
