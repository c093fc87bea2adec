//! Writing to people and programs: answers to standard output, everything else to standard error.
//!
//! Colours are left out where the stream is no terminal or `NO_COLOR` is set.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use atomic_write_file::AtomicWriteFile;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use serde::Serialize;

use crate::failure::Failure;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default().bold();
/// For the word that says that all is well.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// For what a table's or a list's lines are about.
pub const STRONG: Style = Style::new().bold();

/// Whether standard output shows colours: a terminal, or what takes its place by `CLICOLOR_FORCE`.
pub fn is_styled() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Writes text to standard output as it is.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::nobody_reads(),
        _ => Failure::failed(format!("cannot write to standard output: {error}")),
    })
}

/// Writes one line of JSON to standard output.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value).map_err(|error| Failure::failed(format!("cannot write JSON: {error}")))?;
    print(&(line + "\n"))
}

/// Writes text to standard error as it is. That nobody listens there is no reason to stop.
pub fn tell(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Writes a line to standard error.
pub fn note(line: &str) {
    tell(&format!("{line}\n"));
}

/// Writes a warning to standard error.
pub fn warning(message: &str) {
    tell(&format!("{WARNING}warning{WARNING:#}: {message}\n"));
}

/// Writes an error to standard error.
pub fn error(message: &str) {
    tell(&format!("{ERROR}error{ERROR:#}: {message}\n"));
}

/// Writes what to do about an error or a warning.
pub fn help(message: &str) {
    tell(&format!("  {HELP}help{HELP:#}: {message}\n"));
}

/// A table with these headings, a line below them and no other; columns of numbers are those from `numbers`.
pub fn table<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>, numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header(headings);
    table.add_rows(rows);
    for &number in numbers {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Replaces a file by this text: at any moment the old file or the whole new one is there.
pub fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        let mut file = AtomicWriteFile::open(path)?;
        file.write_all(text.as_bytes())?;
        file.commit()
    };
    write().map_err(|error| Failure::io("write", path, &error))
}
