//! Runs that are killed or interrupted, and go on bit for bit.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::tempdir;

use crate::program::{good, metrics, netwright, run};

/// A run of some seconds.
const RUN: &[&str] = &["train", "lenet5", "--data", "digits", "--limit", "3000", "--epochs", "6", "--seed", "9"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    RUN.iter().chain(more).copied().collect()
}

/// Starts a run and waits until so many epochs are over.
fn start(folder: &Path, out: &str, epochs: usize) -> Child {
    let mut command = netwright(folder, &with(&["--out", out, "--json"]));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let path = folder.join(out).join("metrics.jsonl");
    let start = Instant::now();
    loop {
        let lines = fs::read_to_string(&path).map_or(0, |text| text.lines().count());
        if lines >= epochs {
            return child;
        }
        assert!(child.try_wait().unwrap().is_none(), "the run is over before {epochs} epochs were seen");
        assert!(start.elapsed() < Duration::from_secs(300), "no {epochs} epochs in five minutes");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Checks that two runs came to the same, but for what the clock measured.
fn assert_same(folder: &Path, a: &str, b: &str) {
    let weights = |run: &str| fs::read(folder.join(run).join("weights.safetensors")).unwrap();
    assert!(weights(a) == weights(b), "the weights of {a} and {b} differ");
    let history = |run: &str| {
        let mut history = metrics(&folder.join(run));
        for epoch in &mut history {
            epoch.as_object_mut().unwrap().retain(|key, _| !["seconds", "images_per_second"].contains(&key.as_str()));
        }
        history
    };
    assert_eq!(history(a), history(b));
}

#[test]
fn a_killed_run_goes_on_bit_for_bit() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    good(folder, &with(&["--out", "whole"]));

    let mut child = start(folder, "killed", 2);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    assert!(!folder.join("killed/weights.safetensors").exists(), "the run was over before it was killed");
    // Settings that are not given are the run's own, whatever the defaults are.
    let resumed = good(folder, &["train", "lenet5", "--resume", "--out", "killed"]);
    assert_same(folder, "whole", "killed");
    assert!(resumed.stderr.contains("epoch 6/6") && !resumed.stderr.contains("epoch 1/6"), "{}", resumed.stderr);

    // A finished run has nothing left to do, and can be made longer.
    let again = good(folder, &["train", "lenet5", "--resume", "--out", "killed"]);
    assert!(!again.stderr.contains("epoch 6/6") && again.stderr.contains("nothing was left"), "{}", again.stderr);
    assert_same(folder, "whole", "killed");
    good(folder, &["train", "lenet5", "--resume", "--out", "killed", "--epochs", "7"]);
    assert_eq!(metrics(&folder.join("killed")).len(), 7);
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_stops_after_the_step_and_goes_on_bit_for_bit() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    good(folder, &with(&["--out", "whole"]));

    let child = start(folder, "stopped", 1);
    let signal = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(signal.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!folder.join("stopped/weights.safetensors").exists());
    // In the middle of an epoch a run has no last epoch to end with.
    let done = metrics(&folder.join("stopped")).len();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((answer["stopped"].as_str(), answer["epochs"].as_u64()), (Some("interrupted"), Some(done as u64)));
    let early = run(folder, &["train", "lenet5", "--resume", "--out", "stopped", "--epochs", &done.to_string()]);
    if early.exit != Some(0) {
        assert_eq!(early.exit, Some(2), "{early:?}");
        assert!(early.stderr.contains(&format!("in the middle of epoch {}", done + 1)), "{}", early.stderr);
        assert!(!folder.join("stopped/weights.safetensors").exists());
    }
    assert_eq!(metrics(&folder.join("stopped")).len(), done);
    good(folder, &["train", "lenet5", "--resume", "--out", "stopped", "--epochs", "6", "--threads", "2"]);
    assert_same(folder, "whole", "stopped");
}

#[test]
fn a_run_is_resumed_as_what_it_is() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    good(folder, &["train", "lenet5", "--data", "digits", "--limit", "64", "--epochs", "1", "--out", "run"]);
    let other = run(folder, &["train", "lenet", "--resume", "--out", "run"]);
    assert_eq!(other.exit, Some(1));
    assert!(other.stderr.contains("cannot go on with run as lenet: it trains lenet5"), "{}", other.stderr);
    let seed = run(folder, &["train", "lenet5", "--resume", "--out", "run", "--seed", "77", "--epochs", "2"]);
    assert_eq!(seed.exit, Some(1));
    assert!(seed.stderr.contains("seed: expected 77, found 0"), "{}", seed.stderr);
    let as_it_was = good(folder, &["train", "lenet5", "--resume", "--out", "run", "--epochs", "2"]);
    assert!(as_it_was.stderr.contains("epoch 2/2"), "{}", as_it_was.stderr);

    // Where there is nothing to resume, the run begins.
    let new = good(folder, &["train", "lenet5", "--resume", "--data", "digits", "--limit", "64", "--epochs", "1"]);
    assert!(new.stderr.contains("there is no run of lenet5 in runs/ to resume"), "{}", new.stderr);
    let last = good(folder, &["train", "lenet5", "--resume", "--epochs", "2"]);
    assert!(last.stderr.contains("writing to runs/lenet5\n") && last.stderr.contains("epoch 2/2"), "{}", last.stderr);
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    good(folder, &["train", "lenet5", "--data", "digits", "--limit", "64", "--epochs", "1", "--out", "run"]);
    let path = folder.join("run/latest.ckpt");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let said = run(folder, &["train", "lenet5", "--resume", "--out", "run"]);
    assert_eq!(said.exit, Some(1));
    assert!(said.stderr.contains("cannot resume from run/latest.ckpt"), "{}", said.stderr);
    fs::write(folder.join("run/run.toml"), "command = 3").unwrap();
    let said = run(folder, &["train", "lenet5", "--resume", "--out", "run"]);
    assert_eq!(said.exit, Some(1));
    assert!(said.stderr.contains("cannot read run/run.toml"), "{}", said.stderr);
}
