//! Sixteen columns in one AVX-512 register; everything else is done with the vectors of [`super::avx2`], of which there are
//! twice as many.

use super::LANES;
use super::avx2::Avx;
use super::row::Row;
use std::arch::x86_64::*;

/// Proof that the processor has AVX-512 for floats and for shorter vectors, AVX2 and FMA.
pub(crate) type Avx512 = Avx<true>;

impl Avx512 {
    /// The proof, where the processor has all of them.
    pub(crate) fn detect() -> Option<Avx512> {
        let is_there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            // Implied by the first for the compiler.
            && is_x86_feature_detected!("f16c");
        is_there.then_some(Avx(()))
    }

    /// The proof of what every processor with AVX-512 has.
    pub(crate) fn narrow(self) -> Avx<false> {
        Avx(())
    }
}

/// Sixteen columns in one register.
#[derive(Clone, Copy)]
pub(crate) struct Wide(__m512);

impl Row<Avx512> for Wide {
    const COLUMNS: usize = 2 * LANES;
    // Eight sums hide the latency of an addition where two are started in a cycle. Registers would hold more, which were no
    // faster, and slower where sums are short.
    const TILE: usize = 8;
    type Mask = __mmask16;

    #[inline(always)]
    fn mask(_: Avx512, count: usize) -> __mmask16 {
        ((1_u32 << count.min(2 * LANES)) - 1) as __mmask16
    }
    #[inline(always)]
    fn splat(_: Avx512, x: f32) -> Wide {
        // SAFETY: the argument proves that the processor has AVX-512, as in all methods.
        Wide(unsafe { _mm512_set1_ps(x) })
    }
    #[inline(always)]
    unsafe fn splat_at(s: Avx512, p: *const f32) -> Wide {
        // SAFETY: the caller's contract.
        Self::splat(s, unsafe { p.read() })
    }
    #[inline(always)]
    unsafe fn load(_: Avx512, p: *const f32) -> Wide {
        // SAFETY: the caller's contract.
        Wide(unsafe { _mm512_loadu_ps(p) })
    }
    #[inline(always)]
    unsafe fn load_masked(_: Avx512, p: *const f32, mask: __mmask16) -> Wide {
        // SAFETY: the caller vouches for the masked columns; the instruction touches no others.
        Wide(unsafe { _mm512_maskz_loadu_ps(mask, p) })
    }
    #[inline(always)]
    unsafe fn store(self, _: Avx512, p: *mut f32) {
        // SAFETY: the caller's contract.
        unsafe { _mm512_storeu_ps(p, self.0) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, _: Avx512, p: *mut f32, mask: __mmask16) {
        // SAFETY: the caller vouches for the masked columns; the instruction touches no others.
        unsafe { _mm512_mask_storeu_ps(p, mask, self.0) }
    }
    #[inline(always)]
    fn add(self, _: Avx512, other: Wide) -> Wide {
        // SAFETY: the processor has AVX-512.
        Wide(unsafe { _mm512_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn relu(self, s: Avx512) -> Wide {
        // SAFETY: the processor has AVX-512.
        Wide(unsafe { _mm512_max_ps(Self::splat(s, 0.0).0, self.0) })
    }
    #[inline(always)]
    fn mul_add(self, _: Avx512, other: Wide, sum: Wide) -> Wide {
        // SAFETY: the processor has AVX-512.
        Wide(unsafe { _mm512_fmadd_ps(self.0, other.0, sum.0) })
    }
}
