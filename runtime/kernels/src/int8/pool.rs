//! Pooling of bytes: the scale stays what it is.

use super::lanes::{Lanes, dispatch};
use super::layer::Scale;
use super::{bytes, bytes_mut, check, stride};
use crate::conv::Among;
use crate::crew::{self, Floats};
use crate::pool::Pool;

/// The largest byte of each window: `[n, h, w, c]` to `[n, out_h, out_w, c]`.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn max_pool(g: &Pool, n: usize, x: &[f32], y: &mut [f32]) {
    max_pool_among(g, Among::alone(g.c), n, x, y);
}

/// [`max_pool`] into channels of a larger tensor, `y` of `[n, out_h, out_w, among.total]`.
///
/// # Panics
/// As [`max_pool`] does, and where the channels are not there.
pub fn max_pool_among(g: &Pool, among: Among, n: usize, x: &[f32], y: &mut [f32]) {
    g.check();
    let Among { first, total } = among;
    assert!(first + g.c <= total, "channels from {first} on are not among {total}");
    let (out_h, row) = (g.out_h(), g.out_w() * total);
    check("x", x, n, g.input_len());
    check("y", y, n, out_h * row);
    let rows = n * out_h;
    let parts = crew::parts((8 * n as u64).saturating_mul(g.input_len() as u64)).min(rows.max(1));
    let (x, y) = (bytes(x), Floats::new(y));
    crew::share(parts, &|part| {
        for row_idx in rows * part / parts..rows * (part + 1) / parts {
            let (image, row_of_image) = (row_idx / out_h, row_idx % out_h);
            let x = &x[image * stride(g.input_len())..][..g.input_len()];
            let start = y.at(0).cast::<u8>().wrapping_add(image * stride(out_h * row) + row_of_image * row);
            // SAFETY: a row of the output, whose length was checked; each row is of one part.
            let y = unsafe { std::slice::from_raw_parts_mut(start, row) };
            largest_of_row(g, among, row_of_image, x, y);
        }
    });
}

fn largest_of_row(g: &Pool, among: Among, row: usize, x: &[u8], y: &mut [u8]) {
    dispatch!(largest(g: &Pool, among: Among, row: usize, x: &[u8], y: &mut [u8]))
}

#[inline(always)]
fn largest<L: Lanes>(_: L, g: &Pool, among: Among, row: usize, x: &[u8], y: &mut [u8]) {
    for (window, y) in g.windows_of_row(row).zip(y.chunks_exact_mut(among.total)) {
        let y = &mut y[among.first..][..g.c];
        y.fill(0);
        window.taps(g, |offset, _| {
            for (y, &x) in y.iter_mut().zip(&x[offset..][..g.c]) {
                *y = x.max(*y);
            }
        });
    }
}

/// The mean of each window, rounded to nearest, ties to even: `[n, h, w, c]` to `[n, out_h, out_w, c]`. With
/// `count_include_pad` padding counts as zeros. `scale` is that of both.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn avg_pool(g: &Pool, count_include_pad: bool, n: usize, x: &[f32], scale: Scale, y: &mut [f32]) {
    g.check();
    check("x", x, n, g.input_len());
    check("y", y, n, g.output_len());
    let images = bytes(x).chunks_exact(stride(g.input_len()));
    let mut sums = vec![0_u32; g.c];
    for (x, y) in images.zip(bytes_mut(y).chunks_exact_mut(stride(g.output_len()))) {
        for window in g.windows() {
            let inside = (window.rows.len() * window.cols.len()) as u32;
            let area = if count_include_pad {
                let rows = g.kernel[0].min(g.h + 2 * g.pad[0] - window.top);
                let cols = g.kernel[1].min(g.w + 2 * g.pad[1] - window.left);
                (rows * cols) as u32
            } else {
                inside
            };
            sums.fill((area - inside) * u32::from(scale.zero));
            window.taps(g, |offset, _| add(&mut sums, &x[offset..][..g.c]));
            for (y, &sum) in y[window.pixel * g.c..][..g.c].iter_mut().zip(&sums) {
                *y = (sum as f32 / area as f32).round_ties_even() as u8;
            }
        }
    }
}

/// The mean of each channel over an image, as floats: `[n, pixels, c]` to `[n, c]`.
///
/// # Panics
/// Where a slice has another length.
pub fn global_avg_pool(n: usize, pixels: usize, c: usize, x: &[f32], scale: Scale, y: &mut [f32]) {
    let image = crate::check::product(&[pixels, c]);
    check("x", x, n, image);
    crate::check::images("y", y, n, c);
    let zeros = i64::from(scale.zero) * pixels as i64;
    let mut sums = vec![0_u32; c];
    for (x, y) in bytes(x).chunks_exact(stride(image).max(1)).zip(y.chunks_exact_mut(c.max(1))) {
        sums.fill(0);
        x[..image].chunks_exact(c).for_each(|x| add(&mut sums, x));
        for (y, &sum) in y.iter_mut().zip(&sums) {
            *y = (i64::from(sum) - zeros) as f32 * scale.scale / pixels as f32;
        }
    }
}

fn add(sums: &mut [u32], x: &[u8]) {
    dispatch!(add_bytes(sums: &mut [u32], x: &[u8]))
}

#[inline(always)]
fn add_bytes<L: Lanes>(_: L, sums: &mut [u32], x: &[u8]) {
    for (sum, &x) in sums.iter_mut().zip(x) {
        *sum += u32::from(x);
    }
}
