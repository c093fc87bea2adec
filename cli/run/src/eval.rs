//! `netwright eval`: trained weights on a dataset's test images.

use std::path::PathBuf;

use comfy_table::Table;
use netwright_runtime::Trainable;
use netwright_runtime::data::Splits;
use netwright_runtime::data::named::class_names;
use netwright_runtime::train::{Confusion, Evaluation, confusion, evaluate};
use serde::Serialize;

use crate::Subject;
use crate::data::{self, DataArgs};
use crate::failure::Failure;
use crate::labels;
use crate::run::weights;
use crate::threads::Threads;
use crate::{output, text};

/// Images that are evaluated at a time; no result depends on it but for the last bits of the loss.
pub(crate) const BATCH: usize = 64;

/// The options of `eval`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Weights as `netwright train` or `compress` writes them
    /// [default: those that the last training run of the network left in runs/]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    threads: Threads,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Evaluates and prints.
pub(crate) fn run<N: Trainable>(subject: &Subject, options: &Options) -> Result<(), Failure> {
    options.threads.run(|| evaluate_and_print::<N>(subject, options))
}

/// The answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    network: &'a str,
    n: usize,
    loss: f64,
    accuracy: Option<f64>,
}

fn evaluate_and_print<N: Trainable>(subject: &Subject, options: &Options) -> Result<(), Failure> {
    let Options { weights, data, json, .. } = options;
    let found = weights::find(subject, weights.as_deref())?;
    let network = found.load::<N>()?;
    let name = data.data.as_deref().or(found.data()).unwrap_or(data::DEFAULT);
    let Splits { test, .. } = data::load_for::<N>(name, data.limit.map(usize::from))?;
    let Evaluation { loss, accuracy, n } = evaluate(&network, &test, BATCH)?;
    if *json {
        return output::print_json(&Answer { network: N::SPEC.name, n, loss, accuracy });
    }
    let accuracy = accuracy.map_or_else(String::new, |accuracy| format!(", accuracy {}", text::percent(accuracy)));
    let line = format!(
        "{} with {} on {} of {name}: loss {loss:.4}{accuracy}\n",
        N::SPEC.name,
        found.path().display(),
        text::count(n, "test image"),
    );
    let classes = match test.n_classes() {
        Some(_) => {
            let names = labels::<N>(0).or(class_names(name));
            format!("\n{}\n", table(&confusion(&network, &test, BATCH)?, names))
        }
        None => String::new(),
    };
    output::print(&(line + &classes))
}

/// How each class fared.
fn table(confusion: &Confusion, names: Option<&[&str]>) -> Table {
    let name = |class: usize| match names.and_then(|names| names.get(class)) {
        Some(name) => (*name).to_owned(),
        None => class.to_string(),
    };
    let percent = |fraction: Option<f64>| fraction.map_or_else(|| "-".to_owned(), text::percent);
    let classes = confusion.n_classes();
    let row = |class: usize| {
        let images = (0..classes).map(|predicted| confusion.count(class, predicted)).sum();
        let others = (0..classes).filter(|&other| other != class).map(|other| (confusion.count(class, other), other));
        // The first of the largest.
        let worst = others.filter(|(count, _)| *count > 0).max_by_key(|&(count, other)| (count, classes - other));
        [
            name(class),
            text::thousands(images),
            percent(confusion.recall(class)),
            percent(confusion.precision(class)),
            worst.map_or_else(String::new, |(count, other)| format!("{} ({count})", name(other))),
        ]
    };
    let headings = ["class", "images", "accuracy", "precision", "most often taken for"];
    output::table(headings, (0..classes).map(row).collect(), &[1, 2, 3])
}
