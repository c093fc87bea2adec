//! The forms in which diagnostics are told: to people, and to programs.

mod github;
mod json;

use clap::ValueEnum;
use netwright_compiler::diagnostic::{data, short};
use netwright_run::{Failure, output};

use crate::network::Checked;

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// With the lines of source they speak of
    Human,
    /// A line each: place, level, code and title
    Short,
    /// A line of JSON each, in the form of rustc's, on standard output
    Json,
    /// Annotations of GitHub's workflows, on standard output
    Github,
}

impl Format {
    /// Whether people read it: then standard output may say more.
    pub(crate) fn is_for_people(self) -> bool {
        matches!(self, Self::Human | Self::Short)
    }

    /// Writes what there is to say about a text.
    pub(crate) fn tell(self, checked: &Checked) -> Result<(), Failure> {
        let diagnostics = checked.sink.diagnostics();
        match self {
            Self::Human => checked.tell(),
            Self::Short => diagnostics.iter().for_each(|diagnostic| output::note(&short(diagnostic, &checked.map))),
            Self::Json => {
                diagnostics
                    .iter()
                    .try_for_each(|diagnostic| output::print_json(&json::line(diagnostic, &checked.map)))?;
            }
            Self::Github => {
                let lines: String =
                    diagnostics.iter().map(|diagnostic| github::line(&data(diagnostic, &checked.map))).collect();
                output::print(&lines)?;
            }
        }
        Ok(())
    }

    /// Writes why a text could not be read. `path` is as it was given.
    pub(crate) fn unreadable(self, path: &str, failure: Failure) -> Result<(), Failure> {
        match self {
            Self::Human | Self::Short => {
                let _ = failure.report();
                Ok(())
            }
            Self::Json => output::print_json(&json::plain_error(&failure.message())),
            Self::Github => output::print(&github::plain_error(path, &failure.message())),
        }
    }
}
