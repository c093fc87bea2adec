//! Max pooling and its gradient.

pub use crate::pool::Pool;

use crate::check;
use crate::columns::vectors;
use crate::isa::dispatch;
use crate::simd::{LANES, Simd};

/// Floats per image of the index that [`forward`] keeps for [`gradient`]: a byte per output.
pub const fn index_len(g: &Pool) -> usize {
    g.output_len().div_ceil(4)
}

/// Writes the largest value of each window to `y`, and its position within the window to `index`.
///
/// `x` is `[n, h, w, c]`, `y` is `[n, out_h, out_w, c]`, `index` holds `n` times [`index_len`] floats, as bytes. Of
/// equal values the first counts, row by row; a NaN counts as the largest.
///
/// # Panics
/// Where a slice has another length, the geometry is none, or a window has more than 256 elements.
pub fn forward(g: &Pool, n: usize, x: &[f32], y: &mut [f32], index: &mut [f32]) {
    check_index(g, n, index);
    check::images("x", x, n, g.input_len());
    check::images("y", y, n, g.output_len());
    let index = bytes_mut(index);
    dispatch!(forward_body(g: &Pool, x: &[f32], y: &mut [f32], index: &mut [u8]))
}

/// Writes the largest value of each window to `y`, as [`forward`] does.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn infer(g: &Pool, n: usize, x: &[f32], y: &mut [f32]) {
    g.check();
    check::images("x", x, n, g.input_len());
    check::images("y", y, n, g.output_len());
    dispatch!(infer_body(g: &Pool, x: &[f32], y: &mut [f32]))
}

/// Writes to `dx` the gradient of the input: each window's gradient at the position in `index`, zero elsewhere.
///
/// # Panics
/// Where a slice has another length, the geometry is none, or a window has more than 256 elements.
pub fn gradient(g: &Pool, n: usize, dy: &[f32], index: &[f32], dx: &mut [f32]) {
    check_index(g, n, index);
    check::images("dy", dy, n, g.output_len());
    check::images("dx", dx, n, g.input_len());
    let index = bytes(index);
    dispatch!(gradient_body(g: &Pool, dy: &[f32], index: &[u8], dx: &mut [f32]))
}

#[track_caller]
fn check_index(g: &Pool, n: usize, index: &[f32]) {
    g.check();
    assert!(
        g.kernel[0].checked_mul(g.kernel[1]).is_some_and(|area| area <= 256),
        "a window of max pooling has at most 256 elements where gradients are wanted"
    );
    check::images("index", index, n, index_len(g));
}

fn bytes(floats: &[f32]) -> &[u8] {
    // SAFETY: floats are initialised bytes without gaps, and bytes have no alignment.
    unsafe { std::slice::from_raw_parts(floats.as_ptr().cast(), size_of_val(floats)) }
}

fn bytes_mut(floats: &mut [f32]) -> &mut [u8] {
    // SAFETY: as in `bytes`; the borrow is exclusive, and any four bytes are a float.
    unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast(), size_of_val(floats)) }
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, g: &Pool, x: &[f32], y: &mut [f32], index: &mut [u8]) {
    let images = x.chunks_exact(g.input_len()).zip(y.chunks_exact_mut(g.output_len()));
    for ((x, y), index) in images.zip(index.chunks_exact_mut(4 * index_len(g))) {
        for window in g.windows() {
            let y = &mut y[window.pixel * g.c..][..g.c];
            let index = &mut index[window.pixel * g.c..][..g.c];
            for columns in vectors(g.c) {
                let mut best = s.splat(f32::NEG_INFINITY);
                let mut best_at = s.splat(0.0);
                let mut first = true;
                for row in window.rows.clone() {
                    for col in window.cols.clone() {
                        let value = columns.load(s, &x[(row * g.w + col) * g.c..][..g.c]);
                        let at = (row + g.pad[0] - window.top) * g.kernel[1] + col + g.pad[1] - window.left;
                        let at = s.splat(at as f32);
                        if first {
                            (best, best_at, first) = (value, at, false);
                        } else {
                            // Greater, or the first NaN.
                            let better = s.and(s.not_le(value, best), s.eq(best, best));
                            best = s.select(better, value, best);
                            best_at = s.select(better, at, best_at);
                        }
                    }
                }
                columns.store(s, best, y);
                let mut lanes = [0; LANES];
                s.store_bytes(best_at, &mut lanes);
                index[columns.at..][..columns.len].copy_from_slice(&lanes[..columns.len]);
            }
        }
    }
}

#[inline(always)]
fn infer_body<S: Simd>(s: S, g: &Pool, x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks_exact(g.input_len()).zip(y.chunks_exact_mut(g.output_len())) {
        for window in g.windows() {
            let y = &mut y[window.pixel * g.c..][..g.c];
            for columns in vectors(g.c) {
                let mut best = s.splat(f32::NEG_INFINITY);
                let mut first = true;
                for row in window.rows.clone() {
                    for col in window.cols.clone() {
                        let value = columns.load(s, &x[(row * g.w + col) * g.c..][..g.c]);
                        if first {
                            (best, first) = (value, false);
                        } else {
                            let better = s.and(s.not_le(value, best), s.eq(best, best));
                            best = s.select(better, value, best);
                        }
                    }
                }
                columns.store(s, best, y);
            }
        }
    }
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, g: &Pool, dy: &[f32], index: &[u8], dx: &mut [f32]) {
    dx.fill(0.0);
    let images = dy.chunks_exact(g.output_len()).zip(dx.chunks_exact_mut(g.input_len()));
    for ((dy, dx), index) in images.zip(index.chunks_exact(4 * index_len(g))) {
        for window in g.windows() {
            let dy = &dy[window.pixel * g.c..][..g.c];
            let index = &index[window.pixel * g.c..][..g.c];
            for columns in vectors(g.c) {
                let gradient = columns.load(s, dy);
                let mut lanes = [0; LANES];
                lanes[..columns.len].copy_from_slice(&index[columns.at..][..columns.len]);
                let best_at = s.load_bytes(&lanes);
                for row in window.rows.clone() {
                    for col in window.cols.clone() {
                        let at = (row + g.pad[0] - window.top) * g.kernel[1] + col + g.pad[1] - window.left;
                        let here = s.and(s.eq(best_at, s.splat(at as f32)), gradient);
                        let dx = &mut dx[(row * g.w + col) * g.c..][..g.c];
                        let sum = s.add(columns.load(s, dx), here);
                        columns.store(s, sum, dx);
                    }
                }
            }
        }
    }
}
