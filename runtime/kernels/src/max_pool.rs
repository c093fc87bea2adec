//! Max pooling and its gradient.

pub use crate::pool::Pool;

use crate::check;
use crate::columns::{Columns, blocks, by_width};
use crate::conv::Among;
use crate::crew;
use crate::isa::dispatch;
use crate::pool::Window;
use crate::rows::{Band, Rows};
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
    let index = index.chunks_exact_mut(4 * index_len(g));
    for ((x, y), index) in x.chunks_exact(g.input_len()).zip(y.chunks_exact_mut(g.output_len())).zip(index) {
        forward_of(g, g.out_h(), x, y, index);
    }
}

/// [`forward`] of the rows of an image that a band makes: those that `to` has of `y`, from those that `from` has of `x`. `index` is
/// that of the whole image.
///
/// # Panics
/// Where a slice does not hold its rows, the geometry is none, or a window has more than 256 elements.
pub fn forward_band(g: &Pool, from: Band, x: &[f32], to: Band, y: &mut [f32], index: &mut [f32]) {
    check_index(g, 1, index);
    if to.rows() > 0 {
        let (seen, rows) = Band::seen(g.h, g.row_windows(), &to);
        let (row, part) = (g.out_w() * g.c, g.of_rows(rows));
        let index = &mut bytes_mut(index)[to.first * row..to.end * row];
        forward_of(&part, rows.y, &x[from.places(seen, g.w * g.c)], to.made(row, y), index);
    }
}

fn forward_of(g: &Pool, out_h: usize, x: &[f32], y: &mut [f32], index: &mut [u8]) {
    dispatch!(forward_body(g: &Pool, out_h: usize, x: &[f32], y: &mut [f32], index: &mut [u8]))
}

/// Writes the largest value of each window to `y`, as [`forward`] does.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn infer(g: &Pool, n: usize, x: &[f32], y: &mut [f32]) {
    infer_among(g, Among::alone(g.c), n, x, y);
}

/// [`infer`] into channels of a larger tensor, `y` of `[n, out_h, out_w, among.total]`; the others are left alone.
///
/// # Panics
/// As [`infer`] does, and where the channels are not there.
pub fn infer_among(g: &Pool, among: Among, n: usize, x: &[f32], y: &mut [f32]) {
    infer_of(g, Rows { pad: g.pad[0], x: g.h, y: g.out_h() }, among, n, x, y);
}

/// [`infer_among`] of the rows of an image that a band makes: those that `to` has of `y`, from those that `from` has of `x`.
///
/// # Panics
/// Where a slice does not hold its rows, the geometry is none, or the channels are not there.
pub fn infer_band(g: &Pool, among: Among, from: Band, x: &[f32], to: Band, y: &mut [f32]) {
    if to.rows() > 0 {
        let (seen, rows) = Band::seen(g.h, g.row_windows(), &to);
        let (x, y) = (&x[from.places(seen, g.w * g.c)], to.made(g.out_w() * among.total, y));
        infer_of(g, rows, among, 1, x, y);
    }
}

/// [`infer_among`] of some rows of each image, which `x` and `y` hold.
fn infer_of(g: &Pool, rows: Rows, among: Among, n: usize, x: &[f32], y: &mut [f32]) {
    g.check();
    let image = rows.x * g.w * g.c;
    check::images("x", x, n, image);
    among.check("y", y, n, rows.y * g.out_w(), g.c);
    let g = &g.of_rows(rows);
    // An element takes about as long to compare as a few are multiplied and added, but longer to read where another thread
    // has computed it, which is what happens to half of them or more if this one pools them all.
    let parts = crew::parts((32 * n as u64).saturating_mul(image as u64));
    let row_len = g.out_w() * among.total;
    crew::share_units(parts, row_len, y, &|first, y| dispatch_infer(g, rows.y, among, first, x, y));
}

fn dispatch_infer(g: &Pool, out_h: usize, among: Among, first: usize, x: &[f32], y: &mut [f32]) {
    dispatch!(infer_rows(g: &Pool, out_h: usize, among: Among, first: usize, x: &[f32], y: &mut [f32]))
}

/// Writes to `dx` the gradient of the input: each window's gradient at the position in `index`, zero elsewhere.
///
/// # Panics
/// Where a slice has another length, the geometry is none, or a window has more than 256 elements.
pub fn gradient(g: &Pool, n: usize, dy: &[f32], index: &[f32], dx: &mut [f32]) {
    check_index(g, n, index);
    check::images("dy", dy, n, g.output_len());
    check::images("dx", dx, n, g.input_len());
    let (index, is_partition) = (bytes(index).chunks_exact(4 * index_len(g)), g.is_partition());
    for ((dy, dx), index) in dy.chunks_exact(g.output_len()).zip(dx.chunks_exact_mut(g.input_len())).zip(index) {
        gradient_of(g, g.out_h(), is_partition, dy, index, dx);
    }
}

/// [`gradient`] of the rows of an image that a band makes: those that `to` has of `dx`, from those that `from` has of `dy`. `index`
/// is that of the whole image.
///
/// # Panics
/// Where a slice does not hold its rows, the geometry is none, or a window has more than 256 elements.
pub fn gradient_band(g: &Pool, from: Band, dy: &[f32], index: &[f32], to: Band, dx: &mut [f32]) {
    check_index(g, 1, index);
    if to.rows() > 0 {
        let (met, rows) = Band::met(g.out_h(), g.row_windows(), &to);
        let row = g.out_w() * g.c;
        let part = Pool { h: rows.y, pad: [rows.pad, g.pad[1]], ..*g };
        let index = &bytes(index)[met.start * row..met.end * row];
        let (dy, dx) = (&dy[from.places(met, row)], to.made(g.w * g.c, dx));
        gradient_of(&part, rows.x, g.is_partition(), dy, index, dx);
    }
}

fn gradient_of(g: &Pool, out_h: usize, is_partition: bool, dy: &[f32], index: &[u8], dx: &mut [f32]) {
    dispatch!(gradient_body(g: &Pool, out_h: usize, is_partition: bool, dy: &[f32], index: &[u8], dx: &mut [f32]))
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
fn forward_body<S: Simd>(s: S, g: &Pool, out_h: usize, x: &[f32], y: &mut [f32], index: &mut [u8]) {
    for columns in blocks(g.c) {
        by_width!(columns, forward_columns::<S>(s, g, out_h, columns, x, y, index));
    }
}

#[inline(always)]
fn forward_columns<S: Simd, const NV: usize>(
    s: S,
    g: &Pool,
    out_h: usize,
    columns: Columns,
    x: &[f32],
    y: &mut [f32],
    index: &mut [u8],
) {
    for window in g.windows_of_rows(out_h) {
        let y = &mut y[window.pixel * g.c..][..g.c];
        let index = &mut index[window.pixel * g.c..][..g.c];
        indexed_window::<S, NV>(s, g, &window, columns, x, y, index);
    }
}

#[inline(always)]
fn indexed_window<S: Simd, const NV: usize>(
    s: S,
    g: &Pool,
    window: &Window,
    columns: Columns,
    x: &[f32],
    y: &mut [f32],
    index: &mut [u8],
) {
    let mut best = [s.splat(f32::NEG_INFINITY); NV];
    let mut best_at = [s.splat(0.0); NV];
    let mut first = true;
    window.taps(g, |offset, position| {
        let values: [S::V; NV] = columns.load_all(s, &x[offset..]);
        let at = s.splat(position as f32);
        if first {
            (best, best_at, first) = (values, [at; NV], false);
            return;
        }
        for i in 0..NV {
            let better = better(s, values[i], best[i]);
            best[i] = s.select(better, values[i], best[i]);
            best_at[i] = s.select(better, at, best_at[i]);
        }
    });
    columns.store_all(s, best, y);
    for i in 0..NV {
        let Columns { at, len } = columns.vector(i);
        let index = &mut index[at..][..len];
        match index.first_chunk_mut() {
            Some(full) => s.store_bytes(best_at[i], full),
            None => {
                let mut lanes = [0; LANES];
                s.store_bytes(best_at[i], &mut lanes);
                for (index, lane) in index.iter_mut().zip(lanes) {
                    *index = lane;
                }
            }
        }
    }
}

/// Where a value is greater than the best, or the first NaN.
#[inline(always)]
pub(crate) fn better<S: Simd>(s: S, value: S::V, best: S::V) -> S::V {
    s.and(s.not_le(value, best), s.eq(best, best))
}

/// The rows of the output from the `first` of all images on, of which each has `out_h`.
#[inline(always)]
fn infer_rows<S: Simd>(s: S, g: &Pool, out_h: usize, among: Among, first: usize, x: &[f32], y: &mut [f32]) {
    for (i, y) in y.chunks_exact_mut(g.out_w() * among.total).enumerate() {
        let (image, row) = ((first + i) / out_h, (first + i) % out_h);
        let x = &x[image * g.input_len()..][..g.input_len()];
        let mut witness = s.splat(0.0);
        for (window, y) in g.windows_of_row(row).zip(y.chunks_exact_mut(among.total)) {
            let y = &mut y[among.first..];
            for columns in blocks(g.c) {
                witness = by_width!(columns, finite_window::<S>(s, g, &window, columns, x, y, witness));
            }
        }
        if s.lanes(witness) != [0.0; LANES] {
            for columns in blocks(g.c) {
                by_width!(columns, infer_row::<S>(s, g, among, columns, row, x, y));
            }
        }
    }
}

/// Writes the maximum of a window without NaN, for which a comparison is enough, and adds zero times every value to the
/// witness: it stays zero if all values are finite.
#[inline(always)]
fn finite_window<S: Simd, const NV: usize>(
    s: S,
    g: &Pool,
    window: &Window,
    columns: Columns,
    x: &[f32],
    y: &mut [f32],
    witness: S::V,
) -> S::V {
    let mut best = [s.splat(f32::NEG_INFINITY); NV];
    // Several, each of which waits for its own last addition only.
    let mut witnesses = [s.splat(0.0); NV];
    window.taps(g, |offset, _| {
        let values: [S::V; NV] = columns.load_all(s, &x[offset..]);
        for i in 0..NV {
            best[i] = s.max(values[i], best[i]);
            witnesses[i] = s.mul_add(values[i], s.splat(0.0), witnesses[i]);
        }
    });
    columns.store_all(s, best, y);
    witnesses.into_iter().fold(witness, |sum, witness| s.add(sum, witness))
}

#[inline(always)]
fn infer_row<S: Simd, const NV: usize>(
    s: S,
    g: &Pool,
    among: Among,
    columns: Columns,
    row: usize,
    x: &[f32],
    y: &mut [f32],
) {
    for (window, y) in g.windows_of_row(row).zip(y.chunks_exact_mut(among.total)) {
        let mut best = [s.splat(f32::NEG_INFINITY); NV];
        window.taps(g, |offset, _| {
            let values: [S::V; NV] = columns.load_all(s, &x[offset..]);
            for i in 0..NV {
                best[i] = s.select(better(s, values[i], best[i]), values[i], best[i]);
            }
        });
        columns.store_all(s, best, &mut y[among.first..]);
    }
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, g: &Pool, out_h: usize, is_partition: bool, dy: &[f32], index: &[u8], dx: &mut [f32]) {
    if !is_partition {
        dx.fill(0.0);
    }
    for columns in blocks(g.c) {
        if g.is_disjoint() {
            by_width!(columns, scatter::<S, Write>(s, g, out_h, columns, dy, index, dx));
        } else {
            by_width!(columns, scatter::<S, Add>(s, g, out_h, columns, dy, index, dx));
        }
    }
}

/// How a window's gradient joins that of the input.
trait Join {
    const ADD: bool;
}

/// Where windows overlap.
struct Add;

impl Join for Add {
    const ADD: bool = true;
}

/// Where they do not.
struct Write;

impl Join for Write {
    const ADD: bool = false;
}

#[inline(always)]
fn scatter<S: Simd, J: Join, const NV: usize>(
    s: S,
    g: &Pool,
    out_h: usize,
    columns: Columns,
    dy: &[f32],
    index: &[u8],
    dx: &mut [f32],
) {
    for window in g.windows_of_rows(out_h) {
        let here = window.pixel * g.c..(window.pixel + 1) * g.c;
        scatter_window::<S, J, NV>(s, g, &window, columns, &dy[here.clone()], &index[here], dx);
    }
}

#[inline(always)]
fn scatter_window<S: Simd, J: Join, const NV: usize>(
    s: S,
    g: &Pool,
    window: &Window,
    columns: Columns,
    dy: &[f32],
    index: &[u8],
    dx: &mut [f32],
) {
    let gradients: [S::V; NV] = columns.load_all(s, dy);
    let mut best_at = [s.splat(0.0); NV];
    for i in 0..NV {
        let Columns { at, len } = columns.vector(i);
        let index = &index[at..][..len];
        best_at[i] = match index.first_chunk() {
            Some(full) => s.load_bytes(full),
            None => {
                let mut lanes = [0; LANES];
                for (lane, index) in lanes.iter_mut().zip(index) {
                    *lane = *index;
                }
                s.load_bytes(&lanes)
            }
        };
    }
    window.taps(g, |offset, position| {
        let at = s.splat(position as f32);
        let dx = &mut dx[offset..];
        let mut here = if J::ADD { columns.load_all(s, dx) } else { [s.splat(0.0); NV] };
        for i in 0..NV {
            let chosen = s.and(s.eq(best_at[i], at), gradients[i]);
            here[i] = if J::ADD { s.add(here[i], chosen) } else { chosen };
        }
        columns.store_all(s, here, dx);
    });
}
