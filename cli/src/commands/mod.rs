//! The commands, each in a file of its own.

mod check;
mod data;
mod expand;
mod explain;
mod format;
mod graph;
mod import_weights;
mod new;
mod summary;

use std::process::ExitCode;

use clap::Subcommand;
use netwright_run::{Failure, Task, bench, compress, eval, predict, prune, quantize, train};

use crate::network::Chosen;
use crate::structured;

/// A network with options.
#[derive(Debug, clap::Args)]
pub(crate) struct On<O: clap::Args> {
    #[command(flatten)]
    network: Chosen,
    #[command(flatten)]
    options: O,
}

/// What stands below the options of `train`.
const AFTER_TRAIN: &str = "Writes weights.safetensors (of the last epoch), metrics.jsonl, run.toml (what the run follows \
    from), curve.svg and checkpoints. The test images are measured after each epoch; nothing is chosen by them.";

/// What stands below the options of `prune`.
const AFTER_PRUNE: &str = "Writes weights.safetensors with exact zeros, metrics.jsonl, run.toml and checkpoints. The test images \
    are measured, and nothing is chosen by them; --scan looks at training images.";

/// What stands below the options of `compress`.
const AFTER_COMPRESS: &str = "Weights that are zero stay zero, the others share values, which are trained; what is left is written \
    by Huffman's codes (Deep Compression, Han et al., 2016). The test images are measured, and nothing is chosen by them.";

/// What stands below the options of `quantize`.
const AFTER_QUANTIZE: &str = "Ranges are taken from training images; the test images are measured, and nothing is chosen by \
    them. `eval`, `predict` and `bench` compute in integers with the file, and so does a program that builds it in.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check network descriptions and say what is wrong with them
    Check(check::Args),
    /// Bring network descriptions into their one form
    Fmt(format::Args),
    /// Show a network's layers with shapes, parameters and multiply-adds
    Summary(summary::Args),
    /// Print the Rust code that a network compiles to
    Expand(expand::Args),
    /// Make a crate with a network of its own
    New(new::Args),
    /// Draw a picture of a network
    Graph(graph::Args),
    /// Explain the compiler's messages by their codes, such as N0302
    Explain(explain::Args),
    /// Train a network
    #[command(after_help = AFTER_TRAIN)]
    Train(On<train::Options>),
    /// Measure trained weights on a dataset's test images
    Eval(On<eval::Options>),
    /// Make a small file of trained weights, fit to be built into a program
    #[command(after_help = AFTER_COMPRESS)]
    Compress(On<compress::Options>),
    /// Make a file for inference in 8-bit integers of trained weights
    #[command(after_help = AFTER_QUANTIZE)]
    Quantize(On<quantize::Options>),
    /// Classify images
    Predict(On<predict::Options>),
    /// Take weights away from a trained network, and train the others on
    #[command(after_help = AFTER_PRUNE)]
    Prune(On<prune::Options>),
    /// Take over weights that PyTorch or Keras has trained, from safetensors or npz
    #[command(after_help = import_weights::AFTER)]
    ImportWeights(import_weights::Args),
    /// Fetch datasets, and tell where they are kept
    #[command(subcommand)]
    Data(data::Command),
    /// Measure the time of a training step or of inference
    Bench(On<bench::Options>),
}

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    let done = |result: Result<(), Failure>| result.map(|()| ExitCode::SUCCESS);
    match command {
        Command::Check(args) => check::run(&args),
        Command::Fmt(args) => format::run(&args),
        Command::Summary(args) => done(summary::run(&args)),
        Command::Expand(args) => done(expand::run(&args)),
        Command::New(args) => done(new::run(&args)),
        Command::Graph(args) => done(graph::run(&args)),
        Command::Explain(args) => done(explain::run(&args)),
        Command::Train(On { network, options }) => network.perform(&Task::Train(options)),
        Command::Eval(On { network, options }) => network.perform(&Task::Eval(options)),
        Command::Compress(On { network, options }) => network.perform(&Task::Compress(options)),
        Command::Quantize(On { network, options }) => network.perform(&Task::Quantize(options)),
        Command::Predict(On { network, options }) => network.perform(&Task::Predict(options)),
        Command::Bench(On { network, options }) => network.perform(&Task::Bench(options)),
        Command::Prune(On { network, options }) if options.is_structured() => structured::run(&network, &options),
        Command::Prune(On { network, options }) => network.perform(&Task::Prune(options)),
        Command::ImportWeights(args) => done(import_weights::run(&args)),
        Command::Data(command) => done(data::run(&command)),
    }
}
