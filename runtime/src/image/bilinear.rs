//! Resizing as Pillow does with `BILINEAR`, to the last bit: a triangle that is as wide as the step where an axis shrinks,
//! so that nothing is skipped (what torchvision calls antialiasing), weights of 22 bits, and bytes between the two axes
//! (Pillow, `Resample.c`).

/// Bits of a weight after its point.
const PRECISION: u32 = 22;

/// An image of bytes, row-major, channels last.
pub(super) struct Bytes {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) values: Vec<u8>,
}

/// A part of an axis that is resized: `from` pixels become `to`, of which `count` from `first` on are wanted.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) first: usize,
    pub(super) count: usize,
}

/// What one pixel of the result is made of along one axis.
struct Tap {
    /// The first pixel of the source.
    first: usize,
    /// Weights of that pixel and those after it, in units of `2^-PRECISION`.
    weights: Vec<i64>,
}

/// The wanted part of a resized image, row-major, channels last. `row` writes a row of the source.
pub(super) fn resize(rows: Axis, columns: Axis, channels: usize, mut row: impl FnMut(usize, &mut [u8])) -> Bytes {
    let (vertical, horizontal) = (taps(rows), taps(columns));
    // The rows of the source that count.
    let start = vertical.iter().map(|tap| tap.first).min().unwrap_or(0);
    let end = vertical.iter().map(|tap| tap.first + tap.weights.len()).max().unwrap_or(0);
    let width = columns.count * channels;
    let mut wide = vec![0; columns.from * channels];
    let mut narrow = vec![0; (end - start) * width];
    for (y, out) in (start..end).zip(narrow.chunks_exact_mut(width)) {
        row(y, &mut wide);
        for (tap, out) in horizontal.iter().zip(out.chunks_exact_mut(channels)) {
            for (channel, out) in out.iter_mut().enumerate() {
                let pixels = wide.iter().skip(tap.first * channels + channel).step_by(channels);
                *out = weighted(&tap.weights, pixels);
            }
        }
    }
    let mut values = vec![0; rows.count * width];
    for (tap, out) in vertical.iter().zip(values.chunks_exact_mut(width)) {
        let above = (tap.first - start) * width;
        for (place, out) in out.iter_mut().enumerate() {
            *out = weighted(&tap.weights, narrow.iter().skip(above + place).step_by(width));
        }
    }
    Bytes { height: rows.count, width: columns.count, values }
}

/// A weighted sum of bytes, rounded.
fn weighted<'a>(weights: &[i64], bytes: impl Iterator<Item = &'a u8>) -> u8 {
    let sum: i64 = weights.iter().zip(bytes).map(|(weight, &byte)| weight * i64::from(byte)).sum();
    let rounded = (sum + (1 << (PRECISION - 1))) >> PRECISION;
    u8::try_from(rounded.clamp(0, 255)).unwrap_or(u8::MAX)
}

/// The taps of the wanted pixels.
fn taps(axis: Axis) -> Vec<Tap> {
    let Axis { from, to, first, count } = axis;
    let wanted = first..first + count;
    if from == to {
        return wanted.map(|first| Tap { first, weights: vec![1 << PRECISION] }).collect();
    }
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0);
    let tap = |place: usize| {
        let centre = (place as f64 + 0.5) * scale;
        let low = (centre - support + 0.5).max(0.0) as usize;
        let high = ((centre + support + 0.5) as usize).min(from);
        let triangle = |pixel: usize| (1.0 - ((pixel as f64 - centre + 0.5) / support).abs()).max(0.0);
        let raw: Vec<f64> = (low..high).map(triangle).collect();
        let sum: f64 = raw.iter().sum();
        let scaled = |weight: f64| (0.5 + weight / sum * f64::from(1_u32 << PRECISION)) as i64;
        Tap { first: low, weights: raw.into_iter().map(scaled).collect() }
    };
    wanted.map(tap).collect()
}
