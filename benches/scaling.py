#!/usr/bin/env python3
"""Whether cost grows no faster than what there is to do:

    python3 benches/scaling.py [--only batch,threads] [--rounds N] [--seconds S] [--peer PYTHON]

`netwright bench` over the size of the batch (LeNet, 1 to 1024), of the image (SqueezeNet's first blocks, 32 to 512), the
depth (10 to 1,000 convolutions) and the number of threads (LeNet at batch 64 and SqueezeNet 1.1 at batch 1 and 16, 1 to all).
A table in Markdown for each: the median time of a step, and the time for one unit (an image, a pixel, a layer) as a multiple of the
shortest, and with `--peer PYTHON`, a Python that has PyTorch, the same of that for images; for threads, how many times as fast as
with one, and that divided by the threads. Each round measures a whole table once;
what counts is the median over rounds, so that a slow moment of the machine is not taken for a property of one row.

Needs `cargo build --release -p netwright-cli`. Networks that are not compiled in are built on the way, which takes a while.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benches" / "peers"))
import networks  # noqa: E402, the folder is known only here

BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
SIZES = networks.GROWING
DEPTHS = [10, 30, 100, 300, 1000]

IMAGES = """use <fire>;
network Images(size: int = 32) {
    input x: [size, size, 3];
    y = x -> conv(64, kernel: 3, stride: 2) -> relu -> max_pool(3, stride: 2, ceil: true) -> Fire(16, 64) -> Fire(16, 64);
    logits = y -> global_avg_pool -> dense(10);
    output probabilities = softmax(logits);
    train { loss: cross_entropy(logits); }
}
"""

DEEP = """network Deep(depth: int = 10) {
    input x: [16, 16, 16];
    for i in 0..depth {
        x = x -> conv(16, kernel: 3, pad: 1) as c[i] -> relu;
    }
    logits = x -> global_avg_pool -> dense(10);
    output y = softmax(logits);
    train { loss: cross_entropy(logits); }
}
"""


def bench(args, *words):
    """The answer of `netwright bench`."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = [str(target / "release" / "netwright"), "bench", *map(str, words), "--seconds", str(args.seconds), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def torch(args, workload):
    """The answer of PyTorch's side, eager and channels last."""
    script = ROOT / "benches" / "peers" / "torch_peer.py"
    command = [args.peer, str(script), workload, "eager", "--threads", str(args.threads), "--seconds", str(args.seconds)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1])


def in_rounds(args, commands):
    """The median times of commands, in milliseconds, measured in turns; a text is a workload of the peer's."""
    measure = lambda words: (torch(args, words) if isinstance(words, str) else bench(args, *words))["median_ms"]
    rounds = [[measure(words) for words in commands] for _ in range(args.rounds)]
    return [statistics.median(times) for times in zip(*rounds)]


def grows(args, title, unit, amounts, units, words, peer=None):
    """A table of a quantity that grows; `units` says how much work an amount is, `words` how it is measured, `peer` which workload
    is the same of the peer's."""
    modes, words_of = ("infer", "train"), lambda amount: [*words(amount), "--threads", args.threads]
    commands = []
    for amount in amounts:
        commands += [[*words_of(amount), "--mode", mode] for mode in modes]
        commands += [peer(amount, mode) for mode in modes] if peer else []
    columns = ["predict", "train"] + (["torch predicts", "torch trains"] if peer else [])
    medians = iter(in_rounds(args, commands))
    rows = []
    for amount in amounts:
        times = [next(medians) for _ in columns]
        rows.append((amount, times, [time / units(amount) for time in times]))
    least = [min(row[2][column] for row in rows) for column in range(len(columns))]
    article = "an" if unit[0] in "aeiou" else "a"
    print(f"| {title} | " + " | ".join(f"{column}, ms | {article} {unit}" for column in columns) + " |")
    print("|---:" * (1 + 2 * len(columns)) + "|")
    for amount, times, costs in rows:
        cells = [f"{time:.4g} | {cost / best:.2f}" for time, cost, best in zip(times, costs, least)]
        print(f"| {amount} | {' | '.join(cells)} |", flush=True)
    print()


def threads(args):
    works = [("lenet", "train", 64), ("lenet", "infer", 64), ("lenet", "infer", 1)]
    works += [("squeezenet", "train", 16), ("squeezenet", "infer", 16), ("squeezenet", "infer", 1)]
    counts = range(1, (os.cpu_count() or 1) + 1)
    commands = [[net, "--mode", mode, "--batch", batch, "--threads", n] for net, mode, batch in works for n in counts]
    medians = iter(in_rounds(args, commands))
    print("| workload | threads | ms | times as fast | of what is possible |\n|---|---:|---:|---:|---:|")
    for network, mode, batch in works:
        times = [next(medians) for _ in counts]
        for count, time in zip(counts, times):
            name, faster = f"{network}-{mode}-b{batch}", times[0] / time
            print(f"| {name} | {count} | {time:.4g} | {faster:.2f} | {faster / count:.0%} |", flush=True)
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="batch,size,depth,threads", help="which tables: some of batch, size, depth, threads")
    parser.add_argument("--threads", type=int, default=2, help="of all tables but that of threads")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a measurement, after a warm-up of 1.5")
    parser.add_argument("--peer", metavar="PYTHON", help="a Python that has PyTorch, for the table of images")
    args = parser.parse_args()
    wanted = args.only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        files = {name: pathlib.Path(folder) / f"{name}.net" for name in ("images", "deep")}
        files["images"].write_text(IMAGES)
        files["deep"].write_text(DEEP)
        if "batch" in wanted:
            grows(args, "batch", "image", BATCHES, lambda n: n, lambda n: ["lenet", "--batch", n])
        if "size" in wanted:
            words = lambda n: [files["images"], "--set", f"size={n}", "--batch", 8]
            peer = (lambda n, mode: f"images{n}-{mode}-b8") if args.peer else None
            grows(args, "rows and columns", "pixel", SIZES, lambda n: n * n, words, peer)
        if "depth" in wanted:
            words = lambda n: [files["deep"], "--set", f"depth={n}", "--batch", 8]
            grows(args, "layers", "layer", DEPTHS, lambda n: n, words)
        if "threads" in wanted:
            threads(args)


if __name__ == "__main__":
    main()
