//! `netwright expand`: generated code for reading.

use std::path::PathBuf;

use netwright_compiler::emit::{Target, emit, to_text};
use netwright_run::{Failure, output};

use crate::network::Chosen;

/// The arguments of `expand`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    network: Chosen,
    /// Write the code to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Prints the code.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let compiled = args.network.compile()?;
    let code = to_text(emit(&compiled, &Target::text())).map_err(|error| {
        Failure::failed(error).help("this is a bug of netwright: please report it with the description")
    })?;
    match &args.output {
        Some(path) => output::write_file(path, &code),
        None => output::print(&code),
    }
}
