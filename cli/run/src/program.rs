//! The program that the command generates for a `.net` file: the same command line, for one network.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use netwright_runtime::{Network, Trainable};

use crate::{
    Failure, Subject, Task, Values, bench, compress, eval, perform, perform_untrained, predict, prune, quantize, train,
};

/// The option by which the command tells a program which further files its description uses.
pub const USES: &str = "description-uses";

/// The part of the command's line that needs a compiled network. The command has read it before.
#[derive(Debug, Parser)]
#[command(name = "netwright", version)]
enum Line {
    Train(On<train::Options>),
    Eval(On<eval::Options>),
    Predict(On<predict::Options>),
    Compress(On<compress::Options>),
    Quantize(On<quantize::Options>),
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
    /// Files that the description uses, which the command has found.
    #[arg(long = USES, hide = true, value_name = "FILE")]
    uses: Vec<PathBuf>,
    #[command(flatten)]
    options: O,
}

impl Line {
    fn split(self) -> (Named, Task) {
        match self {
            Self::Train(on) => on.split(Task::Train),
            Self::Eval(on) => on.split(Task::Eval),
            Self::Predict(on) => on.split(Task::Predict),
            Self::Compress(on) => on.split(Task::Compress),
            Self::Quantize(on) => on.split(Task::Quantize),
            Self::Bench(on) => on.split(Task::Bench),
            Self::Prune(on) => on.split(Task::Prune),
        }
    }
}

/// How the line names the network.
#[derive(Debug)]
struct Named {
    network: PathBuf,
    values: Values,
    uses: Vec<PathBuf>,
}

impl Named {
    /// The network; `bundled` is its name, where it comes with the command.
    fn subject(self, bundled: Option<&str>) -> Subject {
        let subject = bundled.map_or_else(|| Subject::file(&self.network), Subject::bundled);
        subject.using(self.uses).with(&self.values)
    }
}

impl<O: clap::Args> On<O> {
    fn split(self, task: impl FnOnce(O) -> Task) -> (Named, Task) {
        let Self { network, values, uses, options } = self;
        (Named { network, values, uses }, task(options))
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
    let (named, task) = Line::parse_from(words).split();
    work(&named.subject(bundled), &task).unwrap_or_else(Failure::report)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_line_is_well_formed_and_read() {
        Line::command().debug_assert();
        let line = Line::parse_from(["netwright", "predict", "a.net", "b.png", "c.png", "--top", "2"]);
        let (named, task) = line.split();
        assert_eq!(named.network, PathBuf::from("a.net"));
        assert!(matches!(task, Task::Predict(_)));
        assert!(task.needs_training(&named.subject(None)).is_none());
        let line = ["netwright", "bench", "--description-uses", "b.net", "a.net", "--set", "size=64"];
        let (named, task) = Line::parse_from(line).split();
        let subject = named.subject(None);
        assert_eq!(
            (subject.values.as_slice(), subject.uses.as_slice()),
            (["size=64".to_owned()].as_slice(), [PathBuf::from("b.net")].as_slice())
        );
        assert!(task.needs_training(&subject).is_some(), "the default is to measure training");
    }

    /// Every task that the command has for a network is one of its programs, too.
    #[test]
    fn programs_know_every_task() {
        for verb in ["train", "eval", "predict", "compress", "quantize", "bench", "prune"] {
            assert!(Line::command().find_subcommand(verb).is_some(), "{verb}");
        }
    }
}
