//! Normalisation within an image: group normalisation (Wu and He, 2018) over all pixels and the channels of a group, and
//! layer normalisation (Ba et al., 2016), which is the same of one group and one pixel.
//!
//! [`forward`] leaves each group's mean and inverse standard deviation, which the gradients read. An image's results do
//! not depend on the others; only [`parameter_gradient`] sums over them.

use crate::check::{self, product};
use crate::columns::Columns;
use crate::isa::dispatch;
use crate::simd::{LANES, Simd};

/// The sizes of a normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    /// Pixels of an image.
    pub pixels: usize,
    /// Channels.
    pub c: usize,
    /// Groups of consecutive channels; they divide the channels.
    pub groups: usize,
}

/// Additions of vectors before a sum is carried over to double precision.
const PART: usize = 128;

/// Writes `y = (x - mean) / sqrt(variance + eps) * scale + shift`, mean and variance being those of the value's group.
///
/// `x` and `y` are `[n, pixels, c]`, `scale` and `shift` `[c]`. `stats`, `[n, groups, 2]`, receives each group's mean and
/// `1 / sqrt(variance + eps)`, the variance over the number of values.
///
/// # Panics
/// Where a slice has another length or the groups do not divide the channels.
pub fn forward(
    groups: &Groups,
    n: usize,
    eps: f32,
    x: &[f32],
    scale: &[f32],
    shift: &[f32],
    y: &mut [f32],
    stats: &mut [f32],
) {
    check_common(groups, n, x, stats);
    check::len("y", y, x.len());
    check::len("scale", scale, groups.c);
    check::len("shift", shift, groups.c);
    dispatch!(forward_body(
        groups: &Groups, eps: f32, x: &[f32], scale: &[f32], shift: &[f32], y: &mut [f32], stats: &mut [f32]
    ));
}

/// Writes `dx = inv (g - mean of g - xhat * mean of g xhat)` with `g = dy * scale`, `xhat = (x - mean) * inv` and the means
/// over the value's group.
///
/// # Panics
/// Where a slice has another length or the groups do not divide the channels.
pub fn gradient(groups: &Groups, n: usize, x: &[f32], stats: &[f32], scale: &[f32], dy: &[f32], dx: &mut [f32]) {
    check_common(groups, n, x, stats);
    check::len("dy", dy, x.len());
    check::len("dx", dx, x.len());
    check::len("scale", scale, groups.c);
    dispatch!(gradient_body(
        groups: &Groups, x: &[f32], stats: &[f32], scale: &[f32], dy: &[f32], dx: &mut [f32]
    ));
}

/// Adds to `dscale` the sums over images and pixels of `dy * xhat`, and to `dshift` those of `dy`.
///
/// # Panics
/// Where a slice has another length or the groups do not divide the channels.
pub fn parameter_gradient(
    groups: &Groups,
    n: usize,
    x: &[f32],
    stats: &[f32],
    dy: &[f32],
    dscale: &mut [f32],
    dshift: &mut [f32],
) {
    check_common(groups, n, x, stats);
    check::len("dy", dy, x.len());
    check::len("dscale", dscale, groups.c);
    check::len("dshift", dshift, groups.c);
    dispatch!(parameter_body(
        groups: &Groups, x: &[f32], stats: &[f32], dy: &[f32], dscale: &mut [f32], dshift: &mut [f32]
    ));
}

#[track_caller]
fn check_common(groups: &Groups, n: usize, x: &[f32], stats: &[f32]) {
    let Groups { pixels, c, groups } = *groups;
    assert!(groups > 0 && c > 0 && pixels > 0 && c.is_multiple_of(groups), "{groups} groups of {c} channels");
    check::images("x", x, n, product(&[pixels, c]));
    check::images("stats", stats, n, product(&[groups, 2]));
}

impl Groups {
    /// Channels of a group.
    #[inline(always)]
    fn width(&self) -> usize {
        self.c / self.groups
    }

    /// Floats of an image.
    #[inline(always)]
    fn len(&self) -> usize {
        self.pixels * self.c
    }

    /// Values in a group.
    #[inline(always)]
    fn count(&self) -> f64 {
        (self.pixels * self.width()) as f64
    }
}

/// Two terms of a value of an image, of another, and of its channel.
trait Pair: Copy {
    fn terms<S: Simd>(self, s: S, x: S::V, z: S::V, channel: S::V) -> [S::V; 2];
}

/// The deviation from a number, and its square.
#[derive(Clone, Copy)]
struct Deviation(f32);

impl Pair for Deviation {
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, x: S::V, _z: S::V, _channel: S::V) -> [S::V; 2] {
        let deviation = s.sub(x, s.splat(self.0));
        [deviation, s.mul(deviation, deviation)]
    }
}

/// The scaled gradient, and its product with the normalised value.
#[derive(Clone, Copy)]
struct Scaled {
    mean: f32,
    inv: f32,
}

impl Pair for Scaled {
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, x: S::V, dy: S::V, scale: S::V) -> [S::V; 2] {
        let g = s.mul(dy, scale);
        [g, s.mul(g, s.mul(s.sub(x, s.splat(self.mean)), s.splat(self.inv)))]
    }
}

/// The sums of both terms over a group of an image.
#[inline(always)]
fn group_sums<S: Simd, P: Pair>(
    s: S,
    groups: &Groups,
    group: usize,
    pair: P,
    x: &[f32],
    z: &[f32],
    channels: &[f32],
) -> [f64; 2] {
    let width = groups.width();
    let channels = &channels[group * width..][..width];
    // Lanes beyond the group are zero in what is loaded, not in every term.
    let mut real = [0.0; LANES];
    for lane in real.iter_mut().take(width % LANES) {
        *lane = f32::from_bits(!0);
    }
    let real = s.load(&real);
    let mut totals = [0.0_f64; 2];
    let mut sums = [s.splat(0.0); 2];
    let mut added = 0;
    for (x, z) in x.chunks_exact(groups.c).zip(z.chunks_exact(groups.c)) {
        let (x, z) = (&x[group * width..][..width], &z[group * width..][..width]);
        let (xs, x_tail) = x.as_chunks::<LANES>();
        let (zs, z_tail) = z.as_chunks::<LANES>();
        let (ws, w_tail) = channels.as_chunks::<LANES>();
        for ((x, z), w) in xs.iter().zip(zs).zip(ws) {
            let [a, b] = pair.terms(s, s.load(x), s.load(z), s.load(w));
            sums = [s.add(sums[0], a), s.add(sums[1], b)];
        }
        let [a, b] = pair.terms(s, s.load_head(x_tail), s.load_head(z_tail), s.load_head(w_tail));
        sums = [s.add(sums[0], s.and(real, a)), s.add(sums[1], s.and(real, b))];
        added += width / LANES + 1;
        if added >= PART {
            totals = carry(s, totals, sums);
            sums = [s.splat(0.0); 2];
            added = 0;
        }
    }
    carry(s, totals, sums)
}

/// Adds the sums of a part to the totals.
#[inline(always)]
fn carry<S: Simd>(s: S, [a, b]: [f64; 2], [sum_a, sum_b]: [S::V; 2]) -> [f64; 2] {
    [a + f64::from(s.sum(sum_a)), b + f64::from(s.sum(sum_b))]
}

/// The mean in a first pass; in a second the deviations, whose own mean, which rounding leaves, corrects both results.
#[inline(always)]
fn write_stats<S: Simd>(s: S, groups: &Groups, eps: f32, x: &[f32], channels: &[f32], stats: &mut [f32]) {
    let count = groups.count();
    for (group, stats) in stats.chunks_exact_mut(2).enumerate() {
        let [sum, _] = group_sums(s, groups, group, Deviation(0.0), x, x, channels);
        let mean = (sum / count) as f32;
        let [sum, squares] = group_sums(s, groups, group, Deviation(mean), x, x, channels);
        let correction = sum / count;
        let variance = squares / count - correction * correction;
        // Written so that a NaN stays.
        let variance = if variance < 0.0 { 0.0 } else { variance };
        stats[0] = (f64::from(mean) + correction) as f32;
        stats[1] = (1.0 / (variance + f64::from(eps)).sqrt()) as f32;
    }
}

/// The numbers of each channel's group, from pairs of numbers for each group.
#[inline(always)]
fn of_channels<S: Simd>(s: S, groups: &Groups, columns: Columns, pairs: &[f32]) -> [S::V; 2] {
    let width = groups.width();
    let (first, last) = (columns.at / width, (columns.at + columns.len - 1) / width);
    if first == last {
        return [s.splat(pairs[2 * first]), s.splat(pairs[2 * first + 1])];
    }
    let mut lanes = [[0.0; LANES]; 2];
    for lane in 0..columns.len {
        let group = (columns.at + lane) / width;
        lanes[0][lane] = pairs[2 * group];
        lanes[1][lane] = pairs[2 * group + 1];
    }
    [s.load(&lanes[0]), s.load(&lanes[1])]
}

/// The channels, eight at a time.
#[inline(always)]
fn vectors(c: usize) -> impl Iterator<Item = Columns> {
    (0..c).step_by(LANES).map(move |at| Columns { at, len: LANES.min(c - at) })
}

#[inline(always)]
fn forward_body<S: Simd>(
    s: S,
    groups: &Groups,
    eps: f32,
    x: &[f32],
    scale: &[f32],
    shift: &[f32],
    y: &mut [f32],
    stats: &mut [f32],
) {
    let images = x.chunks_exact(groups.len()).zip(y.chunks_exact_mut(groups.len()));
    for ((x, y), stats) in images.zip(stats.chunks_exact_mut(2 * groups.groups)) {
        write_stats(s, groups, eps, x, scale, stats);
        for columns in vectors(groups.c) {
            let [mean, inv] = of_channels(s, groups, columns, stats);
            let scale = s.mul(inv, columns.load(s, scale));
            let shift = columns.load(s, shift);
            for (x, y) in x.chunks_exact(groups.c).zip(y.chunks_exact_mut(groups.c)) {
                columns.store(s, s.mul_add(s.sub(columns.load(s, x), mean), scale, shift), y);
            }
        }
    }
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, groups: &Groups, x: &[f32], stats: &[f32], scale: &[f32], dy: &[f32], dx: &mut [f32]) {
    let count = groups.count();
    let images = x.chunks_exact(groups.len()).zip(dy.chunks_exact(groups.len()));
    let results = dx.chunks_exact_mut(groups.len()).zip(stats.chunks_exact(2 * groups.groups));
    for ((x, dy), (dx, stats)) in images.zip(results) {
        for (group, stats) in stats.chunks_exact(2).enumerate() {
            let (mean, inv) = (stats[0], stats[1]);
            let [sum, product] = group_sums(s, groups, group, Scaled { mean, inv }, x, dy, scale);
            let (sum, product) = (s.splat((sum / count) as f32), s.splat((product / count) as f32));
            let (mean, inv) = (s.splat(mean), s.splat(inv));
            let slope = s.mul(inv, product);
            let width = groups.width();
            for at in (0..width).step_by(LANES) {
                let columns = Columns { at: group * width + at, len: LANES.min(width - at) };
                let scale = columns.load(s, scale);
                let pixels = x.chunks_exact(groups.c).zip(dy.chunks_exact(groups.c));
                for ((x, dy), dx) in pixels.zip(dx.chunks_exact_mut(groups.c)) {
                    let g = s.sub(s.mul(columns.load(s, dy), scale), sum);
                    let deviation = s.sub(columns.load(s, x), mean);
                    columns.store(s, s.mul(inv, s.sub(g, s.mul(deviation, slope))), dx);
                }
            }
        }
    }
}

#[inline(always)]
fn parameter_body<S: Simd>(
    s: S,
    groups: &Groups,
    x: &[f32],
    stats: &[f32],
    dy: &[f32],
    dscale: &mut [f32],
    dshift: &mut [f32],
) {
    let zero = s.splat(0.0);
    for columns in vectors(groups.c) {
        let mut totals = [columns.load(s, dscale), columns.load(s, dshift)];
        let (mut sums, mut added) = ([zero; 2], 0);
        let images = x.chunks_exact(groups.len()).zip(dy.chunks_exact(groups.len()));
        for ((x, dy), stats) in images.zip(stats.chunks_exact(2 * groups.groups)) {
            let [mean, inv] = of_channels(s, groups, columns, stats);
            for (x, dy) in x.chunks_exact(groups.c).zip(dy.chunks_exact(groups.c)) {
                let dy = columns.load(s, dy);
                let normalised = s.mul(s.sub(columns.load(s, x), mean), inv);
                sums = [s.mul_add(dy, normalised, sums[0]), s.add(sums[1], dy)];
                added += 1;
                if added == PART {
                    totals = [s.add(totals[0], sums[0]), s.add(totals[1], sums[1])];
                    (sums, added) = ([zero; 2], 0);
                }
            }
        }
        columns.store(s, s.add(totals[0], sums[0]), dscale);
        columns.store(s, s.add(totals[1], sums[1]), dshift);
    }
}
