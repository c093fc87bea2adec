//! Vectors in AVX2 registers, with fused multiply-add.

use super::avx512::Wide;
use super::row::{Row, Two};
use super::{LANES, Simd};
use std::arch::x86_64::*;

/// Proof that the processor has AVX2 and FMA, and if `WIDE` also AVX-512 ([`super::avx512`]).
#[derive(Clone, Copy)]
pub(crate) struct Avx<const WIDE: bool>(pub(super) ());

/// Proof that the processor has AVX2 and FMA.
pub(crate) type Avx2 = Avx<false>;

/// What holds a row of a panel.
pub(crate) trait Paired: Copy {
    type Row: Row<Self>;
}

impl Paired for Avx<false> {
    type Row = Two<Self>;
}

impl Paired for Avx<true> {
    type Row = Wide;
}

impl Avx2 {
    /// The proof, where the processor has both.
    pub(crate) fn detect() -> Option<Avx2> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx(()))
    }
}

/// Methods that are one instruction each, on registers only.
macro_rules! instructions {
    ($($name:ident($($arg:ident),*) = $instruction:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: __m256),*) -> __m256 {
            // SAFETY: `self` proves that the processor has AVX2 and FMA.
            unsafe { $instruction }
        }
    )*};
}

impl<const WIDE: bool> Simd for Avx<WIDE>
where
    Avx<WIDE>: Paired,
{
    type V = __m256;
    type Mask = __m256i;
    type Pair = <Self as Paired>::Row;
    // Twelve sums, two weights and a broadcast fit the sixteen registers.
    const TILE: usize = 6;

    instructions! {
        add(a, b) = _mm256_add_ps(a, b);
        sub(a, b) = _mm256_sub_ps(a, b);
        mul(a, b) = _mm256_mul_ps(a, b);
        div(a, b) = _mm256_div_ps(a, b);
        sqrt(a) = _mm256_sqrt_ps(a);
        mul_add(a, b, c) = _mm256_fmadd_ps(a, b, c);
        max(a, b) = _mm256_max_ps(a, b);
        min(a, b) = _mm256_min_ps(a, b);
        round(a) = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        gt(a, b) = _mm256_cmp_ps::<_CMP_GT_OQ>(a, b);
        eq(a, b) = _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b);
        not_le(a, b) = _mm256_cmp_ps::<_CMP_NLE_UQ>(a, b);
        and(a, b) = _mm256_and_ps(a, b);
        or(a, b) = _mm256_or_ps(a, b);
        xor(a, b) = _mm256_xor_ps(a, b);
        select(mask, a, b) = _mm256_blendv_ps(b, a, mask);
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    fn mask(self, count: usize) -> __m256i {
        static WINDOW: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        let from = &WINDOW[LANES - count.min(LANES)..][..LANES];
        // SAFETY: the slice has eight elements, and `self` proves that the processor has AVX2.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }
    #[inline(always)]
    unsafe fn load_at(self, p: *const f32) -> __m256 {
        // SAFETY: the caller vouches for eight floats, and `self` for the instruction.
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store_at(self, v: __m256, p: *mut f32) {
        // SAFETY: the caller vouches for eight floats, and `self` for the instruction.
        unsafe { _mm256_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn load_masked(self, p: *const f32, mask: __m256i) -> __m256 {
        // SAFETY: the caller vouches for the masked lanes; the instruction touches no others.
        unsafe { _mm256_maskload_ps(p, mask) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, v: __m256, p: *mut f32, mask: __m256i) {
        // SAFETY: the caller vouches for the masked lanes; the instruction touches no others.
        unsafe { _mm256_maskstore_ps(p, mask, v) }
    }
    #[inline(always)]
    unsafe fn splat_at(self, p: *const f32) -> __m256 {
        // SAFETY: the caller vouches for one float.
        let x = unsafe { p.read() };
        self.splat(x)
    }
    #[inline(always)]
    fn scale(self, a: __m256, n: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX2, here and in the blocks below.
        let n = unsafe { _mm256_cvtps_epi32(n) };
        // SAFETY: as above.
        let half = unsafe { _mm256_srai_epi32::<1>(n) };
        // SAFETY: as above.
        let rest = unsafe { _mm256_sub_epi32(n, half) };
        self.mul(self.mul(a, self.power(half)), self.power(rest))
    }
    #[inline(always)]
    fn load_integers(self, x: &[u32; LANES]) -> __m256 {
        self.load(&x.map(f32::from_bits))
    }
    #[inline(always)]
    fn mul_wide(self, a: __m256, b: u32) -> (__m256, __m256) {
        // SAFETY: `self` proves that the processor has AVX2, here and in the blocks below.
        let a = unsafe { _mm256_castps_si256(a) };
        // SAFETY: as above.
        let b = unsafe { _mm256_set1_epi32(b as i32) };
        // The instruction multiplies the even lanes; the odd ones are shifted there.
        // SAFETY: as above.
        let shifted = unsafe { _mm256_srli_epi64::<32>(a) };
        // SAFETY: as above.
        let even = unsafe { _mm256_mul_epu32(a, b) };
        // SAFETY: as above.
        let odd = unsafe { _mm256_mul_epu32(shifted, b) };
        // SAFETY: as above.
        let even_high = unsafe { _mm256_srli_epi64::<32>(even) };
        // SAFETY: as above.
        let odd_low = unsafe { _mm256_slli_epi64::<32>(odd) };
        // SAFETY: as above.
        let low = unsafe { _mm256_blend_epi32::<0b1010_1010>(even, odd_low) };
        // SAFETY: as above.
        let high = unsafe { _mm256_blend_epi32::<0b1010_1010>(even_high, odd) };
        // SAFETY: as above.
        let low = unsafe { _mm256_castsi256_ps(low) };
        // SAFETY: as above.
        (low, unsafe { _mm256_castsi256_ps(high) })
    }
    #[inline(always)]
    fn at_least(self, a: __m256, b: u32) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX2, here and in the blocks below.
        let a = unsafe { _mm256_castps_si256(a) };
        // SAFETY: as above.
        let b = unsafe { _mm256_set1_epi32(b as i32) };
        // SAFETY: as above.
        let larger = unsafe { _mm256_max_epu32(a, b) };
        // SAFETY: as above.
        let equal = unsafe { _mm256_cmpeq_epi32(larger, a) };
        // SAFETY: as above.
        unsafe { _mm256_castsi256_ps(equal) }
    }
    #[inline(always)]
    fn permute(self, a: __m256, index: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX2.
        let index = unsafe { _mm256_castps_si256(index) };
        // SAFETY: as above.
        unsafe { _mm256_permutevar8x32_ps(a, index) }
    }
    #[inline(always)]
    fn load_bytes(self, x: &[u8; LANES]) -> __m256 {
        // SAFETY: the array has the eight bytes that the instruction reads.
        let bytes = unsafe { _mm_loadl_epi64(x.as_ptr().cast()) };
        // SAFETY: `self` proves that the processor has AVX2.
        let integers = unsafe { _mm256_cvtepu8_epi32(bytes) };
        // SAFETY: as above.
        unsafe { _mm256_cvtepi32_ps(integers) }
    }
    #[inline(always)]
    fn store_bytes(self, v: __m256, y: &mut [u8; LANES]) {
        // SAFETY: `self` proves that the processor has AVX2, here and in the blocks below.
        let integers = unsafe { _mm256_cvtps_epi32(v) };
        // SAFETY: as above.
        let low = unsafe { _mm256_castsi256_si128(integers) };
        // SAFETY: as above.
        let high = unsafe { _mm256_extracti128_si256::<1>(integers) };
        // SAFETY: as above.
        let shorts = unsafe { _mm_packs_epi32(low, high) };
        // SAFETY: as above.
        let bytes = unsafe { _mm_packus_epi16(shorts, shorts) };
        // SAFETY: the array has the eight bytes that the instruction writes.
        unsafe { _mm_storel_epi64(y.as_mut_ptr().cast(), bytes) }
    }
}

impl<const WIDE: bool> Avx<WIDE> {
    /// `2^n` for `n` in `-126..=127`.
    #[inline(always)]
    fn power(self, n: __m256i) -> __m256 {
        // SAFETY: `self` proves that the processor has AVX2, here and in the blocks below.
        let bias = unsafe { _mm256_set1_epi32(127) };
        // SAFETY: as above.
        let exponent = unsafe { _mm256_add_epi32(n, bias) };
        // SAFETY: as above.
        let bits = unsafe { _mm256_slli_epi32::<23>(exponent) };
        // SAFETY: as above.
        unsafe { _mm256_castsi256_ps(bits) }
    }
}
