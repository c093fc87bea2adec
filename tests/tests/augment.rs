//! Augmentation from the description to the trained network: what the macro makes of it, the same bits for any number of
//! threads and after a resumption, images of validation left alone, and a network that learns.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use netwright::Trainable;
use netwright::dataset::Dataset;
use netwright::train::{Augmentation, Axis, Change, Fill, Recipe, Report, Trainer, evaluate};
use rayon::ThreadPoolBuilder;

netwright::model! {
    network Handwriting {
        input image: [28, 28, 1];
        logits = image -> conv(8, kernel: 5, stride: 2) -> relu -> max_pool(2) -> flatten -> dense(10);
        output probabilities = softmax(logits);
        train {
            loss: cross_entropy(logits);
            optimizer: adam(lr: 0.003);
            batch: 50;
            epochs: 2;
            validation: 0.25;
            augment: rotate(10) -> scale(0.9, 1.1, fill: edge) -> shift(2) -> noise(0.05);
        }
    }
}

fn data(n: usize) -> (Dataset, Dataset) {
    let splits = netwright::data::digits::digits(n, 400, 3).unwrap();
    (splits.train, splits.test)
}

/// The bits of the parameters after training, and what the trainer reports without what the clock measures.
fn trained<'c>(
    threads: usize,
    recipe: Recipe,
    change: impl FnOnce(Trainer<'c>) -> Trainer<'c> + Send,
) -> (Vec<u32>, Report) {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut network = Handwriting::new(1);
        let mut report = change(Trainer::from_recipe(recipe)).fit(&mut network, &data(400).0, None).unwrap();
        for metrics in &mut report.epochs {
            (metrics.seconds, metrics.images_per_second) = (0.0, 0.0);
        }
        let (_, validation) = data(400).0.split(0.25, recipe.seed).unwrap();
        let measured = evaluate(&network, &validation, 64).unwrap();
        let last = report.epochs.last().unwrap();
        if report.epochs.len() == recipe.epochs {
            assert_eq!(last.validation_loss, Some(measured.loss), "validation sees the images as they are");
        }
        let parameters = netwright::Network::core(&network).parameters().values();
        (parameters.iter().map(|value| value.to_bits()).collect(), report)
    })
}

#[test]
fn the_recipe_is_the_descriptions() {
    let expected = [
        Change::Rotate { degrees: 10.0, fill: Fill::Zero },
        Change::Scale { low: 0.9, high: 1.1, fill: Fill::Edge },
        Change::Shift { pixels: 2, fill: Fill::Zero },
        Change::Noise { deviation: 0.05 },
    ];
    assert_eq!(Handwriting::RECIPE.augment, Augmentation::try_from(expected.as_slice()).unwrap());
    assert_eq!(
        Handwriting::RECIPE.augment.to_string(),
        "rotate(10.0) -> scale(0.9, 1.1, fill: edge) -> shift(2) -> noise(0.05)"
    );
}

#[test]
fn it_is_the_same_for_any_number_of_threads() {
    let base = trained(1, Handwriting::RECIPE, |trainer| trainer);
    for threads in [2, 3, 7] {
        assert!(trained(threads, Handwriting::RECIPE, |trainer| trainer) == base, "{threads} threads");
    }
    let plain = trained(2, Handwriting::RECIPE, |trainer| trainer.augment(Augmentation::NONE));
    assert!(plain.0 != base.0, "the images are changed");
    let flipped = [Change::Flip { axis: Axis::Vertical }];
    let flipped = Augmentation::try_from(flipped.as_slice()).unwrap();
    assert!(trained(2, Handwriting::RECIPE, |trainer| trainer.augment(flipped)).0 != plain.0);
}

#[test]
fn a_stopped_run_goes_on_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let expected = trained(2, Handwriting::RECIPE, |trainer| trainer);
    // In an epoch, and in the next one.
    for stop in [2, 9] {
        trained_until(folder.path(), stop);
    }
    let resumed = trained(3, Handwriting::RECIPE, |trainer| trainer.out(folder.path()).resume(true));
    assert!(resumed == expected, "{:?} and {:?}", resumed.1, expected.1);

    // Another augmentation is another run.
    let mut network = Handwriting::new(1);
    let other = Trainer::from_recipe(Handwriting::RECIPE).augment(Augmentation::NONE);
    let refused = other.out(folder.path()).resume(true).fit(&mut network, &data(400).0, None).unwrap_err().to_string();
    assert!(refused.contains("\n  augment: expected none, found rotate(10.0) -> "), "{refused}");
}

/// Trains until a step, and leaves a checkpoint.
fn trained_until(folder: &Path, stop: u64) {
    let flag = Arc::new(AtomicBool::new(false));
    let raise = Arc::clone(&flag);
    let mut network = Handwriting::new(1);
    let report = Trainer::from_recipe(Handwriting::RECIPE)
        .out(folder)
        .resume(true)
        .stop_flag(flag)
        .on_batch(move |at| raise.store(at.step >= stop, Ordering::Relaxed))
        .fit(&mut network, &data(400).0, None)
        .unwrap();
    assert_eq!(report.steps, stop);
}

#[test]
fn it_learns() {
    let (train, test) = data(3000);
    let mut network = Handwriting::new(1);
    let recipe = Recipe { epochs: 5, validation: None, ..Handwriting::RECIPE };
    Trainer::from_recipe(recipe).fit(&mut network, &train, None).unwrap();
    let accuracy = evaluate(&network, &test, 64).unwrap().accuracy.unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
}
