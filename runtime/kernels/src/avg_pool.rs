//! Average pooling and its gradient.

pub use crate::pool::Pool;

use crate::check;
use crate::columns::{Columns, blocks, by_width};
use crate::isa::dispatch;
use crate::pool::Window;
use crate::simd::Simd;

/// Writes the mean of each window to `y`.
///
/// `x` is `[n, h, w, c]`, `y` is `[n, out_h, out_w, c]`. With `count_include_pad` a window's sum is divided by its area
/// inside the padded input, otherwise by its area inside the input; both are smaller than the kernel where rounding up
/// cuts a window. These are PyTorch's rules.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn forward(g: &Pool, count_include_pad: bool, n: usize, x: &[f32], y: &mut [f32]) {
    g.check();
    check::images("x", x, n, g.input_len());
    check::images("y", y, n, g.output_len());
    dispatch!(forward_body(g: &Pool, count_include_pad: bool, x: &[f32], y: &mut [f32]))
}

/// Writes to `dx` the gradient of the input: each window's gradient over its divisor, summed over the windows.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn gradient(g: &Pool, count_include_pad: bool, n: usize, dy: &[f32], dx: &mut [f32]) {
    g.check();
    check::images("dy", dy, n, g.output_len());
    check::images("dx", dx, n, g.input_len());
    dispatch!(gradient_body(g: &Pool, count_include_pad: bool, dy: &[f32], dx: &mut [f32]))
}

/// One over a window's divisor.
#[inline(always)]
fn factor(g: &Pool, count_include_pad: bool, window: &Window) -> f32 {
    let area = if count_include_pad {
        let rows = g.kernel[0].min(g.h + 2 * g.pad[0] - window.top);
        let cols = g.kernel[1].min(g.w + 2 * g.pad[1] - window.left);
        rows as f32 * cols as f32
    } else {
        window.rows.len() as f32 * window.cols.len() as f32
    };
    1.0 / area
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, g: &Pool, count_include_pad: bool, x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks_exact(g.input_len()).zip(y.chunks_exact_mut(g.output_len())) {
        for window in g.windows() {
            let y = &mut y[window.pixel * g.c..][..g.c];
            let factor = factor(g, count_include_pad, &window);
            for columns in blocks(g.c) {
                by_width!(columns, mean::<S>(s, g, &window, factor, columns, x, y));
            }
        }
    }
}

#[inline(always)]
fn mean<S: Simd, const NV: usize>(
    s: S,
    g: &Pool,
    window: &Window,
    factor: f32,
    columns: Columns,
    x: &[f32],
    y: &mut [f32],
) {
    let mut sums = [s.splat(0.0); NV];
    window.taps(g, |offset, _| {
        let values: [S::V; NV] = columns.load_all(s, &x[offset..]);
        for i in 0..NV {
            sums[i] = s.add(sums[i], values[i]);
        }
    });
    for i in 0..NV {
        sums[i] = s.mul(sums[i], s.splat(factor));
    }
    columns.store_all(s, sums, y);
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, g: &Pool, count_include_pad: bool, dy: &[f32], dx: &mut [f32]) {
    dx.fill(0.0);
    for (dy, dx) in dy.chunks_exact(g.output_len()).zip(dx.chunks_exact_mut(g.input_len())) {
        for window in g.windows() {
            let dy = &dy[window.pixel * g.c..][..g.c];
            let factor = factor(g, count_include_pad, &window);
            for columns in blocks(g.c) {
                by_width!(columns, spread::<S>(s, g, &window, factor, columns, dy, dx));
            }
        }
    }
}

#[inline(always)]
fn spread<S: Simd, const NV: usize>(
    s: S,
    g: &Pool,
    window: &Window,
    factor: f32,
    columns: Columns,
    dy: &[f32],
    dx: &mut [f32],
) {
    let mut shares: [S::V; NV] = columns.load_all(s, dy);
    for i in 0..NV {
        shares[i] = s.mul(shares[i], s.splat(factor));
    }
    window.taps(g, |offset, _| {
        let dx = &mut dx[offset..];
        let mut sums: [S::V; NV] = columns.load_all(s, dx);
        for i in 0..NV {
            sums[i] = s.add(sums[i], shares[i]);
        }
        columns.store_all(s, sums, dx);
    });
}
