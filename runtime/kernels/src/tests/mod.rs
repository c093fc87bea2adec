//! Every kernel against plain loops in double precision, under every instruction set.

mod activations;
mod bands;
mod batch_norm;
mod binary;
mod conv;
mod conv_transpose;
mod dense;
mod dropout;
mod losses;
mod normalisation;
mod optimizer;
mod pooling;
mod prelu;
mod shaping;
mod simd;
mod sparse;
mod winograd;

use crate::conv::Among;
use crate::random::philox4x32;

/// Random numbers for tests, the same in every run.
pub(crate) struct Random {
    key: u32,
    counter: u32,
}

impl Random {
    pub(crate) fn new(key: u32) -> Random {
        Random { key, counter: 0 }
    }

    fn word(&mut self) -> u32 {
        self.counter += 1;
        if cfg!(miri) {
            // Good enough, and a hundredth of the work: SplitMix64.
            let z = (u64::from(self.key) << 32 | u64::from(self.counter)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            return (z >> 32) as u32;
        }
        philox4x32([self.counter, 0, 0, 0], [self.key, 7])[0]
    }

    /// An integer of a range, ends included.
    pub(crate) fn within(&mut self, low: usize, high: usize) -> usize {
        low + self.word() as usize % (high - low + 1)
    }

    pub(crate) fn flip(&mut self) -> bool {
        self.word() & 1 == 1
    }

    /// A float from minus one to one.
    pub(crate) fn float(&mut self) -> f32 {
        (f64::from(self.word()) / 2_147_483_648.0 - 1.0) as f32
    }

    pub(crate) fn floats(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.float()).collect()
    }
}

/// How many random cases to try: a few under Miri, which looks for undefined behaviour and is slow (a case of so many
/// multiplications as [`is_quick`] lets pass takes it seconds).
pub(crate) fn cases(count: usize) -> usize {
    if cfg!(miri) { count.div_ceil(100) } else { count }
}

/// The largest of sizes to try: a vector and one more under Miri.
pub(crate) fn most(size: usize) -> usize {
    if cfg!(miri) { size.min(9) } else { size }
}

/// Those of `sizes` to try: up to four vectors and one more under Miri.
pub(crate) fn sizes<const N: usize>(sizes: [usize; N]) -> impl Iterator<Item = usize> {
    sizes.into_iter().filter(|&size| !cfg!(miri) || size <= 33)
}

/// The `listed` sizes, around the widths of vectors, and then so many random ones up to `high`: those of them to try.
pub(crate) fn around<const N: usize>(random: &mut Random, listed: [usize; N], count: usize, high: usize) -> Vec<usize> {
    let drawn = (0..cases(count)).map(|_| random.within(1, most(high)));
    sizes(listed).chain(drawn).collect()
}

/// Whether a case of so many multiplications is one to try: any, but under Miri.
pub(crate) fn is_quick(multiplications: usize) -> bool {
    !cfg!(miri) || multiplications <= 500
}

/// A sum in double precision, with the sum of its terms' magnitudes, which bounds the error of computing it in floats.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    pub(crate) value: f64,
    pub(crate) magnitude: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, term: f64) {
        self.value += term;
        self.magnitude += term.abs();
    }
}

/// Asserts that `found` is `expected` up to the rounding of sums of floats.
#[track_caller]
pub(crate) fn assert_sums(found: &[f32], expected: &[Sum], what: &str) {
    assert_sums_to(2e-6, found, expected, what);
}

/// Asserts that `found` is `expected` up to a part of the sum of the terms' magnitudes.
#[track_caller]
pub(crate) fn assert_sums_to(tolerance: f64, found: &[f32], expected: &[Sum], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (&found, expected)) in found.iter().zip(expected).enumerate() {
        let tolerance = tolerance * expected.magnitude + 1e-30;
        let off = (f64::from(found) - expected.value).abs();
        assert!(off <= tolerance, "{what}: element {i} is {found}, expected {}", expected.value);
    }
}

/// Asserts that `found` is `expected` to a relative or absolute tolerance.
#[track_caller]
pub(crate) fn assert_close(found: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(found) - expected).abs();
        assert!(off <= tolerance * expected.abs().max(1.0), "{what}: element {i} is {found}, expected {expected}");
    }
}

/// The bits of floats, for comparisons that NaN and the sign of zero take part in. Every NaN has the same bits here: which
/// ones arithmetic gives it, the language leaves open.
pub(crate) fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }).collect()
}

/// `small`, `[pixels, channels]`, among channels of `[pixels, among.total]` that are `other`.
pub(crate) fn put_among(among: Among, channels: usize, small: &[f32], other: f32) -> Vec<f32> {
    let mut large = vec![other; small.len() / channels * among.total];
    for (small, large) in small.chunks_exact(channels).zip(large.chunks_exact_mut(among.total)) {
        large[among.first..][..channels].copy_from_slice(small);
    }
    large
}
