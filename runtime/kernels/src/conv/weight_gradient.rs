//! The gradient of a convolution's weights and bias.
//!
//! `dw[ky, kx, c, f] += sum over images and windows of x[…, c] * dy[oy, ox, f]`. A register tile holds up to six
//! weights of one panel, all of one kernel row, and sums over a block of pixels that stays in the first cache level.
//! Every kernel row or tap takes part only where its window lies inside the image.

use super::Conv;
use crate::check;
use crate::columns::add_column_sums;
use crate::isa::dispatch;
use crate::layout::PANEL;
use crate::simd::Simd;
use crate::tile::{self, Access, Broadcast, BroadcastMasked, Lanes, LanesMasked, Level, Reduction, VECTORS, with_rows};
use std::ops::Range;

/// Bytes of `x` and of one panel of `dy` that a block of pixels may take.
const BLOCK_BYTES: usize = 24 << 10;

/// Adds the gradients of weights and bias to `dw` and `db`.
///
/// `x` is `[n, h, w, c]`, `dy` is `[n, out_h, out_w, f]`, `dw` has [`Conv::weight_layout`], `db` has
/// [`Conv::bias_layout`] or is empty. Padding is left as it is. The order of the sums depends on the geometry and `n`.
///
/// # Panics
/// Where a slice has another length or the geometry is none ([`Conv::check`]).
pub fn weight_gradient(g: &Conv, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32], db: &mut [f32]) {
    g.check();
    check::images("x", x, n, g.input_len());
    check::images("dy", dy, n, g.output_len());
    check::len("dw", dw, g.weight_layout().len());
    if !db.is_empty() {
        check::len("db", db, g.bias_layout().len());
        add_column_sums(g.f, dy, &mut db[..g.f]);
    }
    if g.is_depthwise() {
        // SAFETY: the lengths are checked above.
        dispatch!(depthwise(g: &Conv, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32]));
    } else {
        // SAFETY: the lengths are checked above.
        dispatch!(grouped(g: &Conv, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32]));
    }
}

/// A block of output pixels: some images, some rows.
#[derive(Clone)]
struct Block {
    images: Range<usize>,
    rows: Range<usize>,
}

/// Blocks whose inputs and gradients stay in the first cache level: whole images, or rows of one.
#[inline(always)]
fn blocks(g: &Conv, n: usize) -> impl Iterator<Item = Block> {
    let (out_h, out_w) = (g.out_h(), g.out_w());
    let row_bytes = 4 * (out_w * PANEL + g.stride[0].min(g.h) * g.w * g.c);
    let rows = (BLOCK_BYTES / row_bytes).clamp(1, out_h);
    let images = (BLOCK_BYTES / (row_bytes * out_h)).clamp(1, n.max(1));
    (0..n).step_by(images).flat_map(move |image| {
        (0..out_h)
            .step_by(rows)
            .map(move |row| Block { images: image..(image + images).min(n), rows: row..(row + rows).min(out_h) })
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

/// # Safety
/// The lengths are those that [`weight_gradient`] checks.
#[inline(always)]
fn grouped<S: Simd>(s: S, g: &Conv, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let (inputs, outputs) = (g.c / g.groups, g.f / g.groups);
    let panels = outputs.div_ceil(PANEL);
    let panel_len = g.kh * g.kw * inputs * PANEL;
    for block in blocks(g, n) {
        for group in 0..g.groups {
            for panel in 0..panels {
                let columns = PANEL.min(outputs - panel * PANEL);
                let operands = Operands {
                    x: x.as_ptr().wrapping_add(group * inputs),
                    dy: dy.as_ptr().wrapping_add(group * outputs + panel * PANEL),
                    dw: dw.as_mut_ptr().wrapping_add((group * panels + panel) * panel_len),
                    inputs,
                };
                if columns == PANEL {
                    // SAFETY: sixteen output channels follow in `dy`, the panel's weights in `dw`.
                    unsafe { panel_block(s, Broadcast, g, &block, &operands) };
                } else {
                    let access = BroadcastMasked(tile::mask(s, columns));
                    // SAFETY: the masked output channels follow in `dy`, the panel's weights in `dw`.
                    unsafe { panel_block(s, access, g, &block, &operands) };
                }
            }
        }
    }
}

/// # Safety
/// The lengths are those that [`weight_gradient`] checks.
#[inline(always)]
fn depthwise<S: Simd>(s: S, g: &Conv, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let panel_len = g.kh * g.kw * PANEL;
    for block in blocks(g, n) {
        for channel in (0..g.f).step_by(PANEL) {
            let columns = PANEL.min(g.f - channel);
            let operands = Operands {
                x: x.as_ptr().wrapping_add(channel),
                dy: dy.as_ptr().wrapping_add(channel),
                dw: dw.as_mut_ptr().wrapping_add(channel / PANEL * panel_len),
                inputs: 1,
            };
            if columns == PANEL {
                // SAFETY: sixteen channels follow in `x` and `dy`, the panel's weights in `dw`.
                unsafe { panel_block(s, Lanes, g, &block, &operands) };
            } else {
                let access = LanesMasked(tile::mask(s, columns));
                // SAFETY: the masked channels follow in `x` and `dy`, the panel's weights in `dw`.
                unsafe { panel_block(s, access, g, &block, &operands) };
            }
        }
    }
}

/// The three operands of a panel, and the input channels per tap.
struct Operands {
    x: *const f32,
    dy: *const f32,
    dw: *mut f32,
    inputs: usize,
}

/// One block's part of one panel.
///
/// # Safety
/// `x` and `dy` are the operands of `g` at the panel's first channels, valid for what the access reads in each pixel of
/// the block; `dw` is valid for the panel's `[kh, kw, inputs, 16]`.
#[inline(always)]
unsafe fn panel_block<S: Simd, A: Access<S>>(s: S, access: A, g: &Conv, block: &Block, operands: &Operands) {
    let [row_stride, col_stride] = g.stride;
    // With many channels a tap fills its tiles alone; with few, the taps of a kernel row are joined where all are valid.
    let joined = operands.inputs < 6 && g.kw > 1;
    for ky in 0..g.kh {
        let rows = valid(g.h, g.out_h(), ky, row_stride, g.pad[0], g.dilation[0]);
        let rows = rows.start.max(block.rows.start)..rows.end.min(block.rows.end);
        if rows.is_empty() {
            continue;
        }
        let x_row = rows.start * row_stride + ky * g.dilation[0] - g.pad[0];
        let part = |cols: Range<usize>, taps: Range<usize>| Part { rows: rows.clone(), x_row, ky, cols, taps };
        if joined {
            for class in g.cols(false).classes().filter(|class| class.taps > 0) {
                let part = part(class.first..class.first + class.count, class.tap..class.tap + class.taps);
                // SAFETY: all taps of the class are valid in all its columns; the rest is the caller's contract.
                unsafe { weights(s, access, g, &block.images, &part, operands) };
            }
        } else {
            for kx in 0..g.kw {
                let cols = valid(g.w, g.out_w(), kx, col_stride, g.pad[1], g.dilation[1]);
                if !cols.is_empty() {
                    // SAFETY: the tap is valid in these columns; the rest is the caller's contract.
                    unsafe { weights(s, access, g, &block.images, &part(cols, kx..kx + 1), operands) };
                }
            }
        }
    }
}

/// Taps of one kernel row, and output pixels at which all of them are valid.
struct Part {
    rows: Range<usize>,
    /// The input row that kernel row `ky` meets at the first of `rows`.
    x_row: usize,
    ky: usize,
    cols: Range<usize>,
    taps: Range<usize>,
}

/// Tiles over the weights `[taps, inputs]` of a part.
///
/// # Safety
/// As for [`panel_block`], and every tap of the part lies inside the image at every of its pixels.
#[inline(always)]
unsafe fn weights<S: Simd, A: Access<S>>(
    s: S,
    access: A,
    g: &Conv,
    images: &Range<usize>,
    part: &Part,
    operands: &Operands,
) {
    let (y_row, y_image) = (g.out_w() * g.f, g.out_h() * g.out_w() * g.f);
    let (x_row, x_image) = (g.w * g.c, g.h * g.w * g.c);
    let signed = |x: usize| x as isize;
    let reduction = Reduction {
        levels: [
            Level { count: images.len(), a: signed(x_image), b: signed(y_image) },
            Level { count: part.rows.len(), a: signed(g.stride[0].wrapping_mul(x_row)), b: signed(y_row) },
            Level { count: part.cols.len(), a: signed(g.stride[1].wrapping_mul(g.c)), b: signed(g.f) },
        ],
    };
    let b = operands.dy.wrapping_add(images.start * y_image + part.rows.start * y_row + part.cols.start * g.f);
    let x_first = images.start * x_image + part.x_row * x_row;
    let dw = operands.dw.wrapping_add((part.ky * g.kw + part.taps.start) * operands.inputs * PANEL);
    let count = part.taps.len() * operands.inputs;
    let (mut tap, mut input) = (part.taps.start, 0);
    let mut next = || {
        let column = part.cols.start * g.stride[1] + tap * g.dilation[1] - g.pad[1];
        let at = x_first + column * g.c + input;
        input += 1;
        if input == operands.inputs {
            (tap, input) = (tap + 1, 0);
        }
        operands.x.wrapping_add(at)
    };
    let mut first = 0;
    while first < count {
        let rows = tile::next_rows(count - first, S::TILE);
        let dw = dw.wrapping_add(first * PANEL);
        with_rows!(rows, S, {
            let a: [*const f32; ROWS] = std::array::from_fn(|_| next());
            // SAFETY: the caller's contract; the weights from `first` on are the part's.
            unsafe { tile::<S, A, ROWS>(s, access, a, b, &reduction, dw) }
        });
        first += rows;
    }
}

/// One tile: sums over the pixels, added to the weights.
///
/// # Safety
/// The reduction is valid for `a` and `b`; `dw` is valid for `[ROWS, 16]`.
#[inline(always)]
unsafe fn tile<S: Simd, A: Access<S>, const ROWS: usize>(
    s: S,
    access: A,
    a: [*const f32; ROWS],
    b: *const f32,
    reduction: &Reduction,
    dw: *mut f32,
) {
    let sums = [[s.splat(0.0); VECTORS]; ROWS];
    // SAFETY: the caller vouches for the reduction.
    let sums = unsafe { tile::accumulate(s, access, a, b, reduction, sums) };
    for (i, sum) in sums.into_iter().enumerate() {
        // SAFETY: the caller vouches for the weights.
        unsafe { access.add(s, sum, dw.wrapping_add(i * PANEL)) };
    }
}
