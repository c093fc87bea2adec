//! The mean over an axis, or over neighbouring axes, and its gradient.

use crate::check::{self, product};
use crate::global_avg_pool;
use crate::isa::dispatch;
use crate::simd::{LANES, Simd};

/// Writes `y[o, i] = mean over r of x[o, r, i]`; `x` is `[outer, reduced, inner]`, `y` is `[outer, inner]`.
///
/// # Panics
/// Where a slice has another length.
pub fn forward(outer: usize, reduced: usize, inner: usize, x: &[f32], y: &mut [f32]) {
    if inner == 1 && reduced > 0 {
        check::images("x", x, outer, reduced);
        check::len("y", y, outer);
        dispatch!(rows_body(reduced: usize, x: &[f32], y: &mut [f32]));
    } else {
        global_avg_pool::forward(outer, reduced, inner, x, y);
    }
}

/// Writes `dx[o, r, i] = dy[o, i] / reduced`.
///
/// # Panics
/// Where a slice has another length.
pub fn gradient(outer: usize, reduced: usize, inner: usize, dy: &[f32], dx: &mut [f32]) {
    check::images("dy", dy, outer, inner);
    check::images("dx", dx, outer, product(&[reduced, inner]));
    if inner == 1 && reduced > 0 {
        let factor = 1.0 / reduced as f32;
        for (dx, dy) in dx.chunks_exact_mut(reduced).zip(dy) {
            dx.fill(dy * factor);
        }
    } else {
        global_avg_pool::gradient(outer, reduced, inner, dy, dx);
    }
}

#[inline(always)]
fn rows_body<S: Simd>(s: S, reduced: usize, x: &[f32], y: &mut [f32]) {
    let factor = 1.0 / reduced as f32;
    for (x, y) in x.chunks_exact(reduced).zip(y) {
        *y = row_sum(s, x) * factor;
    }
}

/// Rows are summed in parts of so many floats: rounding errors grow with this plus the number of parts.
const PART: usize = 128 * LANES;

/// The sum of a row, in an order that depends on its length only.
#[inline(always)]
pub(crate) fn row_sum<S: Simd>(s: S, x: &[f32]) -> f32 {
    let mut total = s.splat(0.0);
    for part in x.chunks(PART) {
        let (chunks, tail) = part.as_chunks::<LANES>();
        let mut sum = s.load_head(tail);
        for chunk in chunks {
            sum = s.add(sum, s.load(chunk));
        }
        total = s.add(total, sum);
    }
    s.sum(total)
}

/// The sum of the products of two rows, in the same order.
#[inline(always)]
pub(crate) fn row_product<S: Simd>(s: S, x: &[f32], z: &[f32]) -> f32 {
    let mut total = s.splat(0.0);
    for (x, z) in x.chunks(PART).zip(z.chunks(PART)) {
        let ((xs, x_tail), (zs, z_tail)) = (x.as_chunks::<LANES>(), z.as_chunks::<LANES>());
        let mut sum = s.mul(s.load_head(x_tail), s.load_head(z_tail));
        for (x, z) in xs.iter().zip(zs) {
            sum = s.mul_add(s.load(x), s.load(z), sum);
        }
        total = s.add(total, sum);
    }
    s.sum(total)
}
