//! Dropout (Srivastava et al., 2014), with kept values scaled up so that inference needs nothing.
//!
//! The mask is not stored. Whether an element is kept is a function of the key, the sample's number and the element's,
//! so the backward pass computes it again, and no split into chunks changes it.

use crate::check;
use crate::isa::dispatch;
use crate::random::philox_lanes;
use crate::simd::{LANES, Simd};

/// What a mask depends on besides sample and element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The run's seed.
    pub seed: u64,
    /// The training step; its low 32 bits count.
    pub step: u64,
    /// The layer's number in the network.
    pub layer: u32,
}

/// Elements whose masks come from one call of the generator: four words for each of eight counters.
const BLOCK: usize = 4 * LANES;

/// Writes `y = x / (1 - rate)` where the mask keeps, zero elsewhere; `x` and `y` are `[n, len]`.
///
/// Row `i` is sample `first_sample + i` of the step. Each element is dropped with probability `rate`, from 0 to 1.
///
/// # Panics
/// Where a slice has another length or `rate` is not in `0..=1`.
pub fn forward(rate: f32, key: Key, first_sample: usize, n: usize, len: usize, x: &[f32], y: &mut [f32]) {
    check::images("x", x, n, len);
    check::images("y", y, n, len);
    check_rate(rate);
    if len > 0 {
        dispatch!(copy_body(rate: f32, key: Key, first_sample: usize, len: usize, x: &[f32], y: &mut [f32]));
    }
}

/// [`forward`] with `y` for `x`.
///
/// # Panics
/// Where the slice has another length or `rate` is not in `0..=1`.
pub fn forward_in_place(rate: f32, key: Key, first_sample: usize, n: usize, len: usize, y: &mut [f32]) {
    check::images("y", y, n, len);
    check_rate(rate);
    if len > 0 {
        dispatch!(in_place_body(rate: f32, key: Key, first_sample: usize, len: usize, y: &mut [f32]));
    }
}

/// Writes the gradient of the input: the same function of the gradient as [`forward`] of the input.
///
/// # Panics
/// Where a slice has another length or `rate` is not in `0..=1`.
pub fn gradient(rate: f32, key: Key, first_sample: usize, n: usize, len: usize, dy: &[f32], dx: &mut [f32]) {
    forward(rate, key, first_sample, n, len, dy, dx);
}

/// [`gradient`] with `dy` for `dx`.
///
/// # Panics
/// Where the slice has another length or `rate` is not in `0..=1`.
pub fn gradient_in_place(rate: f32, key: Key, first_sample: usize, n: usize, len: usize, dy: &mut [f32]) {
    forward_in_place(rate, key, first_sample, n, len, dy);
}

#[track_caller]
fn check_rate(rate: f32) {
    assert!((0.0..=1.0).contains(&rate), "a dropout rate must be from 0 to 1 and is {rate}");
}

#[inline(always)]
fn copy_body<S: Simd>(s: S, rate: f32, key: Key, first_sample: usize, len: usize, x: &[f32], y: &mut [f32]) {
    for (i, (x, y)) in x.chunks_exact(len).zip(y.chunks_exact_mut(len)).enumerate() {
        for (block, (x, y)) in x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)).enumerate() {
            let factors = factors(s, rate, key, first_sample + i, block);
            for ((y, x), factor) in y.iter_mut().zip(x).zip(&factors) {
                *y = keep(*x, *factor);
            }
        }
    }
}

#[inline(always)]
fn in_place_body<S: Simd>(s: S, rate: f32, key: Key, first_sample: usize, len: usize, y: &mut [f32]) {
    for (i, y) in y.chunks_exact_mut(len).enumerate() {
        for (block, y) in y.chunks_mut(BLOCK).enumerate() {
            let factors = factors(s, rate, key, first_sample + i, block);
            for (y, factor) in y.iter_mut().zip(&factors) {
                *y = keep(*y, *factor);
            }
        }
    }
}

/// The product, but zero for what is dropped even where that is not finite.
#[inline(always)]
fn keep(x: f32, factor: f32) -> f32 {
    if factor == 0.0 { 0.0 } else { x * factor }
}

/// What the elements of a block are multiplied by: zero or `1 / (1 - rate)`.
///
/// Element `8 * word + lane` of block `b` has that word of the counter `(8 b + lane, sample, layer, step)`.
#[inline(always)]
fn factors<S: Simd>(_s: S, rate: f32, key: Key, sample: usize, block: usize) -> [f32; BLOCK] {
    let mut counter = [[0; LANES], [sample as u32; LANES], [key.layer; LANES], [key.step as u32; LANES]];
    for (lane, word) in counter[0].iter_mut().enumerate() {
        *word = (block * LANES + lane) as u32;
    }
    let words = philox_lanes(counter, [key.seed as u32, (key.seed >> 32) as u32]);
    let scale = if rate < 1.0 { 1.0 / (1.0 - rate) } else { 0.0 };
    // Dropped where the word is below this; a word is below it with probability `rate`. (One is not reached, but then
    // the scale is zero.)
    let threshold = (f64::from(rate) * 4_294_967_296.0) as u32;
    let mut factors = [0.0; BLOCK];
    for (factors, words) in factors.chunks_exact_mut(LANES).zip(&words) {
        for (factor, word) in factors.iter_mut().zip(words) {
            *factor = if *word < threshold { 0.0 } else { scale };
        }
    }
    factors
}
