//! `netwright check`: what the compiler has to say about descriptions, and mending what has one right mend.

use std::process::ExitCode;

use netwright_compiler::diagnostic::{apply, suggest};
use netwright_compiler::lint::{LINTS, WARNINGS};
use netwright_compiler::{Compiled, summary};
use netwright_run::{Failure, Values, output, text};

use crate::message::Format;
use crate::network::{self, Checked, Network};

/// How often the edits of a text are followed by edits of what they made of it, at most: a statement with several mistakes shows
/// them one after another.
const ROUNDS: usize = 100;

/// The arguments of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `.net` files, or bundled networks by name
    #[arg(required = true, value_name = "FILE", value_parser = parse)]
    networks: Vec<Network>,
    #[command(flatten)]
    values: Values,
    /// How diagnostics are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Human)]
    message_format: Format,
    /// The same as --message-format json
    #[arg(long, conflicts_with = "message_format")]
    json: bool,
    /// Mend the files where a mistake has exactly one mend, then check them
    #[arg(long)]
    fix: bool,
    /// Lints that are errors where the description says nothing of them, or `warnings` for all that warn
    #[arg(long, value_name = "LINT", value_parser = lint, value_delimiter = ',')]
    deny: Vec<String>,
}

/// Reads what names a network, as [`network::parse`] does.
fn parse(text: &str) -> Result<Network, String> {
    match text {
        "-" => Err("standard input is not read: give the path of a file, such as nets/mine.net".to_owned()),
        _ => network::parse(text),
    }
}

/// The name of a lint.
fn lint(text: &str) -> Result<String, String> {
    let names = || LINTS.iter().map(|lint| lint.name).chain([WARNINGS]);
    if names().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    Err(match suggest(text, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected one of {}", names().collect::<Vec<_>>().join(", ")),
    })
}

/// Checks all; exit code 1 if one has errors or cannot be read.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let format = if args.json { Format::Json } else { args.message_format };
    if args.fix
        && let Some(Network::Bundled(name)) =
            args.networks.iter().find(|network| matches!(network, Network::Bundled(_)))
    {
        return Err(Failure::usage(format!("cannot fix <{name}>: it is a part of this program"))
            .help(format!("a file of that name is given as ./{name}")));
    }
    let mut good = true;
    for network in &args.networks {
        good &= check(network, args, format)?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a network is free of errors.
fn check(network: &Network, args: &Args, format: Format) -> Result<bool, Failure> {
    let checked = match network.check(&args.values, &args.deny) {
        Ok(checked) if args.fix => mend(network, checked, args)?,
        Ok(checked) => checked,
        Err(error) => {
            // The other files are checked all the same.
            format.unreadable(&network.label(), Failure::because(&error))?;
            return Ok(false);
        }
    };
    format.tell(&checked)?;
    let is_good = !checked.sink.has_errors();
    if is_good && format.is_for_people() {
        let good = output::GOOD;
        let what =
            checked.compiled.as_ref().map_or_else(|| "no network, blocks or constants only".to_owned(), describe);
        output::print(&format!("{good}ok{good:#} {}: {what}\n", checked.name))?;
    }
    Ok(is_good)
}

/// Makes the edits that the diagnostics carry, and replaces the file by what comes of them.
fn mend(network: &Network, mut checked: Checked, args: &Args) -> Result<Checked, Failure> {
    let mut n_made = 0;
    for _ in 0..ROUNDS {
        let (text, n) = apply(checked.source, checked.map.text(checked.source), &checked.sink.diagnostics());
        if n == 0 {
            break;
        }
        n_made += n;
        checked = Checked::of(checked.name, checked.path, text, &args.values, &args.deny);
    }
    if n_made > 0
        && let Some(path) = &checked.path
    {
        output::write_file(path, checked.map.text(checked.source))?;
        output::note(&format!("made {} in {}", text::count(n_made, "edit"), network.label()));
    }
    Ok(checked)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_is_no_network() {
        assert!(parse("-").is_err_and(|message| message.starts_with("standard input is not read")));
        assert!(parse("lenet").is_ok());
    }
}
