#!/usr/bin/env python3
"""How long a whole process takes to load weights, predict one image and print its class (benches/cold.rs).

    python3 benches/cold.py [--runs 300] [--binary FILE -- ARGUMENTS]

Prints one line of JSON with the times from spawn to exit in milliseconds. With `--binary`, another program is timed.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build():
    """Builds the example as a crate that only predicts would be."""
    # Not where the build with all features is, which compare.py measures.
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "predicting"
    command = ["cargo", "build", "--release", "--example", "cold", "--no-default-features", "--target-dir", str(target)]
    subprocess.run(command, cwd=ROOT, check=True)
    return target / "release" / "examples" / "cold"


def run(command, runs):
    """Times of so many runs, in milliseconds, after a few that do not count."""
    times = []
    with open(os.devnull, "w") as null:
        for index in range(runs + 10):
            start = time.perf_counter()
            pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null.fileno(), 1)])
            _, status = os.waitpid(pid, 0)
            took = time.perf_counter() - start
            if status != 0:
                raise SystemExit(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
            if index >= 10:
                times.append(1e3 * took)
    return sorted(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--binary", help="another program to time; its arguments follow")
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.binary:
            command = [options.binary, *options.arguments]
        else:
            binary, weights = str(build()), str(Path(folder) / "weights.safetensors")
            subprocess.run([binary, "--new", weights], check=True)
            command = [binary, weights]
        times = run(command, options.runs)
    at = lambda part: round(times[int(part * (len(times) - 1))], 3)
    answer = {"workload": "lenet-cold", "command": Path(command[0]).name, "runs": len(times)}
    answer |= {"median_ms": round(statistics.median(times), 3), "p10_ms": at(0.1), "p99_ms": at(0.99), "min_ms": at(0.0)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
