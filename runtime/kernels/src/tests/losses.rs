//! Losses and their gradients against double precision.

use super::{Random, assert_close, bits};
use crate::isa::on_every_isa;
use crate::{cross_entropy, mse};

struct Found {
    losses: Vec<f32>,
    correct: Vec<u8>,
    dlogits: Vec<f32>,
}

fn cross_entropy_of(classes: usize, scale: f32, logits: &[f32], labels: &[u32]) -> Found {
    let n = labels.len();
    let (mut losses, mut correct, mut dlogits) = (vec![f32::NAN; n], vec![9; n], vec![f32::NAN; n * classes]);
    cross_entropy::forward_gradient(n, classes, scale, logits, labels, &mut losses, &mut correct, &mut dlogits);
    let (mut losses_alone, mut correct_alone) = (vec![f32::NAN; n], vec![9; n]);
    cross_entropy::forward(n, classes, logits, labels, &mut losses_alone, &mut correct_alone);
    assert_eq!((bits(&losses), &correct), (bits(&losses_alone), &correct_alone));
    Found { losses, correct, dlogits }
}

#[test]
fn cross_entropy_of_random_logits() {
    on_every_isa(|_| {
        let mut random = Random::new(50);
        for classes in [1, 2, 3, 8, 10, 17, 1000] {
            let n = random.within(1, 9);
            let logits: Vec<f32> = random.floats(n * classes).iter().map(|x| x * 10.0).collect();
            let labels: Vec<u32> = (0..n).map(|_| random.within(0, classes - 1) as u32).collect();
            let found = cross_entropy_of(classes, 0.25, &logits, &labels);
            for (i, &label) in labels.iter().enumerate() {
                let row: Vec<f64> = logits[i * classes..][..classes].iter().map(|&x| f64::from(x)).collect();
                let max = row.iter().copied().fold(f64::MIN, f64::max);
                let sum: f64 = row.iter().map(|x| (x - max).exp()).sum();
                assert_close(&found.losses[i..=i], &[sum.ln() + max - row[label as usize]], 2e-6, "loss");
                let argmax = row.iter().position(|&x| x == max).unwrap();
                assert_eq!(found.correct[i] == 1, argmax == label as usize);
                let expected: Vec<f64> = row
                    .iter()
                    .enumerate()
                    .map(|(c, x)| 0.25 * ((x - max).exp() / sum - f64::from(u8::from(c == label as usize))))
                    .collect();
                assert_close(&found.dlogits[i * classes..][..classes], &expected, 1e-6, "dlogits");
            }
        }
    });
}

#[test]
fn cross_entropy_of_extremes() {
    on_every_isa(|_| {
        let found = cross_entropy_of(3, 1.0, &[1e4, -1e4, 0.0], &[1]);
        assert_eq!((found.losses[0], found.correct[0]), (2e4, 0));
        assert_eq!(found.dlogits, [1.0, -1.0, 0.0]);
        // Of equal logits the first counts.
        assert_eq!(cross_entropy_of(3, 1.0, &[2.0, 2.0, 0.0, 2.0, 2.0, 0.0], &[1, 0]).correct, [0, 1]);
        for bad in [f32::NAN, f32::INFINITY] {
            let found = cross_entropy_of(2, 1.0, &[bad, 0.0, 0.0, 1.0], &[0, 1]);
            assert!(found.losses[0].is_nan() && found.losses[1].is_finite());
            assert_eq!(found.correct, [0, 1]);
        }
    });
}

#[test]
#[should_panic(expected = "label is not below")]
fn a_label_that_is_no_class_is_refused() {
    cross_entropy_of(2, 1.0, &[0.0; 2], &[2]);
}

#[test]
fn mean_squared_error() {
    on_every_isa(|_| {
        let mut random = Random::new(51);
        for len in [1, 3, 8, 20, 100] {
            let n = random.within(1, 5);
            let (y, target) = (random.floats(n * len), random.floats(n * len));
            let (mut losses, mut dy) = (vec![f32::NAN; n], vec![f32::NAN; n * len]);
            mse::forward_gradient(n, len, 0.5, &y, &target, &mut losses, &mut dy);
            let off: Vec<f64> = y.iter().zip(&target).map(|(&y, &t)| f64::from(y) - f64::from(t)).collect();
            let expected: Vec<f64> =
                off.chunks(len).map(|off| off.iter().map(|d| d * d).sum::<f64>() / len as f64).collect();
            assert_close(&losses, &expected, 1e-6, "loss");
            let slopes: Vec<f64> = off.iter().map(|d| 0.5 * 2.0 / len as f64 * d).collect();
            assert_close(&dy, &slopes, 1e-6, "dy");
            let mut alone = vec![f32::NAN; n];
            mse::forward(n, len, &y, &target, &mut alone);
            assert_eq!(bits(&alone), bits(&losses));
        }
    });
}
