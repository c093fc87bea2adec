//! Convolutions with 3x3 kernels of stride one by Winograd's F(4x4, 3x3): a quarter of the multiplications.
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016). The output is cut into tiles of 4x4
//! pixels, each of which sees 6x6 pixels of the input. Transformed, a tile of the output is, at each of 36 positions, a
//! sum over channels of products of the transformed input and the transformed weight: 36 multiplications for 16 outputs
//! instead of 144. The 36 sums are matrix products, computed with the register tile of the other convolutions.
//!
//! The weights of a panel are transformed once a call, which takes less time than reading four times as many from memory.
//! The sums round more. Where the direct form is off by `2e-6` of the sum of its terms' magnitudes at most, an output is off
//! by `1e-5` of the largest such sum of its channel in its tile (in tests, by `3e-6`; the root of the mean square grows
//! fourfold). What is not finite in the input may reach all outputs of its tile.

mod transform;

use super::{Activation, Conv};
use crate::aligned::AlignedVec;
use crate::isa::dispatch;
use crate::layout::PANEL;
use crate::simd::{LANES, Simd};
use crate::tile::{self, Columns, Level, Reads, Reduction, with_rows};
use std::cell::Cell;
use std::ops::Range;
use transform::POSITIONS;

/// Pixels of an output tile along an axis.
const OUT: usize = 4;

/// Pixels of the input that a tile sees along an axis.
const IN: usize = OUT + 2;

/// Tiles whose products are computed together, at most; they stay in the first cache level.
const TOGETHER: usize = 12;

/// Floats of transformed input that stay in the second cache level, roughly.
const BLOCK: usize = 128 << 10;

/// Floats between rows that would otherwise fall into the same sets of a cache.
const GAP: usize = 16;

/// The fewest tiles of an image for which transforming the weights is worth it.
const FEW_TILES: usize = 9;

/// Whether a convolution's tiles are computed in this form.
pub(super) const fn pays(g: &Conv) -> bool {
    let is_plain = g.kh == 3
        && g.kw == 3
        && g.stride[0] == 1
        && g.stride[1] == 1
        && g.dilation[0] == 1
        && g.dilation[1] == 1
        && g.groups == 1;
    is_plain && g.c >= 8 && g.f >= PANEL && g.out_h().div_ceil(OUT) * g.out_w().div_ceil(OUT) >= FEW_TILES
}

thread_local! {
    /// What the transforms of this thread's last call were kept in.
    static ROOM: Cell<AlignedVec> = Cell::default();
}

/// Writes `y` as [`super::forward`] does; returns whether there was the memory for it.
///
/// The lengths of the slices are checked, and the geometry [pays](pays).
pub(super) fn forward(
    g: &Conv,
    activation: Activation,
    n: usize,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    y: &mut [f32],
) -> bool {
    let sizes = Sizes::new(g, n);
    let mut room = ROOM.take();
    if room.len() < sizes.room() {
        let Ok(larger) = AlignedVec::zeroed(sizes.room()) else { return false };
        room = larger;
    }
    let (sizes, relu, space) = (&sizes, activation == Activation::Relu, &mut room[..]);
    dispatch!(run(sizes: &Sizes, relu: bool, x: &[f32], w: &[f32], b: &[f32], space: &mut [f32], y: &mut [f32]));
    ROOM.set(room);
    true
}

/// The sizes of a call, in tiles and floats.
struct Sizes<'a> {
    g: &'a Conv,
    /// Rows and columns of tiles in an image, and tiles of all images.
    rows: usize,
    cols: usize,
    tiles: usize,
    /// Channels of the input, rounded up to whole vectors.
    depth: usize,
    /// Tiles in a block.
    block: usize,
    /// From one position to the next in transformed input and weights.
    v_position: usize,
    u_position: usize,
}

impl Sizes<'_> {
    fn new(g: &Conv, n: usize) -> Sizes<'_> {
        let (rows, cols) = (g.out_h().div_ceil(OUT), g.out_w().div_ceil(OUT));
        let tiles = n * rows * cols;
        let depth = g.c.next_multiple_of(LANES);
        let block = (BLOCK / (POSITIONS * depth)).max(TOGETHER).min(tiles);
        // Blocks of the same size, or one less.
        let block = tiles.div_ceil(tiles.div_ceil(block.max(1)).max(1));
        Sizes { g, rows, cols, tiles, depth, block, v_position: block * depth + GAP, u_position: g.c * PANEL + GAP }
    }

    /// Floats for a pixel of padding, transformed input, transformed weights and products.
    fn room(&self) -> usize {
        self.depth + POSITIONS * (self.v_position + self.u_position + TOGETHER * PANEL)
    }
}

/// # Safety
/// The lengths are those that [`super::forward`] checks, and `space` has [`Sizes::room`].
#[inline(always)]
fn run<S: Simd>(s: S, sizes: &Sizes, relu: bool, x: &[f32], w: &[f32], b: &[f32], space: &mut [f32], y: &mut [f32]) {
    let g = sizes.g;
    let (zeros, space) = space.split_at_mut(sizes.depth);
    let (v, space) = space.split_at_mut(POSITIONS * sizes.v_position);
    let (u, m) = space.split_at_mut(POSITIONS * sizes.u_position);
    zeros.fill(0.0);
    let mut first = 0;
    while first < sizes.tiles {
        let block = first..(first + sizes.block).min(sizes.tiles);
        for (i, tile) in block.clone().enumerate() {
            let from = pixels(sizes, tile, x.as_ptr(), zeros.as_ptr());
            // SAFETY: the pixels have the input's channels, and `v` has a place for every tile of the block.
            unsafe { transform::tile(s, g.c, &from, v.as_mut_ptr().wrapping_add(i * sizes.depth), sizes.v_position) };
        }
        for channel in (0..g.f).step_by(PANEL) {
            let w = w.as_ptr().wrapping_add(channel * g.kh * g.kw * g.c);
            // SAFETY: the weights hold the panel, and `u` has its place.
            unsafe { transform::weights(s, g.c, w, u.as_mut_ptr(), sizes.u_position) };
            let panel = Panel { channel, columns: PANEL.min(g.f - channel), relu, b };
            let parts = block.len().div_ceil(TOGETHER);
            for part in 0..parts {
                let here = part * block.len() / parts..(part + 1) * block.len() / parts;
                // SAFETY: `v` and `u` hold the block and the panel, and `m` has a place for so many tiles.
                unsafe { products(s, sizes, v.as_ptr(), u.as_ptr(), here.clone(), m.as_mut_ptr()) };
                for (i, tile) in here.enumerate() {
                    let m = m.as_ptr().wrapping_add(i * PANEL);
                    // SAFETY: the products of the tile stand there, and `y` has the lengths of `g`.
                    unsafe { write(s, sizes, &panel, block.start + tile, m, y.as_mut_ptr()) };
                }
            }
        }
        first = block.end;
    }
}

/// Where a tile's 36 pixels start; padding is at `zeros`.
#[inline(always)]
fn pixels(sizes: &Sizes, tile: usize, x: *const f32, zeros: *const f32) -> [*const f32; POSITIONS] {
    let g = sizes.g;
    let [image, row, col] = sizes.place(tile);
    // Offsets before the first row or column wrap, to beyond the last.
    let (top, left) = ((row * OUT).wrapping_sub(g.pad[0]), (col * OUT).wrapping_sub(g.pad[1]));
    let image = x.wrapping_add(image * g.input_len());
    let mut from = [zeros; POSITIONS];
    for i in 0..IN {
        let y = top.wrapping_add(i);
        if y >= g.h {
            continue;
        }
        for j in 0..IN {
            let x = left.wrapping_add(j);
            if x < g.w {
                from[i * IN + j] = image.wrapping_add((y * g.w + x) * g.c);
            }
        }
    }
    from
}

impl Sizes<'_> {
    /// The image, row and column of a tile.
    #[inline(always)]
    fn place(&self, tile: usize) -> [usize; 3] {
        let (row, col) = (tile / self.cols, tile % self.cols);
        [row / self.rows, row % self.rows, col]
    }
}

/// At each position, the products of the transformed tiles `part` of a block with a panel: `m[position][tile][16]`.
///
/// # Safety
/// `v` and `u` hold the block and the panel, and `m` is valid for `TOGETHER` tiles.
#[inline(always)]
unsafe fn products<S: Simd>(s: S, sizes: &Sizes, v: *const f32, u: *const f32, part: Range<usize>, m: *mut f32) {
    let mut done = 0;
    while done < part.len() {
        let rows = tile::next_rows(part.len() - done, S::TILE);
        let (v, m) = (v.wrapping_add((part.start + done) * sizes.depth), m.wrapping_add(done * PANEL));
        with_rows!(rows, S::TILE, {
            // SAFETY: the caller's contract, for a part of the tiles.
            unsafe { products_of::<S, ROWS>(s, sizes, v, u, m) }
        });
        done += rows;
    }
}

/// # Safety
/// That of [`products`], for `ROWS` tiles.
#[inline(always)]
unsafe fn products_of<S: Simd, const ROWS: usize>(s: S, sizes: &Sizes, v: *const f32, u: *const f32, m: *mut f32) {
    let columns = Columns::<S, 2>::new(s, PANEL);
    let once = Level { count: 1, a: 0, b: 0 };
    let depth = Level { count: sizes.g.c, a: 1, b: PANEL as isize };
    let reduction = Reduction::new(once, once, depth, true);
    for position in 0..POSITIONS {
        let v = v.wrapping_add(position * sizes.v_position);
        let u = u.wrapping_add(position * sizes.u_position);
        let a: [*const f32; ROWS] = std::array::from_fn(|i| v.wrapping_add(i * sizes.depth));
        let (access, sums) = (Reads::<false, false, true>, [[s.splat(0.0); 2]; ROWS]);
        // SAFETY: the tiles have the input's channels, and the panel as many rows.
        let sums = unsafe { tile::accumulate::<S, _, ROWS, 2>(columns, access, a, u, &reduction, sums) };
        for (i, sum) in sums.into_iter().enumerate() {
            // SAFETY: the caller vouches for the tile's place at each position.
            unsafe { columns.store::<false>(sum, m.wrapping_add((position * TOGETHER + i) * PANEL)) };
        }
    }
}

/// A panel of output channels.
struct Panel<'a> {
    channel: usize,
    columns: usize,
    relu: bool,
    b: &'a [f32],
}

/// Transforms a tile's products and writes its pixels, those that there are.
///
/// # Safety
/// `m` is valid for sixteen floats at each position, and `y` for the images.
#[inline(always)]
unsafe fn write<S: Simd>(s: S, sizes: &Sizes, panel: &Panel, tile: usize, m: *const f32, y: *mut f32) {
    let g = sizes.g;
    let (out_h, out_w) = (g.out_h(), g.out_w());
    let [image, row, col] = sizes.place(tile);
    let (row, col) = (row * OUT, col * OUT);
    for at in (0..panel.columns).step_by(LANES) {
        let count = LANES.min(panel.columns - at);
        // SAFETY: the caller's contract.
        let pixels = unsafe { transform::outputs(s, m.wrapping_add(at), TOGETHER * PANEL) };
        let bias = if panel.b.is_empty() { s.splat(0.0) } else { s.load_head(&panel.b[panel.channel + at..][..count]) };
        let mask = s.mask(count);
        for i in 0..OUT.min(out_h - row) {
            for j in 0..OUT.min(out_w - col) {
                let mut pixel = s.add(pixels[i][j], bias);
                if panel.relu {
                    pixel = s.max(s.splat(0.0), pixel);
                }
                let at = ((image * out_h + row + i) * out_w + col + j) * g.f + panel.channel + at;
                if count == LANES {
                    // SAFETY: the pixel's eight channels are in `y`.
                    unsafe { s.store_at(pixel, y.wrapping_add(at)) };
                } else {
                    // SAFETY: the channels that the mask shows are in `y`.
                    unsafe { s.store_masked(pixel, y.wrapping_add(at), mask) };
                }
            }
        }
    }
}
