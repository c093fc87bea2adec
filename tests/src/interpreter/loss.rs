//! The losses, each image's and the gradient of their mean.

use netwright_compiler::recipe::LossKind;

use super::{Targets, log_softmax};

/// What a loss comes to.
#[derive(Debug, Clone)]
pub struct Losses {
    /// Each image's.
    pub losses: Vec<f64>,
    /// Images whose class has the first of the largest scores.
    pub correct: usize,
    /// The gradient of the mean over the images.
    pub gradient: Vec<f64>,
    /// What the images count together in the mean.
    pub weight: f64,
}

/// The loss of `x`, `[n, ...]`.
///
/// # Panics
///
/// If the targets are of another kind or number.
#[must_use]
pub fn losses(kind: &LossKind, n: usize, x: &[f64], targets: Targets<'_>) -> Losses {
    let len = x.len() / n;
    match (kind, targets) {
        (LossKind::CrossEntropy { smoothing, weights }, Targets::Classes(labels)) => {
            cross_entropy(len, x, labels, *smoothing, weights)
        }
        (LossKind::MeanSquaredError, Targets::Values(values)) => {
            over_values(len, x, values, |x, t| (x - t).powi(2), |x, t| 2.0 * (x - t))
        }
        (LossKind::BinaryCrossEntropy, Targets::Values(values)) => {
            let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
            let loss = |x: f64, t: f64| -t * sigmoid(x).ln() - (1.0 - t) * sigmoid(-x).ln();
            over_values(len, x, values, loss, |x, t| sigmoid(x) - t)
        }
        (LossKind::L1, Targets::Values(values)) => {
            over_values(len, x, values, |x, t| (x - t).abs(), |x, t| (x - t).signum())
        }
        (&LossKind::Huber { delta }, Targets::Values(values)) => {
            let loss = |x: f64, t: f64| {
                let d = (x - t).abs();
                if d <= delta { d * d / 2.0 } else { delta * (d - delta / 2.0) }
            };
            over_values(len, x, values, loss, |x, t| (x - t).clamp(-delta, delta))
        }
        (LossKind::CrossEntropy { .. }, Targets::Values(_)) => panic!("cross entropy takes classes"),
        (_, Targets::Classes(_)) => panic!("a loss over values takes values"),
    }
}

/// `-sum(weight target log(softmax(x)))` with the target `(1 - smoothing) one_hot(label) + smoothing / classes`. Of weighted
/// classes the gradient is that of PyTorch's mean: the sum over the sum of the labels' weights.
fn cross_entropy(classes: usize, x: &[f64], labels: &[u32], smoothing: f64, weights: &[f64]) -> Losses {
    assert_eq!(x.len(), labels.len() * classes);
    let weight = |class: usize| weights.get(class).copied().unwrap_or(1.0);
    let total: f64 = labels.iter().map(|&label| weight(label as usize)).sum();
    let logs = log_softmax::forward(classes, x);
    let (mut losses, mut correct, mut gradient) = (Vec::new(), 0, Vec::new());
    for (image, &label) in labels.iter().enumerate() {
        let label = label as usize;
        let (row, logs) = (&x[image * classes..][..classes], &logs[image * classes..][..classes]);
        let target = |class: usize| {
            let sharp = if class == label { 1.0 - smoothing } else { 0.0 };
            weight(class) * (sharp + smoothing / classes as f64)
        };
        let targets: Vec<f64> = (0..classes).map(target).collect();
        let sum: f64 = targets.iter().sum();
        losses.push(-targets.iter().zip(logs).map(|(target, log)| target * log).sum::<f64>());
        gradient.extend(targets.iter().zip(logs).map(|(target, log)| (log.exp() * sum - target) / total));
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        correct += usize::from(row.iter().position(|&x| x == largest) == Some(label));
    }
    Losses { losses, correct, gradient, weight: total }
}

/// The mean over an image's values of a function of value and target, whose slope is given.
fn over_values(
    len: usize,
    x: &[f64],
    targets: &[f64],
    loss: impl Fn(f64, f64) -> f64,
    slope: impl Fn(f64, f64) -> f64,
) -> Losses {
    assert_eq!(x.len(), targets.len());
    let pairs: Vec<(f64, f64)> = x.iter().copied().zip(targets.iter().copied()).collect();
    let mean = |image: &[(f64, f64)]| image.iter().map(|&(x, t)| loss(x, t)).sum::<f64>() / len as f64;
    let gradient = pairs.iter().map(|&(x, t)| slope(x, t) / pairs.len() as f64).collect();
    let losses: Vec<f64> = pairs.chunks_exact(len).map(mean).collect();
    Losses { weight: losses.len() as f64, losses, correct: 0, gradient }
}
