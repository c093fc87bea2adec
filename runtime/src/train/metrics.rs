//! What a run measures: a line of JSON for each epoch, and how often each class was taken for which.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::batch;
use crate::error::Error;
use crate::weights::file;

/// What one epoch came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Steps taken by its end, since the run began.
    pub step: u64,
    /// The mean loss over its training images, each as of the step that it was part of.
    pub train_loss: f64,
    /// The fraction of them classified rightly; `None` where the loss takes values.
    pub train_accuracy: Option<f64>,
    /// The mean loss over the validation images at its end.
    pub validation_loss: Option<f64>,
    /// The fraction of them classified rightly.
    pub validation_accuracy: Option<f64>,
    /// The mean loss over the test images at its end; nothing is chosen by it.
    pub test_loss: Option<f64>,
    /// The fraction of them classified rightly.
    pub test_accuracy: Option<f64>,
    /// The learning rate of its last step.
    pub learning_rate: f32,
    /// How long its training took, in seconds; validation and checkpoints not counted. 0 in a browser, which gives WebAssembly no
    /// clock.
    pub seconds: f64,
    /// Training images in a second; 0 without a clock.
    pub images_per_second: f64,
}

/// The first epoch with the lowest validation loss: its number, from 1. `None` without validation.
#[must_use]
pub fn best_epoch(history: &[EpochMetrics]) -> Option<usize> {
    let losses = history.iter().filter_map(|metrics| Some((metrics.validation_loss?, metrics.epoch)));
    losses.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, epoch)| epoch)
}

/// The longest file of metrics that is read.
const LONGEST: u64 = 64 << 20;

/// Reads a file of metrics, one line of JSON for each epoch. A last line that was cut off while it was written is
/// left out.
///
/// # Errors
///
/// If the file cannot be read, is longer than 64 MiB, or another line cannot be understood.
pub fn read_metrics(path: impl AsRef<Path>) -> Result<Vec<EpochMetrics>, Error> {
    let path = path.as_ref();
    let refused = |line, reason: &str| Error::Metrics { path: path.to_owned(), line, reason: reason.to_owned() };
    if !fs::metadata(path).map_err(Error::io("open", path))?.is_file() {
        return Err(refused(1, "it is no ordinary file"));
    }
    let file = fs::File::open(path).map_err(Error::io("open", path))?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if bytes.len() as u64 > LONGEST {
        return Err(refused(1, "the file is longer than 64 MiB"));
    }
    let mut history = Vec::new();
    for (idx, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        match serde_json::from_slice(line) {
            Ok(metrics) => history.push(metrics),
            Err(_) if !line.ends_with(b"\n") => {}
            Err(error) => return Err(refused(idx + 1, &error.to_string())),
        }
    }
    Ok(history)
}

/// Replaces a file of metrics by this history.
pub(super) fn rewrite(path: &Path, history: &[EpochMetrics]) -> Result<(), Error> {
    file::save(path, |out| history.iter().try_for_each(|metrics| out.write_all(line(metrics)?.as_bytes())))
}

/// Adds an epoch to a file of metrics.
pub(super) fn append(path: &Path, metrics: &EpochMetrics) -> Result<(), Error> {
    let mut file = fs::File::options().append(true).create(true).open(path).map_err(Error::io("open", path))?;
    let line = line(metrics).map_err(Error::io("write", path))?;
    file.write_all(line.as_bytes()).map_err(Error::io("write", path))
}

fn line(metrics: &EpochMetrics) -> std::io::Result<String> {
    Ok(serde_json::to_string(metrics)? + "\n")
}

/// How often images of each class were taken for each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    n_classes: usize,
    /// `[class, predicted]`
    counts: Vec<u64>,
}

impl Confusion {
    /// No images yet.
    ///
    /// # Errors
    ///
    /// If memory for `n_classes` squared counts cannot be had.
    pub fn new(n_classes: usize) -> Result<Self, Error> {
        Ok(Self { n_classes, counts: batch::zeroed(n_classes.saturating_mul(n_classes))? })
    }

    /// The number of classes.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Counts an image of `class` that was taken for `predicted`. Classes out of range are not counted.
    pub fn add(&mut self, class: usize, predicted: usize) {
        if class < self.n_classes && predicted < self.n_classes {
            self.counts[class * self.n_classes + predicted] += 1;
        }
    }

    /// Images of `class` that were taken for `predicted`; 0 for classes out of range.
    #[must_use]
    pub fn count(&self, class: usize, predicted: usize) -> u64 {
        if class < self.n_classes && predicted < self.n_classes {
            self.counts[class * self.n_classes + predicted]
        } else {
            0
        }
    }

    /// All images.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The fraction of images classified rightly; `None` without images.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        ratio((0..self.n_classes).map(|class| self.count(class, class)).sum(), self.total())
    }

    /// The fraction of images of a class that were found; `None` where there are none.
    #[must_use]
    pub fn recall(&self, class: usize) -> Option<f64> {
        ratio(self.count(class, class), (0..self.n_classes).map(|predicted| self.count(class, predicted)).sum())
    }

    /// The fraction of images taken for a class that are of it; `None` where none were.
    #[must_use]
    pub fn precision(&self, class: usize) -> Option<f64> {
        ratio(self.count(class, class), (0..self.n_classes).map(|other| self.count(other, class)).sum())
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The index of the largest score, the first of equals; NaN is never the largest. 0 without scores.
#[must_use]
pub fn largest(scores: &[f32]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (idx, &score) in scores.iter().enumerate() {
        if score > best.1 {
            best = (idx, score);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(epoch: usize, validation_loss: Option<f64>) -> EpochMetrics {
        EpochMetrics {
            epoch,
            step: 10 * epoch as u64,
            train_loss: 0.1 + 0.2,
            train_accuracy: Some(1.0 / 3.0),
            validation_loss,
            validation_accuracy: None,
            test_loss: validation_loss,
            test_accuracy: None,
            learning_rate: 0.001,
            seconds: 1.5,
            images_per_second: 1e5 / 3.0,
        }
    }

    #[test]
    fn lines_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let history = [metrics(1, Some(0.5)), metrics(2, None), metrics(3, Some(1e-300))];
        rewrite(&path, &history[..1]).unwrap();
        append(&path, &history[1]).unwrap();
        append(&path, &history[2]).unwrap();
        assert_eq!(read_metrics(&path).unwrap(), history);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("{\"epoch\":1,\"step\":10,\"train_loss\":0.30000000000000004,"), "{text}");
        assert!(text.contains("\"learning_rate\":0.001,"), "{text}");

        let whole_lines = |len: usize| text[..len].matches('\n').count();
        for len in 0..text.len() {
            fs::write(&path, &text[..len]).unwrap();
            let read = read_metrics(&path).unwrap();
            // A last line that lacks nothing but its end counts.
            assert!(read == history[..read.len()] && read.len() - whole_lines(len) <= 1, "{len}");
        }
        fs::write(&path, text.replacen("\"step\":20", "\"step\":x", 1)).unwrap();
        let error = read_metrics(&path).unwrap_err().to_string();
        assert!(error.contains("metrics.jsonl:2: not a line of metrics: expected value"), "{error}");
        assert!(matches!(read_metrics(folder.path()), Err(Error::Metrics { .. })));
        assert!(matches!(read_metrics(folder.path().join("none")), Err(Error::Io { .. })));
        fs::File::create(&path).unwrap().set_len(LONGEST + 1).unwrap();
        assert!(matches!(read_metrics(&path), Err(Error::Metrics { .. })));
    }

    #[test]
    fn the_best_epoch_is_the_first_of_the_lowest_loss() {
        assert_eq!(best_epoch(&[]), None);
        assert_eq!(best_epoch(&[metrics(1, None)]), None);
        let history = [0.5, 0.25, 0.75, 0.25].map(Some);
        let history: Vec<_> = (1..).zip(history).map(|(epoch, loss)| metrics(epoch, loss)).collect();
        assert_eq!(best_epoch(&history), Some(2));
    }

    #[test]
    fn confusion_is_counted_by_class() {
        let mut confusion = Confusion::new(3).unwrap();
        assert_eq!((confusion.accuracy(), confusion.recall(0), confusion.n_classes()), (None, None, 3));
        for (class, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1), (2, 1), (3, 0), (0, 3)] {
            confusion.add(class, predicted);
        }
        assert_eq!((confusion.total(), confusion.count(0, 1), confusion.count(9, 0)), (5, 1, 0));
        assert_eq!(confusion.accuracy(), Some(0.6));
        assert_eq!((confusion.recall(0), confusion.recall(2)), (Some(2.0 / 3.0), Some(0.0)));
        assert_eq!((confusion.precision(1), confusion.precision(2)), (Some(1.0 / 3.0), None));
        assert!(Confusion::new(usize::MAX).is_err());
    }

    #[test]
    fn the_largest_score_wins() {
        assert_eq!(largest(&[0.1, 0.7, 0.7]), 1);
        assert_eq!(largest(&[f32::NAN, -3.0, -2.0]), 2);
        assert_eq!((largest(&[]), largest(&[f32::NAN])), (0, 0));
    }
}
