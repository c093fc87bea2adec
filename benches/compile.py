#!/usr/bin/env python3
"""How long a user's crate with a network takes to compile: `python3 benches/compile.py [--json]`.

For each network a program outside of the repository, which trains, predicts and saves, depends on netwright by path, with
Cargo's default profiles and two jobs. Dependencies are built once and not counted. Reported, as medians of three runs, each
after `cargo clean -p` of the program, so that nothing of an earlier one is used again:

- expand: the part of rustc that expands macros (`-Z time-passes`, which a stable rustc gives with RUSTC_BOOTSTRAP=1);
- check: `cargo check` as a whole, and the same of a crate without a network;
- build: `cargo build --release` as a whole.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUNS = 3

DEEP = """network Deep {
    input x: [16, 16, 8];
    for i in 0..LAYERS {
        x = x -> conv(8, kernel: 3, pad: 1) as c[i] -> relu;
    }
    logits = x -> global_avg_pool -> dense(10);
    output y = softmax(logits);
    train { loss: cross_entropy(logits); }
}
"""

NETWORKS = {
    "none": "",
    "lenet": "netwright::model!(<lenet> as Net);",
    "squeezenet": "netwright::model!(<squeezenet> as Net);",
    "1,000 layers": 'netwright::model!("../deep500.net" as Net);',
    "1,000 convolutions": 'netwright::model!("../deep1000.net" as Net);',
}

# What a program of a user's does.
MAIN = """
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let digits = netwright::data::load("mnist", &Default::default())?;
    let mut net = Net::new(42);
    netwright::train::Trainer::from_recipe(Net::recipe()).fit(&mut net, &digits.train, Some(&digits.test))?;
    let images = digits.test.inputs_at(&[0, 1, 2])?.into_dimensionality()?;
    println!("{}", net.predict(images.view())?);
    net.save("net.safetensors")?;
    Ok(())
}
"""


def timed(command, folder, env):
    start = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return time.monotonic() - start, done.stdout + done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON for each network")
    parser.add_argument("--target", help="folder for build outputs, to use again; else a temporary one")
    plain = {name.replace(",", ""): name for name in NETWORKS}
    parser.add_argument("--only", help=f"some of the networks, with commas between them: {', '.join(plain)}")
    args = parser.parse_args()
    wanted = args.only.split(",") if args.only else list(plain)
    if unknown := [name for name in wanted if name not in plain]:
        parser.error(f"there is no network {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as temporary:
        crate = pathlib.Path(temporary) / "crate"
        (crate / "src").mkdir(parents=True)
        for layers in [500, 1000]:
            (crate / f"deep{layers}.net").write_text(DEEP.replace("LAYERS", str(layers)))
        (crate / "Cargo.toml").write_text(
            '[package]\nname = "user"\nversion = "0.1.0"\nedition = "2024"\n\n[workspace]\n\n'
            f'[dependencies]\nnetwright = {{ path = "{ROOT}" }}\n'
        )
        lock = ROOT / "Cargo.lock"
        if lock.exists():
            (crate / "Cargo.lock").write_text(lock.read_text())
        # With Cargo's own choice of what is compiled incrementally.
        env = {name: value for name, value in os.environ.items() if name != "CARGO_INCREMENTAL"}
        env["CARGO_BUILD_JOBS"] = "2"
        env["CARGO_TARGET_DIR"] = args.target or str(pathlib.Path(temporary) / "target")
        profiled = dict(env, RUSTC_BOOTSTRAP="1")
        main_rs = crate / "src" / "main.rs"
        if not args.json:
            print(f"{'network':<18} {'expand ms':>10} {'check s':>8} {'release s':>10}")
        for name, model in ((plain[name], NETWORKS[plain[name]]) for name in wanted):
            text = f"{model}\n{MAIN}" if model else "fn main() {}\n"
            row = {"network": name}
            for kind, command, environment in [
                ("expand", ["cargo", "rustc", "--profile", "check", "--", "-Z", "time-passes"], profiled),
                ("check", ["cargo", "check"], env),
                ("build", ["cargo", "build", "--release"], env),
            ]:
                main_rs.write_text(text)
                timed(command, crate, environment)  # dependencies
                found = []
                for _ in range(RUNS):
                    timed(["cargo", "clean", "-p", "user", *(["--release"] if kind == "build" else [])], crate, env)
                    seconds, output = timed(command, crate, environment)
                    if kind == "expand":
                        match = re.search(r"time:\s+([0-9.]+);.*\bmacro_expand_crate\b", output)
                        seconds = float(match.group(1)) if match else float("nan")
                    found.append(seconds)
                row[kind] = statistics.median(found)
            if args.json:
                print(json.dumps(row), flush=True)
            else:
                print(f"{name:<18} {1000 * row['expand']:>10.0f} {row['check']:>8.2f} {row['build']:>10.2f}", flush=True)


if __name__ == "__main__":
    main()
