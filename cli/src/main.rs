//! The `netwright` command: checks, formats, summarises and expands network descriptions; trains, evaluates, runs and
//! measures networks, those that come with it and those of `.net` files.
//!
//! Data goes to standard output, progress and diagnostics to standard error. Exit codes: 0, 1 for findings and
//! failures, 2 for a wrong command line.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod commands;
mod import;
mod markdown;
mod message;
mod network;
mod origin;
mod program;
mod registry;
mod structured;

use std::process::ExitCode;

use clap::Parser;

/// A compiler for neural networks: a description in a `.net` file becomes specialised Rust that trains and predicts
#[derive(Debug, Parser)]
#[command(name = "netwright", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: commands::Command,
}

/// What stands below the commands.
fn after_help() -> String {
    let names: Vec<&str> = netwright_models::names().collect();
    format!(
        "Bundled networks: {}. `netwright summary lenet` shows one.\nTry: netwright train lenet --data digits --epochs 2",
        names.join(", ")
    )
}

fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    match commands::run(command) {
        Ok(exit) => exit,
        Err(failure) => failure.report(),
    }
}
