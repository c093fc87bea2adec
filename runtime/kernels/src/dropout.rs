//! Dropout (Srivastava et al., 2014), with kept values scaled up so that inference needs nothing.
//!
//! The mask is not stored. Whether an element is kept is a function of the key, the sample's number and the element's,
//! so the backward pass computes it again, and no split into chunks changes it.

use crate::check;
use crate::isa::dispatch;
use crate::random::philox_vector;
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
            let masks = masks(s, rate, key, first_sample + i, block);
            for ((mask, x), y) in masks.into_iter().zip(x.chunks(LANES)).zip(y.chunks_mut(LANES)) {
                match (x.first_chunk(), y.first_chunk_mut()) {
                    (Some(x), Some(y)) => s.store(keep(s, rate, mask, s.load(x)), y),
                    _ => s.store_head(keep(s, rate, mask, s.load_head(x)), y),
                }
            }
        }
    }
}

#[inline(always)]
fn in_place_body<S: Simd>(s: S, rate: f32, key: Key, first_sample: usize, len: usize, y: &mut [f32]) {
    for (i, y) in y.chunks_exact_mut(len).enumerate() {
        for (block, y) in y.chunks_mut(BLOCK).enumerate() {
            let masks = masks(s, rate, key, first_sample + i, block);
            for (mask, y) in masks.into_iter().zip(y.chunks_mut(LANES)) {
                match y.first_chunk_mut() {
                    Some(y) => s.store(keep(s, rate, mask, s.load(y)), y),
                    None => s.store_head(keep(s, rate, mask, s.load_head(y)), y),
                }
            }
        }
    }
}

/// What is kept, scaled up; zero elsewhere, even where that is not finite.
#[inline(always)]
fn keep<S: Simd>(s: S, rate: f32, mask: S::V, x: S::V) -> S::V {
    let scale = if rate < 1.0 { 1.0 / (1.0 - rate) } else { 0.0 };
    s.and(mask, s.mul(x, s.splat(scale)))
}

/// Which elements of a block are kept.
///
/// Element `8 * word + lane` of block `b` has that word of the counter `(8 b + lane, sample, layer, step)`, and is kept
/// where that is at least `rate * 2^32`.
#[inline(always)]
fn masks<S: Simd>(s: S, rate: f32, key: Key, sample: usize, block: usize) -> [S::V; BLOCK / LANES] {
    let mut lanes = [0; LANES];
    for (lane, word) in lanes.iter_mut().enumerate() {
        *word = (block * LANES + lane) as u32;
    }
    // No closures here: one would not be compiled for the instruction set.
    let sample = s.splat(f32::from_bits(sample as u32));
    let layer = s.splat(f32::from_bits(key.layer));
    let step = s.splat(f32::from_bits(key.step as u32));
    let counter = [s.load_integers(&lanes), sample, layer, step];
    let mut words = philox_vector(s, counter, [key.seed as u32, (key.seed >> 32) as u32]);
    // A rate of one keeps a word in 2^32 by this, but scales it by zero.
    let threshold = (f64::from(rate) * 4_294_967_296.0) as u32;
    for word in &mut words {
        *word = s.at_least(*word, threshold);
    }
    words
}
