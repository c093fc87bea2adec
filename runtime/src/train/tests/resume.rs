//! Stopping, being killed, and going on.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::*;
use crate::weights::{self, WeightsError};

fn data() -> (Dataset, Dataset) {
    (toy(43, 1, false), toy(30, 2, false))
}

/// Four epochs of six steps with everything that could go wrong on resumption: momentum, a schedule, clipping.
fn recipe() -> Recipe {
    Recipe {
        epochs: 4,
        schedule: Schedule::Cosine { total: Span::Epochs(4), minimum: 0.001 },
        warmup_steps: 9,
        clip_norm: Some(0.5),
        ..Classifier::RECIPE
    }
}

fn run<'c>(folder: &Path, change: impl FnOnce(Trainer<'c>) -> Trainer<'c>) -> Result<(Vec<u32>, Report), Error> {
    let (train, validation) = data();
    let mut network = Classifier::new(3);
    let mut trainer = change(Trainer::from_recipe(recipe()).out(folder).resume(true));
    let report = trainer.fit(&mut network, &train, &validation)?;
    Ok((bits(&network), timeless(report)))
}

/// What the folder's files say, without what the clock measures.
fn files(folder: &Path) -> (Vec<EpochMetrics>, Vec<Vec<u8>>) {
    let mut report = read_metrics(folder.join("metrics.jsonl")).unwrap();
    report.iter_mut().for_each(|metrics| (metrics.seconds, metrics.images_per_second) = (0.0, 0.0));
    let arrays = ["latest.ckpt", "best.ckpt"].map(|name| {
        let bytes = fs::read(folder.join(name)).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[8 + header..].to_vec()
    });
    (report, arrays.to_vec())
}

#[test]
fn a_stopped_run_goes_on_bit_for_bit() {
    let whole = tempfile::tempdir().unwrap();
    let expected = run(whole.path(), |trainer| trainer).unwrap();
    assert_eq!(expected.1.steps, 24);
    // In the middle of epochs, at their ends, and at the very end.
    for stops in [&[1][..], &[6], &[7, 8, 20], &[3, 12, 23], &[24]] {
        let folder = tempfile::tempdir().unwrap();
        for &step in stops {
            let flag = Arc::new(AtomicBool::new(false));
            let raise = Arc::clone(&flag);
            let (_, report) = run(folder.path(), |trainer| {
                trainer.stop_flag(flag).on_batch(move |at| raise.store(at.step >= step, Ordering::Relaxed))
            })
            .unwrap();
            let stopped = if step == 24 { Stopped::Finished } else { Stopped::Interrupted };
            assert_eq!((report.stopped, report.steps), (stopped, step));
        }
        assert_eq!(run(folder.path(), |trainer| trainer).unwrap(), expected, "stopped at {stops:?}");
        assert_eq!(files(folder.path()), files(whole.path()));
        // A run that is over stays over.
        assert_eq!(run(folder.path(), |trainer| trainer).unwrap(), expected);
    }
}

#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let whole = tempfile::tempdir().unwrap();
    let expected = run(whole.path(), |trainer| trainer).unwrap();
    for (killed, every, resumed) in [(2, None, 1), (11, None, 7), (11, Some(4), 9), (17, Some(1), 17)] {
        let folder = tempfile::tempdir().unwrap();
        let killed_run = catch_unwind(AssertUnwindSafe(|| {
            run(folder.path(), |trainer| {
                trainer.checkpoint_every(every).on_batch(move |at| assert!(at.step < killed, "killed"))
            })
        }));
        assert!(killed_run.is_err());
        let metrics = folder.path().join("metrics.jsonl");
        // As if a line had been half written when the power went.
        let mut half = fs::read(&metrics).unwrap();
        half.extend_from_slice(b"{\"epoch\":7,\"st");
        fs::write(&metrics, half).unwrap();
        let first = Cell::new(0);
        let result = run(folder.path(), |trainer| {
            trainer.on_batch(|at| {
                if first.get() == 0 {
                    first.set(at.step);
                }
            })
        });
        assert_eq!((result.unwrap(), first.get()), (expected.clone(), resumed));
        assert_eq!(files(folder.path()), files(whole.path()));
    }
}

#[test]
fn epochs_and_patience_may_change() {
    let (whole, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = run(whole.path(), |trainer| trainer).unwrap();
    assert_eq!(run(folder.path(), |trainer| trainer.epochs(2)).unwrap().1.steps, 12);
    assert_eq!(run(folder.path(), |trainer| trainer.early_stopping(50)).unwrap(), expected);
}

#[test]
fn a_run_that_does_not_resume_replaces_another() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), |trainer| trainer).unwrap();
    let other = run(folder.path(), |trainer| trainer.resume(false).seed(77)).unwrap();
    assert_eq!(files(folder.path()).0, other.1.epochs);
    assert!(run(folder.path(), |trainer| trainer.seed(77)).is_ok());
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), |trainer| trainer).unwrap();
    let latest = folder.path().join("latest.ckpt");
    let before = fs::read(&latest).unwrap();
    let error = run(folder.path(), |trainer| trainer.seed(9).batch(4)).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "cannot resume from {}: it belongs to another run:\n  \
             batch: expected 4, found 8\n  seed: expected 9, found 1",
            latest.display()
        )
    );
    let other_data = |train: &Dataset, validation: Option<&Dataset>| {
        let mut trainer = Trainer::from_recipe(recipe()).out(folder.path()).resume(true);
        trainer.fit(&mut Classifier::new(3), train, validation).unwrap_err().to_string()
    };
    let (train, validation) = data();
    let shorter = other_data(&train.take(42), Some(&validation));
    assert!(shorter.contains("training data: expected 42 images of [2, 3] with digest"), "{shorter}");
    assert!(other_data(&toy(43, 8, false), Some(&validation)).contains("training data: expected 43 images"));
    assert!(other_data(&train, None).contains("validation data: expected none, found 30 images"));
    let optimizer = run(folder.path(), |trainer| {
        trainer.optimizer(Optimizer::RmsProp { lr: 0.05, rho: 0.9, epsilon: 1e-7, momentum: 0.0 })
    });
    let optimizer = optimizer.unwrap_err().to_string();
    assert!(optimizer.contains("optimizer: expected rmsprop(lr: 0.05, "), "{optimizer}");
    // What is part of the network's code: the loss's settings, and factors of the learning rate.
    let mut trainer = Trainer::from_recipe(recipe()).out(folder.path()).resume(true);
    let settings = trainer.fit(&mut Smoothed::new(3), &train, &validation).unwrap_err().to_string();
    assert!(
        settings.ends_with(
            "another run:\n  loss: expected cross_entropy(smoothing: 0.1), found cross_entropy\n  \
             lr(dense1.bias): expected 2.0, found 1.0"
        ),
        "{settings}"
    );
    let regression = Trainer::from_recipe(Recipe { loss: Loss::MeanSquaredError, ..recipe() });
    let loss = regression.out(folder.path()).resume(true).fit(&mut Regressor::new(3), &toy(43, 1, true), None);
    assert!(loss.unwrap_err().to_string().contains("loss: expected mean_squared_error, found cross_entropy"));
    assert_eq!(fs::read(&latest).unwrap(), before);
}

/// Equal names and shapes do not make the same network: another slope of a leaky relu has them, too.
#[test]
fn a_checkpoint_of_another_network_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), |trainer| trainer).unwrap();
    let latest = folder.path().join("latest.ckpt");
    let bytes = fs::read(&latest).unwrap();
    let at = bytes.windows(4).position(|window| window == b"11ea").unwrap();
    let mut other = bytes.clone();
    other[at..at + 4].copy_from_slice(b"22fb");
    fs::write(&latest, other).unwrap();
    let error = run(folder.path(), |trainer| trainer).unwrap_err().to_string();
    assert!(error.ends_with("another run:\n  network: expected fingerprint 11ea, found 22fb"), "{error}");
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), |trainer| trainer.epochs(1)).unwrap();
    let latest = folder.path().join("latest.ckpt");
    let bytes = fs::read(&latest).unwrap();
    let refused = |damaged: &[u8], what: &str| {
        fs::write(&latest, damaged).unwrap();
        match run(folder.path(), |trainer| trainer.epochs(1)) {
            Err(Error::Checkpoint { source, .. }) => source,
            other => panic!("{what}: {other:?}"),
        }
    };
    // A flipped bit anywhere; and the file cut anywhere.
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        refused(&damaged, &format!("byte {at}"));
        refused(&bytes[..at], &format!("cut at {at}"));
    }
    refused(&[], "empty");
    // Weights are no checkpoint, and the other way round.
    let parameters = Classifier::new(3).core().parameters().clone();
    let error = refused(&weights::to_bytes(&parameters).unwrap(), "weights");
    assert_eq!(error.to_string(), "it holds weights, expected checkpoint");
    let error = weights::from_bytes(Classifier::SPEC, &bytes).unwrap_err();
    assert!(matches!(error, Error::Weights { source: WeightsError::Kind { .. }, .. }), "{error}");
}
