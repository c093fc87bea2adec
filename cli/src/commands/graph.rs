//! `netwright graph`: a picture of a network.

use std::path::{Path, PathBuf};

use netwright_compiler::picture::{dot, svg};
use netwright_run::{Failure, output};

use crate::network::Chosen;

/// The arguments of `graph`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    network: Chosen,
    /// The picture's file: .svg, or .dot for graphviz [default: NET.svg in the current folder]
    #[arg(short, long, value_name = "FILE", value_parser = picture)]
    output: Option<PathBuf>,
}

/// Takes files of the two kinds that can be written.
fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match kind(&path) {
        Some(_) => Ok(path),
        None => Err("expected a file that ends with .svg or .dot".to_owned()),
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Svg,
    Dot,
}

fn kind(path: &Path) -> Option<Kind> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "svg" => Some(Kind::Svg),
        "dot" | "gv" => Some(Kind::Dot),
        _ => None,
    }
}

/// Draws the picture.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let compiled = args.network.compile()?;
    let path = args.output.clone().unwrap_or_else(|| {
        let name = args.network.subject().name;
        PathBuf::from(format!("{name}.svg"))
    });
    let text = match kind(&path) {
        Some(Kind::Dot) => dot(&compiled.graph),
        Some(Kind::Svg) | None => svg(&compiled.graph)
            .map_err(|error| Failure::because(&error).help("write a text for graphviz instead: -o FILE.dot"))?,
    };
    output::write_file(&path, &text)?;
    output::note(&format!("picture in {}", path.display()));
    Ok(())
}
