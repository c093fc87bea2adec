//! Copies of a block of pixels, with few channels of each, for the gradient of the weights.
//!
//! Where an image has many channels, the same few of all its pixels lie so far apart that they push one another out of a
//! cache, all the more if the distance is a power of two. Copied together they stay.

use super::Conv;
use super::weight_gradient::Block;
use crate::layout::PANEL;
use crate::simd::{LANES, Simd};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Channels of the input in a chunk: whole tiles. Tests have small ones of all, so that random geometries get here.
const CHUNK: usize = if cfg!(test) { 24 } else { 48 };

/// Floats of a copy.
const ROOM: usize = 16 << 10;

/// Channels of a pixel from which on a few of them lie far apart.
const FAR: usize = if cfg!(test) { 24 } else { 256 };

/// Fewer pixels than this do no harm.
const FEW_PIXELS: usize = if cfg!(test) { 4 } else { 32 };

/// The fewest taps, each of which reads a copy again, for which it is worth it.
const TAPS: usize = 4;

/// The memory of a copy, on the stack.
pub(super) struct Room(MaybeUninit<[f32; ROOM]>);

impl Room {
    #[inline(always)]
    pub(super) fn new() -> Room {
        Room(MaybeUninit::uninit())
    }
}

/// The pixels of a block's images, by the distances between them.
#[derive(Clone, Copy)]
pub(super) struct View {
    /// The first image's first pixel; of a copy, where it would be.
    start: *const f32,
    pub(super) image: usize,
    pub(super) row: usize,
    pub(super) pixel: usize,
}

impl View {
    /// Of the input.
    #[inline(always)]
    pub(super) fn input(g: &Conv, block: &Block, x: *const f32) -> View {
        let image = block.of.x * g.w * g.c;
        View { start: x.wrapping_add(block.images.start * image), image, row: g.w * g.c, pixel: g.c }
    }

    /// Of the output's gradient, whose pixels are `pixel` floats apart.
    #[inline(always)]
    pub(super) fn output(g: &Conv, block: &Block, dy: *const f32, pixel: usize) -> View {
        let row = g.out_w() * pixel;
        let image = block.of.y * row;
        View { start: dy.wrapping_add(block.images.start * image), image, row, pixel }
    }

    /// From a channel on.
    #[inline(always)]
    pub(super) fn moved(self, channel: usize) -> View {
        View { start: self.start.wrapping_add(channel), ..self }
    }

    /// A pixel of the first image.
    #[inline(always)]
    pub(super) fn at(self, row: usize, col: usize) -> *const f32 {
        self.start.wrapping_add(row * self.row + col * self.pixel)
    }
}

/// The rows of the input that a block meets.
#[inline(always)]
fn rows_of(g: &Conv, block: &Block) -> Range<usize> {
    let of = block.of;
    let first = (block.rows.start * g.stride[0]).saturating_sub(of.pad);
    let last = (block.rows.end - 1) * g.stride[0] + (g.kh - 1) * g.dilation[0];
    let end = (last + 1).saturating_sub(of.pad).min(of.x);
    first.min(end)..end
}

/// Output pixels of a block.
#[inline(always)]
fn pixels(g: &Conv, block: &Block) -> usize {
    block.images.len() * block.rows.len() * g.out_w()
}

/// Whether the block's input is copied, a chunk of channels after another.
#[inline(always)]
fn copies_input(g: &Conv, block: &Block) -> bool {
    let floats = block.images.len() * rows_of(g, block).len() * g.w * CHUNK;
    g.c >= FAR && g.c / g.groups >= CHUNK && g.kh * g.kw >= TAPS && pixels(g, block) >= FEW_PIXELS && floats <= ROOM
}

/// The channels of a group's input, in chunks.
#[inline(always)]
pub(super) fn chunks(g: &Conv, block: &Block) -> impl Iterator<Item = Range<usize>> {
    let inputs = g.c / g.groups;
    let chunk = if copies_input(g, block) { CHUNK } else { inputs };
    (0..inputs).step_by(chunk).map(move |first| first..(first + chunk).min(inputs))
}

/// The block's input, `channels` of each pixel of `x`: a copy in `room` where that is worth it.
///
/// # Safety
/// Each pixel of `x` is valid for reading the channels.
#[inline(always)]
pub(super) unsafe fn input<S: Simd>(s: S, g: &Conv, block: &Block, x: View, channels: usize, room: &mut Room) -> View {
    if !copies_input(g, block) {
        return x;
    }
    let rows = rows_of(g, block);
    // SAFETY: the caller's contract; the rows are the image's.
    unsafe { copy(s, x, block.images.len(), rows, g.w, channels, CHUNK, room) }
}

/// The block's gradients of the output, `columns` channels of each pixel of `dy`: a copy in `room` where that is worth it.
///
/// # Safety
/// Each pixel of `dy` is valid for reading the columns.
#[inline(always)]
pub(super) unsafe fn output<S: Simd>(s: S, g: &Conv, block: &Block, dy: View, columns: usize, room: &mut Room) -> View {
    if dy.pixel < FAR || !copies_input(g, block) || pixels(g, block) * PANEL > ROOM {
        return dy;
    }
    // SAFETY: the caller's contract; the rows are the image's.
    unsafe { copy(s, dy, block.images.len(), block.rows.clone(), g.out_w(), columns, PANEL, room) }
}

/// Copies `channels` of each pixel of `from`, `pixel` floats apart, at least as many, a multiple of eight.
///
/// # Safety
/// The pixels of the rows are valid for reading the channels.
#[inline(always)]
unsafe fn copy<S: Simd>(
    s: S,
    from: View,
    images: usize,
    rows: Range<usize>,
    width: usize,
    channels: usize,
    pixel: usize,
    room: &mut Room,
) -> View {
    let row = width * pixel;
    let image = rows.len() * row;
    assert!(images * image <= ROOM && channels <= pixel, "a copy has no room");
    let to = room.0.as_mut_ptr().cast::<f32>();
    let whole = channels / LANES * LANES;
    let mask = s.mask(channels - whole);
    for i in 0..images {
        for (j, y) in rows.clone().enumerate() {
            for x in 0..width {
                let from = from.at(y, x).wrapping_add(i * from.image);
                let to = to.wrapping_add(i * image + j * row + x * pixel);
                for at in (0..whole).step_by(LANES) {
                    // SAFETY: the caller vouches for the channels.
                    let v = unsafe { s.load_at(from.wrapping_add(at)) };
                    // SAFETY: the assertion above: the copy has `channels` for every pixel.
                    unsafe { s.store_at(v, to.wrapping_add(at)) };
                }
                if whole < channels {
                    // SAFETY: the caller vouches for the channels, which the mask shows.
                    let v = unsafe { s.load_masked(from.wrapping_add(whole), mask) };
                    // SAFETY: as above; `pixel` is a multiple of eight, so that a whole vector has its place.
                    unsafe { s.store_at(v, to.wrapping_add(whole)) };
                }
            }
        }
    }
    View { start: to.cast_const().wrapping_sub(rows.start * row), image, row, pixel }
}
