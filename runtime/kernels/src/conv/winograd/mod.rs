//! Convolutions of stride one by Winograd's algorithms: F(4x4, 3x3) with a quarter of the multiplications, F(2x2, 5x5) with
//! four elevenths.
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016). The output is cut into tiles of 4x4
//! pixels, or 2x2 for a kernel of 5x5, each of which sees 6x6 pixels of the input. Transformed, a tile of the output is, at
//! each of 36 positions, a sum over channels of products of the transformed input and the transformed weight: 36
//! multiplications for 16 outputs instead of 144, for 4 instead of 100. The 36 sums are matrix products, computed with the
//! register tile of the other convolutions.
//!
//! The weights of a panel are transformed in every call: kept between calls they would be four times as many to read. The
//! sums round more: the root of the mean square error is about four times that of the direct form. An output is off by
//! at most `5e-6` of the largest input of its tile times the sum of its weights, all in magnitude, which is what the tests
//! hold it to. What is not finite in the input may reach all outputs of its tile.

mod transform;

use super::{Activation, Among, Conv};
use crate::aligned::{AlignedVec, OutOfMemory};
use crate::crew::{self, Floats};
use crate::isa::dispatch;
use crate::layout::PANEL;
use crate::rows::Rows;
use crate::simd::row::Row;
use crate::simd::{LANES, Simd};
use crate::tile::{self, Columns, Level, Reads, Reduction, with_rows};
use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use transform::POSITIONS;

/// Pixels of the input that a tile sees along an axis.
const IN: usize = 6;

/// Tiles whose products are computed together, at most; they stay in the first cache level.
const TOGETHER: usize = 12;

/// Floats of transformed input that stay in the second cache level, roughly. Tests have few, so that random geometries take several
/// blocks.
const BLOCK: usize = if cfg!(test) { 8 << 10 } else { 128 << 10 };

/// Floats between rows that would otherwise fall into the same sets of a cache.
const GAP: usize = 16;

/// Tiles for each panel up to which it is cheaper to transform all of them on each thread than all weights.
const TILES_OF_PANEL: usize = 10;

/// The fewest tiles of an image for which the transforms are worth it.
const FEW_TILES: usize = 4;

/// Tiles from which on so few pixels are at an edge, which takes the direct form longer, that more channels must pay for the
/// transforms.
const MANY_TILES: usize = 32;

/// The fewest channels on both sides for which the transforms are worth it. A tile of 2x2 has fewer outputs to pay with.
const fn few_channels(kernel: usize, tiles: usize) -> [usize; 2] {
    match (kernel, tiles >= MANY_TILES) {
        (3, false) => [3, 8],
        (3, true) | (_, false) => [8, 8],
        (_, true) => [8, 16],
    }
}

/// Pixels of an output tile along an axis.
pub(super) const fn out(g: &Conv) -> usize {
    IN + 1 - g.kh
}

/// Whether a convolution's tiles are computed in this form.
pub(super) const fn pays(g: &Conv) -> bool {
    let is_plain = (g.kh == 3 || g.kh == 5)
        && g.kw == g.kh
        && g.stride[0] == 1
        && g.stride[1] == 1
        && g.dilation[0] == 1
        && g.dilation[1] == 1
        && g.groups == 1;
    if !is_plain {
        return false;
    }
    let tiles = g.out_h().div_ceil(out(g)) * g.out_w().div_ceil(out(g));
    let [inputs, outputs] = few_channels(g.kh, tiles);
    tiles >= FEW_TILES && g.c >= inputs && g.f >= outputs
}

thread_local! {
    /// What the transforms of this thread's last call were kept in.
    static ROOM: Cell<AlignedVec> = Cell::default();
}

/// What computes a convolution that [`pays`]. Inlined where the geometry is a constant, so that a program has the code for
/// its kernels only.
#[inline(always)]
pub(super) fn code(g: &Conv) -> Run {
    if g.kh == 3 { run_3x3 } else { run_5x5 }
}

/// Writes `y` as [`super::forward_rows`] does, by the [`code`] for `g`; returns whether there was the memory for it.
///
/// The lengths of the slices are checked, and the algorithm [`pays`].
pub(super) fn forward(
    run: Run,
    g: &Conv,
    image: Rows,
    among: Among,
    activation: Activation,
    n: usize,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    y: &mut [f32],
) -> bool {
    let (rows, cols) = (image.y.div_ceil(out(g)), g.out_w().div_ceil(out(g)));
    let (tiles, panels) = (n * rows * cols, g.f.div_ceil(PANEL));
    // The transforms are about a quarter of the work.
    let parts = crew::parts((tiles * POSITIONS * 4 / 3) as u64 * g.c as u64 * g.f as u64).min(tiles.max(1));
    let by_panels = tiles <= TILES_OF_PANEL * panels && (panels.is_multiple_of(parts) || panels >= 4 * parts);
    // By the checks, the first channel is there, or no image is.
    let y = Floats::new(y.get_mut(among.first..).unwrap_or_default());
    let lacks_memory = AtomicBool::new(false);
    crew::share(parts, &|part| {
        let of = |count: usize| count * part / parts..count * (part + 1) / parts;
        let (tiles, panels) = if by_panels { (0..tiles, of(panels)) } else { (of(tiles), 0..panels) };
        let call = Call::new(g, image, among, activation == Activation::Relu, [rows, cols], tiles, panels);
        let mut room = ROOM.take();
        if room.len() < call.room() {
            match AlignedVec::zeroed(call.room()) {
                Ok(larger) => room = larger,
                Err(OutOfMemory { .. }) => return lacks_memory.store(true, Ordering::Relaxed),
            }
        }
        run(&call, x, w, b, &mut room, y);
        ROOM.set(room);
    });
    !lacks_memory.into_inner()
}

/// What computes a part, on the instruction set that there is: with a kernel of 3x3, or of 5x5.
pub(super) type Run = fn(&Call, &[f32], &[f32], &[f32], &mut [f32], Floats);

fn run_3x3(call: &Call, x: &[f32], w: &[f32], b: &[f32], room: &mut [f32], y: Floats) {
    #[inline(always)]
    fn of<S: Simd>(s: S, call: &Call, x: &[f32], w: &[f32], b: &[f32], room: &mut [f32], y: Floats) {
        run::<S, 3, 4>(s, call, x, w, b, room, y);
    }
    dispatch!(wide of(call: &Call, x: &[f32], w: &[f32], b: &[f32], room: &mut [f32], y: Floats))
}

fn run_5x5(call: &Call, x: &[f32], w: &[f32], b: &[f32], room: &mut [f32], y: Floats) {
    #[inline(always)]
    fn of<S: Simd>(s: S, call: &Call, x: &[f32], w: &[f32], b: &[f32], room: &mut [f32], y: Floats) {
        run::<S, 5, 2>(s, call, x, w, b, room, y);
    }
    dispatch!(wide of(call: &Call, x: &[f32], w: &[f32], b: &[f32], room: &mut [f32], y: Floats))
}

/// A part of a convolution: what it computes, and its sizes in tiles and floats.
pub(super) struct Call<'a> {
    g: &'a Conv,
    /// The rows of an image that are read and written.
    image: Rows,
    relu: bool,
    /// Rows and columns of tiles in an image.
    rows: usize,
    cols: usize,
    /// The tiles of all images, and the panels, that are computed.
    tiles: Range<usize>,
    panels: Range<usize>,
    /// Channels of the input, rounded up to whole vectors.
    depth: usize,
    /// Tiles in a block.
    block: usize,
    /// From one position to the next in transformed input and weights.
    v_position: usize,
    u_position: usize,
    /// From one pixel of the output to the next.
    y_pixel: usize,
}

impl Call<'_> {
    fn new(
        g: &Conv,
        image: Rows,
        among: Among,
        relu: bool,
        [rows, cols]: [usize; 2],
        tiles: Range<usize>,
        panels: Range<usize>,
    ) -> Call<'_> {
        let depth = g.c.next_multiple_of(LANES);
        let most = (BLOCK / (POSITIONS * depth)).max(TOGETHER);
        // Blocks of the same size, or one less.
        let block = tiles.len().div_ceil(tiles.len().div_ceil(most).max(1));
        let (v_position, u_position) = (block * depth + GAP, g.c * PANEL + GAP);
        let y_pixel = among.total;
        Call { g, image, relu, rows, cols, tiles, panels, depth, block, v_position, u_position, y_pixel }
    }

    /// Floats for a pixel of padding, transformed input, transformed weights and products.
    fn room(&self) -> usize {
        self.depth + POSITIONS * (self.v_position + self.u_position + TOGETHER * PANEL)
    }

    /// The image, row and column of a tile.
    #[inline(always)]
    fn place(&self, tile: usize) -> [usize; 3] {
        let (row, col) = (tile / self.cols, tile % self.cols);
        [row / self.rows, row % self.rows, col]
    }
}

/// # Safety
/// The lengths are those that [`super::infer_rows`] checks, `y` starts at its first channel, and `room` has [`Call::room`].
#[inline(always)]
fn run<S: Simd, const KERNEL: usize, const OUT: usize>(
    s: S,
    call: &Call,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    room: &mut [f32],
    y: Floats,
) {
    let g = call.g;
    let (zeros, room) = room.split_at_mut(call.depth);
    let (v, room) = room.split_at_mut(POSITIONS * call.v_position);
    let (u, m) = room.split_at_mut(POSITIONS * call.u_position);
    zeros.fill(0.0);
    let mut first = call.tiles.start;
    while first < call.tiles.end {
        let block = first..(first + call.block).min(call.tiles.end);
        for (i, tile) in block.clone().enumerate() {
            let from = pixels(call, tile, x.as_ptr(), zeros.as_ptr());
            // SAFETY: the pixels have the input's channels, and `v` has a place for every tile of the block.
            unsafe { transform::tile(s, g.c, &from, v.as_mut_ptr().wrapping_add(i * call.depth), call.v_position) };
        }
        for panel in call.panels.clone() {
            let channel = panel * PANEL;
            let w = w.as_ptr().wrapping_add(channel * g.kh * g.kw * g.c);
            // SAFETY: the weights hold the panel, and `u` has its place.
            unsafe { transform::weights::<S, KERNEL>(s, g.c, w, u.as_mut_ptr(), call.u_position) };
            let panel = Panel { channel, columns: PANEL.min(g.f - channel), b };
            let parts = block.len().div_ceil(TOGETHER);
            for part in 0..parts {
                let here = part * block.len() / parts..(part + 1) * block.len() / parts;
                // SAFETY: `v` and `u` hold the block and the panel, and `m` has a place for so many tiles.
                unsafe { products(s, call, v.as_ptr(), u.as_ptr(), here.clone(), m.as_mut_ptr()) };
                for (i, tile) in here.enumerate() {
                    let m = m.as_ptr().wrapping_add(i * PANEL);
                    // SAFETY: the products of the tile stand there, and `y` has the rows of the images.
                    unsafe { write::<S, OUT>(s, call, &panel, block.start + tile, m, y) };
                }
            }
        }
        first = block.end;
    }
}

/// Where a tile's 36 pixels start; padding is at `zeros`.
#[inline(always)]
fn pixels(call: &Call, tile: usize, x: *const f32, zeros: *const f32) -> [*const f32; POSITIONS] {
    let g = call.g;
    let [image, row, col] = call.place(tile);
    // Offsets before the first row or column wrap, to beyond the last.
    let (top, left) = ((row * out(g)).wrapping_sub(call.image.pad), (col * out(g)).wrapping_sub(g.pad[1]));
    let image = x.wrapping_add(image * call.image.x * g.w * g.c);
    let mut from = [zeros; POSITIONS];
    for i in 0..IN {
        let y = top.wrapping_add(i);
        if y >= call.image.x {
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

/// At each position, the products of the transformed tiles `part` of a block with a panel: `m[position][tile][16]`.
///
/// # Safety
/// `v` and `u` hold the block and the panel, and `m` is valid for `TOGETHER` tiles.
#[inline(always)]
unsafe fn products<S: Simd>(s: S, call: &Call, v: *const f32, u: *const f32, part: Range<usize>, m: *mut f32) {
    let mut done = 0;
    while done < part.len() {
        let rows = tile::next_rows(part.len() - done, S::Pair::TILE);
        let (v, m) = (v.wrapping_add((part.start + done) * call.depth), m.wrapping_add(done * PANEL));
        with_rows!(rows, S::Pair::TILE, {
            // SAFETY: the caller's contract, for a part of the tiles.
            unsafe { products_of::<S, ROWS>(s, call, v, u, m) }
        });
        done += rows;
    }
}

/// # Safety
/// That of [`products`], for `ROWS` tiles.
#[inline(always)]
unsafe fn products_of<S: Simd, const ROWS: usize>(s: S, call: &Call, v: *const f32, u: *const f32, m: *mut f32) {
    let columns = Columns::<S, S::Pair>::new(s, PANEL);
    let once = Level { count: 1, a: 0, b: 0 };
    let depth = Level { count: call.g.c, a: 1, b: PANEL as isize };
    let reduction = Reduction::new(once, once, depth, true);
    for position in 0..POSITIONS {
        let v = v.wrapping_add(position * call.v_position);
        let u = u.wrapping_add(position * call.u_position);
        let a: [*const f32; ROWS] = std::array::from_fn(|i| v.wrapping_add(i * call.depth));
        let (access, sums) = (Reads::<false, false, true>, [S::Pair::splat(s, 0.0); ROWS]);
        // SAFETY: the tiles have the input's channels, and the panel as many rows.
        let sums = unsafe { tile::accumulate::<S, _, S::Pair, ROWS>(columns, access, a, u, &reduction, sums) };
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
    b: &'a [f32],
}

/// Transforms a tile's products and writes its pixels, those that there are.
///
/// # Safety
/// `m` is valid for sixteen floats at each position, and `y` for the rows of the images.
#[inline(always)]
unsafe fn write<S: Simd, const OUT: usize>(s: S, call: &Call, panel: &Panel, tile: usize, m: *const f32, y: Floats) {
    let g = call.g;
    let (out_h, out_w) = (call.image.y, g.out_w());
    let [image, row, col] = call.place(tile);
    let (row, col) = (row * OUT, col * OUT);
    for at in (0..panel.columns).step_by(LANES) {
        let count = LANES.min(panel.columns - at);
        // SAFETY: the caller's contract.
        let pixels = unsafe { transform::outputs::<S, OUT>(s, m.wrapping_add(at), TOGETHER * PANEL) };
        let bias = if panel.b.is_empty() { s.splat(0.0) } else { s.load_head(&panel.b[panel.channel + at..][..count]) };
        let mask = s.mask(count);
        for i in 0..OUT.min(out_h - row) {
            for j in 0..OUT.min(out_w - col) {
                let mut pixel = s.add(pixels[i][j], bias);
                if call.relu {
                    pixel = s.max(s.splat(0.0), pixel);
                }
                let at = ((image * out_h + row + i) * out_w + col + j) * call.y_pixel + panel.channel + at;
                if count == LANES {
                    // SAFETY: the pixel's eight channels are in `y`.
                    unsafe { s.store_at(pixel, y.at(at)) };
                } else {
                    // SAFETY: the channels that the mask shows are in `y`.
                    unsafe { s.store_masked(pixel, y.at(at), mask) };
                }
            }
        }
    }
}
