//! Datasets by name or folder, fetched with progress where they are not on this machine.

use std::cell::RefCell;
use std::num::NonZeroUsize;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use netwright::data::folder::Splits;
use netwright::data::named::NAMES;
use netwright::data::{self, Options, Progress};
use netwright::dataset::DataError;
use netwright_compiler::diagnostic::{quote, suggest};

use crate::failure::Failure;
use crate::{output, text};

/// What is trained on where nothing else is said.
pub(crate) const DEFAULT: &str = "mnist";

/// The options that choose data.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataArgs {
    /// mnist, fashion-mnist, digits (embedded, needs no network), or a folder of IDX files
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) data: Option<String>,
    /// Take only the first N training and test images, for a quick try
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,
}

/// Loads a dataset; `limit` is the most images that are taken of each part.
pub(crate) fn load(name: &str, limit: Option<usize>) -> Result<Splits, Failure> {
    let meter = Meter::default();
    let progress = |progress: Progress<'_>| meter.show(progress);
    let options = Options { progress: Some(&progress), ..Options::default() };
    let loaded = data::load(name, &options);
    meter.finish();
    let splits = loaded.map_err(|error| match error {
        DataError::UnknownName { ref name, ref known } => unknown(name, known),
        other => other.into(),
    })?;
    Ok(match limit {
        Some(limit) => Splits { train: splits.train.take(limit), test: splits.test.take(limit) },
        None => splits,
    })
}

/// The failure for a name that is no dataset's.
pub(crate) fn unknown(name: &str, known: &[&str]) -> Failure {
    let failure = Failure::usage(format!(
        "there is no dataset called {}; expected {} or the path of a folder with IDX files",
        quote(name),
        known.join(", ")
    ));
    match suggest(name, known.iter().copied()) {
        Some(meant) => failure.help(format!("did you mean `{meant}`?")),
        None => failure,
    }
}

/// Whether a dataset is known by this name, as opposed to a folder.
pub(crate) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Shows files arriving: a bar on a terminal, a line for each file elsewhere.
#[derive(Default)]
struct Meter {
    current: RefCell<Option<(String, ProgressBar)>>,
}

impl Meter {
    fn show(&self, progress: Progress<'_>) {
        let key = format!("{} from {}", progress.file, progress.source);
        let mut current = self.current.borrow_mut();
        if current.as_ref().is_none_or(|(shown, _)| *shown != key) {
            if let Some((_, bar)) = current.take() {
                bar.finish_and_clear();
            }
            output::note(&format!("fetching {key}"));
            let bar = ProgressBar::new(progress.total.unwrap_or(0));
            let template = "  {bar:32} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
            // The template is a constant, and a test shows that it is right.
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            *current = Some((key, bar));
        }
        if let Some((_, bar)) = &*current {
            if let Some(total) = progress.total {
                bar.set_length(total);
            }
            bar.set_position(progress.done);
        }
    }

    fn finish(&self) {
        if let Some((_, bar)) = self.current.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

/// What a dataset is, in a few words.
pub(crate) fn describe(name: &str, splits: &Splits) -> String {
    let images = |n: usize| text::thousands(n as u64);
    format!(
        "{name}: {} training and {} test images of {:?}",
        images(splits.train.len()),
        images(splits.test.len()),
        splits.train.shape()
    )
}
