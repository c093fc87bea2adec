//! From text to the graphs that tests interpret.

use netwright_compiler::diagnostic::{Sink, short};
use netwright_compiler::driver::{self, Settings};
use netwright_compiler::lower::Lowered;
use netwright_compiler::passes::{Mode, Unit, prepare};
use netwright_compiler::source::SourceMap;

/// The checked graph and recipe of a text's one network.
///
/// # Errors
///
/// Every message of the compiler, one on a line.
pub fn compile(text: &str) -> Result<Lowered, String> {
    compile_with(text, &Settings::default())
}

/// The same with values for the network's parameters.
///
/// # Errors
///
/// As [`compile`].
pub fn compile_with(text: &str, settings: &Settings) -> Result<Lowered, String> {
    let mut map = SourceMap::new();
    let source = map.add("test.net", text);
    let mut sink = Sink::new();
    let lowered = driver::check(source, &mut map, settings, &mut netwright_files::Disk::bundled(), &mut sink);
    match lowered {
        Some(lowered) if !sink.has_errors() => Ok(lowered),
        _ => {
            Err(sink.diagnostics().into_iter().map(|diagnostic| short(diagnostic, &map)).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// What the passes make of a checked network.
///
/// # Errors
///
/// If the verifier finds a bug.
pub fn prepared(lowered: &Lowered, mode: Mode) -> Result<Unit, String> {
    prepare(&lowered.graph, mode, lowered.recipe.as_ref())
}
