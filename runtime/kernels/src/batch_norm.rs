//! Batch normalisation (Ioffe and Szegedy, 2015): every channel to mean zero and variance one over the batch.
//!
//! A batch is worked in chunks of images, so its statistics are too: each chunk's mean and sum of squared deviations
//! ([`partial`]) are merged in the order of the chunks ([`merge`]; Chan, Golub and LeVeque, "Algorithms for computing
//! the sample variance", 1983), then turned into what [`apply`] needs ([`finish`]). Backward likewise:
//! [`gradient_partial`], sums over the chunks, [`gradient`]. Statistics are `[2, c]`: one kind after the other.

use crate::check::{self, product};
use crate::columns::{self, ColumnMap, Columns, Term, block_sums, blocks, by_width};
use crate::isa::dispatch;
use crate::simd::Simd;

/// Writes to `out` the means, then the sums of squared deviations from them, of each channel of `x`, `[n, pixels, c]`.
///
/// # Panics
/// Where a slice has another length, or there are no values.
pub fn partial(n: usize, pixels: usize, c: usize, x: &[f32], out: &mut [f32]) {
    let rows = check_rows(n, pixels, c, x);
    check::images("out", out, 2, c);
    assert!(rows > 0 && c > 0, "statistics need at least one value");
    dispatch!(partial_body(c: usize, x: &[f32], out: &mut [f32]))
}

/// Merges the statistics `b` of `count_b` values per channel into `a`, those of `count_a` values.
///
/// Where `count_a` is zero, what is in `a` does not matter.
///
/// # Panics
/// Where the slices differ in length or have an odd one.
pub fn merge(count_a: usize, a: &mut [f32], count_b: usize, b: &[f32]) {
    assert!(a.len() == b.len() && a.len().is_multiple_of(2), "`a` and `b` must hold two values per channel");
    if count_b == 0 {
        return;
    }
    if count_a == 0 {
        a.copy_from_slice(b);
        return;
    }
    let total = count_a as f64 + count_b as f64;
    let weight = (count_b as f64 / total) as f32;
    let cross = (count_a as f64 * count_b as f64 / total) as f32;
    let c = a.len() / 2;
    let (mean_a, m2_a) = a.split_at_mut(c);
    let (mean_b, m2_b) = b.split_at(c);
    for (((mean_a, m2_a), mean_b), m2_b) in mean_a.iter_mut().zip(m2_a).zip(mean_b).zip(m2_b) {
        let delta = mean_b - *mean_a;
        *mean_a += delta * weight;
        *m2_a += m2_b + delta * delta * cross;
    }
}

/// Makes of the statistics of `count` values what normalising takes, in place: the means stay, and the sums of squared
/// deviations become `1 / sqrt(variance + eps)` of each channel; the variance is the biased one, over `count`.
///
/// # Panics
/// Where the slice has an odd length or `count` is zero.
pub fn finish(count: usize, eps: f32, stats: &mut [f32]) {
    let c = stats.len() / 2;
    check::images("stats", stats, 2, c);
    assert!(count > 0, "statistics need at least one value");
    for value in &mut stats[c..] {
        *value = 1.0 / (*value / count as f32 + eps).sqrt();
    }
}

/// How running statistics follow those of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// The part of the old value that stays: `momentum * old + (1 - momentum) * new`, as Keras has it (0.99 there;
    /// PyTorch calls one minus this the momentum, 0.1).
    pub momentum: f32,
    /// Whether the variance is over `count - 1`, as PyTorch keeps it; over `count`, as Keras does, otherwise.
    pub unbiased: bool,
}

/// Moves the running mean and variance towards the statistics of a batch of `count` values per channel.
///
/// # Panics
/// Where a slice has another length or `count` is zero.
pub fn running(rule: Running, count: usize, stats: &[f32], mean: &mut [f32], variance: &mut [f32]) {
    let c = mean.len();
    check::images("stats", stats, 2, c);
    check::len("variance", variance, c);
    assert!(count > 0, "statistics need at least one value");
    // A single value has no unbiased variance; zero is kept rather than 0 / 0.
    let divisor = if rule.unbiased { (count - 1).max(1) } else { count } as f32;
    let new = 1.0 - rule.momentum;
    for (mean, batch) in mean.iter_mut().zip(&stats[..c]) {
        *mean = *mean * rule.momentum + batch * new;
    }
    for (variance, m2) in variance.iter_mut().zip(&stats[c..]) {
        *variance = *variance * rule.momentum + m2 / divisor * new;
    }
}

/// Writes `y = (x - mean) * inv_std * gamma + beta`; `x` and `y` are `[n, pixels, c]`, the others `[c]`.
///
/// # Panics
/// Where a slice has another length.
pub fn apply(
    n: usize,
    pixels: usize,
    c: usize,
    x: &[f32],
    mean: &[f32],
    inv_std: &[f32],
    gamma: &[f32],
    beta: &[f32],
    y: &mut [f32],
) {
    check_rows(n, pixels, c, x);
    check::len("y", y, x.len());
    for (name, slice) in [("mean", mean), ("inv_std", inv_std), ("gamma", gamma), ("beta", beta)] {
        check::len(name, slice, c);
    }
    if c > 0 {
        let f = Apply { mean, inv_std, gamma, beta };
        dispatch!(apply_body(f: Apply, c: usize, x: &[f32], y: &mut [f32]));
    }
}

/// Writes `y = (x - mean) / sqrt(variance + eps) * gamma + beta`, with running statistics.
///
/// # Panics
/// Where a slice has another length.
pub fn infer(
    n: usize,
    pixels: usize,
    c: usize,
    eps: f32,
    x: &[f32],
    mean: &[f32],
    variance: &[f32],
    gamma: &[f32],
    beta: &[f32],
    y: &mut [f32],
) {
    check_rows(n, pixels, c, x);
    check::len("y", y, x.len());
    for (name, slice) in [("mean", mean), ("variance", variance), ("gamma", gamma), ("beta", beta)] {
        check::len(name, slice, c);
    }
    if c > 0 {
        let f = Infer { eps, mean, variance, gamma, beta };
        dispatch!(infer_body(f: Infer, c: usize, x: &[f32], y: &mut [f32]));
    }
}

/// Writes `dx = dy * gamma / sqrt(variance + eps)`: the gradient of the input of [`infer`]; `dy` and `dx` are
/// `[n, pixels, c]`, the others `[c]`.
///
/// # Panics
/// Where a slice has another length.
pub fn frozen_gradient(
    n: usize,
    pixels: usize,
    c: usize,
    eps: f32,
    dy: &[f32],
    variance: &[f32],
    gamma: &[f32],
    dx: &mut [f32],
) {
    check_rows(n, pixels, c, dy);
    check::len("dx", dx, dy.len());
    for (name, slice) in [("variance", variance), ("gamma", gamma)] {
        check::len(name, slice, c);
    }
    // The factors of a few channels at a time, so that they are computed once and need no memory.
    for first in (0..c).step_by(BLOCK) {
        let width = BLOCK.min(c - first);
        let mut factors = [0.0_f32; BLOCK];
        for (k, factor) in factors.iter_mut().enumerate().take(width) {
            *factor = gamma[first + k] / (variance[first + k] + eps).sqrt();
        }
        for (from, to) in dy.chunks_exact(c).zip(dx.chunks_exact_mut(c)) {
            let row = from[first..first + width].iter().zip(&mut to[first..first + width]);
            for ((from, to), factor) in row.zip(&factors) {
                *to = from * factor;
            }
        }
    }
}

/// Channels whose factors are computed at a time.
const BLOCK: usize = 64;

/// Writes to `out` the sums of `dy`, then those of `dy * xhat`, of each channel, where `xhat = (x - mean) * inv_std`.
///
/// The sums over the whole batch, for which the caller adds those of its chunks in order, are the gradients of beta and
/// gamma, and what [`gradient`] needs.
///
/// # Panics
/// Where a slice has another length.
pub fn gradient_partial(
    n: usize,
    pixels: usize,
    c: usize,
    x: &[f32],
    mean: &[f32],
    inv_std: &[f32],
    dy: &[f32],
    out: &mut [f32],
) {
    check_rows(n, pixels, c, x);
    check::len("dy", dy, x.len());
    check::len("mean", mean, c);
    check::len("inv_std", inv_std, c);
    check::images("out", out, 2, c);
    if c > 0 {
        let term = GradientTerm { mean, inv_std };
        dispatch!(gradient_partial_body(term: GradientTerm, c: usize, x: &[f32], dy: &[f32], out: &mut [f32]));
    }
}

/// Writes `dx = gamma * inv_std * (dy - (sum dy + xhat * sum(dy * xhat)) / count_total)`.
///
/// `sums` is that of [`gradient_partial`] over the whole batch, of `count_total` values per channel.
///
/// # Panics
/// Where a slice has another length or `count_total` is zero.
pub fn gradient(
    n: usize,
    pixels: usize,
    c: usize,
    count_total: usize,
    x: &[f32],
    mean: &[f32],
    inv_std: &[f32],
    gamma: &[f32],
    sums: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) {
    check_rows(n, pixels, c, x);
    check::len("dy", dy, x.len());
    check::len("dx", dx, x.len());
    for (name, slice) in [("mean", mean), ("inv_std", inv_std), ("gamma", gamma)] {
        check::len(name, slice, c);
    }
    check::images("sums", sums, 2, c);
    assert!(count_total > 0, "statistics need at least one value");
    if c > 0 {
        let f = Gradient { share: 1.0 / count_total as f32, mean, inv_std, gamma, sums: sums.split_at(c) };
        dispatch!(gradient_body(f: Gradient, c: usize, x: &[f32], dy: &[f32], dx: &mut [f32]));
    }
}

#[track_caller]
fn check_rows(n: usize, pixels: usize, c: usize, x: &[f32]) -> usize {
    let rows = product(&[n, pixels]);
    check::images("x", x, rows, c);
    rows
}

/// The columns' values in a vector of `c`.
#[inline(always)]
fn at<S: Simd>(s: S, values: &[f32], at: usize, len: usize) -> S::V {
    Columns { at, len }.load(s, values)
}

#[inline(always)]
fn partial_body<S: Simd>(s: S, c: usize, x: &[f32], out: &mut [f32]) {
    for columns in blocks(c) {
        by_width!(columns, partial_block::<S>(s, c, columns, x, out));
    }
}

/// The mean in a first pass; in a second the deviations, whose own mean, which rounding leaves, corrects both results.
#[inline(always)]
fn partial_block<S: Simd, const NV: usize>(s: S, c: usize, columns: Columns, x: &[f32], out: &mut [f32]) {
    let share = s.splat(1.0 / (x.len() / c) as f32);
    let zero = [[s.splat(0.0); 2]; NV];
    let sums = block_sums::<S, columns::Value, 1, NV>(s, columns::Value, zero, c, columns, x, x);
    let mut means = zero;
    for i in 0..NV {
        means[i][0] = s.mul(sums[i][0], share);
    }
    let deviations = block_sums::<S, Deviation, 2, NV>(s, Deviation, means, c, columns, x, x);
    let (mean_out, m2_out) = out.split_at_mut(c);
    for i in 0..NV {
        let [sum, squares] = deviations[i];
        let correction = s.mul(sum, share);
        let vector = columns.vector(i);
        vector.store(s, s.add(means[i][0], correction), mean_out);
        // Written so that a NaN stays.
        vector.store(s, s.max(s.splat(0.0), s.sub(squares, s.mul(sum, correction))), m2_out);
    }
}

/// The deviation from the first constant, and its square.
#[derive(Clone, Copy)]
struct Deviation;

impl Term<2> for Deviation {
    #[inline(always)]
    fn constants<S: Simd>(self, s: S, _at: usize, _len: usize) -> [S::V; 2] {
        [s.splat(0.0); 2]
    }
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, [mean, _]: [S::V; 2], x: S::V, _z: S::V) -> [S::V; 2] {
        let deviation = s.sub(x, mean);
        [deviation, s.mul(deviation, deviation)]
    }
}

#[inline(always)]
fn apply_body<S: Simd>(s: S, f: Apply, c: usize, x: &[f32], y: &mut [f32]) {
    columns::map(s, f, c, x, x, y);
}

#[inline(always)]
fn infer_body<S: Simd>(s: S, f: Infer, c: usize, x: &[f32], y: &mut [f32]) {
    columns::map(s, f, c, x, x, y);
}

#[inline(always)]
fn gradient_partial_body<S: Simd>(s: S, term: GradientTerm, c: usize, x: &[f32], dy: &[f32], out: &mut [f32]) {
    columns::sums(s, term, c, x, dy, 1.0, false, out);
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, f: Gradient, c: usize, x: &[f32], dy: &[f32], dx: &mut [f32]) {
    columns::map(s, f, c, x, dy, dx);
}

#[derive(Clone, Copy)]
struct Apply<'a> {
    mean: &'a [f32],
    inv_std: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
}

impl ColumnMap for Apply<'_> {
    #[inline(always)]
    fn constants<S: Simd>(self, s: S, i: usize, len: usize) -> [S::V; 4] {
        let scale = s.mul(at(s, self.inv_std, i, len), at(s, self.gamma, i, len));
        [at(s, self.mean, i, len), scale, at(s, self.beta, i, len), scale]
    }
    #[inline(always)]
    fn map<S: Simd>(self, s: S, [mean, scale, beta, _]: [S::V; 4], x: S::V, _z: S::V) -> S::V {
        s.mul_add(s.sub(x, mean), scale, beta)
    }
}

#[derive(Clone, Copy)]
struct Infer<'a> {
    eps: f32,
    mean: &'a [f32],
    variance: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
}

impl ColumnMap for Infer<'_> {
    #[inline(always)]
    fn constants<S: Simd>(self, s: S, i: usize, len: usize) -> [S::V; 4] {
        let std = s.sqrt(s.add(at(s, self.variance, i, len), s.splat(self.eps)));
        let scale = s.div(at(s, self.gamma, i, len), std);
        [at(s, self.mean, i, len), scale, at(s, self.beta, i, len), scale]
    }
    #[inline(always)]
    fn map<S: Simd>(self, s: S, [mean, scale, beta, _]: [S::V; 4], x: S::V, _z: S::V) -> S::V {
        s.mul_add(s.sub(x, mean), scale, beta)
    }
}

#[derive(Clone, Copy)]
struct GradientTerm<'a> {
    mean: &'a [f32],
    inv_std: &'a [f32],
}

impl Term<2> for GradientTerm<'_> {
    #[inline(always)]
    fn constants<S: Simd>(self, s: S, i: usize, len: usize) -> [S::V; 2] {
        [at(s, self.mean, i, len), at(s, self.inv_std, i, len)]
    }
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, [mean, inv_std]: [S::V; 2], x: S::V, dy: S::V) -> [S::V; 2] {
        [dy, s.mul(dy, s.mul(s.sub(x, mean), inv_std))]
    }
}

#[derive(Clone, Copy)]
struct Gradient<'a> {
    /// One over the number of values.
    share: f32,
    mean: &'a [f32],
    inv_std: &'a [f32],
    gamma: &'a [f32],
    sums: (&'a [f32], &'a [f32]),
}

impl ColumnMap for Gradient<'_> {
    #[inline(always)]
    fn constants<S: Simd>(self, s: S, i: usize, len: usize) -> [S::V; 4] {
        let share = s.splat(self.share);
        let inv_std = at(s, self.inv_std, i, len);
        let mean_dy = s.mul(at(s, self.sums.0, i, len), share);
        let slope = s.mul(s.mul(at(s, self.sums.1, i, len), share), inv_std);
        [at(s, self.mean, i, len), s.mul(at(s, self.gamma, i, len), inv_std), mean_dy, slope]
    }
    #[inline(always)]
    fn map<S: Simd>(self, s: S, [mean, scale, mean_dy, slope]: [S::V; 4], x: S::V, dy: S::V) -> S::V {
        s.mul(scale, s.sub(s.sub(dy, mean_dy), s.mul(s.sub(x, mean), slope)))
    }
}
