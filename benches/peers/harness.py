"""What the peers share: workloads, data, the clock, and the line of JSON that one measurement prints.

    python benches/peers/NAME_peer.py WORKLOAD VARIANT [--threads N] [--seconds S]

A measurement warms up for 1.5 seconds and then times whole steps, one by one. `steal_pct` and `other_cpu_pct` say how much
of the machine's processor time a hypervisor and other processes took meanwhile.
"""

import argparse
import json
import os
import resource
import statistics
import time

import networks
import numpy as np

# Batches of images and of labels are taken in turn. Their numbers are coprime, so that no pair of the two comes back soon
# and nothing can be learnt by heart.
IMAGE_BATCHES = {1: 7, 8: 3, 16: 2, 64: 7}
LABEL_BATCHES = 251

WARM_UP_SECONDS = 1.5
FEWEST_STEPS = 5


def batches(network, batch):
    """Images `[N, H, W, C]` of normal values, and classes."""
    shape, classes, _ = networks.NETWORKS[network]
    random = np.random.default_rng(7)
    images = [random.standard_normal((batch, *shape), dtype=np.float32) for _ in range(IMAGE_BATCHES[batch])]
    labels = [random.integers(0, classes, batch) for _ in range(LABEL_BATCHES)]
    return images, labels


def in_turn(items):
    """The items, again and again."""
    while True:
        yield from items


def processor_seconds():
    """What the machine and this process have used up to now: busy, idle, stolen, own."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(field) for field in file.readline().split()[1:9]]
    user, nice, system, idle, waiting, interrupts, soft_interrupts, stolen = (
        tick / os.sysconf("SC_CLK_TCK") for tick in ticks
    )
    own = os.times()
    busy = user + nice + system + interrupts + soft_interrupts
    return busy, idle + waiting, stolen, own.user + own.system + own.children_user + own.children_system


def measure(step, seconds):
    """The times of single steps, in seconds, and what else the processors did."""
    clock = time.perf_counter
    start = clock()
    warm = 0
    while warm < FEWEST_STEPS or clock() - start < WARM_UP_SECONDS:
        step()
        warm += 1
    times = []
    before = processor_seconds()
    end = clock() + seconds
    while len(times) < FEWEST_STEPS or clock() < end:
        begin = clock()
        step()
        times.append(clock() - begin)
    return times, noise_since(before)


def noise_since(before):
    """What part of the processors' time a hypervisor and other processes took since `processor_seconds`."""
    busy, idle, stolen, own = (b - a for a, b in zip(before, processor_seconds()))
    total = max(busy + idle + stolen, 1e-9)
    return {
        "steal_pct": round(100 * stolen / total, 1),
        "other_cpu_pct": round(100 * max(busy - own, 0.0) / total, 1),
    }


def run(framework, version, variants, build=None, times=None):
    """The command line of a peer: `build(variant, workload, threads)` gives the step, which returns when it is done; or, where
    it works on several images at once, a function that does some steps, and how many. A program of another language measures
    itself: `times(workload, threads, seconds)` gives its steps' seconds and the noise meanwhile."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=networks.WORKLOADS)
    parser.add_argument("variant", choices=variants)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0)
    args = parser.parse_args()
    batch = networks.WORKLOADS[args.workload][2]
    if times:
        seconds, noise = times(args.workload, args.threads, args.seconds)
    else:
        step = build(args.variant, args.workload, args.threads)
        step, steps = step if isinstance(step, tuple) else (step, 1)
        seconds, noise = measure(step, args.seconds)
        seconds = [taken / steps for taken in seconds]
    milliseconds = sorted(1e3 * taken for taken in seconds)
    median = statistics.median(milliseconds)
    measured = resource.RUSAGE_CHILDREN if times else resource.RUSAGE_SELF

    def quantile(part):
        return round(milliseconds[min(int(part * len(milliseconds)), len(milliseconds) - 1)], 5)

    line = {
        "framework": framework,
        "version": version,
        "workload": args.workload,
        "variant": args.variant,
        "threads": args.threads,
        "batch": batch,
        "median_ms": round(median, 5),
        "p10_ms": quantile(0.1),
        "p90_ms": quantile(0.9),
        "p99_ms": quantile(0.99),
        "min_ms": quantile(0.0),
        "iters": len(milliseconds),
        "images_per_s": round(1e3 * batch / median, 2),
        "gflops_per_s": round(networks.operations(args.workload) / median / 1e6, 2),
        "peak_rss_mb": round(resource.getrusage(measured).ru_maxrss / 1024, 1),
    }
    print(json.dumps(line | noise), flush=True)
