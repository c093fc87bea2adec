//! Random numbers for initialisers and shuffles: counter-based streams, the same on every platform.
//!
//! A stream is named. Its numbers depend on the seed, its name and its index alone, so that one more layer or one more
//! epoch changes no other stream. Floating point is limited to operations that IEEE 754 rounds exactly; the logarithm
//! is written out below, since those of the platforms' libraries differ in the last bit.

use netwright_kernels::random::philox4x32;

/// A stream of random numbers: Philox 4x32-10 (Salmon et al., 2011) keyed by the seed, counted within the stream.
#[derive(Debug, Clone)]
pub struct Stream {
    key: [u32; 2],
    /// Upper half of the counter.
    id: u64,
    /// Lower half of the counter: the next block.
    block: u64,
    buffer: [u32; 4],
    /// Words of the buffer that are used up.
    used: usize,
}

impl Stream {
    /// The stream of this name.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        Self::numbered(seed, name, 0)
    }

    /// One of many streams of this name, such as an epoch's.
    #[must_use]
    pub fn numbered(seed: u64, name: &str, index: u64) -> Self {
        let id = mix(mix(fnv1a(name.as_bytes())) ^ index);
        Self { key: [seed as u32, (seed >> 32) as u32], id, block: 0, buffer: [0; 4], used: 4 }
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == self.buffer.len() {
            let (block, id) = (self.block, self.id);
            self.buffer = philox4x32([block as u32, (block >> 32) as u32, id as u32, (id >> 32) as u32], self.key);
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        let word = self.buffer[self.used];
        self.used += 1;
        word
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) | u64::from(self.next_u32()) << 32
    }

    /// Uniform in the open interval (0, 1), in steps of 2^-52: neither end comes.
    pub fn uniform(&mut self) -> f64 {
        ((self.next_u64() >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64)
    }

    /// Normal with mean 0 and standard deviation 1, by the inverse of its distribution.
    pub fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform())
    }

    /// The standard normal restricted to `[-2, 2]`: what drawing again outside of it would give. Its standard deviation
    /// is [`TRUNCATED_DEVIATION`].
    pub fn truncated_normal(&mut self) -> f64 {
        // The distribution's mass below -2.
        const BELOW: f64 = 0.022_750_131_948_179_21;
        normal_quantile(BELOW + self.uniform() * (1.0 - 2.0 * BELOW)).clamp(-2.0, 2.0)
    }

    /// Uniform in `0..n` without bias (Lemire, 2019); 0 if `n` is.
    pub fn below(&mut self, n: u32) -> u32 {
        let threshold = n.wrapping_neg().checked_rem(n).unwrap_or(0);
        loop {
            let product = u64::from(self.next_u32()) * u64::from(n);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Puts items into random order (Fisher and Yates), each order equally likely. Only the first 2^32 - 1 items move.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        let n = u32::try_from(items.len()).unwrap_or(u32::MAX);
        for last in (1..n).rev() {
            items.swap(last as usize, self.below(last + 1) as usize);
        }
    }
}

/// Standard deviation of the standard normal restricted to `[-2, 2]`.
pub const TRUNCATED_DEVIATION: f64 = 0.879_625_661_034_239_8;

/// The 64-bit hash of Fowler, Noll and Vo, variant 1a.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finaliser of SplitMix64 (Steele et al., 2014), a bijection that spreads every bit.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The value below which a standard normal number falls with probability `p` in (0, 1): algorithm AS 241, PPND16
/// (Wichura, 1988), relative error about 1e-16.
fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * horner(&CENTRE_NUMERATOR, r) / horner(&CENTRE_DENOMINATOR, r);
    }
    let r = (-ln(p.min(1.0 - p))).sqrt();
    let tail = if r <= 5.0 {
        horner(&NEAR_NUMERATOR, r - 1.6) / horner(&NEAR_DENOMINATOR, r - 1.6)
    } else {
        horner(&FAR_NUMERATOR, r - 5.0) / horner(&FAR_DENOMINATOR, r - 5.0)
    };
    if q < 0.0 { -tail } else { tail }
}

/// A polynomial with the constant term first.
fn horner(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// The natural logarithm of a positive normal number, within a few units in the last place: `ln(m * 2^e)` with `m`
/// around 1, whose logarithm is `2 artanh((m - 1) / (m + 1))`.
fn ln(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i32 - 1023;
    let mut mantissa = f64::from_bits(bits & MANTISSA | 1023 << 52);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    // |s| < 0.172, so that the first term left out, s^23 / 23, is below 1e-18.
    let series = (1..=10).rev().fold(0.0, |sum, term| (sum + 1.0 / f64::from(2 * term + 1)) * square);
    f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * s * (1.0 + series)
}

const CENTRE_NUMERATOR: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const CENTRE_DENOMINATOR: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const NEAR_NUMERATOR: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    0.000_774_545_014_278_341_4,
];
const NEAR_DENOMINATOR: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    0.000_547_593_808_499_534_5,
    1.050_750_071_644_416_9e-9,
];
const FAR_NUMERATOR: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    0.001_242_660_947_388_078_4,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_DENOMINATOR: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    0.000_786_869_131_145_613_3,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_7e-15,
];

#[cfg(test)]
mod tests;
