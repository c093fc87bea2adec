//! The largest value of each channel over an image, and its gradient.

use crate::check::{self, product};
use crate::columns::{Columns, blocks, by_width};
use crate::isa::dispatch;
use crate::max_pool::better;
use crate::simd::Simd;

/// Writes `y[i, c] = max over pixels of x[i, pixel, c]`, where a NaN counts as the largest; `x` is `[n, pixels, c]`, `y` is
/// `[n, c]`.
///
/// # Panics
/// Where a slice has another length or there are no pixels.
pub fn forward(n: usize, pixels: usize, c: usize, x: &[f32], y: &mut [f32]) {
    let image = check_image(pixels, c);
    check::images("x", x, n, image);
    check::images("y", y, n, c);
    dispatch!(forward_body(image: usize, c: usize, x: &[f32], y: &mut [f32]));
}

/// Writes to `dx` the gradient of the input: that of each channel at the first pixel which has its largest value `y`, zero
/// elsewhere.
///
/// # Panics
/// Where a slice has another length or there are no pixels.
pub fn gradient(n: usize, pixels: usize, c: usize, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
    let image = check_image(pixels, c);
    check::images("x", x, n, image);
    check::images("y", y, n, c);
    check::images("dy", dy, n, c);
    check::images("dx", dx, n, image);
    dispatch!(gradient_body(image: usize, c: usize, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]));
}

#[track_caller]
fn check_image(pixels: usize, c: usize) -> usize {
    assert!(pixels > 0 && c > 0, "an image without pixels or channels has no largest value");
    product(&[pixels, c])
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, image: usize, c: usize, x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks_exact(image).zip(y.chunks_exact_mut(c)) {
        for columns in blocks(c) {
            by_width!(columns, largest::<S>(s, columns, c, x, y));
        }
    }
}

#[inline(always)]
fn largest<S: Simd, const NV: usize>(s: S, columns: Columns, c: usize, x: &[f32], y: &mut [f32]) {
    let mut best: [S::V; NV] = columns.load_all(s, x);
    for x in x.chunks_exact(c).skip(1) {
        let values: [S::V; NV] = columns.load_all(s, x);
        for i in 0..NV {
            best[i] = s.select(better(s, values[i], best[i]), values[i], best[i]);
        }
    }
    columns.store_all(s, best, y);
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, image: usize, c: usize, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
    let images = x.chunks_exact(image).zip(dx.chunks_exact_mut(image));
    for ((x, dx), (y, dy)) in images.zip(y.chunks_exact(c).zip(dy.chunks_exact(c))) {
        for columns in blocks(c) {
            by_width!(columns, first::<S>(s, columns, c, x, y, dy, dx));
        }
    }
}

/// Hands the gradient of each column to the first row that is as large as the largest.
#[inline(always)]
fn first<S: Simd, const NV: usize>(s: S, columns: Columns, c: usize, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
    let (largest, gradients): ([S::V; NV], [S::V; NV]) = (columns.load_all(s, y), columns.load_all(s, dy));
    let mut open = [s.splat(f32::from_bits(!0)); NV];
    for (x, dx) in x.chunks_exact(c).zip(dx.chunks_exact_mut(c)) {
        let mut values: [S::V; NV] = columns.load_all(s, x);
        for i in 0..NV {
            let both_nan = s.and(s.not_le(values[i], values[i]), s.not_le(largest[i], largest[i]));
            let chosen = s.and(open[i], s.or(s.eq(values[i], largest[i]), both_nan));
            open[i] = s.select(chosen, s.splat(0.0), open[i]);
            values[i] = s.and(chosen, gradients[i]);
        }
        columns.store_all(s, values, dx);
    }
}
