//! The losses, each image's and the gradient of their mean.

use netwright_compiler::recipe::LossKind;

use super::{Targets, softmax};

/// What a loss comes to.
#[derive(Debug, Clone)]
pub struct Losses {
    /// Each image's.
    pub losses: Vec<f64>,
    /// Images whose class has the first of the largest scores.
    pub correct: usize,
    /// The gradient of the mean over the images.
    pub gradient: Vec<f64>,
}

/// The loss of `x`, `[n, ...]`.
///
/// # Panics
///
/// If the targets are of another kind or number.
#[must_use]
pub fn losses(kind: LossKind, n: usize, x: &[f64], targets: Targets<'_>) -> Losses {
    let len = x.len() / n;
    match (kind, targets) {
        (LossKind::CrossEntropy, Targets::Classes(labels)) => cross_entropy(len, x, labels),
        (LossKind::MeanSquaredError, Targets::Values(values)) => mean_squared_error(len, x, values),
        (LossKind::CrossEntropy, Targets::Values(_)) => panic!("cross entropy takes classes"),
        (LossKind::MeanSquaredError, Targets::Classes(_)) => panic!("mean squared error takes values"),
    }
}

/// `-log(softmax(x)[label])`, whose gradient is `softmax(x) - one_hot(label)`.
fn cross_entropy(classes: usize, x: &[f64], labels: &[u32]) -> Losses {
    let n = labels.len();
    assert_eq!(x.len(), n * classes);
    let mut gradient = softmax::forward(classes, x);
    let (mut losses, mut correct) = (Vec::new(), 0);
    for (image, &label) in labels.iter().enumerate() {
        let label = label as usize;
        let row = &x[image * classes..][..classes];
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        losses.push(largest + row.iter().map(|x| (x - largest).exp()).sum::<f64>().ln() - row[label]);
        correct += usize::from(row.iter().position(|&x| x == largest) == Some(label));
        gradient[image * classes + label] -= 1.0;
    }
    gradient.iter_mut().for_each(|gradient| *gradient /= n as f64);
    Losses { losses, correct, gradient }
}

/// The mean over an image's values of `(x - target)^2`.
fn mean_squared_error(len: usize, x: &[f64], targets: &[f64]) -> Losses {
    assert_eq!(x.len(), targets.len());
    let differences: Vec<f64> = x.iter().zip(targets).map(|(x, target)| x - target).collect();
    let mean = |row: &[f64]| row.iter().map(|d| d * d).sum::<f64>() / len as f64;
    let gradient = differences.iter().map(|d| 2.0 * d / x.len() as f64).collect();
    Losses { losses: differences.chunks_exact(len).map(mean).collect(), correct: 0, gradient }
}
