//! Vectors as pairs of WebAssembly's 128-bit values.
//!
//! A module either has these instructions or is refused by an engine that has not, so that there is nothing to detect: they
//! are used where the target is compiled with `simd128`. A product and a sum round twice: the fused form belongs to
//! *relaxed* SIMD, of which every engine may make what it likes.

use super::row::Two;
use super::{LANES, Simd};
use std::arch::wasm32::*;

/// Compiled only with the target feature `simd128`, which is the proof.
#[derive(Clone, Copy)]
pub(crate) struct Simd128;

/// The low and the high four lanes.
type V = [v128; 2];

/// Methods that are one instruction, or few, for each half.
macro_rules! instructions {
    ($($name:ident($($arg:ident),*) = $instruction:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: V),*) -> V {
            let half = |$($arg: v128),*| $instruction;
            [half($($arg[0]),*), half($($arg[1]),*)]
        }
    )*};
}

/// `2^n` for `n` in `-126..=127`.
#[inline(always)]
fn power(n: v128) -> v128 {
    i32x4_shl(i32x4_add(n, i32x4_splat(127)), 23)
}

/// The first `count` floats at `p`, zero behind them; all four where there are more.
///
/// # Safety
/// `p` is valid for reading `min(count, 4)` floats.
#[inline(always)]
unsafe fn load_first(p: *const f32, count: usize) -> v128 {
    match count {
        0 => f32x4_splat(0.0),
        // SAFETY: the caller vouches for one float.
        1 => unsafe { v128_load32_zero(p.cast()) },
        2 | 3 => {
            // SAFETY: the caller vouches for two floats; the instruction takes any alignment.
            let two = unsafe { v128_load64_zero(p.cast()) };
            // SAFETY: the caller vouches for a third float where it is counted.
            if count == 2 { two } else { unsafe { v128_load32_lane::<2>(two, p.wrapping_add(2).cast()) } }
        }
        // SAFETY: the caller vouches for four floats; the instruction takes any alignment.
        _ => unsafe { v128_load(p.cast()) },
    }
}

/// The first `count` lanes to `p`; all four where there are no more.
///
/// # Safety
/// `p` is valid for writing `min(count, 4)` floats.
#[inline(always)]
unsafe fn store_first(v: v128, p: *mut f32, count: usize) {
    match count {
        0 => {}
        // SAFETY: the caller vouches for one float.
        1 => unsafe { v128_store32_lane::<0>(v, p.cast()) },
        2 | 3 => {
            // SAFETY: the caller vouches for two floats; the instruction takes any alignment.
            unsafe { v128_store64_lane::<0>(v, p.cast()) };
            if count == 3 {
                // SAFETY: the caller vouches for a third float.
                unsafe { v128_store32_lane::<2>(v, p.wrapping_add(2).cast()) }
            }
        }
        // SAFETY: the caller vouches for four floats; the instruction takes any alignment.
        _ => unsafe { v128_store(p.cast(), v) },
    }
}

impl Simd for Simd128 {
    type V = V;
    type Mask = usize;
    type Pair = Two<Self>;
    // Engines have sixteen registers on x86-64: eight sums, four weights and a broadcast.
    const TILE: usize = 2;

    instructions! {
        add(a, b) = f32x4_add(a, b);
        sub(a, b) = f32x4_sub(a, b);
        mul(a, b) = f32x4_mul(a, b);
        div(a, b) = f32x4_div(a, b);
        sqrt(a) = f32x4_sqrt(a);
        mul_add(a, b, c) = f32x4_add(f32x4_mul(a, b), c);
        // `pmax(x, y)` is `x < y ? y : x`, and `pmin(x, y)` is `y < x ? y : x`.
        max(a, b) = f32x4_pmax(b, a);
        min(a, b) = f32x4_pmin(b, a);
        round(a) = f32x4_nearest(a);
        gt(a, b) = f32x4_gt(a, b);
        eq(a, b) = f32x4_eq(a, b);
        not_le(a, b) = v128_not(f32x4_le(a, b));
        and(a, b) = v128_and(a, b);
        or(a, b) = v128_or(a, b);
        xor(a, b) = v128_xor(a, b);
        select(mask, a, b) = v128_bitselect(a, b, mask);
    }

    #[inline(always)]
    fn splat(self, x: f32) -> V {
        [f32x4_splat(x); 2]
    }
    #[inline(always)]
    fn mask(self, count: usize) -> usize {
        count.min(LANES)
    }
    #[inline(always)]
    unsafe fn load_at(self, p: *const f32) -> V {
        // SAFETY: the caller vouches for eight floats; the instruction takes any alignment.
        let low = unsafe { v128_load(p.cast()) };
        // SAFETY: as above.
        [low, unsafe { v128_load(p.wrapping_add(4).cast()) }]
    }
    #[inline(always)]
    unsafe fn store_at(self, v: V, p: *mut f32) {
        // SAFETY: the caller vouches for eight floats; the instruction takes any alignment.
        unsafe { v128_store(p.cast(), v[0]) };
        // SAFETY: as above.
        unsafe { v128_store(p.wrapping_add(4).cast(), v[1]) }
    }
    #[inline(always)]
    unsafe fn load_masked(self, p: *const f32, mask: usize) -> V {
        // SAFETY: the caller vouches for `mask` floats.
        let low = unsafe { load_first(p, mask) };
        // SAFETY: as above.
        [low, unsafe { load_first(p.wrapping_add(4), mask.saturating_sub(4)) }]
    }
    #[inline(always)]
    unsafe fn store_masked(self, v: V, p: *mut f32, mask: usize) {
        // SAFETY: the caller vouches for `mask` floats.
        unsafe { store_first(v[0], p, mask) };
        // SAFETY: as above.
        unsafe { store_first(v[1], p.wrapping_add(4), mask.saturating_sub(4)) }
    }
    #[inline(always)]
    unsafe fn splat_at(self, p: *const f32) -> V {
        // SAFETY: the caller vouches for one float.
        [unsafe { v128_load32_splat(p.cast()) }; 2]
    }
    #[inline(always)]
    fn scale(self, a: V, n: V) -> V {
        let half = |a: v128, n: v128| {
            let n = i32x4_trunc_sat_f32x4(n);
            let first = i32x4_shr(n, 1);
            f32x4_mul(f32x4_mul(a, power(first)), power(i32x4_sub(n, first)))
        };
        [half(a[0], n[0]), half(a[1], n[1])]
    }
    #[inline(always)]
    fn load_integers(self, x: &[u32; LANES]) -> V {
        self.load(&x.map(f32::from_bits))
    }
    #[inline(always)]
    fn mul_wide(self, a: V, b: u32) -> (V, V) {
        let half = |a: v128| {
            let b = u32x4_splat(b);
            let (low, high) = (u64x2_extmul_low_u32x4(a, b), u64x2_extmul_high_u32x4(a, b));
            (u32x4_shuffle::<0, 2, 4, 6>(low, high), u32x4_shuffle::<1, 3, 5, 7>(low, high))
        };
        let (low, high) = (half(a[0]), half(a[1]));
        ([low.0, high.0], [low.1, high.1])
    }
    #[inline(always)]
    fn at_least(self, a: V, b: u32) -> V {
        a.map(|a| u32x4_ge(a, u32x4_splat(b)))
    }
    #[inline(always)]
    fn permute(self, a: V, index: V) -> V {
        index.map(|index| {
            // The places of a lane's four bytes; those past sixteen bytes give zero.
            let first = i32x4_mul(index, u32x4_splat(0x0404_0404));
            let places = i32x4_add(first, u32x4_splat(0x0302_0100));
            v128_or(u8x16_swizzle(a[0], places), u8x16_swizzle(a[1], u8x16_sub(places, u8x16_splat(16))))
        })
    }
    #[inline(always)]
    fn load_bytes(self, x: &[u8; LANES]) -> V {
        let shorts = u16x8_extend_low_u8x16(u64x2(u64::from_le_bytes(*x), 0));
        let low = f32x4_convert_u32x4(u32x4_extend_low_u16x8(shorts));
        [low, f32x4_convert_u32x4(u32x4_extend_high_u16x8(shorts))]
    }
    #[inline(always)]
    fn store_bytes(self, v: V, y: &mut [u8; LANES]) {
        let [low, high] = v.map(|v| i32x4_trunc_sat_f32x4(v));
        let shorts = u16x8_narrow_i32x4(low, high);
        *y = u64x2_extract_lane::<0>(u8x16_narrow_i16x8(shorts, shorts)).to_le_bytes();
    }
}
