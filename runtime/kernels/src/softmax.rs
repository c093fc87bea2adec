//! Softmax over the last axis.

use crate::check;
use crate::isa::dispatch;
use crate::math;
use crate::simd::{LANES, Simd};

/// Writes `y = e^(x - max) / sum of e^(x - max)` for each of `rows` rows of `c` values.
///
/// # Panics
/// Where a slice has not `rows * c` floats.
pub fn forward(rows: usize, c: usize, x: &[f32], y: &mut [f32]) {
    check::images("x", x, rows, c);
    check::images("y", y, rows, c);
    if c > 0 {
        dispatch!(forward_body(c: usize, x: &[f32], y: &mut [f32]));
    }
}

/// Writes `dx = y * (dy - sum over the row of dy * y)`, `y` being the output.
///
/// # Panics
/// Where a slice has not `rows * c` floats.
pub fn gradient(rows: usize, c: usize, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    check::images("y", y, rows, c);
    check::images("dy", dy, rows, c);
    check::images("dx", dx, rows, c);
    if c > 0 {
        dispatch!(gradient_body(c: usize, y: &[f32], dy: &[f32], dx: &mut [f32]));
    }
}

/// The largest of a row's values; where one is NaN, some value.
#[inline(always)]
pub(crate) fn row_max<S: Simd>(s: S, x: &[f32]) -> f32 {
    let (chunks, tail) = x.as_chunks::<LANES>();
    let mut max = s.load_head_or(tail, f32::NEG_INFINITY);
    for x in chunks {
        max = s.max(max, s.load(x));
    }
    s.max_lane(max)
}

/// Writes `e^(x - max)` to `y` and returns the sum.
#[inline(always)]
pub(crate) fn exp_row<S: Simd>(s: S, max: f32, x: &[f32], y: &mut [f32]) -> f32 {
    let shift = s.splat(max);
    let (xs, x_tail) = x.as_chunks::<LANES>();
    let (ys, y_tail) = y.as_chunks_mut::<LANES>();
    let last = math::exp(s, s.sub(s.load_head_or(x_tail, f32::NEG_INFINITY), shift));
    s.store_head(last, y_tail);
    let mut sum = s.splat(0.0);
    if !x_tail.is_empty() {
        sum = last;
    }
    for (x, y) in xs.iter().zip(ys) {
        let e = math::exp(s, s.sub(s.load(x), shift));
        s.store(e, y);
        sum = s.add(sum, e);
    }
    s.sum(sum)
}

/// The sum of `e^(x - max)`.
#[inline(always)]
pub(crate) fn exp_sum<S: Simd>(s: S, max: f32, x: &[f32]) -> f32 {
    let shift = s.splat(max);
    let (xs, tail) = x.as_chunks::<LANES>();
    let mut sum = s.splat(0.0);
    if !tail.is_empty() {
        sum = math::exp(s, s.sub(s.load_head_or(tail, f32::NEG_INFINITY), shift));
    }
    for x in xs {
        sum = s.add(sum, math::exp(s, s.sub(s.load(x), shift)));
    }
    s.sum(sum)
}

/// `y = factor * y`
#[inline(always)]
pub(crate) fn scale_row<S: Simd>(s: S, factor: f32, y: &mut [f32]) {
    let factor = s.splat(factor);
    let (ys, tail) = y.as_chunks_mut::<LANES>();
    for y in ys {
        s.store(s.mul(s.load(y), factor), y);
    }
    s.store_head(s.mul(s.load_head(tail), factor), tail);
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, c: usize, x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)) {
        let sum = exp_row(s, row_max(s, x), x, y);
        scale_row(s, 1.0 / sum, y);
    }
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, c: usize, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    for ((y, dy), dx) in y.chunks_exact(c).zip(dy.chunks_exact(c)).zip(dx.chunks_exact_mut(c)) {
        let (ys, y_tail) = y.as_chunks::<LANES>();
        let (dys, dy_tail) = dy.as_chunks::<LANES>();
        let (dxs, dx_tail) = dx.as_chunks_mut::<LANES>();
        let mut dot = s.mul(s.load_head(y_tail), s.load_head(dy_tail));
        for (y, dy) in ys.iter().zip(dys) {
            dot = s.mul_add(s.load(y), s.load(dy), dot);
        }
        let dot = s.splat(s.sum(dot));
        for ((y, dy), dx) in ys.iter().zip(dys).zip(dxs) {
            s.store(s.mul(s.load(y), s.sub(s.load(dy), dot)), dx);
        }
        s.store_head(s.mul(s.load_head(y_tail), s.sub(s.load_head(dy_tail), dot)), dx_tail);
    }
}
