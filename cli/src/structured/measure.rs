//! Accuracy and time of a network, measured by this command itself: for a description of its own it builds a program.

use std::path::Path;
use std::process::{Command, Stdio};

use netwright_run::Failure;
use serde::{Deserialize, Serialize};

/// Seconds for which each time is measured.
const SECONDS: &str = "1";

/// What a network comes to on the test images, and how long it takes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Measured {
    pub(super) accuracy: Option<f64>,
    pub(super) loss: f64,
    /// Median of the time of one image on one thread, in microseconds.
    pub(super) one_image_us: f64,
    /// The same of a batch of 64.
    pub(super) batch_us: f64,
}

/// The part of `eval --json` that is looked at.
#[derive(Deserialize)]
struct Evaluated {
    accuracy: Option<f64>,
    loss: f64,
}

/// The part of `bench --json` that is looked at.
#[derive(Deserialize)]
struct Timed {
    median_ms: f64,
}

/// Measures the network that some words of a command line name with these weights; `data` are the words that choose the
/// data.
pub(super) fn measure(network: &[String], weights: &Path, data: &[String]) -> Result<Measured, Failure> {
    let weights = weights.display().to_string();
    let words = line("eval", network, &["--weights", &weights, "--json"], data);
    let Evaluated { accuracy, loss } = ask(&words)?;
    let time = |batch: &str| {
        let options = ["--mode", "infer", "--batch", batch, "--seconds", SECONDS, "--threads", "1", "--json"];
        ask::<Timed>(&line("bench", network, &options, &[])).map(|timed| 1e3 * timed.median_ms)
    };
    Ok(Measured { accuracy, loss, one_image_us: time("1")?, batch_us: time("64")? })
}

/// Trains what is left on.
pub(super) fn retrain(
    network: &[String],
    weights: &Path,
    epochs: usize,
    out: &Path,
    words: &[String],
) -> Result<(), Failure> {
    let (weights, epochs, out) = (weights.display().to_string(), epochs.to_string(), out.display().to_string());
    let options = ["--weights", &weights, "--keep", "1", "--epochs", &epochs, "--out", &out];
    run(&line("prune", network, &options, words)).map(drop)
}

/// The words of a command line.
fn line<'a>(command: &'a str, network: &'a [String], options: &[&'a str], more: &'a [String]) -> Vec<&'a str> {
    let network = network.iter().map(String::as_str);
    std::iter::once(command)
        .chain(network)
        .chain(options.iter().copied())
        .chain(more.iter().map(String::as_str))
        .collect()
}

/// The answer of a command in JSON.
fn ask<T: serde::de::DeserializeOwned>(words: &[&str]) -> Result<T, Failure> {
    let answer = run(words)?;
    serde_json::from_str(&answer)
        .map_err(|error| Failure::failed(format!("`netwright {}` gave no answer: {error}", words.join(" "))))
}

/// What a command prints; what it tells goes to this program's own standard error.
fn run(words: &[&str]) -> Result<String, Failure> {
    let own = std::env::current_exe().map_err(|error| Failure::failed(format!("cannot find this program: {error}")))?;
    let mut command = Command::new(&own);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| Failure::io("run", &own, &error))?;
    if !output.status.success() {
        return Err(Failure::failed(format!("`netwright {}` failed", words.join(" "))));
    }
    String::from_utf8(output.stdout).map_err(|_| Failure::failed("the answer is no text"))
}
