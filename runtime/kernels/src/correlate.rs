//! Correlation of images with panels of weights: convolutions forward, their input gradients, and dense layers.
//!
//! The pixels of a rectangle of window classes ([`crate::window`]) all sum over the same elements, at the same offsets
//! from their first one. They are taken in blocks, small enough to stay in the first cache level with their sums; for
//! each panel of sixteen output channels a block is covered by register tiles ([`crate::tile`]).

use crate::crew::{self, Floats};
use crate::isa::dispatch;
use crate::layout::PANEL;
use crate::simd::LANES;
use crate::simd::Simd;
use crate::simd::row::{One, Row, Two};
use crate::tile::{self, Access, Columns, Level, Reads, Reduction, Spread, with_rows};
use crate::window::{Axis, Class};
use std::ops::Range;

/// Panels that are taken together where a block has a single pixel.
const WIDE: usize = 4;

/// Floats of weights that stay in a core's second cache level, beside what else it works with. Tests have few, so that random
/// geometries have more.
const LARGE: usize = if cfg!(test) { 2 << 10 } else { 128 << 10 };

/// Pixels in a block.
const BLOCK: usize = 96;

/// A correlation. Strides count floats.
#[derive(Clone, Copy)]
pub(crate) struct Correlation {
    pub(crate) images: usize,
    pub(crate) rows: Axis,
    pub(crate) cols: Axis,
    pub(crate) x_image: usize,
    pub(crate) x_row: usize,
    pub(crate) x_pixel: usize,
    pub(crate) y_image: usize,
    pub(crate) y_row: usize,
    pub(crate) y_pixel: usize,
    pub(crate) groups: usize,
    /// Channels read per group.
    pub(crate) depth: usize,
    /// Channels written per group.
    pub(crate) f: usize,
    pub(crate) relu: bool,
}

/// Runs a correlation: `y` is overwritten. `b` holds a value per written channel, or nothing.
///
/// # Safety
/// By the strides, every source pixel's `groups * depth` channels of `images` images lie within `x`, and every written
/// pixel's `groups * f` within `y`; `w` holds
/// `[groups, ceil(f / 16), rows.taps, cols.taps, depth, 16]`; `b` is empty or holds at least `groups * f`.
pub(crate) unsafe fn correlate(c: &Correlation, x: &[f32], w: &[f32], b: &[f32], y: &mut [f32]) {
    let cut = Cut::of(c, x.len(), w.len());
    let y = Floats::new(y);
    crew::share(cut.parts, &|part| dispatch_grouped(c, cut.share(part), x, w, b, y));
}

fn dispatch_grouped(c: &Correlation, share: Share, x: &[f32], w: &[f32], b: &[f32], y: Floats) {
    dispatch!(wide grouped(c: &Correlation, share: Share, x: &[f32], w: &[f32], b: &[f32], y: Floats))
}

/// How a correlation is cut into parts: by pixels or by panels, neither of which any sum knows of.
#[derive(Clone, Copy)]
struct Cut {
    parts: usize,
    by_panels: bool,
}

impl Cut {
    /// By pixels, so that a thread finds what it has written in its own cache when the next step reads the same rows; by
    /// panels where the weights would not stay there, or there is only a pixel or so.
    fn of(c: &Correlation, x: usize, w: usize) -> Cut {
        let pixels = c.images as u64 * c.rows.positions as u64 * c.cols.positions as u64;
        let taps = c.rows.taps as u64 * c.cols.taps as u64;
        let channels = c.groups as u64 * c.f as u64 * c.depth as u64;
        let parts = crew::parts(pixels.saturating_mul(taps).saturating_mul(channels));
        let panels = c.f.div_ceil(PANEL);
        let fits = panels.is_multiple_of(parts) || panels >= 4 * parts;
        let by_panels = if pixels < 2 * parts as u64 { panels > 1 } else { fits && w > LARGE && w > x };
        Cut { parts: if by_panels { parts.min(panels) } else { parts.min(pixels as usize) }, by_panels }
    }

    fn share(self, part: usize) -> Share {
        let whole = [0, 1];
        let share = [part, self.parts];
        if self.by_panels { Share { pixels: whole, panels: share } } else { Share { pixels: share, panels: whole } }
    }
}

/// A part of a correlation: of the pixels of every rectangle and of the panels of every group, the part of so many.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    pixels: [usize; 2],
    panels: [usize; 2],
}

impl Share {
    #[inline(always)]
    fn range([part, parts]: [usize; 2], count: usize) -> Range<usize> {
        let at = |part: usize| (count as u64 * part as u64 / parts as u64) as usize;
        at(part)..at(part + 1)
    }
}

/// How the channels of a depthwise correlation belong together; the number is at least one.
#[derive(Clone, Copy)]
pub(crate) enum Lanes {
    /// Each channel read serves so many channels written.
    Spread(usize),
    /// So many channels read are summed in each channel written.
    Fold(usize),
}

/// Runs a depthwise correlation, in which a channel has to do with channels of its own only: `groups` and `depth` are
/// one, `f` is the larger number of channels, that of the weights.
///
/// # Safety
/// As for [`correlate`], except that a source pixel has `f` channels, or by `lanes` fewer, and a written pixel likewise;
/// `w` holds `[ceil(f / 16), rows.taps, cols.taps, 16]`; where channels are summed, `b` is empty.
pub(crate) unsafe fn correlate_depthwise(
    c: &Correlation,
    lanes: Lanes,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    y: &mut [f32],
) {
    let pixels = c.images as u64 * c.rows.positions as u64 * c.cols.positions as u64;
    // A depthwise step reads a float for each multiply-add, and takes about four times as long.
    let work = (pixels * 4).saturating_mul(c.rows.taps as u64 * c.cols.taps as u64).saturating_mul(c.f as u64);
    let parts = crew::parts(work).min(pixels as usize);
    let cut = Cut { parts, by_panels: false };
    let y = Floats::new(y);
    crew::share(parts, &|part| dispatch_depthwise(c, cut.share(part), lanes, x, w, b, y));
}

fn dispatch_depthwise(c: &Correlation, share: Share, lanes: Lanes, x: &[f32], w: &[f32], b: &[f32], y: Floats) {
    dispatch!(depthwise(c: &Correlation, share: Share, lanes: Lanes, x: &[f32], w: &[f32], b: &[f32], y: Floats))
}

/// The elements and pixels of one rectangle of classes.
struct Rectangle {
    row: Class,
    col: Class,
    reduction: Reduction,
    /// Where the reduction starts, in `x` within an image and in the weights of a panel.
    x_start: usize,
    w_start: usize,
}

impl Rectangle {
    #[inline(always)]
    fn new(c: &Correlation, lanewise: bool, row: Class, col: Class) -> Rectangle {
        let tap = c.depth * PANEL;
        let outer = Level {
            count: row.taps,
            a: row.source_tap.wrapping_mul(c.x_row as isize),
            b: row.tap_step.wrapping_mul(c.cols.taps * tap) as isize,
        };
        let middle = Level {
            count: col.taps,
            a: col.source_tap.wrapping_mul(c.x_pixel as isize),
            b: col.tap_step.wrapping_mul(tap) as isize,
        };
        let inner = Level { count: c.depth, a: 1, b: PANEL as isize };
        Rectangle {
            row,
            col,
            reduction: Reduction::new(outer, middle, inner, !lanewise),
            x_start: row.source * c.x_row + col.source * c.x_pixel,
            w_start: (row.tap * c.cols.taps + col.tap) * tap,
        }
    }

    #[inline(always)]
    fn pixels(&self, images: usize) -> usize {
        images * self.row.count * self.col.count
    }

    /// Writes the offsets in `x` and `y` of the pixels from `first` on.
    #[inline(always)]
    fn place(&self, c: &Correlation, first: usize, x: &mut [usize], y: &mut [usize]) {
        let (mut col, rest) = (first % self.col.count, first / self.col.count);
        let (mut row, mut image) = (rest % self.row.count, rest / self.row.count);
        let (x_step, y_step) = (self.col.source_step as usize * c.x_pixel, self.col.step * c.y_pixel);
        let (mut x, mut y) = (x, y);
        while !x.is_empty() {
            // The pixels of a row are evenly spaced, without a branch for each.
            let count = (self.col.count - col).min(x.len());
            let ((x_here, x_rest), (y_here, y_rest)) = (x.split_at_mut(count), y.split_at_mut(count));
            let mut x_at =
                image * c.x_image + self.x_start + row * self.row.source_step as usize * c.x_row + col * x_step;
            let mut y_at = image * c.y_image
                + (self.row.first + row * self.row.step) * c.y_row
                + self.col.first * c.y_pixel
                + col * y_step;
            for (x, y) in x_here.iter_mut().zip(y_here) {
                (*x, *y) = (x_at, y_at);
                (x_at, y_at) = (x_at.wrapping_add(x_step), y_at.wrapping_add(y_step));
            }
            (x, y, col) = (x_rest, y_rest, 0);
            row += 1;
            if row == self.row.count {
                (row, image) = (0, image + 1);
            }
        }
    }
}

/// One panel's tiles over a block of pixels.
struct Panel<'a> {
    x: *const f32,
    w: *const f32,
    y: *mut f32,
    bias: [f32; PANEL],
    /// Output channels in the panel.
    columns: usize,
    relu: bool,
    reduction: &'a Reduction,
    fold: Fold,
}

/// How the columns of a panel are summed in channels: `each` in one, from the correlation's column `first` on.
#[derive(Clone, Copy)]
struct Fold {
    first: usize,
    each: usize,
}

impl Fold {
    /// A channel for each column.
    const NONE: Fold = Fold { first: 0, each: 1 };
}

/// # Safety
/// That of [`correlate`].
#[inline(always)]
fn grouped<S: Simd>(s: S, c: &Correlation, share: Share, x: &[f32], w: &[f32], b: &[f32], y: Floats) {
    let panels = c.f.div_ceil(PANEL);
    let panel_len = c.rows.taps * c.cols.taps * c.depth * PANEL;
    let (mut x_at, mut y_at) = ([0; BLOCK], [0; BLOCK]);
    for row in c.rows.classes() {
        for col in c.cols.classes() {
            let rectangle = Rectangle::new(c, false, row, col);
            let pixels = Share::range(share.pixels, rectangle.pixels(c.images));
            for first in pixels.clone().step_by(BLOCK) {
                let count = BLOCK.min(pixels.end - first);
                rectangle.place(c, first, &mut x_at[..count], &mut y_at[..count]);
                for group in 0..c.groups {
                    let Range { start: mut next, end } = Share::range(share.panels, panels);
                    while next < end {
                        let channel = group * c.f + next * PANEL;
                        let columns = PANEL.min(c.f - next * PANEL);
                        let panel = Panel {
                            x: x.as_ptr().wrapping_add(group * c.depth),
                            w: w.as_ptr().wrapping_add((group * panels + next) * panel_len + rectangle.w_start),
                            y: y.at(channel),
                            bias: bias(b, channel, columns),
                            columns,
                            relu: c.relu,
                            reduction: &rectangle.reduction,
                            fold: Fold::NONE,
                        };
                        if count == 1 && next + WIDE <= end && c.f >= (next + WIDE) * PANEL {
                            // SAFETY: as below, for as many panels, all of them full.
                            unsafe {
                                wide_tile(s, &panel, panel_len, b.get(channel..).unwrap_or(&[]), x_at[0], y_at[0])
                            };
                            next += WIDE;
                            continue;
                        }
                        let access = Reads::<false, false, true>;
                        // SAFETY: by the contract, and because classes hold sources and taps inside their axes only,
                        // the reduction stays in the image and in the panel, and the pixel's columns are in `y`.
                        unsafe { panel_tiles(s, access, &panel, &x_at[..count], &y_at[..count]) };
                        next += 1;
                    }
                }
            }
        }
    }
}

/// # Safety
/// That of [`correlate_depthwise`].
#[inline(always)]
fn depthwise<S: Simd>(s: S, c: &Correlation, share: Share, lanes: Lanes, x: &[f32], w: &[f32], b: &[f32], y: Floats) {
    let (spread, fold) = match lanes {
        Lanes::Spread(multiplier) => (multiplier, 1),
        Lanes::Fold(multiplier) => (1, multiplier),
    };
    let panel_len = c.rows.taps * c.cols.taps * PANEL;
    let (mut x_at, mut y_at) = ([0; BLOCK], [0; BLOCK]);
    for row in c.rows.classes() {
        for col in c.cols.classes() {
            let rectangle = Rectangle::new(c, true, row, col);
            let pixels = Share::range(share.pixels, rectangle.pixels(c.images));
            for first in pixels.clone().step_by(BLOCK) {
                let count = BLOCK.min(pixels.end - first);
                rectangle.place(c, first, &mut x_at[..count], &mut y_at[..count]);
                for channel in (0..c.f).step_by(PANEL) {
                    let columns = PANEL.min(c.f - channel);
                    let panel = Panel {
                        x: x.as_ptr().wrapping_add(channel / spread),
                        w: w.as_ptr().wrapping_add(channel / PANEL * panel_len + rectangle.w_start),
                        y: y.at(channel / fold),
                        bias: bias(b, channel, columns),
                        columns,
                        relu: c.relu,
                        reduction: &rectangle.reduction,
                        fold: Fold { first: channel, each: fold },
                    };
                    let (x_at, y_at) = (&x_at[..count], &y_at[..count]);
                    // SAFETY: as in `grouped`; the panel's channels exist in `x` and `y`, as many as belong to them.
                    unsafe { depthwise_tiles(s, &panel, spread, x_at, y_at) };
                }
            }
        }
    }
}

/// [`panel_tiles`] with the access that a depthwise panel takes.
///
/// # Safety
/// That of [`panel_tiles`].
#[inline(always)]
unsafe fn depthwise_tiles<S: Simd>(s: S, panel: &Panel, spread: usize, x_at: &[usize], y_at: &[usize]) {
    let (first, columns) = (panel.fold.first, panel.columns);
    if spread > 1 && columns > LANES {
        let access = Spread::<S, false>::new(s, first, columns, spread);
        // SAFETY: the caller's contract.
        unsafe { tiles::<S, _, Two<S>>(Columns::new(s, columns), s, access, panel, x_at, y_at) }
    } else if spread > 1 {
        let access = Spread::<S, false>::new(s, first, columns, spread);
        // SAFETY: the caller's contract.
        unsafe { tiles::<S, _, One<S>>(Columns::new(s, columns), s, access, panel, x_at, y_at) }
    } else if columns == PANEL {
        // SAFETY: the caller's contract; all sixteen channels exist.
        unsafe { panel_tiles(s, Reads::<true, false, false>, panel, x_at, y_at) }
    } else {
        // SAFETY: the caller's contract; the mask shows the channels that exist.
        unsafe { panel_tiles(s, Reads::<true, true, false>, panel, x_at, y_at) }
    }
}

/// The biases of a panel, zero where there are none.
#[inline(always)]
fn bias(b: &[f32], channel: usize, columns: usize) -> [f32; PANEL] {
    let mut bias = [0.0; PANEL];
    if !b.is_empty() {
        bias[..columns].copy_from_slice(&b[channel..][..columns]);
    }
    bias
}

/// Covers a block of pixels with tiles, half as wide where the panel has so few output channels.
///
/// # Safety
/// For each pixel, `panel.x` moved by its offset is valid for the reduction, and `panel.y` moved by its offset for
/// writing the panel's columns.
#[inline(always)]
unsafe fn panel_tiles<S: Simd, A: Access<S, One<S>> + Access<S, S::Pair>>(
    s: S,
    access: A,
    panel: &Panel,
    x_at: &[usize],
    y_at: &[usize],
) {
    if panel.columns > LANES {
        // SAFETY: the caller's contract.
        unsafe { tiles::<S, A, S::Pair>(Columns::new(s, panel.columns), s, access, panel, x_at, y_at) }
    } else {
        // SAFETY: the caller's contract.
        unsafe { tiles::<S, A, One<S>>(Columns::new(s, panel.columns), s, access, panel, x_at, y_at) }
    }
}

/// The tile of a single pixel and several full panels, `w_panel` floats apart, with their biases or none.
///
/// # Safety
/// As for [`panel_tiles`], for each of the panels.
#[inline(always)]
unsafe fn wide_tile<S: Simd>(s: S, panel: &Panel, w_panel: usize, b: &[f32], x_at: usize, y_at: usize) {
    let columns = Columns::<S, S::Pair>::new(s, PANEL);
    let mut sums = [S::Pair::splat(s, 0.0); WIDE];
    for (sum, b) in sums.iter_mut().zip(b.as_chunks::<PANEL>().0) {
        // SAFETY: the chunk has sixteen biases.
        *sum = unsafe { columns.load::<false>(b.as_ptr()) };
    }
    let x = panel.x.wrapping_add(x_at);
    // SAFETY: the caller vouches for the reduction in each panel, and its innermost loop is over channels.
    let sums = unsafe { tile::accumulate_panels(columns, x, panel.w, w_panel, panel.reduction, sums) };
    for (i, mut sum) in sums.into_iter().enumerate() {
        if panel.relu {
            sum = sum.relu(s);
        }
        // SAFETY: the caller vouches for the pixel's columns.
        unsafe { columns.store::<false>(sum, panel.y.wrapping_add(y_at + i * PANEL)) };
    }
}

/// # Safety
/// That of [`panel_tiles`].
#[inline(always)]
unsafe fn tiles<S: Simd, A: Access<S, R>, R: Row<S>>(
    columns: Columns<S, R>,
    s: S,
    access: A,
    panel: &Panel,
    x_at: &[usize],
    y_at: &[usize],
) {
    let mut first = 0;
    while first < x_at.len() {
        let rows = tile::next_rows(x_at.len() - first, A::ROWS);
        with_rows!(rows, A::ROWS, {
            if let (Some(x_at), Some(y_at)) = (x_at[first..].first_chunk(), y_at[first..].first_chunk()) {
                // SAFETY: the caller's contract, for a part of the pixels.
                unsafe { tile::<S, A, R, ROWS>(columns, s, access, panel, x_at, y_at) }
            }
        });
        first += rows;
    }
}

/// One tile: sums, bias, activation, and the masked edge.
///
/// # Safety
/// That of [`panel_tiles`].
#[inline(always)]
unsafe fn tile<S: Simd, A: Access<S, R>, R: Row<S>, const ROWS: usize>(
    columns: Columns<S, R>,
    s: S,
    access: A,
    panel: &Panel,
    x_at: &[usize; ROWS],
    y_at: &[usize; ROWS],
) {
    let mut a = [panel.x; ROWS];
    for i in 0..ROWS {
        a[i] = panel.x.wrapping_add(x_at[i]);
    }
    // SAFETY: a panel has sixteen biases.
    let bias = unsafe { columns.load::<false>(panel.bias.as_ptr()) };
    let sums = [bias; ROWS];
    // SAFETY: the caller vouches for the reduction at each pixel.
    let mut sums = unsafe { tile::accumulate::<S, A, R, ROWS>(columns, access, a, panel.w, panel.reduction, sums) };
    if panel.relu {
        for sum in sums.iter_mut() {
            *sum = sum.relu(s);
        }
    }
    let full = panel.columns == R::COLUMNS;
    for i in 0..ROWS {
        let y = panel.y.wrapping_add(y_at[i]);
        if panel.fold.each > 1 {
            // SAFETY: the caller vouches for the pixel's channels.
            unsafe { fold(columns, panel, sums[i], y) };
        } else if full {
            // SAFETY: the caller vouches for the pixel's columns.
            unsafe { columns.store::<false>(sums[i], y) };
        } else {
            // SAFETY: the caller vouches for the pixel's columns.
            unsafe { columns.store::<true>(sums[i], y) };
        }
    }
}

/// Sums the columns of each channel of a pixel, and joins what the panel before has left of the first channel.
///
/// # Safety
/// `y` is valid for writing the channels of the panel's columns.
#[inline(always)]
unsafe fn fold<S: Simd, R: Row<S>>(columns: Columns<S, R>, panel: &Panel, sums: R, y: *mut f32) {
    let Fold { first, each } = panel.fold;
    let mut lanes = [0.0; PANEL];
    // SAFETY: a panel has sixteen columns.
    unsafe { columns.store::<false>(sums, lanes.as_mut_ptr()) };
    // How many columns of the first channel the panel before has had.
    let mut had = first % each;
    let mut rest = &lanes[..panel.columns.min(PANEL)];
    let mut y = y;
    while !rest.is_empty() {
        let (part, after) = rest.split_at((each - had).min(rest.len()));
        let sum: f32 = part.iter().sum();
        // SAFETY: the caller vouches for the channel, which the panel before has written.
        let before = if had > 0 { unsafe { y.read() } } else { 0.0 };
        // SAFETY: the caller vouches for the channel.
        unsafe { y.write(before + sum) };
        (rest, had, y) = (after, 0, y.wrapping_add(1));
    }
}
