//! Datasets by name or folder, fetched with progress where they are not on this machine.

use std::cell::RefCell;
use std::num::NonZeroUsize;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use netwright_runtime::Network;
use netwright_runtime::data::folder::Splits;
use netwright_runtime::data::named::NAMES;
use netwright_runtime::data::{self, Options, Progress};
use netwright_runtime::dataset::DataError;

use crate::failure::Failure;
use crate::values::positive;
use crate::{output, text};

/// What is trained on where nothing else is said.
pub const DEFAULT: &str = "mnist";

/// The options that choose data.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// mnist, fashion-mnist, digits (embedded, needs no network), or a folder of IDX files [default: what the run at hand
    /// was trained on, else mnist]
    #[arg(long, value_name = "NAME|DIR")]
    pub data: Option<String>,
    /// Take only the first N training and test images, for a quick try
    #[arg(long, value_name = "N", value_parser = positive)]
    pub limit: Option<NonZeroUsize>,
}

/// Loads a dataset; `limit` is the most images that are taken of each part.
pub fn load(name: &str, limit: Option<usize>) -> Result<Splits, Failure> {
    let meter = Meter::default();
    let progress = |progress: Progress<'_>| meter.show(progress);
    let options = Options { progress: Some(&progress), ..Options::default() };
    let loaded = data::load(name, &options);
    meter.finish();
    let splits = loaded.map_err(|error| match error {
        DataError::UnknownName { ref name, ref known } => unknown(name, known),
        other => other.into(),
    })?;
    Ok(taken(splits, limit))
}

/// Loads a dataset as [`load`] does, its bytes normalised as the network's description says of photographs.
pub fn load_for<N: Network>(name: &str, limit: Option<usize>) -> Result<Splits, Failure> {
    let Some(photo) = N::PHOTOS.first().copied().flatten() else { return load(name, limit) };
    let (&[mean, ref means @ ..], &[std, ref stds @ ..]) = (photo.mean, photo.std) else { return load(name, limit) };
    if means.iter().any(|&other| other != mean) || stds.iter().any(|&other| other != std) {
        let message = format!("{} normalises each channel in its own way, and datasets take one for all", N::SPEC.name);
        return Err(Failure::failed(message).help("use the network in a program of your own: `model!`, `Dataset`"));
    }
    let Splits { train, test } = load(name, None)?;
    let (scale, offset) = (photo.scale / std, -mean / std);
    let splits = Splits { train: train.rescaled(scale, offset)?, test: test.rescaled(scale, offset)? };
    Ok(taken(splits, limit))
}

/// The first images of each part.
fn taken(splits: Splits, limit: Option<usize>) -> Splits {
    match limit {
        Some(limit) => Splits { train: splits.train.take(limit), test: splits.test.take(limit) },
        None => splits,
    }
}

/// The failure for a name that is no dataset's.
pub fn unknown(name: &str, known: &[&str]) -> Failure {
    let failure = Failure::usage(format!(
        "there is no dataset called `{}`; expected {} or the path of a folder with IDX files",
        name.escape_debug(),
        known.join(", ")
    ));
    let distance = |known: &str| strsim::damerau_levenshtein(name, known);
    let near = known.iter().min_by_key(|known| distance(known)).filter(|near| distance(near) <= near.len() / 3);
    match near {
        Some(meant) => failure.help(format!("did you mean `{meant}`?")),
        None => failure,
    }
}

/// A dataset's name, or the absolute path of its folder, by which it is found from anywhere.
pub fn absolute(name: &str) -> String {
    if is_known(name) {
        return name.to_owned();
    }
    let path = std::path::Path::new(name).canonicalize().ok();
    path.and_then(|path| path.to_str().map(str::to_owned)).unwrap_or_else(|| name.to_owned())
}

/// Whether a dataset is known by this name, as opposed to a folder.
pub fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Shows files arriving: a line for each, and a bar on a terminal.
#[derive(Default)]
struct Meter {
    shown: RefCell<Shown>,
}

#[derive(Default)]
struct Shown {
    /// What has been announced: file and source.
    announced: Vec<String>,
    bar: Option<ProgressBar>,
}

impl Meter {
    fn show(&self, progress: Progress<'_>) {
        let mut shown = self.shown.borrow_mut();
        let line = format!("fetching {} from {}", progress.file, progress.source);
        if !shown.announced.contains(&line) {
            if let Some(bar) = shown.bar.take() {
                bar.finish_and_clear();
            }
            output::note(&line);
            shown.announced.push(line);
            shown.bar = Some(bar());
        }
        if let Some(bar) = &shown.bar {
            if let Some(total) = progress.total {
                bar.set_length(total);
            }
            bar.set_position(progress.done);
        }
    }

    fn finish(&self) {
        if let Some(bar) = self.shown.borrow_mut().bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// The bar with what stands around it.
const TEMPLATE: &str = "  {bar:32} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

/// What a dataset is, in a few words.
pub fn describe(name: &str, splits: &Splits) -> String {
    let images = |n: usize| text::thousands(n as u64);
    format!(
        "{name}: {} training and {} test images of {:?}",
        images(splits.train.len()),
        images(splits.test.len()),
        splits.train.shape()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_right() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }

    #[test]
    fn a_file_is_announced_once() {
        let meter = Meter::default();
        for (file, done) in [("a", 0), ("b", 0), ("a", 5), ("b", 9)] {
            meter.show(Progress { source: "here", file, done, total: Some(9) });
        }
        assert_eq!(meter.shown.borrow().announced, ["fetching a from here", "fetching b from here"]);
        meter.finish();
    }
}
