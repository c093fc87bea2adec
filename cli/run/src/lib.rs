//! What the `netwright` command does with a compiled network: training, evaluation, prediction, measuring.
//!
//! The command calls it for the networks that come with it. For a `.net` file it generates a program that calls it with
//! that file's network ([`program`]), so that both behave the same. The modules beside [`Task`] are the command's own
//! words: what it prints, and how it fails.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod bench;
pub mod compress;
pub mod data;
pub mod eval;
pub mod failure;
pub mod output;
pub mod predict;
pub mod program;
pub mod prune;
pub mod quantize;
mod run;
mod subject;
pub mod text;
mod threads;
pub mod train;
mod values;

use std::process::ExitCode;

use netwright_runtime::{Network, Trainable};

pub use failure::Failure;
pub use subject::Subject;
pub use values::Values;

/// What generated code uses, for the generated program.
#[doc(hidden)]
pub use netwright_runtime::generated;

/// What to do with a network.
#[derive(Debug, Clone)]
pub enum Task {
    /// Train it.
    Train(train::Options),
    /// Measure trained weights on test images.
    Eval(eval::Options),
    /// Classify images.
    Predict(predict::Options),
    /// Make a small file of its weights.
    Compress(compress::Options),
    /// Make a file for inference in integers of its weights.
    Quantize(quantize::Options),
    /// Measure the time of a step.
    Bench(bench::Options),
    /// Take weights away.
    Prune(prune::Options),
}

impl Task {
    /// Why it cannot be done with a network that has no `train` section; `None` if it can.
    #[must_use]
    pub fn needs_training(&self, subject: &Subject) -> Option<Failure> {
        const NAMES_LOSS: &str = "the section names the loss";
        let (verb, help) = match self {
            Self::Train(_) => ("train", subject.training_help("add one")),
            Self::Eval(_) => ("evaluate", subject.training_help(NAMES_LOSS)),
            Self::Prune(_) => ("prune", subject.training_help("the weights that are left are trained on")),
            Self::Bench(options) if options.trains() => {
                ("measure the training of", "measure `--mode infer`".to_owned())
            }
            Self::Compress(options) if options.trains() => {
                ("train the shared values of", "take them as they are: `--epochs 0`, without --data".to_owned())
            }
            Self::Quantize(_) => ("measure the quantised weights of", subject.training_help(NAMES_LOSS)),
            Self::Predict(_) | Self::Compress(_) | Self::Bench(_) => return None,
        };
        Some(Failure::failed(format!("cannot {verb} {}: it has no `train` section", subject.argument)).help(help))
    }
}

impl Task {
    /// Why it cannot be done with a network of several inputs; `None` if it can. `inputs` are their names.
    #[must_use]
    pub fn needs_one_input(&self, subject: &Subject, inputs: &[&str]) -> Option<Failure> {
        let (verb, reason) = match self {
            Self::Train(_) => ("train", "the command's datasets have one"),
            Self::Eval(_) => ("evaluate", "the command's datasets have one"),
            Self::Prune(_) => ("prune", "the command's datasets have one"),
            Self::Quantize(_) => ("quantise", "the command's datasets have one"),
            Self::Predict(_) => ("predict with", "an image is one"),
            Self::Compress(options) if options.trains() => {
                ("train the shared values of", "the command's datasets have one")
            }
            Self::Compress(_) | Self::Bench(_) => return None,
        };
        if inputs.len() < 2 {
            return None;
        }
        let (argument, n, names) = (&subject.argument, inputs.len(), inputs.join(", "));
        let message = format!("cannot {verb} {argument}: it has {n} inputs ({names}), and {reason}");
        Some(Failure::usage(message).help("use the network in a program of your own: `model!`, `Dataset::with_input`"))
    }
}

/// What the description calls the classes of an output, where it says.
fn labels<N: Network>(output: usize) -> Option<&'static [&'static str]> {
    N::OUTPUT_LABELS.get(output).copied().filter(|labels| !labels.is_empty())
}

/// The names of a network's inputs.
fn inputs<N: Network>() -> Vec<&'static str> {
    N::SPEC.inputs.iter().map(|input| input.name).collect()
}

/// Does a task with a network that can be trained.
///
/// # Errors
///
/// What went wrong, for the command's user.
pub fn perform<N: Trainable>(subject: &Subject, task: &Task) -> Result<ExitCode, Failure> {
    if let Some(failure) = task.needs_one_input(subject, &inputs::<N>()) {
        return Err(failure);
    }
    warn_of_isa();
    let done = |()| ExitCode::SUCCESS;
    match task {
        Task::Train(options) => train::run::<N>(subject, options),
        Task::Eval(options) => eval::run::<N>(subject, options).map(done),
        Task::Predict(options) => predict::run::<N>(subject, options),
        Task::Compress(options) => compress::run::<N>(subject, options).map(done),
        Task::Quantize(options) => quantize::run::<N>(subject, options).map(done),
        Task::Bench(options) => bench::run::<N>(subject, options).map(done),
        Task::Prune(options) => prune::run::<N>(subject, options),
    }
}

/// Does a task with a network that cannot be trained.
///
/// # Errors
///
/// What went wrong, for the command's user.
pub fn perform_untrained<N: Network>(subject: &Subject, task: &Task) -> Result<ExitCode, Failure> {
    if let Some(failure) = task.needs_training(subject) {
        return Err(failure);
    }
    if let Some(failure) = task.needs_one_input(subject, &inputs::<N>()) {
        return Err(failure);
    }
    warn_of_isa();
    match task {
        Task::Predict(options) => predict::run::<N>(subject, options),
        Task::Compress(options) => compress::run_untrained::<N>(subject, options).map(|()| ExitCode::SUCCESS),
        Task::Bench(options) => bench::run_inference::<N>(subject, options).map(|()| ExitCode::SUCCESS),
        // Refused above.
        Task::Train(_) | Task::Eval(_) | Task::Prune(_) | Task::Quantize(_) => Ok(ExitCode::FAILURE),
    }
}

/// Says if the environment asks for an instruction set that is not there.
fn warn_of_isa() {
    if let Some(problem) = netwright_kernels::isa_problem() {
        output::warning(&problem);
    }
}
