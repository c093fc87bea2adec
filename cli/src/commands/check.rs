//! `netwright check`: what the compiler has to say about descriptions, and mending what has one right mend.

use std::process::ExitCode;

use netwright_compiler::diagnostic::apply;
use netwright_compiler::{Compiled, summary};
use netwright_run::{Failure, Values, output, text};

use crate::message::Format;
use crate::network::{self, Checked, Network};

/// How often the edits of a text are followed by edits of what they made of it.
const ROUNDS: usize = 4;

/// The arguments of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `.net` files, or bundled networks by name
    #[arg(required = true, value_name = "FILE", value_parser = network::parse)]
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
    let checked = match network.check(&args.values) {
        Ok(checked) if args.fix => mend(network, checked, &args.values)?,
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
        let what = checked.compiled.as_ref().map_or_else(|| "blocks only".to_owned(), describe);
        output::print(&format!("{good}ok{good:#} {}: {what}\n", checked.name))?;
    }
    Ok(is_good)
}

/// Makes the edits that the diagnostics carry, and replaces the file by what comes of them.
fn mend(network: &Network, mut checked: Checked, values: &Values) -> Result<Checked, Failure> {
    let mut n_made = 0;
    for _ in 0..ROUNDS {
        let (text, n) = apply(checked.source, checked.map.text(checked.source), &checked.sink.diagnostics());
        if n == 0 {
            break;
        }
        n_made += n;
        checked = Checked::of(checked.name, checked.path, text, values);
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
