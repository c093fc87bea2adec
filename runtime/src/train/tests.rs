//! The trainer on a network written by hand.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::dataset::{DataError, Dataset};
use crate::error::Error;
use crate::network::{Network, Trainable};
use crate::testing::{Classifier, Regressor, Smoothed, toy};

fn trainer<'c>() -> Trainer<'c> {
    Trainer::from_recipe(Classifier::RECIPE)
}

fn bits<N: Network>(network: &N) -> Vec<u32> {
    network.core().parameters().values().iter().map(|value| value.to_bits()).collect()
}

/// A report without what the clock measures.
fn timeless(mut report: Report) -> Report {
    for metrics in &mut report.epochs {
        (metrics.seconds, metrics.images_per_second) = (0.0, 0.0);
    }
    report
}

mod prune;
mod resume;
mod share;

#[test]
fn it_learns_and_reports() {
    // 203 images are 25 batches of 8 and one of 3.
    let (train, validation) = (toy(203, 1, false), toy(90, 2, false));
    let mut network = Classifier::new(3);
    let before = evaluate(&network, &validation, 64).unwrap();
    let (mut batches, mut epochs) = (Vec::new(), Vec::new());
    let report = trainer()
        .epochs(4)
        .schedule(Schedule::Step { every: Span::Epochs(2), factor: 0.5 })
        .on_batch(|progress| batches.push(*progress))
        .on_epoch(|metrics| epochs.push(*metrics))
        .fit(&mut network, &train, &validation)
        .unwrap();

    assert_eq!((report.stopped, report.steps, report.epochs.len()), (Stopped::Finished, 4 * 26, 4));
    assert_eq!((report.epochs.clone(), batches.len()), (epochs, 4 * 26));
    let last = report.epochs[3];
    assert_eq!((last.epoch, last.step, last.learning_rate), (4, 104, 0.025));
    assert_eq!(report.epochs[1].learning_rate, 0.05);
    assert!(last.train_accuracy.unwrap() > 0.8 && last.train_loss < report.epochs[0].train_loss, "{report:?}");
    assert!(last.seconds > 0.0 && last.images_per_second > 0.0);
    let after = evaluate(&network, &validation, 64).unwrap();
    assert_eq!((last.validation_loss, last.validation_accuracy), (Some(after.loss), after.accuracy));
    assert!(after.loss < before.loss && after.accuracy.unwrap() > 0.8, "{after:?}");
    let losses: Vec<f64> = report.epochs.iter().map(|metrics| metrics.validation_loss.unwrap()).collect();
    let best = report.best_epoch.unwrap();
    assert!(losses.iter().all(|&loss| loss >= losses[best - 1]));

    let (first, partial, end) = (batches[0], batches[25], batches[103]);
    assert_eq!((first.epoch, first.batch, first.batches, first.step, first.images), (1, 1, 26, 1, 8));
    assert_eq!((first.epochs, first.images_per_epoch, first.loss), (4, 203, first.batch_loss));
    assert_eq!((partial.batch, partial.images), (26, 203));
    assert_eq!((end.epoch, end.loss, end.accuracy), (4, last.train_loss, last.train_accuracy));
    let sum: f64 = batches[..26].iter().map(|at| at.batch_loss * if at.batch == 26 { 3.0 } else { 8.0 }).sum();
    assert_eq!(report.epochs[0].train_loss, sum / 203.0);
}

#[test]
fn test_data_are_measured_and_change_nothing() {
    let (train, test) = (toy(100, 1, false), toy(90, 2, false));
    let (mut with, mut without) = (Classifier::new(3), Classifier::new(3));
    let report = trainer().epochs(2).test(&test).fit(&mut with, &train, None).unwrap();
    let plain = trainer().epochs(2).fit(&mut without, &train, None).unwrap();
    let after = evaluate(&with, &test, 64).unwrap();
    let last = report.epochs[1];
    assert_eq!((last.test_loss, last.test_accuracy, last.validation_loss), (Some(after.loss), after.accuracy, None));
    assert_eq!((report.best_epoch, plain.epochs[1].test_loss), (None, None));
    assert_eq!(bits(&with), bits(&without));
    let other = trainer().test(&toy(9, 1, true)).fit(&mut with, &train, None).unwrap_err();
    assert!(other.to_string().contains("a dataset of values"), "{other}");
}

#[test]
fn values_are_fitted_too() {
    let (train, validation) = (toy(120, 1, true), toy(60, 2, true));
    let mut network = Regressor::new(3);
    let report =
        Trainer::from_recipe(Regressor::RECIPE).epochs(20).fit(&mut network, &train, Some(&validation)).unwrap();
    let (first, last) = (report.epochs[0], report.epochs[19]);
    assert!(last.validation_loss < first.validation_loss && last.train_loss < 0.15, "{last:?}");
    assert_eq!((last.train_accuracy, last.validation_accuracy), (None, None));
    assert_eq!(evaluate(&network, &train, 7).unwrap().accuracy, None);
}

#[test]
fn the_same_run_gives_the_same_bits_on_any_number_of_threads() {
    let (train, validation) = (toy(70, 1, false), toy(30, 2, false));
    let run = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut network = Classifier::new(3);
            let report = trainer().batch(16).seed(seed).fit(&mut network, &train, &validation).unwrap();
            (bits(&network), timeless(report))
        })
    };
    let one = run(1, 5);
    for threads in [1, 2, 3, 7] {
        assert_eq!(run(threads, 5), one, "{threads} threads");
    }
    assert_ne!(run(1, 6).0, one.0);
}

/// On images that are all the same, at a rate that changes nothing, only the engine's random numbers remain.
#[test]
fn random_numbers_are_keyed_by_seed_and_step() {
    let inputs = ndarray::Array3::from_elem((8, 2, 3), 1.0);
    let data = Dataset::from_classes(inputs, vec![1; 8], 3).unwrap();
    let losses = |seed| {
        let mut losses = Vec::new();
        let idle = Classifier::RECIPE.optimizer.with_lr(1e-30);
        let mut trainer = trainer().optimizer(idle).seed(seed).on_batch(|at| losses.push(at.batch_loss.to_bits()));
        trainer.fit(&mut Classifier::new(3), &data, None).unwrap();
        drop(trainer);
        losses
    };
    let base = losses(1);
    assert_eq!((base.len(), &base), (3, &losses(1)));
    assert!(base[0] != base[1] && base[1] != base[2]);
    assert!(base.iter().zip(losses(2)).all(|(a, b)| *a != b));
}

#[test]
fn early_stopping_waits_for_its_patience() {
    let (train, validation) = (toy(40, 1, false), toy(30, 2, false));
    // A rate so low that nothing changes: the first epoch stays the best.
    let idle = Classifier::RECIPE.optimizer.with_lr(1e-30);
    let report = trainer()
        .optimizer(idle)
        .epochs(50)
        .early_stopping(2)
        .fit(&mut Classifier::new(3), &train, &validation)
        .unwrap();
    assert_eq!((report.stopped, report.epochs.len(), report.best_epoch), (Stopped::EarlyStopping, 3, Some(1)));
    let error = trainer().early_stopping(2).fit(&mut Classifier::new(3), &train, None).unwrap_err();
    assert!(matches!(error, Error::Setting { setting: "patience", .. }), "{error}");
}

#[test]
fn validation_data_may_be_set_aside() {
    let data = toy(80, 1, false);
    let recipe = Recipe { validation: Some(0.25), ..Classifier::RECIPE };
    let fit = |seed| {
        let images = Cell::new(0);
        let mut network = Classifier::new(3);
        let mut trainer = Trainer::from_recipe(recipe).seed(seed).on_batch(|at| images.set(at.images_per_epoch));
        let report = trainer.fit(&mut network, &data, None).unwrap();
        drop(trainer);
        (images.get(), report.epochs[0].validation_loss.unwrap())
    };
    let (images, loss) = fit(1);
    assert_eq!(images, 60);
    assert_ne!(loss, fit(2).1);
    // Data that is given is used instead, and nothing is set aside.
    let mut last = 0;
    let mut given = Trainer::from_recipe(recipe).on_batch(|at| last = at.images_per_epoch);
    given.fit(&mut Classifier::new(3), &data, &toy(9, 3, false)).unwrap();
    drop(given);
    assert_eq!(last, 80);
    let too_few = Trainer::from_recipe(recipe).fit(&mut Classifier::new(3), &toy(1, 1, false), None);
    assert!(matches!(too_few, Err(Error::Data(DataError::NoSamples))), "{too_few:?}");
}

#[test]
fn without_validation_there_is_no_best() {
    let folder = tempfile::tempdir().unwrap();
    let report = trainer().out(folder.path()).fit(&mut Classifier::new(3), &toy(20, 1, false), None).unwrap();
    assert_eq!((report.best_epoch, report.epochs[0].validation_loss), (None, None));
    assert!(folder.path().join("latest.ckpt").exists() && !folder.path().join("best.ckpt").exists());
}

#[test]
fn what_is_not_finite_is_named() {
    let train = toy(40, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let sgd = Optimizer::Sgd { lr: 3e38, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let error = trainer().optimizer(sgd).out(folder.path()).fit(&mut Classifier::new(3), &train, None).unwrap_err();
    let Error::NonFinite { what, value, .. } = &error else { panic!("{error}") };
    assert!(what.contains("`dense1.weight`") && !value.is_finite(), "{error}");
    assert!(error.to_string().contains("in epoch 1, with a learning rate of 3"), "{error}");
    // The checkpoint from before the first step is still there, and good.
    let mut network = Classifier::new(9);
    let stop = Arc::new(AtomicBool::new(true));
    let mut again = trainer().optimizer(sgd).out(folder.path()).resume(true).stop_flag(stop);
    assert_eq!(again.fit(&mut network, &train, None).unwrap().stopped, Stopped::Interrupted);
    assert_eq!(bits(&network), bits(&Classifier::new(3)));

    let mut huge = Classifier::new(3);
    huge.core_mut().parameters_mut().trained_mut()[..16 * 6].chunks_mut(16).for_each(|row| row[..3].fill(3e38));
    let error = trainer().fit(&mut huge, &train, None).unwrap_err().to_string();
    assert!(error.starts_with("the gradient of `dense1.weight` became NaN at step 1, in epoch 1"), "{error}");
    let clipped = Recipe { clip_norm: Some(1.0), ..Classifier::RECIPE };
    assert!(Trainer::from_recipe(clipped).fit(&mut huge, &train, None).is_err());
    let mut bad = Classifier::new(3);
    bad.core_mut().parameters_mut().trained_mut()[96] = f32::NEG_INFINITY;
    let error = trainer().fit(&mut bad, &train, None).unwrap_err().to_string();
    assert!(error.starts_with("`dense1.bias` became -inf at step 1"), "{error}");
}

#[test]
fn clipping_bounds_a_step() {
    let train = toy(16, 1, false);
    let sgd = Optimizer::Sgd { lr: 1.0, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let recipe = Recipe { clip_norm: Some(0.01), optimizer: sgd, epochs: 1, batch: 16, ..Classifier::RECIPE };
    let mut network = Classifier::new(3);
    let before = network.core().parameters().trained().to_vec();
    Trainer::from_recipe(recipe).fit(&mut network, &train, None).unwrap();
    let moved = network.core().parameters().trained().iter().zip(&before).map(|(a, b)| f64::from(a - b).powi(2));
    assert!((moved.sum::<f64>().sqrt() - 0.01).abs() < 1e-6);
}

#[test]
fn data_that_does_not_fit_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |data: &Dataset| {
        let error = trainer().out(folder.path().join("run")).fit(&mut Classifier::new(3), data, None).unwrap_err();
        assert!(!folder.path().join("run").exists());
        error.to_string()
    };
    let images = |shape: [usize; 3]| ndarray::Array3::<f32>::zeros(shape);
    let shape = Dataset::from_classes(images([4, 3, 2]), vec![0; 4], 3).unwrap();
    assert_eq!(refused(&shape), "`x` has the wrong shape: expected [2, 3] for each image, found a dataset of [3, 2]");
    let classes = Dataset::from_classes(images([4, 2, 3]), vec![0; 4], 10).unwrap();
    assert!(refused(&classes).ends_with("expected at most 3 classes, found a dataset of 10"));
    assert!(refused(&toy(4, 1, true)).ends_with("found a dataset of values of shape [3]"));
    assert_eq!(refused(&toy(4, 1, false).take(0)), "a dataset needs at least one sample, found none");
    assert!(matches!(trainer().fit(&mut Classifier::new(3), &toy(4, 1, false), &shape), Err(Error::Shape { .. })));
    let mut regression = Trainer::from_recipe(Regressor::RECIPE);
    assert!(matches!(regression.fit(&mut Regressor::new(3), &toy(4, 1, false), None), Err(Error::Targets { .. })));
    let narrow = Dataset::from_values(images([4, 2, 3]), ndarray::Array2::zeros((4, 2))).unwrap();
    assert!(matches!(regression.fit(&mut Regressor::new(3), &narrow, None), Err(Error::Targets { .. })));
    for trainer in [&mut trainer().batch(0), &mut trainer().epochs(0), &mut trainer().checkpoint_every(0)] {
        let result = trainer.fit(&mut Classifier::new(3), &toy(4, 1, false), None);
        assert!(matches!(result, Err(Error::Setting { .. })));
    }
    // A batch larger than the data is the data, and takes no memory beyond it.
    let whole = trainer().batch(usize::MAX).fit(&mut Classifier::new(3), &toy(9, 1, false), None).unwrap();
    assert_eq!(whole.steps, 3);
}

#[test]
fn evaluation_counts_every_image_once() {
    let (network, data) = (Classifier::new(3), toy(50, 1, false));
    let whole = evaluate(&network, &data, 50).unwrap();
    for batch in [1, 7, usize::MAX] {
        let parts = evaluate(&network, &data, batch).unwrap();
        assert_eq!((parts.n, parts.accuracy), (50, whole.accuracy));
        assert!((parts.loss - whole.loss).abs() < 1e-6);
    }
    let confusion = confusion(&network, &data, 7).unwrap();
    assert_eq!((confusion.total(), confusion.accuracy()), (50, whole.accuracy));
    for class in 0..3 {
        let images = (0..50).filter(|&idx| data.label(idx) == Some(class as u32)).count() as u64;
        assert_eq!((0..3).map(|predicted| confusion.count(class, predicted)).sum::<u64>(), images);
    }
    assert!(matches!(evaluate(&network, &data, 0), Err(Error::Setting { setting: "batch", .. })));
    assert!(matches!(super::confusion(&network, &toy(5, 1, true), 5), Err(Error::Data(_))));
    assert!(matches!(evaluate(&network, &data.take(0), 5), Err(Error::Data(DataError::NoSamples))));
}
