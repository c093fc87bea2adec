//! The mean of each channel over an image, and its gradient.

use crate::check;
use crate::columns::{self, Value};
use crate::isa::dispatch;
use crate::simd::Simd;

/// Writes `y[i, c] = mean over pixels of x[i, pixel, c]`; `x` is `[n, pixels, c]`, `y` is `[n, c]`.
///
/// # Panics
/// Where a slice has another length.
pub fn forward(n: usize, pixels: usize, c: usize, x: &[f32], y: &mut [f32]) {
    let image = check::product(&[pixels, c]);
    check::images("x", x, n, image);
    check::images("y", y, n, c);
    if image > 0 {
        dispatch!(forward_body(pixels: usize, c: usize, x: &[f32], y: &mut [f32]));
    }
}

/// Writes `dx[i, pixel, c] = dy[i, c] / pixels`.
///
/// # Panics
/// Where a slice has another length.
pub fn gradient(n: usize, pixels: usize, c: usize, dy: &[f32], dx: &mut [f32]) {
    let image = check::product(&[pixels, c]);
    check::images("dy", dy, n, c);
    check::images("dx", dx, n, image);
    if image > 0 {
        gradient_of(pixels, image, c, dy, dx);
    }
}

/// [`gradient`] of some pixels of an image that has `pixels`.
///
/// # Panics
/// Where `dy` has another length than `c`, or `dx` no whole number of pixels.
pub fn gradient_band(pixels: usize, c: usize, dy: &[f32], dx: &mut [f32]) {
    check::images("dy", dy, 1, c);
    check::images("dx", dx, dx.len() / c.max(1), c);
    if !dx.is_empty() {
        gradient_of(pixels, dx.len(), c, dy, dx);
    }
}

fn gradient_of(pixels: usize, image: usize, c: usize, dy: &[f32], dx: &mut [f32]) {
    dispatch!(gradient_body(pixels: usize, image: usize, c: usize, dy: &[f32], dx: &mut [f32]));
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, pixels: usize, c: usize, x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks_exact(pixels * c).zip(y.chunks_exact_mut(c)) {
        columns::sums(s, Value, c, x, x, 1.0 / pixels as f32, false, y);
    }
}

#[inline(always)]
fn gradient_body<S: Simd>(_s: S, pixels: usize, image: usize, c: usize, dy: &[f32], dx: &mut [f32]) {
    let factor = 1.0 / pixels as f32;
    for (dy, dx) in dy.chunks_exact(c).zip(dx.chunks_exact_mut(image)) {
        for dx in dx.chunks_exact_mut(c) {
            for (dx, dy) in dx.iter_mut().zip(dy) {
                *dx = dy * factor;
            }
        }
    }
}
