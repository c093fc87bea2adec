//! The few vector operations that integer kernels are made of, in AVX2 and in portable Rust, to the same bits.

use super::LEVELS;
use crate::simd::{LANES, Portable};
#[cfg(target_arch = "x86_64")]
use {crate::simd::Avx2, std::arch::x86_64::*};

/// Sums of eight channels, and bytes of four inputs.
pub(super) trait Lanes: Copy {
    /// Eight sums of 32 bits.
    type Sums: Copy;
    /// Four bytes of an input, for each channel.
    type Quad: Copy;
    /// Four weights for each of eight channels.
    type Weights: Copy;

    /// Eight sums to begin with.
    fn sums(self, from: &[i32; LANES]) -> Self::Sums;
    /// Four bytes from `p`.
    ///
    /// # Safety
    /// `p` is valid for reading four bytes.
    unsafe fn quad(self, p: *const u8) -> Self::Quad;
    /// 32 weights from `p`.
    ///
    /// # Safety
    /// `p` is valid for reading 32 bytes.
    unsafe fn weights(self, p: *const i8) -> Self::Weights;
    /// Adds to each channel's sum its four products; no byte is above 127 where its weight is not zero, and no weight is
    /// -128.
    fn add_products(self, sums: Self::Sums, x: Self::Quad, w: Self::Weights) -> Self::Sums;
    /// The sums times their factors.
    fn scaled(self, sums: Self::Sums, by: &[f32; LANES]) -> [f32; LANES];
    /// The sums of sixteen channels as bytes: [`byte`] of each.
    fn narrow(self, sums: [Self::Sums; 2], by: &[f32; 2 * LANES], zero: f32, floor: f32) -> [u8; 2 * LANES];
    /// Eight floats as bytes: [`byte`] of each.
    fn quantize(self, x: &[f32; LANES], by: f32, zero: f32) -> [u8; LANES];
}

/// A number times a factor as a byte: `zero` stands for zero, and nothing comes below `floor`. What is no number becomes
/// `floor`.
pub(super) fn byte(x: f32, by: f32, zero: f32, floor: f32) -> u8 {
    let x = x * by + zero;
    let x = if x > floor { x } else { floor };
    let x = if x < f32::from(LEVELS) { x } else { f32::from(LEVELS) };
    x.round_ties_even() as u8
}

impl Lanes for Portable {
    type Sums = [i32; LANES];
    type Quad = [u8; 4];
    type Weights = [i8; 4 * LANES];

    #[inline(always)]
    fn sums(self, from: &[i32; LANES]) -> [i32; LANES] {
        *from
    }
    #[inline(always)]
    unsafe fn quad(self, p: *const u8) -> [u8; 4] {
        // SAFETY: the caller vouches for four bytes.
        unsafe { p.cast::<[u8; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn weights(self, p: *const i8) -> [i8; 4 * LANES] {
        // SAFETY: the caller vouches for 32 bytes.
        unsafe { p.cast::<[i8; 4 * LANES]>().read() }
    }
    #[inline(always)]
    fn add_products(self, mut sums: [i32; LANES], x: [u8; 4], w: [i8; 4 * LANES]) -> [i32; LANES] {
        for lane in 0..LANES {
            let mut sum = sums[lane];
            for i in 0..4 {
                sum = sum.wrapping_add(i32::from(x[i]) * i32::from(w[4 * lane + i]));
            }
            sums[lane] = sum;
        }
        sums
    }
    #[inline(always)]
    fn scaled(self, sums: [i32; LANES], by: &[f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|lane| sums[lane] as f32 * by[lane])
    }
    #[inline(always)]
    fn narrow(self, sums: [[i32; LANES]; 2], by: &[f32; 2 * LANES], zero: f32, floor: f32) -> [u8; 2 * LANES] {
        std::array::from_fn(|lane| byte(sums[lane / LANES][lane % LANES] as f32, by[lane], zero, floor))
    }
    #[inline(always)]
    fn quantize(self, x: &[f32; LANES], by: f32, zero: f32) -> [u8; LANES] {
        x.map(|x| byte(x, by, zero, 0.0))
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for Avx2 {
    type Sums = __m256i;
    type Quad = __m256i;
    type Weights = __m256i;

    #[inline(always)]
    fn sums(self, from: &[i32; LANES]) -> __m256i {
        // SAFETY: the array has the eight integers, and `self` proves that the processor has AVX2.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }
    #[inline(always)]
    unsafe fn quad(self, p: *const u8) -> __m256i {
        // SAFETY: the caller vouches for four bytes.
        let quad = unsafe { p.cast::<i32>().read_unaligned() };
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe { _mm256_set1_epi32(quad) }
    }
    #[inline(always)]
    unsafe fn weights(self, p: *const i8) -> __m256i {
        // SAFETY: the caller vouches for 32 bytes, and `self` for the instruction.
        unsafe { _mm256_loadu_si256(p.cast()) }
    }
    #[inline(always)]
    fn add_products(self, sums: __m256i, x: __m256i, w: __m256i) -> __m256i {
        // SAFETY: `self` proves that the processor has AVX2, here and in the blocks below.
        let pairs = unsafe { _mm256_maddubs_epi16(x, w) };
        // SAFETY: as above.
        let ones = unsafe { _mm256_set1_epi16(1) };
        // SAFETY: as above.
        let quads = unsafe { _mm256_madd_epi16(pairs, ones) };
        // SAFETY: as above.
        unsafe { _mm256_add_epi32(sums, quads) }
    }
    #[inline(always)]
    fn scaled(self, sums: __m256i, by: &[f32; LANES]) -> [f32; LANES] {
        let mut scaled = [0.0; LANES];
        crate::simd::Simd::store(self, self.product(sums, by), &mut scaled);
        scaled
    }
    #[inline(always)]
    fn narrow(self, [low, high]: [__m256i; 2], by: &[f32; 2 * LANES], zero: f32, floor: f32) -> [u8; 2 * LANES] {
        let (factors, _) = by.as_chunks::<LANES>();
        let low = self.rounded(self.product(low, &factors[0]), zero, floor);
        let high = self.rounded(self.product(high, &factors[1]), zero, floor);
        // SAFETY: `self` proves that the processor has AVX2, here and in the blocks below.
        let shorts = unsafe { _mm256_packs_epi32(low, high) };
        // The instruction packs each half of the register by itself.
        // SAFETY: as above.
        let shorts = unsafe { _mm256_permute4x64_epi64::<0b11_01_10_00>(shorts) };
        // SAFETY: as above.
        let first = unsafe { _mm256_castsi256_si128(shorts) };
        // SAFETY: as above.
        let second = unsafe { _mm256_extracti128_si256::<1>(shorts) };
        // SAFETY: as above.
        let bytes = unsafe { _mm_packus_epi16(first, second) };
        let mut narrow = [0; 2 * LANES];
        // SAFETY: the array has the sixteen bytes that the instruction writes.
        unsafe { _mm_storeu_si128(narrow.as_mut_ptr().cast(), bytes) };
        narrow
    }
    #[inline(always)]
    fn quantize(self, x: &[f32; LANES], by: f32, zero: f32) -> [u8; LANES] {
        use crate::simd::Simd;
        let scaled = self.mul(self.load(x), self.splat(by));
        let integers = self.rounded(scaled, zero, 0.0);
        // SAFETY: `self` proves that the processor has AVX2, here and in the blocks below.
        let low = unsafe { _mm256_castsi256_si128(integers) };
        // SAFETY: as above.
        let high = unsafe { _mm256_extracti128_si256::<1>(integers) };
        // SAFETY: as above.
        let shorts = unsafe { _mm_packs_epi32(low, high) };
        // SAFETY: as above.
        let bytes = unsafe { _mm_packus_epi16(shorts, shorts) };
        let mut quantized = [0; LANES];
        // SAFETY: the array has the eight bytes that the instruction writes.
        unsafe { _mm_storel_epi64(quantized.as_mut_ptr().cast(), bytes) };
        quantized
    }
}

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// The sums as floats, times their factors.
    #[inline(always)]
    fn product(self, sums: __m256i, by: &[f32; LANES]) -> __m256 {
        use crate::simd::Simd;
        // SAFETY: `self` proves that the processor has AVX2.
        let sums = unsafe { _mm256_cvtepi32_ps(sums) };
        self.mul(sums, self.load(by))
    }

    /// `zero` added, kept between `floor` and what a byte holds, rounded.
    #[inline(always)]
    fn rounded(self, x: __m256, zero: f32, floor: f32) -> __m256i {
        use crate::simd::Simd;
        let x = self.add(x, self.splat(zero));
        let x = self.min(self.max(x, self.splat(floor)), self.splat(f32::from(LEVELS)));
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe { _mm256_cvtps_epi32(x) }
    }
}

/// Calls a function that is generic over [`Lanes`], as [`crate::isa::dispatch`] does for floats; an instruction set without
/// integer operations of its own uses the portable ones.
macro_rules! dispatch {
    ($body:ident($($arg:ident: $ty:ty),* $(,)?)) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn avx2(lanes: $crate::simd::Avx2, $($arg: $ty),*) {
            $body(lanes, $($arg),*)
        }
        #[inline(never)]
        fn portable(lanes: $crate::simd::Portable, $($arg: $ty),*) {
            $body(lanes, $($arg),*)
        }
        match $crate::isa::level() {
            #[cfg(target_arch = "x86_64")]
            $crate::isa::Level::Avx2(lanes) => {
                // SAFETY: a value of type Avx2 exists only where the processor has AVX2 and FMA.
                unsafe { avx2(lanes, $($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            $crate::isa::Level::Avx512(simd) => {
                // SAFETY: a value of type Avx512 exists only where the processor has AVX2 and FMA, too.
                unsafe { avx2(simd.narrow(), $($arg),*) }
            }
            _ => portable($crate::simd::Portable, $($arg),*),
        }
    }};
}
pub(super) use dispatch;
