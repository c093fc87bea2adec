//! `netwright check`: what the compiler has to say about descriptions.

use std::process::ExitCode;

use netwright_compiler::diagnostic::{Data, LabelData, data};
use netwright_compiler::source::Location;
use netwright_compiler::{Compiled, summary};
use serde::Serialize;

use crate::failure::Failure;
use crate::network::{self, Network};
use crate::{output, text};

/// The arguments of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `.net` files, or bundled networks by name
    #[arg(required = true, value_name = "FILE", value_parser = network::parse)]
    networks: Vec<Network>,
    /// Print every diagnostic as a line of JSON on standard output
    #[arg(long)]
    json: bool,
}

/// Checks all; exit code 1 if one has errors or cannot be read.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut good = true;
    for network in &args.networks {
        good &= check(network, args.json)?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a network is free of errors.
fn check(network: &Network, json: bool) -> Result<bool, Failure> {
    let checked = match network.check() {
        Ok(checked) => checked,
        Err(error) => {
            // The other files are checked all the same.
            let _ = Failure::from(error).report();
            return Ok(false);
        }
    };
    if json {
        for diagnostic in checked.sink.diagnostics() {
            output::print_json(&Line::from(&data(diagnostic, &checked.map)))?;
        }
    } else {
        checked.tell();
        if let Some(compiled) = &checked.compiled {
            let good = output::GOOD;
            output::print(&format!("{good}ok{good:#} {}: {}\n", checked.name, describe(compiled)))?;
        }
    }
    Ok(checked.compiled.is_some())
}

/// A network in one line.
fn describe(compiled: &Compiled) -> String {
    let layers = summary::layers(&compiled.graph);
    let parameters = layers.iter().map(|layer| layer.parameters).sum();
    let macs = layers.iter().map(|layer| layer.macs).sum();
    format!(
        "{}, {} parameters, {} multiply-adds",
        compiled.graph.name,
        text::thousands(parameters),
        text::thousands(macs)
    )
}

/// A diagnostic as JSON.
#[derive(Serialize)]
struct Line<'a> {
    code: &'a str,
    level: &'a str,
    title: &'a str,
    primary: Label<'a>,
    secondary: Vec<Label<'a>>,
    notes: &'a [String],
    helps: &'a [String],
}

/// A place with what is said about it; lines and columns count from 1.
#[derive(Serialize)]
struct Label<'a> {
    file: &'a str,
    byte_start: usize,
    byte_end: usize,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    text: &'a str,
}

impl<'a> From<&'a Data> for Line<'a> {
    fn from(data: &'a Data) -> Self {
        let Data { code, level, title, primary, secondary, notes, helps } = data;
        Self {
            code,
            level,
            title,
            primary: primary.into(),
            secondary: secondary.iter().map(Label::from).collect(),
            notes,
            helps,
        }
    }
}

impl<'a> From<&'a LabelData> for Label<'a> {
    fn from(label: &'a LabelData) -> Self {
        let LabelData { file, byte_start, byte_end, start, end, text } = label;
        let (Location { line, column }, Location { line: end_line, column: end_column }) = (*start, *end);
        Self { file, byte_start: *byte_start, byte_end: *byte_end, line, column, end_line, end_column, text }
    }
}
