//! Images made larger by a whole factor, and their gradients.

use crate::check::{self, product};
use crate::columns::{Columns, blocks, by_width};
use crate::isa::dispatch;
use crate::simd::Simd;

/// The geometry of making one image larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsample {
    /// Rows of the input.
    pub h: usize,
    /// Columns of the input.
    pub w: usize,
    /// Channels.
    pub c: usize,
    /// How often a row and a column is found in the output.
    pub factor: [usize; 2],
}

impl Upsample {
    /// Asserts that the geometry is one, and that its sizes fit.
    ///
    /// # Panics
    /// Where a size is zero or 2^31 or more, or a tensor does not fit the address space.
    pub const fn check(&self) {
        const LIMIT: usize = 1 << if usize::BITS == 32 { 28 } else { 31 };
        let positive = [self.h, self.w, self.c, self.factor[0], self.factor[1]];
        let mut i = 0;
        while i < positive.len() {
            assert!(positive[i] > 0 && positive[i] < LIMIT, "a size of an upsampling is zero or too large");
            i += 1;
        }
        self.output_len();
    }

    /// Floats of one input image.
    ///
    /// # Panics
    /// Where they do not fit the address space.
    pub const fn input_len(&self) -> usize {
        product(&[self.h, self.w, self.c])
    }

    /// Floats of one output image.
    ///
    /// # Panics
    /// Where they do not fit the address space.
    pub const fn output_len(&self) -> usize {
        product(&[self.h, self.factor[0], self.w, self.factor[1], self.c])
    }
}

/// Writes to `y` each pixel of `x`, as often as the factor says; `x` is `[n, h, w, c]`, `y` is
/// `[n, h * factor, w * factor, c]`.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn nearest(g: &Upsample, n: usize, x: &[f32], y: &mut [f32]) {
    check_images(g, n, x, y);
    let [fh, fw] = g.factor;
    let (x_row, y_row) = (g.w * g.c, g.w * fw * g.c);
    for (x, y) in x.chunks_exact(x_row).zip(y.chunks_exact_mut(fh * y_row)) {
        let (first, others) = y.split_at_mut(y_row);
        for (x, y) in x.chunks_exact(g.c).zip(first.chunks_exact_mut(fw * g.c)) {
            for y in y.chunks_exact_mut(g.c) {
                y.copy_from_slice(x);
            }
        }
        for other in others.chunks_exact_mut(y_row) {
            other.copy_from_slice(first);
        }
    }
}

/// Writes to `dx` the sum of the gradients of the pixels that [`nearest`] has made of each.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn nearest_gradient(g: &Upsample, n: usize, dy: &[f32], dx: &mut [f32]) {
    check_images(g, n, dx, dy);
    dispatch!(nearest_gradient_body(g: &Upsample, dy: &[f32], dx: &mut [f32]))
}

/// Writes to `y` what lies between the pixels of `x`, linearly by rows and by columns.
///
/// The centre of output `o` lies at `(o + 1/2) / factor - 1/2` between those of the inputs; what lies outside of the first
/// and the last centre takes their value. These are PyTorch's rules, without `align_corners`.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn bilinear(g: &Upsample, n: usize, x: &[f32], y: &mut [f32]) {
    check_images(g, n, x, y);
    dispatch!(bilinear_body(g: &Upsample, x: &[f32], y: &mut [f32]))
}

/// Writes to `dx` the gradient of the input of [`bilinear`].
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn bilinear_gradient(g: &Upsample, n: usize, dy: &[f32], dx: &mut [f32]) {
    check_images(g, n, dx, dy);
    dispatch!(bilinear_gradient_body(g: &Upsample, dy: &[f32], dx: &mut [f32]))
}

#[track_caller]
fn check_images(g: &Upsample, n: usize, small: &[f32], large: &[f32]) {
    g.check();
    check::images("the smaller side", small, n, g.input_len());
    check::images("the larger side", large, n, g.output_len());
}

/// The inputs on both sides of an output, and how much the second counts.
#[derive(Clone, Copy)]
struct Between {
    low: usize,
    high: usize,
    weight: f32,
}

/// What each output of an axis lies between.
#[inline(always)]
fn between(size: usize, factor: usize) -> impl Iterator<Item = Between> {
    // The place of output `o` is `(2 o + 1 - factor) / (2 factor)`: `low` and `rest / (2 factor)`.
    let (period, mut low, mut rest) = (2 * factor as i64, 0, 1 - factor as i64);
    (0..size * factor).map(move |_| {
        let weight = if rest < 0 { 0.0 } else { rest as f32 / period as f32 };
        let between = Between { low, high: (low + 1).min(size - 1), weight };
        rest += 2;
        if rest >= period {
            rest -= period;
            low += 1;
        }
        between
    })
}

#[inline(always)]
fn nearest_gradient_body<S: Simd>(s: S, g: &Upsample, dy: &[f32], dx: &mut [f32]) {
    let [fh, fw] = g.factor;
    let (x_row, y_row) = (g.w * g.c, g.w * fw * g.c);
    for (dy, dx) in dy.chunks_exact(fh * y_row).zip(dx.chunks_exact_mut(x_row)) {
        for (col, dx) in dx.chunks_exact_mut(g.c).enumerate() {
            let dy = &dy[col * fw * g.c..];
            for columns in blocks(g.c) {
                by_width!(columns, block_sum::<S>(s, g, columns, y_row, dy, dx));
            }
        }
    }
}

/// The sum over the pixels of a block of the output that starts at `dy`.
#[inline(always)]
fn block_sum<S: Simd, const NV: usize>(s: S, g: &Upsample, columns: Columns, y_row: usize, dy: &[f32], dx: &mut [f32]) {
    let mut sums = [s.splat(0.0); NV];
    for row in 0..g.factor[0] {
        for dy in dy[row * y_row..][..g.factor[1] * g.c].chunks_exact(g.c) {
            let values: [S::V; NV] = columns.load_all(s, dy);
            for i in 0..NV {
                sums[i] = s.add(sums[i], values[i]);
            }
        }
    }
    columns.store_all(s, sums, dx);
}

#[inline(always)]
fn bilinear_body<S: Simd>(s: S, g: &Upsample, x: &[f32], y: &mut [f32]) {
    let (x_row, y_row) = (g.w * g.c, g.w * g.factor[1] * g.c);
    for (x, y) in x.chunks_exact(g.input_len()).zip(y.chunks_exact_mut(g.output_len())) {
        for (row, y) in between(g.h, g.factor[0]).zip(y.chunks_exact_mut(y_row)) {
            let rows = [&x[row.low * x_row..][..x_row], &x[row.high * x_row..][..x_row]];
            for (col, y) in between(g.w, g.factor[1]).zip(y.chunks_exact_mut(g.c)) {
                for columns in blocks(g.c) {
                    by_width!(columns, mix::<S>(s, g.c, columns, rows, row.weight, col, y));
                }
            }
        }
    }
}

/// One output pixel, from the pixels of two rows.
#[inline(always)]
fn mix<S: Simd, const NV: usize>(
    s: S,
    c: usize,
    columns: Columns,
    rows: [&[f32]; 2],
    row_weight: f32,
    col: Between,
    y: &mut [f32],
) {
    let mut sums = [s.splat(0.0); NV];
    for (row, row_weight) in rows.into_iter().zip([1.0 - row_weight, row_weight]) {
        let low: [S::V; NV] = columns.load_all(s, &row[col.low * c..][..c]);
        let high: [S::V; NV] = columns.load_all(s, &row[col.high * c..][..c]);
        for i in 0..NV {
            let across = s.mul_add(s.splat(col.weight), high[i], s.mul(s.splat(1.0 - col.weight), low[i]));
            sums[i] = s.mul_add(s.splat(row_weight), across, sums[i]);
        }
    }
    columns.store_all(s, sums, y);
}

#[inline(always)]
fn bilinear_gradient_body<S: Simd>(s: S, g: &Upsample, dy: &[f32], dx: &mut [f32]) {
    let (x_row, y_row) = (g.w * g.c, g.w * g.factor[1] * g.c);
    dx.fill(0.0);
    for (dy, dx) in dy.chunks_exact(g.output_len()).zip(dx.chunks_exact_mut(g.input_len())) {
        for (row, dy) in between(g.h, g.factor[0]).zip(dy.chunks_exact(y_row)) {
            for (col, dy) in between(g.w, g.factor[1]).zip(dy.chunks_exact(g.c)) {
                let parts = [
                    (row.low * x_row + col.low * g.c, (1.0 - row.weight) * (1.0 - col.weight)),
                    (row.low * x_row + col.high * g.c, (1.0 - row.weight) * col.weight),
                    (row.high * x_row + col.low * g.c, row.weight * (1.0 - col.weight)),
                    (row.high * x_row + col.high * g.c, row.weight * col.weight),
                ];
                for columns in blocks(g.c) {
                    by_width!(columns, unmix::<S>(s, g.c, columns, parts, dy, dx));
                }
            }
        }
    }
}

/// Hands the gradient of one output pixel to the four inputs that it lies between.
#[inline(always)]
fn unmix<S: Simd, const NV: usize>(
    s: S,
    c: usize,
    columns: Columns,
    parts: [(usize, f32); 4],
    dy: &[f32],
    dx: &mut [f32],
) {
    let gradients: [S::V; NV] = columns.load_all(s, dy);
    for (at, weight) in parts {
        let dx = &mut dx[at..][..c];
        let mut sums: [S::V; NV] = columns.load_all(s, dx);
        for i in 0..NV {
            sums[i] = s.mul_add(gradients[i], s.splat(weight), sums[i]);
        }
        columns.store_all(s, sums, dx);
    }
}
