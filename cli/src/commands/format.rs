//! `netwright fmt`: descriptions in their one form, in place, or what would change.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use netwright_compiler::diagnostic::{Sink, Style as MessageStyle, escape, render_all};
use netwright_compiler::format::format;
use netwright_compiler::source::SourceMap;
use netwright_compiler::syntax::limits::MAX_TEXT_BYTES;
use netwright_files::{Loaded, load_path, net_files};
use netwright_run::{Failure, output, text};
use similar::{ChangeTag, TextDiff};

use crate::network::{self, Network};

/// What stands below the options.
const AFTER: &str = "Files change in place, and only if they are not in the form yet. A text with mistakes of syntax \
    stays as it is. Exit code 1 says that a text could not be formatted, or, with --check, that one is not in the form.";

/// The lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// How long a shortest difference is sought; after that, one that is longer will do.
const SEARCH: Duration = Duration::from_secs(2);

const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const PLACE: Style = AnsiColor::Cyan.on_default();

/// The arguments of `fmt`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// `.net` files, folders of such, or - for standard input to standard output
    #[arg(value_name = "FILE", value_parser = parse, default_value = ".")]
    inputs: Vec<Input>,
    /// Change nothing; print what would change, and end with 1 if anything would
    #[arg(long)]
    check: bool,
}

/// What the command line names.
#[derive(Debug, Clone)]
enum Input {
    Standard,
    Network(Network),
}

fn parse(text: &str) -> Result<Input, String> {
    if text == "-" { Ok(Input::Standard) } else { network::parse(text).map(Input::Network) }
}

/// What there was to do about texts.
#[derive(Debug, Default)]
struct Count {
    /// All that were looked at.
    all: usize,
    /// Those that are not in the form.
    changed: usize,
    /// Those that could not be read or formatted.
    failed: usize,
}

/// Formats all; what is wrong with one does not keep the others from it.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    for input in &args.inputs {
        match input {
            Input::Network(Network::Bundled(name)) => {
                return Err(Failure::usage(format!("cannot format <{name}>: it is a part of this program"))
                    .help(format!("a file of that name is given as ./{name}")));
            }
            Input::Standard if args.inputs.len() > 1 => {
                return Err(Failure::usage("standard input is formatted alone; leave out the other files"));
            }
            Input::Standard | Input::Network(Network::File(_)) => {}
        }
    }
    let mut count = Count::default();
    for input in &args.inputs {
        match input {
            Input::Standard => standard(args.check, &mut count)?,
            Input::Network(Network::File(path)) if path.is_dir() => folder(path, args.check, &mut count)?,
            Input::Network(Network::File(path)) => file(path, args.check, &mut count)?,
            Input::Network(Network::Bundled(_)) => {}
        }
    }
    if args.check && count.changed > 0 {
        let all = text::count(count.all, "text");
        output::note(&format!("{} of {all} not in the form; `netwright fmt` writes it", count.changed));
    }
    let good = count.failed == 0 && !(args.check && count.changed > 0);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Formats the files of a folder.
fn folder(path: &Path, check: bool, count: &mut Count) -> Result<(), Failure> {
    let files = net_files(path).map_err(|error| Failure::because(&error))?;
    if files.is_empty() {
        return Err(Failure::failed(format!("there is no .net file in {}", escape(&path.display().to_string()))));
    }
    files.iter().try_for_each(|path| file(path.strip_prefix(".").unwrap_or(path), check, count))
}

/// Formats a file.
fn file(path: &Path, check: bool, count: &mut Count) -> Result<(), Failure> {
    count.all += 1;
    let Loaded { name, text, path } = match load_path(path, None) {
        Ok(loaded) => loaded,
        Err(error) => {
            count.failed += 1;
            let _ = Failure::because(&error).report();
            return Ok(());
        }
    };
    let Some(formatted) = formatted(&name, &text, count) else { return Ok(()) };
    if formatted == text {
        return Ok(());
    }
    count.changed += 1;
    if check {
        return output::print(&difference(&name, &text, &formatted));
    }
    if let Some(path) = path {
        output::write_file(&path, &formatted)?;
        output::note(&format!("formatted {}", escape(&name)));
    }
    Ok(())
}

/// Formats standard input to standard output.
fn standard(check: bool, count: &mut Count) -> Result<(), Failure> {
    const NAME: &str = "<stdin>";
    count.all += 1;
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MAX_TEXT_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::failed(format!("cannot read standard input: {error}")))?;
    let text = String::from_utf8(bytes)
        .map_err(|error| Failure::failed(format!("standard input is not UTF-8: {}", error.utf8_error())))?;
    let Some(formatted) = formatted(NAME, &text, count) else { return Ok(()) };
    count.changed += usize::from(formatted != text);
    match (check, formatted == text) {
        (true, true) => Ok(()),
        (true, false) => output::print(&difference(NAME, &text, &formatted)),
        (false, _) => output::print(&formatted),
    }
}

/// The text in its form; `None` if it has mistakes, which are told.
fn formatted(name: &str, text: &str, count: &mut Count) -> Option<String> {
    let (mut map, mut sink) = (SourceMap::new(), Sink::new());
    let source = map.add(name, text);
    let formatted = format(source, &map, &mut sink);
    if formatted.is_none() {
        count.failed += 1;
        output::tell(&render_all(&sink, &map, MessageStyle::Ansi));
    }
    formatted
}

/// What differs, in the form that `patch -p0` reads.
fn difference(name: &str, before: &str, after: &str) -> String {
    let differ = TextDiff::configure().timeout(SEARCH).diff_lines(before, after);
    let name = escape(name);
    let mut text = format!("{REMOVED}--- {name}{REMOVED:#}\n{ADDED}+++ {name}{ADDED:#}\n");
    for hunk in differ.unified_diff().context_radius(CONTEXT).iter_hunks() {
        text.push_str(&format!("{PLACE}{}{PLACE:#}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let style = match change.tag() {
                ChangeTag::Delete => REMOVED,
                ChangeTag::Insert => ADDED,
                ChangeTag::Equal => Style::new(),
            };
            let line = change.value();
            let line = line.strip_suffix('\n').unwrap_or(line);
            text.push_str(&format!("{style}{}{line}{style:#}\n", change.tag()));
            if change.missing_newline() {
                text.push_str("\\ No newline at end of file\n");
            }
        }
    }
    text
}
