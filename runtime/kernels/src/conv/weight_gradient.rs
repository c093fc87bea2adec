//! The gradient of a convolution's weights and bias.
//!
//! `dw[ky, kx, c, f] += sum over images and windows of x[…, c] * dy[oy, ox, f]`. A register tile holds up to six
//! weights of one panel, all of one kernel row, and sums over a block of pixels that stays in the first cache level.
//! Every kernel row or tap takes part only where its window lies inside the image.

use super::pack::{self, Room, View};
use super::{Among, Conv};
use crate::check;
use crate::columns::add_column_sums;
use crate::isa::dispatch;
use crate::layout::PANEL;
use crate::rows::{Band, Rows};
use crate::simd::row::{One, Row, Two};
use crate::simd::{LANES, Simd};
use crate::tile::{self, Access, Columns, Level, Reads, Reduction, Spread, with_rows};
use std::ops::Range;

/// Pixels in a block, roughly: their gradients for one panel, 64 bytes each, stay in half of the first cache level. In tests few,
/// so that random geometries take several blocks.
const BLOCK_PIXELS: usize = if cfg!(test) { 24 } else { 256 };

/// Bytes of the input that a block may reach over: a part of the second cache level.
const BLOCK_INPUT: usize = if cfg!(test) { 4 << 10 } else { 128 << 10 };

/// Adds the gradients of weights and bias to `dw` and `db`.
///
/// `x` is `[n, h, w, c]`, `dy` is `[n, out_h, out_w, f]`, `dw` has [`Conv::weight_layout`], `db` has
/// [`Conv::bias_layout`] or is empty. Padding is left as it is. The order of the sums depends on the geometry and `n`.
///
/// # Panics
/// Where a slice has another length or the geometry is none ([`Conv::check`]).
pub fn weight_gradient(g: &Conv, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32], db: &mut [f32]) {
    weight_gradient_among(g, Among::alone(g.f), n, x, dy, dw, db);
}

/// [`weight_gradient`] from channels of a larger tensor, `dy` of `[n, out_h, out_w, among.total]`.
///
/// # Panics
/// As [`weight_gradient`] does, and where the channels are not there.
pub fn weight_gradient_among(g: &Conv, among: Among, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32], db: &mut [f32]) {
    g.check();
    weight_gradient_rows(g, g.all_rows(), among, n, x, dy, dw, db);
}

/// [`weight_gradient_among`] of the rows of an image that a band has made: those that `to` has made of `dy`, beside those that
/// `from` has of `x`. Band by band the sums come to those of the image, in another order.
///
/// # Panics
/// Where a slice does not hold its rows, `dw` or `db` has another length, the geometry is none, or the channels are not there.
pub fn weight_gradient_band(
    g: &Conv,
    among: Among,
    from: Band,
    x: &[f32],
    to: Band,
    dy: &[f32],
    dw: &mut [f32],
    db: &mut [f32],
) {
    if to.rows() > 0 {
        let (seen, rows) = Band::seen(g.h, g.row_windows(), &to);
        let dy = &dy[to.places(to.first..to.end, g.out_w() * among.total)];
        weight_gradient_rows(g, rows, among, 1, &x[from.places(seen, g.w * g.c)], dy, dw, db);
    }
}

/// [`weight_gradient_among`] of some rows of each image, which `x` and `dy` hold.
fn weight_gradient_rows(
    g: &Conv,
    of: Rows,
    among: Among,
    n: usize,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    db: &mut [f32],
) {
    g.check();
    check::images("x", x, n, of.x * g.w * g.c);
    among.check("dy", dy, n, of.y * g.out_w(), g.f);
    check::len("dw", dw, g.weight_layout().len());
    if !db.is_empty() {
        check::len("db", db, g.bias_layout().len());
        add_column_sums(g.f, among, dy, &mut db[..g.f]);
    }
    // By the check, the first channel is there, or no image is.
    let (dy, y_pixel) = (dy.get(among.first..).unwrap_or_default(), among.total);
    if g.is_depthwise() {
        // SAFETY: the lengths are checked above.
        dispatch!(depthwise(g: &Conv, of: Rows, n: usize, x: &[f32], dy: &[f32], y_pixel: usize, dw: &mut [f32]));
    } else {
        // SAFETY: the lengths are checked above.
        dispatch!(wide grouped(g: &Conv, of: Rows, n: usize, x: &[f32], dy: &[f32], y_pixel: usize, dw: &mut [f32]));
    }
}

/// Adds the gradient of the weights to `dw` in transposed order: [`super::transposed_layout`], which is how a transposed
/// convolution, the input gradient of `g`, stores its weights. Without groups.
///
/// # Panics
/// Where a slice has another length, the geometry is none, or there are groups.
pub(crate) fn transposed_weight_gradient(g: &Conv, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    g.check();
    assert!(g.groups == 1, "a transposed convolution has no groups");
    check::images("x", x, n, g.input_len());
    check::images("dy", dy, n, g.output_len());
    check::len("dw", dw, super::transposed_len(g));
    // SAFETY: the lengths are checked above.
    dispatch!(wide swapped(g: &Conv, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32]));
}

/// A block of output pixels: some images, some rows.
#[derive(Clone)]
pub(super) struct Block {
    pub(super) images: Range<usize>,
    pub(super) rows: Range<usize>,
    /// The rows of an image that there are.
    pub(super) of: Rows,
}

/// Blocks of about [`BLOCK_PIXELS`]: whole images, or rows of one, the rows shared out evenly.
#[inline(always)]
fn blocks(g: &Conv, of: Rows, n: usize) -> impl Iterator<Item = Block> {
    let (out_h, out_w) = (of.y, g.out_w());
    let image = 4 * of.x * g.w * g.c;
    let images = (BLOCK_PIXELS / (out_h * out_w)).min(BLOCK_INPUT / image.max(1)).clamp(1, n.max(1));
    let parts = out_h.div_ceil((BLOCK_PIXELS / out_w).max(1));
    let rows = out_h.div_ceil(parts);
    (0..n).step_by(images).flat_map(move |image| {
        (0..out_h).step_by(rows).map(move |row| Block {
            images: image..(image + images).min(n),
            rows: row..(row + rows).min(out_h),
            of,
        })
    })
}

/// The window positions, along one axis, at which a tap lies inside the input.
#[inline(always)]
fn valid(input: usize, output: usize, tap: usize, stride: usize, pad: usize, dilation: usize) -> Range<usize> {
    // The smallest o with o * stride + tap * dilation >= pad, and the first with … >= input + pad.
    let offset = tap * dilation;
    let first = pad.saturating_sub(offset).div_ceil(stride);
    let end = (input + pad).saturating_sub(offset).div_ceil(stride).min(output);
    first.min(end)..end
}

/// Output columns, and taps of a kernel row that are all valid in all of them.
#[derive(Clone)]
struct Strip {
    cols: Range<usize>,
    taps: Range<usize>,
}

/// The strips, which together hold every valid pair of a column and a tap once.
///
/// With many channels a tap fills its tiles alone; with few, the taps of a row are joined where all are valid.
#[inline(always)]
fn strips(g: &Conv, joined: bool) -> impl Iterator<Item = Strip> {
    let joint =
        g.cols(false).classes().take_while(move |_| joined).filter(|class| class.taps > 0).map(|class| Strip {
            cols: class.first..class.first + class.count,
            taps: class.tap..class.tap + class.taps,
        });
    let single = (0..g.kw)
        .take_while(move |_| !joined)
        .map(|kx| Strip { cols: valid(g.w, g.out_w(), kx, g.stride[1], g.pad[1], g.dilation[1]), taps: kx..kx + 1 });
    joint.chain(single).filter(|strip| !strip.cols.is_empty())
}

/// The next strips, up to eight, and how many they are: finding them takes longer than a panel of a small block.
#[inline(always)]
fn some(strips: &mut impl Iterator<Item = Strip>) -> ([Strip; 8], usize) {
    let mut some = std::array::from_fn(|_| Strip { cols: 0..0, taps: 0..0 });
    let mut count = 0;
    for (to, strip) in some.iter_mut().zip(strips) {
        *to = strip;
        count += 1;
    }
    (some, count)
}

/// # Safety
/// The lengths are those that [`weight_gradient`] checks.
#[inline(always)]
fn grouped<S: Simd>(s: S, g: &Conv, of: Rows, n: usize, x: &[f32], dy: &[f32], y_pixel: usize, dw: &mut [f32]) {
    let (inputs, outputs) = (g.c / g.groups, g.f / g.groups);
    let panels = outputs.div_ceil(PANEL);
    let panel_len = g.kh * g.kw * inputs * PANEL;
    let (mut x_room, mut dy_room) = (Room::new(), Room::new());
    let mut rest = strips(g, inputs < 6);
    loop {
        let (strips, count) = some(&mut rest);
        if count == 0 {
            return;
        }
        for block in blocks(g, of, n) {
            for group in 0..g.groups {
                let x = View::input(g, &block, x.as_ptr()).moved(group * inputs);
                for chunk in pack::chunks(g, &block) {
                    // SAFETY: the lengths are checked, so that the chunk's channels are in every pixel of `x`.
                    let x = unsafe { pack::input(s, g, &block, x.moved(chunk.start), chunk.len(), &mut x_room) };
                    for panel in 0..panels {
                        let columns = PANEL.min(outputs - panel * PANEL);
                        let dy = View::output(g, &block, dy.as_ptr(), y_pixel).moved(group * outputs + panel * PANEL);
                        // SAFETY: the lengths are checked, so that the columns are in every pixel of `dy`.
                        let dy = unsafe { pack::output(s, g, &block, dy, columns, &mut dy_room) };
                        let first = (group * panels + panel) * panel_len + chunk.start * PANEL;
                        let dw = dw.as_mut_ptr().wrapping_add(first);
                        let operands = Operands { x, dy, dw, inputs, rows: chunk.len() };
                        for strip in &strips[..count] {
                            // SAFETY: the columns follow in `dy`, the panel's weights in `dw`, both checked.
                            unsafe { panel_columns::<S, Straight, false>(s, columns, g, &block, strip, &operands) };
                        }
                    }
                }
            }
        }
    }
}

/// # Safety
/// The lengths are those that [`transposed_weight_gradient`] checks.
#[inline(always)]
fn swapped<S: Simd>(s: S, g: &Conv, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let panel_len = g.kh * g.kw * g.f * PANEL;
    for block in blocks(g, g.all_rows(), n) {
        for strip in strips(g, false) {
            for channel in (0..g.c).step_by(PANEL) {
                let operands = Operands {
                    x: View::input(g, &block, x.as_ptr()).moved(channel),
                    dy: View::output(g, &block, dy.as_ptr(), g.f),
                    dw: dw.as_mut_ptr().wrapping_add(channel / PANEL * panel_len),
                    inputs: g.f,
                    rows: g.f,
                };
                let columns = PANEL.min(g.c - channel);
                // SAFETY: the lengths are checked, so that the columns follow in `x`, the panel's weights in `dw`.
                unsafe { panel_columns::<S, Swapped, false>(s, columns, g, &block, &strip, &operands) };
            }
        }
    }
}

/// # Safety
/// The lengths are those that [`weight_gradient`] checks.
#[inline(always)]
fn depthwise<S: Simd>(s: S, g: &Conv, of: Rows, n: usize, x: &[f32], dy: &[f32], y_pixel: usize, dw: &mut [f32]) {
    let (panel_len, multiplier) = (g.kh * g.kw * PANEL, g.f / g.c);
    for block in blocks(g, of, n) {
        for strip in strips(g, true) {
            for channel in (0..g.f).step_by(PANEL) {
                let columns = PANEL.min(g.f - channel);
                let operands = Operands {
                    x: View::input(g, &block, x.as_ptr()).moved(channel / multiplier),
                    dy: View::output(g, &block, dy.as_ptr(), y_pixel).moved(channel),
                    dw: dw.as_mut_ptr().wrapping_add(channel / PANEL * panel_len),
                    inputs: 1,
                    rows: 1,
                };
                if multiplier == 1 {
                    // SAFETY: the lengths are checked: the columns follow in `x` and `dy`, the weights in `dw`.
                    unsafe { panel_columns::<S, Straight, true>(s, columns, g, &block, &strip, &operands) };
                } else if columns > LANES {
                    let access = Spread::<S, true>::new(s, channel, columns, multiplier);
                    // SAFETY: as above, and `x` has the input channels of the columns.
                    unsafe {
                        panel_block::<S, Straight, _, Two<S>>(
                            Columns::new(s, columns),
                            s,
                            access,
                            g,
                            &block,
                            &strip,
                            &operands,
                        )
                    };
                } else {
                    let access = Spread::<S, true>::new(s, channel, columns, multiplier);
                    // SAFETY: as above, and `x` has the input channels of the columns.
                    unsafe {
                        panel_block::<S, Straight, _, One<S>>(
                            Columns::new(s, columns),
                            s,
                            access,
                            g,
                            &block,
                            &strip,
                            &operands,
                        )
                    };
                }
            }
        }
    }
}

/// The three operands of a panel.
struct Operands {
    x: View,
    dy: View,
    dw: *mut f32,
    /// Rows of a tap in `dw`, and those of them that are computed, the first ones.
    inputs: usize,
    rows: usize,
}

/// Which channels are the columns of a panel of weights.
trait Columned {
    /// Those of `x`, and those of `dy` its rows: the weights in transposed order.
    const BY_X: bool;
}

/// Columns are the channels of `dy`, rows those of `x`.
struct Straight;

impl Columned for Straight {
    const BY_X: bool = false;
}

/// Columns are the channels of `x`, rows those of `dy`.
struct Swapped;

impl Columned for Swapped {
    const BY_X: bool = true;
}

/// One block's part of one panel, for the taps and columns of a strip.
///
/// # Safety
/// `x` and `dy` are the operands of `g` at the panel's first channels, and the panel's `columns` channels follow in each
/// pixel of `dy`, or of `x` if the columns are its (and of both if `LANEWISE`); `dw` is valid for the panel's `[kh, kw, inputs, 16]`. Columns of `x` go with strips of one tap.
#[inline(always)]
unsafe fn panel_columns<S: Simd, R: Columned, const LANEWISE: bool>(
    s: S,
    columns: usize,
    g: &Conv,
    block: &Block,
    strip: &Strip,
    operands: &Operands,
) {
    let (whole, masked) = (Reads::<LANEWISE, false, false>, Reads::<LANEWISE, true, false>);
    match (columns > LANES, columns.is_multiple_of(LANES)) {
        (true, true) => {
            // SAFETY: the caller's contract; there are sixteen columns.
            unsafe { panel_block::<S, R, _, S::Pair>(Columns::new(s, columns), s, whole, g, block, strip, operands) }
        }
        (true, false) => {
            // SAFETY: the caller's contract; the mask shows the columns.
            unsafe { panel_block::<S, R, _, S::Pair>(Columns::new(s, columns), s, masked, g, block, strip, operands) }
        }
        (false, _) => {
            // SAFETY: the caller's contract; the mask shows the columns.
            unsafe { panel_block::<S, R, _, One<S>>(Columns::new(s, columns), s, masked, g, block, strip, operands) }
        }
    }
}

/// # Safety
/// That of [`panel_columns`], for the columns that the access reads.
#[inline(always)]
unsafe fn panel_block<S: Simd, R: Columned, A: Access<S, T>, T: Row<S>>(
    columns: Columns<S, T>,
    s: S,
    access: A,
    g: &Conv,
    block: &Block,
    strip: &Strip,
    operands: &Operands,
) {
    for ky in 0..g.kh {
        let of = block.of;
        let rows = valid(of.x, of.y, ky, g.stride[0], of.pad, g.dilation[0]);
        let rows = rows.start.max(block.rows.start)..rows.end.min(block.rows.end);
        if rows.is_empty() {
            continue;
        }
        let x_row = rows.start * g.stride[0] + ky * g.dilation[0] - of.pad;
        let part = Part { images: block.images.len(), rows, x_row, ky, strip };
        // SAFETY: the strip's taps are valid in its columns, the kernel row in the rows; the rest is the contract.
        unsafe { weights::<S, R, A, T>(columns, s, access, g, &part, operands) };
    }
}

/// Taps of one kernel row, and output pixels at which all of them are valid.
struct Part<'a> {
    images: usize,
    rows: Range<usize>,
    /// The input row that kernel row `ky` meets at the first of `rows`.
    x_row: usize,
    ky: usize,
    strip: &'a Strip,
}

/// Tiles over the weights `[taps, inputs]` of a part.
///
/// # Safety
/// As for [`panel_columns`], and every tap of the part lies inside the image at every of its pixels.
#[inline(always)]
unsafe fn weights<S: Simd, R: Columned, A: Access<S, T>, T: Row<S>>(
    columns: Columns<S, T>,
    s: S,
    access: A,
    g: &Conv,
    part: &Part,
    operands: &Operands,
) {
    let Strip { cols, taps } = part.strip;
    let Operands { x, dy, dw, inputs, rows } = *operands;
    let level = |count, x: usize, y: usize| {
        let (a, b) = if R::BY_X { (y, x) } else { (x, y) };
        Level { count, a: a as isize, b: b as isize }
    };
    let reduction = Reduction::new(
        level(part.images, x.image, dy.image),
        level(part.rows.len(), g.stride[0].wrapping_mul(x.row), dy.row),
        level(cols.len(), g.stride[1].wrapping_mul(x.pixel), dy.pixel),
        false,
    );
    let dy = dy.at(part.rows.start, cols.start);
    // The pixel of `x` that a tap meets at the strip's first column.
    let x_at = |tap: usize| x.at(part.x_row, cols.start * g.stride[1] + tap * g.dilation[1] - g.pad[1]);
    let dw = dw.wrapping_add((part.ky * g.kw + taps.start) * inputs * PANEL);
    // Several taps come with all their rows, which follow one another in `dw`.
    let count = taps.len() * rows;
    // Swapped, a strip has one tap.
    let b = if R::BY_X { x_at(taps.start) } else { dy };
    let (mut tap, mut input) = (taps.start, 0);
    let mut next = || {
        let a = if R::BY_X { dy } else { x_at(tap) }.wrapping_add(input);
        input += 1;
        if input == rows {
            (tap, input) = (tap + 1, 0);
        }
        a
    };
    let mut first = 0;
    while first < count {
        let rows = tile::next_rows(count - first, A::ROWS);
        let dw = dw.wrapping_add(first * PANEL);
        with_rows!(rows, A::ROWS, {
            let a: [*const f32; ROWS] = std::array::from_fn(|_| next());
            // SAFETY: the caller's contract; the weights from `first` on are the part's.
            unsafe { tile::<S, A, T, ROWS>(columns, s, access, a, b, &reduction, dw) }
        });
        first += rows;
    }
}

/// One tile: sums over the pixels, added to the weights.
///
/// # Safety
/// The reduction is valid for `a` and `b`; `dw` is valid for `[ROWS, 16]`.
#[inline(always)]
unsafe fn tile<S: Simd, A: Access<S, R>, R: Row<S>, const ROWS: usize>(
    columns: Columns<S, R>,
    s: S,
    access: A,
    a: [*const f32; ROWS],
    b: *const f32,
    reduction: &Reduction,
    dw: *mut f32,
) {
    let sums = [R::splat(s, 0.0); ROWS];
    // SAFETY: the caller vouches for the reduction.
    let sums = unsafe { tile::accumulate::<S, A, R, ROWS>(columns, access, a, b, reduction, sums) };
    for (i, mut sum) in sums.into_iter().enumerate() {
        let p = dw.wrapping_add(i * PANEL);
        // The mask keeps padding as it is: where `x` is not finite, its sums with zero would not be zero.
        // SAFETY: the caller vouches for the weights.
        let old = if A::MASKED { unsafe { columns.load::<true>(p) } } else { unsafe { columns.load::<false>(p) } };
        sum = old.add(s, sum);
        if A::MASKED {
            // SAFETY: the caller vouches for the weights.
            unsafe { columns.store::<true>(sum, p) };
        } else {
            // SAFETY: the caller vouches for the weights.
            unsafe { columns.store::<false>(sum, p) };
        }
    }
}
