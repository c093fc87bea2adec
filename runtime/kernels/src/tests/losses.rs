//! Losses and their gradients against double precision.

use super::{Random, around, assert_close, bits};
use crate::isa::on_every_isa;
use crate::{binary_cross_entropy, cross_entropy, huber, l1, mse};

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
        for classes in around(&mut random, [1, 2, 3, 8, 10, 17, 1000], 1000, 150) {
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
        for len in around(&mut random, [1, 3, 8, 20, 100], 1000, 150) {
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

#[test]
fn cross_entropy_of_smoothed_and_weighted_targets() {
    on_every_isa(|_| {
        let mut random = Random::new(52);
        for classes in around(&mut random, [1, 2, 3, 8, 10, 17, 100], 1000, 60) {
            for (smoothing, is_weighted) in [(0.0, false), (0.1, false), (0.0, true), (0.3, true), (1.0, true)] {
                let (n, scale) = (random.within(1, 5), 0.25);
                let logits: Vec<f32> = random.floats(n * classes).iter().map(|x| x * 10.0).collect();
                let labels: Vec<u32> = (0..n).map(|_| random.within(0, classes - 1) as u32).collect();
                let weights: Vec<f32> =
                    if is_weighted { (0..classes).map(|_| random.float() + 1.5).collect() } else { Vec::new() };
                let targets = cross_entropy::Targets { smoothing, weights: &weights };
                let (mut losses, mut correct, mut dlogits) =
                    (vec![f32::NAN; n], vec![9; n], vec![f32::NAN; n * classes]);
                cross_entropy::target_forward_gradient(
                    n,
                    classes,
                    scale,
                    targets,
                    &logits,
                    &labels,
                    &mut losses,
                    &mut correct,
                    &mut dlogits,
                );
                let (mut alone, mut correct_alone) = (vec![f32::NAN; n], vec![9; n]);
                cross_entropy::target_forward(n, classes, targets, &logits, &labels, &mut alone, &mut correct_alone);
                assert_close(&alone, &losses.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), 1e-6, "loss alone");
                let plain = cross_entropy_of(classes, scale, &logits, &labels);
                assert_eq!((&correct, &correct_alone), (&plain.correct, &plain.correct));
                for (i, &label) in labels.iter().enumerate() {
                    let row: Vec<f64> = logits[i * classes..][..classes].iter().map(|&x| f64::from(x)).collect();
                    let max = row.iter().copied().fold(f64::MIN, f64::max);
                    let log = row.iter().map(|x| (x - max).exp()).sum::<f64>().ln() + max;
                    let target = |c: usize| {
                        let smoothing = f64::from(smoothing);
                        let sharp = if c == label as usize { 1.0 - smoothing } else { 0.0 };
                        let weight = weights.get(c).map_or(1.0, |&weight| f64::from(weight));
                        weight * (sharp + smoothing / classes as f64)
                    };
                    let loss: f64 = (0..classes).map(|c| target(c) * (log - row[c])).sum();
                    assert_close(&losses[i..=i], &[loss], 3e-6, "loss");
                    let sum: f64 = (0..classes).map(target).sum();
                    let expected: Vec<f64> =
                        (0..classes).map(|c| f64::from(scale) * ((row[c] - log).exp() * sum - target(c))).collect();
                    assert_close(&dlogits[i * classes..][..classes], &expected, 2e-6, "dlogits");
                }
            }
        }
        // A class that is impossible costs nothing where nothing is smoothed.
        let targets = cross_entropy::Targets { smoothing: 0.0, weights: &[2.0, 1.0] };
        let mut losses = [f32::NAN];
        cross_entropy::target_forward(1, 2, targets, &[0.0, f32::NEG_INFINITY], &[0], &mut losses, &mut [0]);
        assert_eq!(losses, [0.0]);
    });
}

#[test]
#[should_panic(expected = "weights")]
fn a_weight_for_each_class() {
    let targets = cross_entropy::Targets { smoothing: 0.0, weights: &[1.0] };
    cross_entropy::target_forward(1, 2, targets, &[0.0; 2], &[0], &mut [0.0], &mut [0]);
}

type WithGradient = fn(usize, usize, f32, &[f32], &[f32], &mut [f32], &mut [f32]);

/// A loss over values: with its gradient, alone, and both in double precision.
struct ValueLoss {
    name: &'static str,
    with_gradient: WithGradient,
    alone: fn(usize, usize, &[f32], &[f32], &mut [f32]),
    exact: fn(f64, f64) -> f64,
    slope: fn(f64, f64) -> f64,
}

const DELTA: f32 = 0.75;

const VALUE_LOSSES: [ValueLoss; 3] = [
    ValueLoss {
        name: "binary cross entropy",
        with_gradient: binary_cross_entropy::forward_gradient,
        alone: binary_cross_entropy::forward,
        exact: |y, t| y.max(0.0) - y * t + (-y.abs()).exp().ln_1p(),
        slope: |y, t| 1.0 / (1.0 + (-y).exp()) - t,
    },
    ValueLoss {
        name: "l1",
        with_gradient: l1::forward_gradient,
        alone: l1::forward,
        exact: |y, t| (y - t).abs(),
        slope: |y, t| if y == t { 0.0 } else { (y - t).signum() },
    },
    ValueLoss {
        name: "huber",
        with_gradient: |n, len, scale, y, t, losses, dy| {
            huber::forward_gradient(n, len, scale, DELTA, y, t, losses, dy)
        },
        alone: |n, len, y, t, losses| huber::forward(n, len, DELTA, y, t, losses),
        exact: |y, t| {
            let (d, delta) = ((y - t).abs(), f64::from(DELTA));
            if d <= delta { d * d / 2.0 } else { delta * (d - delta / 2.0) }
        },
        slope: |y, t| (y - t).clamp(-f64::from(DELTA), f64::from(DELTA)),
    },
];

#[test]
fn losses_over_values() {
    on_every_isa(|_| {
        let mut random = Random::new(53);
        for ValueLoss { name, with_gradient, alone, exact, slope } in VALUE_LOSSES {
            for len in around(&mut random, [1, 3, 8, 20, 100], 1000, 150) {
                let n = random.within(1, 5);
                let mut y: Vec<f32> = random.floats(n * len).iter().map(|x| x * 8.0).collect();
                let target: Vec<f32> = (0..n * len).map(|_| (random.float() + 1.0) / 2.0).collect();
                y[0] = target[0];
                let (mut losses, mut dy) = (vec![f32::NAN; n], vec![f32::NAN; n * len]);
                with_gradient(n, len, 0.5, &y, &target, &mut losses, &mut dy);
                let pairs: Vec<(f64, f64)> =
                    y.iter().zip(&target).map(|(&y, &t)| (f64::from(y), f64::from(t))).collect();
                let expected: Vec<f64> = pairs
                    .chunks(len)
                    .map(|image| image.iter().map(|&(y, t)| exact(y, t)).sum::<f64>() / len as f64)
                    .collect();
                assert_close(&losses, &expected, 1e-6, name);
                let slopes: Vec<f64> = pairs.iter().map(|&(y, t)| 0.5 / len as f64 * slope(y, t)).collect();
                assert_close(&dy, &slopes, 1e-6, name);
                let mut again = vec![f32::NAN; n];
                alone(n, len, &y, &target, &mut again);
                assert_eq!(bits(&again), bits(&losses));
            }
            let (mut losses, mut dy) = ([0.0; 2], [0.0; 4]);
            with_gradient(2, 2, 1.0, &[1.0, f32::NAN, 1e30, -1e30], &[0.5; 4], &mut losses, &mut dy);
            assert!(losses[0].is_nan() && dy[1].is_nan(), "{name} hides a NaN");
            assert!(losses[1].is_finite() && dy[2..].iter().all(|dy| dy.is_finite()), "{name}: {losses:?} {dy:?}");
        }
    });
}
