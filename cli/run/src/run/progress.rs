//! What a training run tells while it trains: a bar on a terminal, and a line for each epoch.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use netwright_runtime::train::{BatchProgress, EpochMetrics};

use crate::{output, text};

/// The shortest time between two pictures of the bar.
const FRAME: Duration = Duration::from_millis(80);

/// Shows a run.
pub(crate) struct Progress {
    /// `None` where standard error is no terminal.
    bar: Option<ProgressBar>,
    drawn: Option<Instant>,
    epochs: usize,
}

impl Progress {
    /// For a run of so many epochs.
    pub(crate) fn new(epochs: usize) -> Self {
        Self { bar: std::io::stderr().is_terminal().then(bar), drawn: None, epochs }
    }

    /// After a batch.
    pub(crate) fn batch(&mut self, progress: &BatchProgress) {
        let Some(bar) = &self.bar else { return };
        if progress.batch < progress.batches && self.drawn.is_some_and(|drawn| drawn.elapsed() < FRAME) {
            return;
        }
        self.drawn = Some(Instant::now());
        // The texts first, so that the bar is never seen without them.
        bar.set_prefix(format!("epoch {}/{}", progress.epoch, progress.epochs));
        bar.set_message(rates(progress));
        bar.set_length(progress.images_per_epoch as u64);
        bar.set_position(progress.images as u64);
    }

    /// After an epoch.
    pub(crate) fn epoch(&mut self, metrics: &EpochMetrics) {
        let line = line(metrics, self.epochs);
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(&line)),
            None => output::note(&line),
        }
    }

    /// At the end.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(1);
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

/// The bar, as long as the line leaves room for, with what stands around it.
const TEMPLATE: &str = "{prefix}  {wide_bar}  {msg}";

/// Images a second, loss, accuracy and the time left in the whole run.
fn rates(progress: &BatchProgress) -> String {
    let rate = progress.images as f64 / progress.seconds.max(f64::MIN_POSITIVE);
    let all = progress.images_per_epoch.saturating_mul(progress.epochs.saturating_sub(progress.epoch));
    let left = all.saturating_add(progress.images_per_epoch.saturating_sub(progress.images));
    let accuracy =
        progress.accuracy.map_or_else(String::new, |accuracy| format!("  accuracy {}", text::percent(accuracy)));
    format!(
        "{} images/s  loss {:.4}{accuracy}  {} left",
        text::thousands(rate as u64),
        progress.loss,
        text::duration(left as f64 / rate.max(f64::MIN_POSITIVE)),
    )
}

/// An epoch in one line.
fn line(metrics: &EpochMetrics, epochs: usize) -> String {
    let width = epochs.to_string().len();
    let mut line = format!("epoch {:>width$}/{epochs}", metrics.epoch);
    let parts = [
        ("train", Some(metrics.train_loss), metrics.train_accuracy),
        ("validation", metrics.validation_loss, metrics.validation_accuracy),
        ("test", metrics.test_loss, metrics.test_accuracy),
    ];
    for (name, loss, accuracy) in parts {
        if let Some(loss) = loss {
            line.push_str(&format!("  {name} loss {loss:.4}"));
        }
        if let Some(accuracy) = accuracy {
            line.push_str(&format!(" accuracy {}", text::percent(accuracy)));
        }
    }
    line.push_str(&format!(
        "  {}  {} images/s",
        text::duration(metrics.seconds),
        text::thousands(metrics.images_per_second as u64)
    ));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_one_line() {
        let metrics = EpochMetrics {
            epoch: 3,
            step: 2814,
            train_loss: 0.03125,
            train_accuracy: Some(0.99),
            validation_loss: None,
            validation_accuracy: None,
            test_loss: Some(0.5),
            test_accuracy: Some(0.98765),
            learning_rate: 0.001,
            seconds: 7.25,
            images_per_second: 8275.9,
        };
        assert_eq!(
            line(&metrics, 10),
            "epoch  3/10  train loss 0.0312 accuracy 99.00 %  test loss 0.5000 accuracy 98.77 %  7.2 s  8,275 images/s"
        );
    }

    #[test]
    fn the_template_is_right() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }

    #[test]
    fn time_left_counts_the_epochs_to_come() {
        let progress = BatchProgress {
            epoch: 2,
            epochs: 3,
            batch: 5,
            batches: 10,
            step: 15,
            images: 500,
            images_per_epoch: 1000,
            batch_loss: 1.0,
            loss: 0.25,
            accuracy: Some(0.5),
            learning_rate: 0.1,
            seconds: 5.0,
        };
        assert_eq!(rates(&progress), "100 images/s  loss 0.2500  accuracy 50.00 %  15 s left");
    }
}
