//! Layer and group normalisation.

use netwright_compiler::ops::{Norm, Over};

/// Which set of numbers of an image each of its numbers is normalised with.
fn set(op: &Norm, at: usize) -> usize {
    match op.over {
        Over::Channels => at / op.c,
        Over::Groups(groups) => at % op.c / (op.c / groups),
    }
}

fn n_sets(op: &Norm) -> usize {
    match op.over {
        Over::Channels => op.pixels,
        Over::Groups(groups) => groups,
    }
}

/// Each set's mean of some numbers of an image.
fn means(op: &Norm, numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sums = vec![0.0; n_sets(op)];
    numbers.enumerate().for_each(|(at, number)| sums[set(op, at)] += number);
    let count = (op.pixels * op.c / n_sets(op)) as f64;
    sums.into_iter().map(|sum| sum / count).collect()
}

/// The output, and each set's mean and inverse standard deviation.
pub(super) fn forward(op: &Norm, x: &[f64], scale: &[f64], shift: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut y, mut stats) = (Vec::new(), Vec::new());
    for x in x.chunks_exact(op.pixels * op.c) {
        let mean = means(op, x.iter().copied());
        let variance = means(op, x.iter().enumerate().map(|(at, x)| (x - mean[set(op, at)]).powi(2)));
        let start = stats.len();
        stats.extend(
            mean.iter().zip(variance).flat_map(|(&mean, variance)| [mean, 1.0 / (variance + op.epsilon).sqrt()]),
        );
        let stats = &stats[start..];
        y.extend((0..x.len()).map(|at| normal(op, x, stats, at) * scale[at % op.c] + shift[at % op.c]));
    }
    (y, stats)
}

/// A number of an image, normalised.
fn normal(op: &Norm, x: &[f64], stats: &[f64], at: usize) -> f64 {
    let set = set(op, at);
    (x[at] - stats[2 * set]) * stats[2 * set + 1]
}

/// Images with their statistics and gradients.
fn images<'a>(
    op: &Norm,
    x: &'a [f64],
    stats: &'a [f64],
    dy: &'a [f64],
) -> impl Iterator<Item = (&'a [f64], &'a [f64], &'a [f64])> + use<'a> {
    let len = op.pixels * op.c;
    x.chunks_exact(len).zip(stats.chunks_exact(2 * n_sets(op))).zip(dy.chunks_exact(len)).map(|((x, s), dy)| (x, s, dy))
}

/// The gradient of the input: `inv (g - mean(g) - normal mean(g normal))` with `g = dy scale`.
pub(super) fn gradient(op: &Norm, x: &[f64], stats: &[f64], dy: &[f64], scale: &[f64]) -> Vec<f64> {
    let mut dx = Vec::new();
    for (x, stats, dy) in images(op, x, stats, dy) {
        let g = |at: usize| dy[at] * scale[at % op.c];
        let mean = means(op, (0..x.len()).map(g));
        let product = means(op, (0..x.len()).map(|at| g(at) * normal(op, x, stats, at)));
        dx.extend((0..x.len()).map(|at| {
            let set = set(op, at);
            stats[2 * set + 1] * (g(at) - mean[set] - normal(op, x, stats, at) * product[set])
        }));
    }
    dx
}

/// The gradients of scale and shift.
pub(super) fn parameter_gradient(op: &Norm, x: &[f64], stats: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut scale, mut shift) = (vec![0.0; op.c], vec![0.0; op.c]);
    for (x, stats, dy) in images(op, x, stats, dy) {
        for at in 0..x.len() {
            scale[at % op.c] += dy[at] * normal(op, x, stats, at);
            shift[at % op.c] += dy[at];
        }
    }
    (scale, shift)
}
