//! Local response normalisation across channels.

use netwright_compiler::ops::Lrn;

/// Whether the window of channel `of` holds channel `i`.
fn holds(op: &Lrn, of: usize, i: usize) -> bool {
    i + op.size / 2 >= of && i <= of + (op.size - 1) / 2
}

/// `k + alpha / size sum(x^2)` of each channel of a row.
fn scales(op: &Lrn, x: &[f64]) -> Vec<f64> {
    let sum = |of: usize| (0..op.c).filter(|&i| holds(op, of, i)).map(|i| x[i] * x[i]).sum::<f64>();
    (0..op.c).map(|of| op.k + op.alpha / op.size as f64 * sum(of)).collect()
}

/// `x scale^-beta`.
pub(super) fn forward(op: &Lrn, x: &[f64]) -> Vec<f64> {
    let row = |x: &[f64]| {
        let scales = scales(op, x);
        x.iter().zip(scales).map(|(x, scale)| x * scale.powf(-op.beta)).collect::<Vec<f64>>()
    };
    x.chunks_exact(op.c).flat_map(row).collect()
}

/// `dx[i]` is the sum over `j` of `dy[j] dy[j]/dx[i]`: the Jacobian, row by row.
pub(super) fn gradient(op: &Lrn, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut dx = Vec::with_capacity(x.len());
    for (x, dy) in x.chunks_exact(op.c).zip(dy.chunks_exact(op.c)) {
        let scales = scales(op, x);
        for i in 0..op.c {
            let slope = |j: usize| {
                let own = if i == j { scales[j].powf(-op.beta) } else { 0.0 };
                let of_scale = if holds(op, j, i) { 2.0 * op.alpha / op.size as f64 * x[i] } else { 0.0 };
                own - op.beta * x[j] * scales[j].powf(-op.beta - 1.0) * of_scale
            };
            dx.push((0..op.c).map(|j| dy[j] * slope(j)).sum());
        }
    }
    dx
}
