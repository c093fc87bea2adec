//! Batch normalisation (Ioffe and Szegedy, 2015), with statistics over the whole batch.

use netwright_compiler::ops::BatchNorm;

/// What merging leaves.
pub(super) struct Merged {
    /// Means, then inverse standard deviations.
    pub(super) stats: Vec<f64>,
    /// The running mean afterwards.
    pub(super) mean: Vec<f64>,
    /// The running variance afterwards.
    pub(super) variance: Vec<f64>,
}

/// Means, then sums of squared deviations, of each channel.
pub(super) fn moments(norm: &BatchNorm, x: &[f64]) -> Vec<f64> {
    let of_channel = |channel: usize| x.iter().skip(channel).step_by(norm.c);
    let count = (x.len() / norm.c) as f64;
    let means: Vec<f64> = (0..norm.c).map(|channel| of_channel(channel).sum::<f64>() / count).collect();
    let squares = (0..norm.c).map(|channel| of_channel(channel).map(|x| (x - means[channel]).powi(2)).sum::<f64>());
    let squares: Vec<f64> = squares.collect();
    [means, squares].concat()
}

/// Means, then `1 / sqrt(variance + epsilon)`.
pub(super) fn statistics(norm: &BatchNorm, mean: &[f64], variance: &[f64]) -> Vec<f64> {
    let inverse = variance.iter().map(|variance| 1.0 / (variance + norm.epsilon).sqrt());
    mean.iter().copied().chain(inverse).collect()
}

/// The batch's statistics from its moments, and the running ones that follow them.
pub(super) fn merge(norm: &BatchNorm, n: usize, moments: &[f64], mean: &[f64], variance: &[f64]) -> Merged {
    let count = (n * norm.pixels) as f64;
    let (means, squares) = moments.split_at(norm.c);
    let biased: Vec<f64> = squares.iter().map(|squares| squares / count).collect();
    let divisor = if norm.unbiased { (count - 1.0).max(1.0) } else { count };
    let follow = |old: f64, new: f64| norm.momentum * old + (1.0 - norm.momentum) * new;
    Merged {
        stats: statistics(norm, means, &biased),
        mean: mean.iter().zip(means).map(|(&old, &new)| follow(old, new)).collect(),
        variance: variance.iter().zip(squares).map(|(&old, &squares)| follow(old, squares / divisor)).collect(),
    }
}

/// `scale (x - mean) inverse + shift`.
pub(super) fn normalise(norm: &BatchNorm, x: &[f64], stats: &[f64], scale: &[f64], shift: &[f64]) -> Vec<f64> {
    normalised(norm, x, stats).enumerate().map(|(i, x)| scale[i % norm.c] * x + shift[i % norm.c]).collect()
}

/// `(x - mean) inverse`, element by element.
fn normalised<'a>(norm: &BatchNorm, x: &'a [f64], stats: &'a [f64]) -> impl Iterator<Item = f64> + use<'a> {
    let c = norm.c;
    x.iter().enumerate().map(move |(i, x)| (x - stats[i % c]) * stats[c + i % c])
}

/// Sums over the batch of `dy`, then of `dy` times the normalised input: the gradients of shift and scale.
pub(super) fn gradient_sums(norm: &BatchNorm, x: &[f64], stats: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; 2 * norm.c];
    for (i, (x, dy)) in normalised(norm, x, stats).zip(dy).enumerate() {
        sums[i % norm.c] += dy;
        sums[norm.c + i % norm.c] += dy * x;
    }
    sums
}

/// The gradient of the input, by the chain rule through mean and variance as the paper (section 3) writes it.
pub(super) fn gradient(
    norm: &BatchNorm,
    n: usize,
    x: &[f64],
    stats: &[f64],
    sums: &[f64],
    dy: &[f64],
    scale: &[f64],
) -> Vec<f64> {
    let count = (n * norm.pixels) as f64;
    let c = norm.c;
    let element = |(i, (x, dy)): (usize, (&f64, &f64))| {
        let channel = i % c;
        let (deviation, inverse) = (x - stats[channel], stats[c + channel]);
        let d_normalised = scale[channel] * dy;
        // The sums over the batch of d_normalised, and of d_normalised times the deviation.
        let d_sum = scale[channel] * sums[channel];
        let d_deviation_sum = scale[channel] * sums[c + channel] / inverse;
        let d_variance = -0.5 * d_deviation_sum * inverse.powi(3);
        // The deviations sum to zero, so that the variance adds nothing to the mean's gradient.
        let d_mean = -d_sum * inverse;
        d_normalised * inverse + d_variance * 2.0 * deviation / count + d_mean / count
    };
    x.iter().zip(dy).enumerate().map(element).collect()
}
