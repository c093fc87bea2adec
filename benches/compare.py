"""Measures Netwright against other frameworks, in turns, and writes the table of docs/benchmarks.md.

    cargo build --release -p netwright-cli
    python3 benches/compare.py --python PATH/TO/VENV/bin/python

Each round runs every program once on every workload, a process for each measurement, in an order that turns from round to
round. A measurement during which something else used the processors is taken again; where that does not help, the round
is thrown away. What counts is the ratio within a round, and over rounds the median. `benches/README.md` has the set-up.
"""

import argparse
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PAGE = os.path.join(ROOT, "docs", "benchmarks.md")
BEGIN, END = "<!-- benches/compare.py: begin -->", "<!-- benches/compare.py: end -->"

# Ours first; then each peer's script, and the variants that take part in each workload.
PEERS = {
    "torch": "torch_peer.py",
    "keras": "keras_peer.py",
    "onnxruntime": "onnx_peer.py",
}
WORKLOADS = {
    "lenet-train-b64": {
        "title": "Training step, batch 64",
        "ours": ["lenet", "--mode", "train", "--batch", "64"],
        "peers": [
            ("torch", "eager"),
            ("torch", "compile-channels-last"),
            ("keras", "on-batch"),
            ("keras", "function"),
        ],
    },
    "lenet-infer-b1": {
        "title": "Prediction, batch 1",
        "ours": ["lenet", "--mode", "infer", "--batch", "1"],
        "peers": [
            ("torch", "eager"),
            ("torch", "compile"),
            ("keras", "on-batch"),
            ("keras", "xla"),
            ("onnxruntime", "bound"),
        ],
    },
    "lenet-infer-b64": {
        "title": "Prediction, batch 64",
        "ours": ["lenet", "--mode", "infer", "--batch", "64"],
        "peers": [
            ("torch", "eager"),
            ("torch", "compile-channels-last"),
            ("keras", "on-batch"),
            ("keras", "function"),
            ("onnxruntime", "bound"),
        ],
    },
}
OURS = ("netwright", "")
# A process may compile for a while before it measures.
TIME_LIMIT = 300


def main():
    args = arguments()
    rounds, thrown_away, missing = [], 0, set()
    while len(rounds) < args.rounds and thrown_away < args.rounds + 3:
        result = one_round(args, len(rounds) + thrown_away, missing)
        if result is None:
            thrown_away += 1
            note("the round was not quiet and is thrown away")
        else:
            rounds.append(result)
    if not rounds:
        sys.exit("no round was quiet: try again on an idle machine, or allow more with --noise")
    report = page(args, rounds, thrown_away, missing, machine(args))
    print(report)
    if not args.dry_run:
        write(report)


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
        programs = [OURS, *(peer for peer in peers if peer not in missing)]
        turn = number % len(programs)
        for program in programs[turn:] + programs[:turn]:
            line = quiet(args, workload, program)
            if line == "noisy":
                return None
            if line is None:
                missing.add(program)
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
        note(f"{workload:16} {' '.join(program):28} {line['median_ms']:9.4f} ms, others {others:.1f} %")
        if args.log:
            with open(args.log, "a", encoding="ascii") as file:
                file.write(json.dumps(line) + "\n")
        if others <= args.noise:
            return line
    return "noisy"


def run(args, workload, program):
    """One measurement by a process of its own."""
    name, variant = program
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
    # The example prints the peak first; no kernel's name contains the filter.
    peak = said(["cargo", "run", "--release", "--quiet", "-p", "netwright-kernels", "--example", "peak", "peak only"])
    if found := re.search(r"(\w+): peak ([0-9.]+) multiply-adds per nanosecond", peak):
        facts.append(("peak of one core", f"{2 * float(found[2]):.0f} Gflop/s ({found[1]})"))
    return facts


def said(command):
    """What a command printed, or nothing where it cannot run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def page(args, rounds, thrown_away, missing, facts):
    """The part of the page that is written anew."""
    lines = [BEGIN, "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in facts]
    counts = f"{len(rounds)} of {args.seconds:g} s a measurement"
    lines.append(f"| rounds | {counts}; {thrown_away} thrown away for noise |")
    for workload in args.workloads:
        lines += ["", f"### {WORKLOADS[workload]['title']} (`{workload}`)", "", *table(workload, rounds)]
    if missing:
        names = ", ".join(sorted(" ".join(program).strip() for program in missing))
        lines += ["", f"Not measured, because not installed or not running here: {names}."]
    return "\n".join([*lines, "", END])


def table(workload, rounds):
    """One workload's programs, fastest first, and how many times our time each takes."""
    programs = {program for lines in rounds for key, program in lines if key == workload}
    rows = []
    for program in programs:
        both = [(lines[workload, program], lines[workload, OURS]) for lines in rounds if (workload, program) in lines]
        median = statistics.median(line["median_ms"] for line, _ in both)
        ratio = statistics.median(line["median_ms"] / ours["median_ms"] for line, ours in both)
        spread = [line["median_ms"] for line, _ in both]
        line = both[-1][0]
        rows.append((median, ratio, min(spread), max(spread), program, line))
    yield "| program | variant | version | ms a step | least and most of the rounds | images/s | times ours |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for median, ratio, least, most, program, line in sorted(rows, key=lambda row: row[0]):
        name = f"**{program[0]}**" if program == OURS else program[0]
        yield (
            f"| {name} | {line.get('variant', '')} | {line['version']} | {median:.4g} | {least:.4g} to {most:.4g} "
            f"| {1e3 * line['batch'] / median:,.0f} | {ratio:.2f} |"
        )
    best = min((row for row in rows if row[4] != OURS), default=None, key=lambda row: row[0])
    if best:
        yield ""
        yield f"The best peer, {' '.join(best[4])}, takes {best[1]:.2f} times as long as Netwright."


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
