//! The commands, each in a file of its own.

mod bench;
mod check;
mod data;
mod eval;
mod expand;
mod explain;
mod predict;
mod summary;
mod train;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check network descriptions and say what is wrong with them
    Check(check::Args),
    /// Show a network's layers with shapes, parameters and multiply-adds
    Summary(summary::Args),
    /// Print the Rust code that a network compiles to
    Expand(expand::Args),
    /// Explain the compiler's messages by their codes, such as N0302
    Explain(explain::Args),
    /// Train a bundled network
    Train(train::Args),
    /// Measure trained weights on a dataset's test images
    Eval(eval::Args),
    /// Classify images
    Predict(predict::Args),
    /// Fetch datasets, and tell where they are kept
    #[command(subcommand)]
    Data(data::Command),
    /// Measure the time of a training step or of inference
    Bench(bench::Args),
}

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    let done = |result: Result<(), Failure>| result.map(|()| ExitCode::SUCCESS);
    match command {
        Command::Check(args) => check::run(&args),
        Command::Summary(args) => done(summary::run(&args)),
        Command::Expand(args) => done(expand::run(&args)),
        Command::Explain(args) => done(explain::run(&args)),
        Command::Train(args) => train::run(&args),
        Command::Eval(args) => done(eval::run(&args)),
        Command::Predict(args) => predict::run(&args),
        Command::Data(command) => done(data::run(&command)),
        Command::Bench(args) => done(bench::run(&args)),
    }
}
