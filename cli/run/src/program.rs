//! The program that the command generates for a `.net` file: the same command line, for one network.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use netwright_runtime::{Network, Trainable};

use crate::{Failure, Subject, Task, Values, bench, eval, perform, perform_untrained, predict, prune, train};

/// The part of the command's line that needs a compiled network. The command has read it before.
#[derive(Debug, Parser)]
#[command(name = "netwright", version)]
enum Line {
    Train(On<train::Options>),
    Eval(On<eval::Options>),
    Predict(On<predict::Options>),
    Bench(On<bench::Options>),
    Prune(On<prune::Options>),
}

/// A file with options.
#[derive(Debug, clap::Args)]
struct On<O: clap::Args> {
    #[arg(value_name = "NET")]
    network: PathBuf,
    /// They are compiled in.
    #[command(flatten)]
    values: Values,
    #[command(flatten)]
    options: O,
}

impl Line {
    fn split(self) -> (PathBuf, Values, Task) {
        match self {
            Self::Train(On { network, values, options }) => (network, values, Task::Train(options)),
            Self::Eval(On { network, values, options }) => (network, values, Task::Eval(options)),
            Self::Predict(On { network, values, options }) => (network, values, Task::Predict(options)),
            Self::Bench(On { network, values, options }) => (network, values, Task::Bench(options)),
            Self::Prune(On { network, values, options }) => (network, values, Task::Prune(options)),
        }
    }
}

/// The `main` of a program for a network that can be trained; `bundled` is its name, where it comes with the command.
#[must_use]
pub fn main<N: Trainable>(bundled: Option<&str>) -> ExitCode {
    start(std::env::args_os(), bundled, perform::<N>)
}

/// The `main` of a program for a network that cannot be trained; `bundled` is its name, where it comes with the command.
#[must_use]
pub fn main_untrained<N: Network>(bundled: Option<&str>) -> ExitCode {
    start(std::env::args_os(), bundled, perform_untrained::<N>)
}

fn start(
    words: impl Iterator<Item = OsString>,
    bundled: Option<&str>,
    work: impl FnOnce(&Subject, &Task) -> Result<ExitCode, Failure>,
) -> ExitCode {
    let (path, values, task) = Line::parse_from(words).split();
    let subject = bundled.map_or_else(|| Subject::file(&path), Subject::bundled).with(&values);
    work(&subject, &task).unwrap_or_else(Failure::report)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_line_is_well_formed_and_read() {
        Line::command().debug_assert();
        let line = Line::parse_from(["netwright", "predict", "a.net", "b.png", "c.png", "--top", "2"]);
        let (path, _, task) = line.split();
        assert_eq!(path, PathBuf::from("a.net"));
        assert!(matches!(task, Task::Predict(_)));
        assert!(task.needs_training(&Subject::file(&path)).is_none());
        let (path, values, task) = Line::parse_from(["netwright", "bench", "a.net", "--set", "size=64"]).split();
        assert_eq!(Subject::file(&path).with(&values).values, ["size=64"]);
        assert!(task.needs_training(&Subject::file(&path)).is_some(), "the default is to measure training");
    }
}
