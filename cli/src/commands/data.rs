//! `netwright data`: fetching datasets, and where they are kept.

use netwright::data::cache;
use netwright::data::named::NAMES;
use netwright_run::{Failure, data, output};

/// What to do with data.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Fetch a dataset into the cache folder, unless it is there, and check it
    Fetch {
        /// mnist or fashion-mnist
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Print the cache folder, or a dataset's folder in it
    Path {
        /// mnist or fashion-mnist
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

/// Fetches, or prints a path.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Fetch { name } => {
            let splits = data::load(&known(name)?, None)?;
            output::note(&data::describe(name, &splits));
            match name.as_str() {
                "digits" => {
                    output::note("`digits` is embedded in this program: there is nothing to fetch");
                    Ok(())
                }
                _ => print_path(Some(name)),
            }
        }
        Command::Path { name } => print_path(name.as_deref().map(known).transpose()?.as_deref()),
    }
}

fn print_path(name: Option<&str>) -> Result<(), Failure> {
    let path = match name {
        Some(name) => cache::folder(name)?,
        None => cache::root()?,
    };
    output::print(&format!("{}\n", path.display()))
}

/// Refuses folders, which are never fetched.
fn known(name: &str) -> Result<String, Failure> {
    if data::is_known(name) {
        return Ok(name.to_owned());
    }
    Err(data::unknown(name, &NAMES))
}
