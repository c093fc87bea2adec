//! `netwright expand`: generated code for reading.

use std::path::PathBuf;

use netwright_compiler::emit::{Int8Code, Target, emit, to_text};
use netwright_run::{Failure, output};

use crate::network::Chosen;

/// The arguments of `expand`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    network: Chosen,
    /// With inference in integers, as `model!` has it with a file of `netwright quantize`
    #[arg(long)]
    int8: bool,
    /// Write the code to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Prints the code.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let compiled = args.network.compile()?;
    let bug = |error: String| {
        Failure::failed(error).help("this is a bug of netwright: please report it with the description")
    };
    let mut target = Target::text();
    if args.int8 {
        target.int8 = Some(Int8Code { plans: compiled.int8().map_err(bug)?, calibrates: false });
    }
    let code = to_text(emit(&compiled, &target)).map_err(bug)?;
    match &args.output {
        Some(path) => output::write_file(path, &code),
        None => output::print(&code),
    }
}
