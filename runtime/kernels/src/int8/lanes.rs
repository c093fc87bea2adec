//! The few vector operations that integer kernels are made of, in AVX2, in AVX-512 with VNNI, and in portable Rust, to the same bits.

use super::LEVELS;
use crate::layout::PANEL;
use crate::simd::{LANES, Portable};
#[cfg(target_arch = "x86_64")]
use {
    crate::simd::{Avx2, Avx512, Simd},
    std::arch::x86_64::*,
};

/// Sums of the sixteen channels of a panel, and bytes of four inputs.
pub(super) trait Lanes: Copy {
    /// Sixteen sums of 32 bits.
    type Sums: Copy;
    /// Four bytes of an input, for each channel.
    type Quad: Copy;
    /// Four weights for each of sixteen channels.
    type Weights: Copy;

    /// Sums to begin with.
    fn sums(self, from: &[i32; PANEL]) -> Self::Sums;
    /// Four bytes from `p`.
    ///
    /// # Safety
    /// `p` is valid for reading four bytes.
    unsafe fn quad(self, p: *const u8) -> Self::Quad;
    /// 64 weights from `p`.
    ///
    /// # Safety
    /// `p` is valid for reading 64 bytes.
    unsafe fn weights(self, p: *const i8) -> Self::Weights;
    /// Adds to each channel's sum its four products; no byte is above 127 where its weight is not zero, and no weight is
    /// -128.
    fn add_products(self, sums: Self::Sums, x: Self::Quad, w: Self::Weights) -> Self::Sums;
    /// The sums times their factors.
    fn scaled(self, sums: Self::Sums, by: &[f32; PANEL]) -> [f32; PANEL];
    /// The sums as bytes: [`byte`] of each.
    fn narrow(self, sums: Self::Sums, by: &[f32; PANEL], zero: f32, floor: f32) -> [u8; PANEL];
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
    type Sums = [i32; PANEL];
    type Quad = [u8; 4];
    type Weights = [i8; 4 * PANEL];

    #[inline(always)]
    fn sums(self, from: &[i32; PANEL]) -> [i32; PANEL] {
        *from
    }
    #[inline(always)]
    unsafe fn quad(self, p: *const u8) -> [u8; 4] {
        // SAFETY: the caller vouches for four bytes.
        unsafe { p.cast::<[u8; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn weights(self, p: *const i8) -> [i8; 4 * PANEL] {
        // SAFETY: the caller vouches for 64 bytes.
        unsafe { p.cast::<[i8; 4 * PANEL]>().read() }
    }
    #[inline(always)]
    fn add_products(self, mut sums: [i32; PANEL], x: [u8; 4], w: [i8; 4 * PANEL]) -> [i32; PANEL] {
        for lane in 0..PANEL {
            let mut sum = sums[lane];
            for i in 0..4 {
                sum = sum.wrapping_add(i32::from(x[i]) * i32::from(w[4 * lane + i]));
            }
            sums[lane] = sum;
        }
        sums
    }
    #[inline(always)]
    fn scaled(self, sums: [i32; PANEL], by: &[f32; PANEL]) -> [f32; PANEL] {
        std::array::from_fn(|lane| sums[lane] as f32 * by[lane])
    }
    #[inline(always)]
    fn narrow(self, sums: [i32; PANEL], by: &[f32; PANEL], zero: f32, floor: f32) -> [u8; PANEL] {
        std::array::from_fn(|lane| byte(sums[lane] as f32, by[lane], zero, floor))
    }
    #[inline(always)]
    fn quantize(self, x: &[f32; LANES], by: f32, zero: f32) -> [u8; LANES] {
        x.map(|x| byte(x, by, zero, 0.0))
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for Avx2 {
    type Sums = [__m256i; 2];
    type Quad = __m256i;
    type Weights = [__m256i; 2];

    #[inline(always)]
    fn sums(self, from: &[i32; PANEL]) -> [__m256i; 2] {
        let from = from.as_ptr();
        // SAFETY: the array has twice eight integers, and `self` proves that the processor has AVX2, here and in the block below.
        let low = unsafe { _mm256_loadu_si256(from.cast()) };
        // SAFETY: as above.
        [low, unsafe { _mm256_loadu_si256(from.wrapping_add(LANES).cast()) }]
    }
    #[inline(always)]
    unsafe fn quad(self, p: *const u8) -> __m256i {
        // SAFETY: the caller vouches for four bytes.
        let quad = unsafe { p.cast::<i32>().read_unaligned() };
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe { _mm256_set1_epi32(quad) }
    }
    #[inline(always)]
    unsafe fn weights(self, p: *const i8) -> [__m256i; 2] {
        // SAFETY: the caller vouches for 64 bytes, and `self` for the instruction, here and in the block below.
        let low = unsafe { _mm256_loadu_si256(p.cast()) };
        // SAFETY: as above.
        [low, unsafe { _mm256_loadu_si256(p.wrapping_add(4 * LANES).cast()) }]
    }
    #[inline(always)]
    fn add_products(self, sums: [__m256i; 2], x: __m256i, w: [__m256i; 2]) -> [__m256i; 2] {
        [self.add_half(sums[0], x, w[0]), self.add_half(sums[1], x, w[1])]
    }
    #[inline(always)]
    fn scaled(self, sums: [__m256i; 2], by: &[f32; PANEL]) -> [f32; PANEL] {
        let mut scaled = [0.0; PANEL];
        let (halves, _) = scaled.as_chunks_mut::<LANES>();
        self.store(self.product(sums, by, 0), &mut halves[0]);
        self.store(self.product(sums, by, 1), &mut halves[1]);
        scaled
    }
    #[inline(always)]
    fn narrow(self, sums: [__m256i; 2], by: &[f32; PANEL], zero: f32, floor: f32) -> [u8; PANEL] {
        let low = self.rounded(self.product(sums, by, 0), zero, floor);
        let high = self.rounded(self.product(sums, by, 1), zero, floor);
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
        let mut narrow = [0; PANEL];
        // SAFETY: the array has the sixteen bytes that the instruction writes.
        unsafe { _mm_storeu_si128(narrow.as_mut_ptr().cast(), bytes) };
        narrow
    }
    #[inline(always)]
    fn quantize(self, x: &[f32; LANES], by: f32, zero: f32) -> [u8; LANES] {
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
    /// Adds products to half of the sums.
    #[inline(always)]
    fn add_half(self, sums: __m256i, x: __m256i, w: __m256i) -> __m256i {
        // SAFETY: `self` proves that the processor has AVX2, here and in the blocks below.
        let pairs = unsafe { _mm256_maddubs_epi16(x, w) };
        // SAFETY: as above.
        let ones = unsafe { _mm256_set1_epi16(1) };
        // SAFETY: as above.
        let quads = unsafe { _mm256_madd_epi16(pairs, ones) };
        // SAFETY: as above.
        unsafe { _mm256_add_epi32(sums, quads) }
    }

    /// Half of the sums as floats, times their factors.
    #[inline(always)]
    fn product(self, sums: [__m256i; 2], by: &[f32; PANEL], half: usize) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX2.
        let sums = unsafe { _mm256_cvtepi32_ps(sums[half]) };
        self.mul(sums, self.load(&by.as_chunks::<LANES>().0[half]))
    }

    /// `zero` added, kept between `floor` and what a byte holds, rounded.
    #[inline(always)]
    fn rounded(self, x: __m256, zero: f32, floor: f32) -> __m256i {
        let x = self.add(x, self.splat(zero));
        let x = self.min(self.max(x, self.splat(floor)), self.splat(f32::from(LEVELS)));
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe { _mm256_cvtps_epi32(x) }
    }
}

/// Proof that the processor multiplies and adds bytes in one instruction, beside AVX-512.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Vnni(Avx512);

#[cfg(target_arch = "x86_64")]
impl Vnni {
    /// The proof, where the processor has it.
    pub(super) fn detect(simd: Avx512) -> Option<Vnni> {
        is_x86_feature_detected!("avx512vnni").then_some(Vnni(simd))
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for Vnni {
    type Sums = __m512i;
    type Quad = __m512i;
    type Weights = __m512i;

    #[inline(always)]
    fn sums(self, from: &[i32; PANEL]) -> __m512i {
        // SAFETY: the array has sixteen integers, and `self` proves that the processor has AVX-512.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }
    #[inline(always)]
    unsafe fn quad(self, p: *const u8) -> __m512i {
        // SAFETY: the caller vouches for four bytes.
        let quad = unsafe { p.cast::<i32>().read_unaligned() };
        // SAFETY: `self` proves that the processor has AVX-512.
        unsafe { _mm512_set1_epi32(quad) }
    }
    #[inline(always)]
    unsafe fn weights(self, p: *const i8) -> __m512i {
        // SAFETY: the caller vouches for 64 bytes, and `self` for the instruction.
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    fn add_products(self, sums: __m512i, x: __m512i, w: __m512i) -> __m512i {
        // SAFETY: `self` proves that the processor has the instruction.
        unsafe { _mm512_dpbusd_epi32(sums, x, w) }
    }
    #[inline(always)]
    fn scaled(self, sums: __m512i, by: &[f32; PANEL]) -> [f32; PANEL] {
        let mut scaled = [0.0; PANEL];
        // SAFETY: the array has a place for each lane, and `self` proves that the processor has AVX-512.
        unsafe { _mm512_storeu_ps(scaled.as_mut_ptr(), self.product(sums, by)) };
        scaled
    }
    #[inline(always)]
    fn narrow(self, sums: __m512i, by: &[f32; PANEL], zero: f32, floor: f32) -> [u8; PANEL] {
        let (zero, floor, most) = (self.all(zero), self.all(floor), self.all(f32::from(LEVELS)));
        // SAFETY: `self` proves that the processor has AVX-512, here and in the blocks below.
        let x = unsafe { _mm512_add_ps(self.product(sums, by), zero) };
        // SAFETY: as above.
        let x = unsafe { _mm512_max_ps(x, floor) };
        // SAFETY: as above.
        let x = unsafe { _mm512_min_ps(x, most) };
        // SAFETY: as above.
        let integers = unsafe { _mm512_cvtps_epi32(x) };
        // SAFETY: as above.
        let bytes = unsafe { _mm512_cvtepi32_epi8(integers) };
        let mut narrow = [0; PANEL];
        // SAFETY: the array has the sixteen bytes that the instruction writes.
        unsafe { _mm_storeu_si128(narrow.as_mut_ptr().cast(), bytes) };
        narrow
    }
    #[inline(always)]
    fn quantize(self, x: &[f32; LANES], by: f32, zero: f32) -> [u8; LANES] {
        self.0.narrow().quantize(x, by, zero)
    }
}

#[cfg(target_arch = "x86_64")]
impl Vnni {
    /// `x` in all lanes.
    #[inline(always)]
    fn all(self, x: f32) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512.
        unsafe { _mm512_set1_ps(x) }
    }

    /// The sums as floats, times their factors.
    #[inline(always)]
    fn product(self, sums: __m512i, by: &[f32; PANEL]) -> __m512 {
        // SAFETY: `self` proves that the processor has AVX-512, here and in the blocks below.
        let sums = unsafe { _mm512_cvtepi32_ps(sums) };
        // SAFETY: as above; the array has sixteen factors.
        let by = unsafe { _mm512_loadu_ps(by.as_ptr()) };
        // SAFETY: as above.
        unsafe { _mm512_mul_ps(sums, by) }
    }
}

/// Calls a function that is generic over [`Lanes`], as [`crate::isa::dispatch`] does for floats; an instruction set without
/// integer operations of its own uses the portable ones. `dispatch!(vnni body(…))` compiles it for VNNI, too, which is worth
/// its code only where products are added.
macro_rules! dispatch {
    (vnni $body:ident($($arg:ident: $ty:ty),* $(,)?)) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512vl,avx512vnni,avx2,fma")]
        fn vnni(lanes: $crate::int8::lanes::Vnni, $($arg: $ty),*) {
            $body(lanes, $($arg),*)
        }
        match $crate::isa::level() {
            #[cfg(target_arch = "x86_64")]
            $crate::isa::Level::Avx512(simd) if let Some(lanes) = $crate::int8::lanes::Vnni::detect(simd) => {
                // SAFETY: a value of type Vnni exists only where the processor has all of these.
                unsafe { vnni(lanes, $($arg),*) }
            }
            _ => $crate::int8::lanes::dispatch!($body($($arg: $ty),*)),
        }
    }};
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
