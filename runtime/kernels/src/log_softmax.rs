//! The logarithm of softmax over the last axis.

use crate::check;
use crate::isa::dispatch;
use crate::math;
use crate::simd::{LANES, Simd};
use crate::softmax::{exp_sum, row_max};

/// Writes `y = (x - max) - ln(sum of e^(x - max))` for each of `rows` rows of `c` values.
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

/// Writes `dx = dy - e^y * sum over the row of dy`, `y` being the output.
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

#[inline(always)]
fn forward_body<S: Simd>(s: S, c: usize, x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)) {
        let max = row_max(s, x);
        let log = s.splat(exp_sum(s, max, x).ln());
        let max = s.splat(max);
        let (xs, x_tail) = x.as_chunks::<LANES>();
        let (ys, y_tail) = y.as_chunks_mut::<LANES>();
        for (x, y) in xs.iter().zip(ys) {
            s.store(s.sub(s.sub(s.load(x), max), log), y);
        }
        s.store_head(s.sub(s.sub(s.load_head(x_tail), max), log), y_tail);
    }
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, c: usize, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    for ((y, dy), dx) in y.chunks_exact(c).zip(dy.chunks_exact(c)).zip(dx.chunks_exact_mut(c)) {
        let (ys, y_tail) = y.as_chunks::<LANES>();
        let (dys, dy_tail) = dy.as_chunks::<LANES>();
        let (dxs, dx_tail) = dx.as_chunks_mut::<LANES>();
        let mut sum = s.load_head(dy_tail);
        for dy in dys {
            sum = s.add(sum, s.load(dy));
        }
        let sum = s.splat(s.sum(sum));
        for ((y, dy), dx) in ys.iter().zip(dys).zip(dxs) {
            s.store(s.sub(s.load(dy), s.mul(math::exp(s, s.load(y)), sum)), dx);
        }
        s.store_head(s.sub(s.load_head(dy_tail), s.mul(math::exp(s, s.load_head(y_tail)), sum)), dx_tail);
    }
}
