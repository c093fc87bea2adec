//! Means over neighbouring axes.

use netwright_compiler::ops::Mean;

/// Elements before, in and after the axes.
fn sizes(mean: &Mean) -> [usize; 3] {
    [mean.outer.iter().product(), mean.reduced, mean.inner.iter().product()]
}

/// The mean of each run of the axes.
pub(super) fn forward(mean: &Mean, n: usize, x: &[f64]) -> Vec<f64> {
    let [outer, reduced, inner] = sizes(mean);
    let mut y = vec![0.0; n * outer * inner];
    x.iter().enumerate().for_each(|(i, x)| y[i / (reduced * inner) * inner + i % inner] += x / reduced as f64);
    y
}

/// Each gradient, spread over its run.
pub(super) fn gradient(mean: &Mean, n: usize, dy: &[f64]) -> Vec<f64> {
    let [outer, reduced, inner] = sizes(mean);
    let spread = |i: usize| dy[i / (reduced * inner) * inner + i % inner] / reduced as f64;
    (0..n * outer * reduced * inner).map(spread).collect()
}
