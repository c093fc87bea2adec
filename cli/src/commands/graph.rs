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
    /// Levels to draw: at 1, every block is one box [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    depth: Option<u16>,
}

/// From how many layers on a picture with every block open is more than a reader takes in.
const MANY: usize = 100;

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
    let depth = args.depth.map(usize::from);
    let text = match kind(&path) {
        Some(Kind::Dot) => dot(&compiled.graph, depth),
        Some(Kind::Svg) | None => svg(&compiled.graph, depth)
            .map_err(|error| Failure::because(&error).help("write a text for graphviz instead: -o FILE.dot"))?,
    };
    output::write_file(&path, &text)?;
    output::note(&format!("picture in {}", path.display()));
    let n_layers = compiled.graph.nodes.len();
    if depth.is_none() && n_layers > MANY && compiled.graph.nodes.iter().any(|node| node.layer.contains('.')) {
        output::note(&format!("{n_layers} layers make a long picture: `--depth 1` draws each block as one box"));
    }
    Ok(())
}
