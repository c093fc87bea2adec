//! The sums of products: windows of bytes with panels of weights, by register tiles of pixels and channels.

use super::lanes::{Lanes, dispatch};
use super::layer::Layer;
use crate::layout::PANEL;
use std::ops::Range;

/// Pixels of a tile: with sixteen sums each, in two vectors where there are none so wide, as many as registers hold.
const TILE: usize = 6;

/// Panels that are taken together where there is a single pixel.
const WIDE: usize = 4;

/// Pixels in a block: their windows stay in the first cache level while all panels go over them.
const BLOCK: usize = 48;

/// Where the windows of pixels are, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) start: *const u8,
    /// Pixels of a row of the output.
    pub(super) columns: usize,
    /// From the window of a pixel to that of the next one, and to that of the one below.
    pub(super) steps: [usize; 2],
    /// From a run of a window to the next one on its right, and below.
    pub(super) taps: [usize; 2],
    /// Runs beside each other in a window.
    pub(super) across: usize,
    /// Bytes of a group's channels.
    pub(super) group: usize,
}

impl Source {
    /// Writes where the windows of the pixels from `first` on are.
    #[inline(always)]
    fn place(&self, first: usize, windows: &mut [*const u8]) {
        let (mut row, mut column) = (first / self.columns, first % self.columns);
        for window in windows {
            *window = self.start.wrapping_add(row * self.steps[1] + column * self.steps[0]);
            column += 1;
            if column == self.columns {
                (row, column) = (row + 1, 0);
            }
        }
    }
}

/// Where results go: the first pixel's place, from one pixel to the next, and what is stored.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// Bytes not under `floor`.
    Bytes { start: *mut u8, step: usize, floor: u8 },
    /// Floats, none negative after a relu.
    Floats { start: *mut f32, step: usize, relu: bool },
}

/// A part of a layer's work on an image: its pixels, and its panels among those of all groups.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) pixels: Range<usize>,
    pub(super) panels: Range<usize>,
}

/// Computes a part.
///
/// # Safety
/// `source` has the windows of the part's pixels, each run readable to a multiple of four bytes; `target` has room for
/// them that nobody else uses meanwhile.
pub(super) unsafe fn product(layer: &Layer, part: Part, source: Source, target: Target) {
    dispatch!(vnni blocks(layer: &Layer, part: Part, source: Source, target: Target));
}

#[inline(always)]
fn blocks<L: Lanes>(lanes: L, layer: &Layer, part: Part, source: Source, target: Target) {
    let per_group = layer.f.div_ceil(PANEL);
    let mut windows = [std::ptr::null(); BLOCK];
    let mut first = part.pixels.start;
    while first < part.pixels.end {
        let end = part.pixels.end.min(first + BLOCK);
        source.place(first, &mut windows[..end - first]);
        let mut panel = part.panels.start;
        while panel < part.panels.end {
            let group = panel / per_group;
            // Neighbouring panels of a group, which read the same bytes.
            let beside = (part.panels.end - panel).min((group + 1) * per_group - panel);
            let tiles = Tiles { lanes, layer, source, target, panel, group, first, windows: &windows };
            if end - first == 1 && beside >= WIDE {
                tiles.run::<1, WIDE>(0);
                panel += WIDE;
                continue;
            }
            let mut pixel = 0;
            while pixel + TILE <= end - first {
                tiles.run::<TILE, 1>(pixel);
                pixel += TILE;
            }
            match end - first - pixel {
                1 => tiles.run::<1, 1>(pixel),
                2 => tiles.run::<2, 1>(pixel),
                3 => tiles.run::<3, 1>(pixel),
                4 => tiles.run::<4, 1>(pixel),
                5 => tiles.run::<5, 1>(pixel),
                _ => {}
            }
            panel += 1;
        }
        first = end;
    }
}

struct Tiles<'a, L> {
    lanes: L,
    layer: &'a Layer,
    source: Source,
    target: Target,
    /// The first panel, and its group.
    panel: usize,
    group: usize,
    /// The block's first pixel, and the window of each, of the first group.
    first: usize,
    windows: &'a [*const u8; BLOCK],
}

impl<L: Lanes> Tiles<'_, L> {
    /// `R` pixels of the block from `pixel` on, times `P` panels.
    #[inline(always)]
    fn run<const R: usize, const P: usize>(&self, pixel: usize) {
        let Self { lanes, layer, source, panel, group, .. } = *self;
        let windows: [*const u8; R] =
            std::array::from_fn(|r| self.windows[pixel + r].wrapping_add(group * source.group));
        let (biases, _) = layer.bias.as_chunks::<PANEL>();
        let start: [L::Sums; P] = std::array::from_fn(|p| lanes.sums(&biases[panel + p]));
        let mut sums = [start; R];
        let (quads, within) = (layer.quads(), layer.run.div_ceil(4));
        let step = PANEL * 4;
        let mut weights = layer.weights.as_ptr().wrapping_add(panel * quads * step);
        let mut row = 0;
        let mut left = layer.runs;
        while left > 0 {
            for tap in 0..source.across {
                let offset = row + tap * source.taps[0];
                for quad in 0..within {
                    let w: [L::Weights; P] = std::array::from_fn(|p| {
                        // SAFETY: the layer has `quads` steps of weights for each of its panels.
                        unsafe { lanes.weights(weights.wrapping_add(p * quads * step)) }
                    });
                    for r in 0..R {
                        // SAFETY: the caller of `product` vouches for the windows' bytes.
                        let x = unsafe { lanes.quad(windows[r].wrapping_add(offset + 4 * quad)) };
                        for p in 0..P {
                            sums[r][p] = lanes.add_products(sums[r][p], x, w[p]);
                        }
                    }
                    weights = weights.wrapping_add(step);
                }
            }
            row += source.taps[1];
            left -= source.across;
        }
        for r in 0..R {
            for p in 0..P {
                self.store(self.first + pixel + r, panel + p, sums[r][p]);
            }
        }
    }

    /// Stores the sums of a pixel's sixteen channels.
    #[inline(always)]
    fn store(&self, pixel: usize, panel: usize, sums: L::Sums) {
        let Self { lanes, layer, target, group, .. } = *self;
        let within = (panel - group * layer.f.div_ceil(PANEL)) * PANEL;
        let (channel, count) = (group * layer.f + within, PANEL.min(layer.f - within));
        let (scales, _) = layer.scale.as_chunks::<PANEL>();
        let scale = &scales[panel];
        match target {
            Target::Bytes { start, step, floor } => {
                let zero = f32::from(layer.output_zero);
                let narrow = lanes.narrow(sums, scale, zero, f32::from(floor));
                let to = start.wrapping_add(pixel * step + channel);
                if count == PANEL {
                    // SAFETY: the caller of `product` vouches for room for a pixel's channels.
                    unsafe { to.cast::<[u8; PANEL]>().write(narrow) };
                } else {
                    // SAFETY: as above, of which `count` are the panel's.
                    unsafe { std::ptr::copy_nonoverlapping(narrow.as_ptr(), to, count) };
                }
            }
            Target::Floats { start, step, relu } => {
                let mut numbers = lanes.scaled(sums, scale);
                if relu {
                    numbers = numbers.map(|x| if x > 0.0 { x } else { 0.0 });
                }
                let to = start.wrapping_add(pixel * step + channel);
                // SAFETY: the caller of `product` vouches for room for a pixel's channels, of which `count` are the panel's.
                unsafe { std::ptr::copy_nonoverlapping(numbers.as_ptr(), to, count) };
            }
        }
    }
}
