"""Measures Netwright against other frameworks, in turns, and writes the table of docs/benchmarks.md.

    cargo build --release -p netwright-cli
    python3 benches/compare.py --python PATH/TO/VENV/bin/python

Each round runs every program once on every workload, a process for each measurement, in an order that turns from round to
round. A measurement during which something else used the processors is taken again; where that does not help, the round
is thrown away. What counts is the ratio within a round, and over rounds the median. `benches/README.md` has the set-up.
"""

import argparse
import datetime
import itertools
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))
import networks  # noqa: E402, the folder is known only here

ROOT = os.path.dirname(HERE)
PAGE = os.path.join(ROOT, "docs", "benchmarks.md")
BEGIN, END = "<!-- benches/compare.py: begin -->", "<!-- benches/compare.py: end -->"

# Each peer's script, in the folder `peers`.
PEERS = {
    "torch": "torch_peer.py",
    "keras": "keras_peer.py",
    "onnxruntime": "onnx_peer.py",
    "openvino": "openvino_peer.py",
    "rten": "rten_peer.py",
}
TORCH = [("torch", "eager"), ("torch", "compile-channels-last")]
ONNX = [("onnxruntime", "bound"), ("openvino", "latency"), ("openvino", "throughput"), ("rten", "prepacked")]


def workload(title, ours, peers):
    return {"title": title, "ours": ours, "peers": peers}


# What `netwright bench` is told, and the variants of the peers that take part. Which were best in each was tried before.
WORKLOADS = {
    "lenet-train-b64": workload(
        "LeNet, training step, batch 64",
        ["lenet", "--mode", "train", "--batch", "64"],
        [*TORCH, ("keras", "on-batch"), ("keras", "function")],
    ),
    "lenet-infer-b1": workload(
        "LeNet, prediction, batch 1",
        ["lenet", "--mode", "infer", "--batch", "1"],
        [("torch", "eager"), ("torch", "compile"), ("keras", "xla"), *ONNX],
    ),
    "lenet-infer-b64": workload(
        "LeNet, prediction, batch 64",
        ["lenet", "--mode", "infer", "--batch", "64"],
        [*TORCH, ("keras", "function"), *ONNX],
    ),
    "squeezenet-infer-b1": workload(
        "SqueezeNet 1.1, prediction, batch 1, 224 x 224",
        ["squeezenet", "--mode", "infer", "--batch", "1"],
        [*TORCH, ("keras", "xla"), *ONNX],
    ),
    "squeezenet10-infer-b1": workload(
        "SqueezeNet 1.0, prediction, batch 1, 224 x 224",
        ["squeezenet", "--set", "version=1.0", "--mode", "infer", "--batch", "1"],
        [*TORCH, ("keras", "xla"), *ONNX],
    ),
    "squeezenet-infer-b16": workload(
        "SqueezeNet 1.1, prediction, batch 16, 224 x 224",
        ["squeezenet", "--mode", "infer", "--batch", "16"],
        [*TORCH, ("keras", "function"), *ONNX],
    ),
    "squeezenet-train-b16": workload(
        "SqueezeNet 1.1, training step, batch 16, 224 x 224",
        ["squeezenet", "--mode", "train", "--batch", "16"],
        [*TORCH, ("keras", "function")],
    ),
    "se-cnn-train-b64": workload(
        "LeNet with squeeze and excitation, training step, batch 64",
        ["squeeze_excite", "--mode", "train", "--batch", "64"],
        [*TORCH, ("keras", "on-batch"), ("keras", "function")],
    ),
    "lenet-cold": workload(
        "LeNet, cold start: a process that loads weights, predicts one image, prints its class and exits",
        [],
        [("rten", "prepacked")],
    ),
}
OURS = ("netwright", "")
# Useful floating-point operations of a step.
OPERATIONS = {name: networks.operations(name) for name in WORKLOADS if name != "lenet-cold"}
# A process may compile for a while before it measures.
TIME_LIMIT = 300


def main():
    args = arguments()
    prepare(args)
    rounds, thrown_away, missing, peaks = [], 0, set(), []
    while len(rounds) < args.rounds and thrown_away < args.rounds + 3:
        found = peak()
        result = one_round(args, len(rounds) + thrown_away, missing)
        if result is None:
            thrown_away += 1
            note("the round was not quiet and is thrown away")
        else:
            rounds.append(result)
            peaks += [found] if found else []
    if not rounds:
        sys.exit("no round was quiet: try again on an idle machine, or allow more with --noise")
    best = statistics.median(value for _, value in peaks) if peaks else None
    facts = machine(args)
    if best:
        facts.append((f"peak of {os.cpu_count()} cores", f"{best:.0f} Gflop/s ({peaks[0][0]}, multiply-adds in registers)"))
    report = page(args, rounds, thrown_away, missing, facts, best)
    print(report)
    if not args.dry_run:
        write(report)


def prepare(args):
    """Lets the command build the programs of networks that are not compiled into it, which may take minutes."""
    for workload in args.workloads:
        if ours := WORKLOADS[workload]["ours"]:
            command = [args.netwright, "bench", *ours, "--seconds", "0.01", "--json"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="the Python that has the peers (benches/README.md)")
    parser.add_argument("--netwright", default=os.path.join(target(), "release", "netwright"), help="our program")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="which, separated by commas")
    parser.add_argument("--only", default="", help="leave out all peers but these, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--noise", type=float, default=2.0, help="percent of processor time that others may take")
    parser.add_argument("--retries", type=int, default=2, help="of a measurement that was not quiet")
    parser.add_argument("--log", help="a file that every measurement is appended to, a line of JSON each")
    parser.add_argument("--dry-run", action="store_true", help="print the table, leave docs/benchmarks.md alone")
    args = parser.parse_args()
    if not os.access(args.netwright, os.X_OK):
        sys.exit(f"{args.netwright} is not there: run `cargo build --release -p netwright-cli`, or give --netwright")
    args.workloads = args.workloads.split(",")
    if unknown := set(args.workloads) - WORKLOADS.keys():
        sys.exit(f"there is no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    return args


def target():
    """Cargo's folder of built programs."""
    return os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))


def note(text):
    print(text, file=sys.stderr, flush=True)


def one_round(args, number, missing):
    """Every program on every workload: lines by (workload, program), or None where it was not quiet."""
    lines = {}
    for workload in args.workloads:
        peers = [peer for peer in WORKLOADS[workload]["peers"] if not args.only or peer[0] in args.only.split(",")]
        programs = [OURS, *(peer for peer in peers if (workload, peer) not in missing)]
        turn = number % len(programs)
        for program in programs[turn:] + programs[:turn]:
            line = quiet(args, workload, program)
            if line == "noisy":
                return None
            if line is None:
                missing.add((workload, program))
                continue
            lines[workload, program] = line
    return lines


def quiet(args, workload, program):
    """A measurement during which little else ran; "noisy" if there was none, None if the program cannot run."""
    for _ in range(args.retries + 1):
        line = run(args, workload, program)
        if line is None:
            return None
        others = line.get("steal_pct", 0.0) + line.get("other_cpu_pct", 0.0)
        note(f"{workload:22} {' '.join(program):28} {line['median_ms']:9.4f} ms, others {others:.1f} %")
        if args.log:
            with open(args.log, "a", encoding="ascii") as file:
                file.write(json.dumps(line) + "\n")
        if others <= args.noise:
            return line
    return "noisy"


def run(args, workload, program):
    """One measurement by a process of its own."""
    name, variant = program
    if workload == "lenet-cold":
        return cold(args, program)
    sizes = ["--threads", str(args.threads), "--seconds", str(args.seconds)]
    if program == OURS:
        command = [args.netwright, "bench", *WORKLOADS[workload]["ours"], *sizes, "--json"]
    else:
        command = [args.python, os.path.join(HERE, "peers", PEERS[name]), workload, variant, *sizes]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        note(f"{name} {variant} took more than {TIME_LIMIT} seconds and is left out")
        return None
    if done.returncode != 0 or not done.stdout.strip():
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if program == OURS:
            sys.exit(f"{' '.join(command)}: {last}")
        note(f"{name} {variant} does not run and is left out: {last}")
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def cold(args, program):
    """Whole processes, one after the other, from their start to their end."""
    if program == OURS:
        command, version = [os.path.join(target(), "release", "examples", "cold"), cold_weights(args)], ""
    else:
        # The file of its network is written by the Python that has the packages for it.
        model = os.path.join(HERE, "peers", ".models", "lenet-b1.onnx")
        make = "import onnx_network; onnx_network.file('lenet', 1, '.models')"
        subprocess.run([args.python, "-c", make], cwd=os.path.join(HERE, "peers"), capture_output=True)
        command, version = [os.path.join(HERE, "peers", "rten", "target", "release", "rten-peer"), model, "predict"], "0.27.0"
    if not all(os.path.exists(path) for path in command[:2]):
        if program == OURS:
            sys.exit(f"{command[0]} is not there: run `cargo build --release -p netwright --example cold`")
        note(f"{program[0]} is not built and is left out of the cold starts")
        return None
    env = os.environ | {"RAYON_NUM_THREADS": str(args.threads)}
    times, before, end = [], ticks(), time.monotonic() + args.seconds
    with open(os.devnull, "wb") as null:
        files = [(os.POSIX_SPAWN_DUP2, null.fileno(), 1)]
        # The first ones bring the files into memory.
        for number in itertools.count(-3):
            # `subprocess` would add about as much as some of these programs take.
            begin = time.perf_counter()
            _, status = os.waitpid(os.posix_spawn(command[0], command, env, file_actions=files), 0)
            if status != 0:
                sys.exit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
            if number >= 0:
                times.append(1e3 * (time.perf_counter() - begin))
            if number >= 5 and time.monotonic() > end:
                break
    steal, busy, own, total = (b - a for a, b in zip(before, ticks()))
    times.sort()
    return {
        "framework": program[0],
        "version": version or said([args.netwright, "--version"]).split()[-1],
        "variant": program[1] or "cold",
        "batch": 1,
        "median_ms": statistics.median(times),
        "p99_ms": times[int(0.99 * len(times))],
        "peak_rss_mb": None,
        "steal_pct": 100 * steal / max(total, 1),
        "other_cpu_pct": 100 * max(busy - own, 0) / max(total, 1),
    }


def ticks():
    """Up to now, of the processors: stolen time, what was busy, what this process and its children had, and all of it."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, idle, waiting, irq, softirq, steal = map(int, file.readline().split()[1:9])
    own = sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK")
    busy = user + nice + system + irq + softirq
    return steal, busy, own, busy + idle + waiting + steal


def cold_weights(args):
    """Weights of LeNet for the cold start, made by an epoch over a few images."""
    folder = os.path.join(target(), "cold")
    path = os.path.join(folder, "weights.safetensors")
    if not os.path.exists(path):
        command = [args.netwright, "train", "lenet", "--data", "digits", "--limit", "64", "--epochs", "1", "--out", folder]
        subprocess.run(command, check=True, capture_output=True)
    return path


def peak():
    """Gflop/s of all cores together, in loops that multiply and add in registers and do nothing else."""
    # The example prints the peak first; no kernel's name contains the filter.
    command = ["cargo", "run", "--release", "--quiet", "-p", "netwright-kernels", "--example", "peak", "peak only"]
    said(command)  # so that it is built
    runs = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count())]
    found = [re.search(r"(\w+): peak ([0-9.]+) Gflop/s", run.communicate()[0]) for run in runs]
    if not all(found):
        sys.exit(f"`{' '.join(command)}` printed no peak")
    return found[0][1], sum(float(one[2]) for one in found)


def machine(args):
    """What the numbers depend on, as (name, value)."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    facts = [
        ("processor", f"{model}, {os.cpu_count()} logical cores"),
        ("threads", str(args.threads)),
        ("system", f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"),
        ("date", datetime.date.today().isoformat()),
    ]
    if commit := said(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"]):
        facts.append(("commit", commit + (", changed" if said(["git", "-C", ROOT, "status", "--porcelain"]) else "")))
    if compiler := said(["rustc", "--version"]):
        facts.append(("compiler", compiler))
    return facts


def said(command):
    """What a command printed, or nothing where it cannot run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def page(args, rounds, thrown_away, missing, facts, peak):
    """The part of the page that is written anew."""
    lines = [BEGIN, "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in facts]
    counts = f"{len(rounds)} of {args.seconds:g} s a measurement"
    lines.append(f"| rounds | {counts}; {thrown_away} thrown away for noise |")
    for workload in args.workloads:
        lines += ["", f"### {WORKLOADS[workload]['title']} (`{workload}`)", "", *table(workload, rounds, peak)]
    if missing:
        names = {}
        for workload, program in missing:
            names.setdefault(" ".join(program).strip(), []).append(workload)
        told = ", ".join(f"{name} ({', '.join(sorted(names[name]))})" for name in sorted(names))
        lines += ["", f"Not measured, because not installed or not running here: {told}."]
    return "\n".join([*lines, "", END])


def table(workload, rounds, peak):
    """One workload's programs, fastest first, and how many times our time each takes."""
    programs = {program for lines in rounds for key, program in lines if key == workload}
    rows = []
    for program in programs:
        both = [(lines[workload, program], lines[workload, OURS]) for lines in rounds if (workload, program) in lines]
        median = statistics.median(line["median_ms"] for line, _ in both)
        ratios = [line["median_ms"] / ours["median_ms"] for line, ours in both]
        late = statistics.median(line["p99_ms"] for line, _ in both)
        spread = [line["median_ms"] for line, _ in both]
        rows.append((median, ratios, late, min(spread), max(spread), program, both[-1][0]))
    # Microseconds, where ours takes less than a millisecond.
    ours = next((row[0] for row in rows if row[5] == OURS), 1)
    unit, times = ("µs", 1e3) if ours < 1 else ("ms", 1)
    yield f"| program | variant | version | {unit} a step | p99 | of the rounds | Gflop/s | of the peak | MB | times ours |"
    yield "|---|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for median, ratios, late, least, most, program, line in sorted(rows, key=lambda row: row[0]):
        name = f"**{program[0]}**" if program == OURS else program[0]
        speed = OPERATIONS.get(workload, 0) / median / 1e6
        part = f"{100 * speed / peak:.0f} %" if speed and peak else ""
        memory = f"{line['peak_rss_mb']:.0f}" if line.get("peak_rss_mb") else ""
        yield (
            f"| {name} | {line.get('variant', '')} | {line['version']} | {times * median:.4g} | {times * late:.4g} "
            f"| {times * least:.4g} to {times * most:.4g} "
            f"| {f'{speed:.0f}' if speed else ''} | {part} | {memory} | {statistics.median(ratios):.2f} |"
        )
    best = min((row for row in rows if row[5] != OURS), default=None, key=lambda row: statistics.median(row[1]))
    if best:
        name, ratios = " ".join(best[5]), best[1]
        yield ""
        yield (
            f"The best peer, {name}, takes {statistics.median(ratios):.2f} times as long as Netwright, {min(ratios):.2f} times in the "
            "round that was worst for Netwright."
        )


def write(report):
    """Puts the report between the markers of the page."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        sys.exit(f"{PAGE} has no markers {BEGIN} and {END}; nothing was written")
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(before + report + after)
    note(f"{PAGE} is written")


if __name__ == "__main__":
    main()
