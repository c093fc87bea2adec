//! Vectors as pairs of NEON registers, with fused multiply-add.

use super::row::Two;
use super::{LANES, Simd};
use std::arch::aarch64::*;

/// Every processor that Rust's targets with a standard library mean by aarch64 has NEON: there is nothing to prove.
#[derive(Clone, Copy)]
pub(crate) struct Neon;

/// The low and the high four lanes.
type V = [float32x4_t; 2];

/// Instructions on registers only, as functions that need no proof.
macro_rules! always_there {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)*) => {$(
        #[inline(always)]
        fn $name($($arg: $ty),*) -> $ret {
            // SAFETY: every aarch64 has NEON.
            unsafe { std::arch::aarch64::$name($($arg),*) }
        }
    )*};
}

always_there! {
    vaddq_f32(a: float32x4_t, b: float32x4_t) -> float32x4_t;
    vsubq_f32(a: float32x4_t, b: float32x4_t) -> float32x4_t;
    vmulq_f32(a: float32x4_t, b: float32x4_t) -> float32x4_t;
    vdivq_f32(a: float32x4_t, b: float32x4_t) -> float32x4_t;
    vsqrtq_f32(a: float32x4_t) -> float32x4_t;
    vfmaq_f32(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t;
    vcgtq_f32(a: float32x4_t, b: float32x4_t) -> uint32x4_t;
    vcltq_f32(a: float32x4_t, b: float32x4_t) -> uint32x4_t;
    vcleq_f32(a: float32x4_t, b: float32x4_t) -> uint32x4_t;
    vceqq_f32(a: float32x4_t, b: float32x4_t) -> uint32x4_t;
    vbslq_f32(a: uint32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t;
    vrndnq_f32(a: float32x4_t) -> float32x4_t;
    vdupq_n_f32(a: f32) -> float32x4_t;
    vdup_n_f32(a: f32) -> float32x2_t;
    vcombine_f32(a: float32x2_t, b: float32x2_t) -> float32x4_t;
    vget_low_f32(a: float32x4_t) -> float32x2_t;
    vcvtq_s32_f32(a: float32x4_t) -> int32x4_t;
    vcvtq_u32_f32(a: float32x4_t) -> uint32x4_t;
    vcvtq_f32_u32(a: uint32x4_t) -> float32x4_t;
    vreinterpretq_u32_f32(a: float32x4_t) -> uint32x4_t;
    vreinterpretq_f32_u32(a: uint32x4_t) -> float32x4_t;
    vreinterpretq_f32_s32(a: int32x4_t) -> float32x4_t;
    vreinterpretq_u8_f32(a: float32x4_t) -> uint8x16_t;
    vreinterpretq_f32_u8(a: uint8x16_t) -> float32x4_t;
    vreinterpretq_u8_u32(a: uint32x4_t) -> uint8x16_t;
    vmvnq_u32(a: uint32x4_t) -> uint32x4_t;
    vandq_u32(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t;
    vorrq_u32(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t;
    veorq_u32(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t;
    vcgeq_u32(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t;
    vaddq_u32(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t;
    vmulq_n_u32(a: uint32x4_t, b: u32) -> uint32x4_t;
    vdupq_n_u32(a: u32) -> uint32x4_t;
    vdup_n_u32(a: u32) -> uint32x2_t;
    vdupq_n_s32(a: i32) -> int32x4_t;
    vaddq_s32(a: int32x4_t, b: int32x4_t) -> int32x4_t;
    vsubq_s32(a: int32x4_t, b: int32x4_t) -> int32x4_t;
    vget_low_u32(a: uint32x4_t) -> uint32x2_t;
    vget_high_u32(a: uint32x4_t) -> uint32x2_t;
    vmull_u32(a: uint32x2_t, b: uint32x2_t) -> uint64x2_t;
    vmovn_u64(a: uint64x2_t) -> uint32x2_t;
    vcombine_u32(a: uint32x2_t, b: uint32x2_t) -> uint32x4_t;
    vmovl_u8(a: uint8x8_t) -> uint16x8_t;
    vmovl_u16(a: uint16x4_t) -> uint32x4_t;
    vget_low_u16(a: uint16x8_t) -> uint16x4_t;
    vget_high_u16(a: uint16x8_t) -> uint16x4_t;
    vmovn_u32(a: uint32x4_t) -> uint16x4_t;
    vmovn_u16(a: uint16x8_t) -> uint8x8_t;
    vcombine_u16(a: uint16x4_t, b: uint16x4_t) -> uint16x8_t;
    vqtbl2q_u8(a: uint8x16x2_t, b: uint8x16_t) -> uint8x16_t;
}

/// Each integer moved to where a float has its exponent.
#[inline(always)]
fn to_exponent(a: int32x4_t) -> int32x4_t {
    // SAFETY: every aarch64 has NEON.
    unsafe { vshlq_n_s32::<23>(a) }
}

/// Half of each integer, rounded down.
#[inline(always)]
fn halve(a: int32x4_t) -> int32x4_t {
    // SAFETY: every aarch64 has NEON.
    unsafe { vshrq_n_s32::<1>(a) }
}

/// The high half of each integer.
#[inline(always)]
fn high_halves(a: uint64x2_t) -> uint32x2_t {
    // SAFETY: every aarch64 has NEON.
    unsafe { vshrn_n_u64::<32>(a) }
}

/// Methods that are one instruction for each half.
macro_rules! instructions {
    ($($name:ident($($arg:ident),*) = $instruction:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: V),*) -> V {
            let half = |$($arg: float32x4_t),*| $instruction;
            [half($($arg[0]),*), half($($arg[1]),*)]
        }
    )*};
}

/// The bits of four lanes.
#[inline(always)]
fn bits(a: float32x4_t) -> uint32x4_t {
    vreinterpretq_u32_f32(a)
}

/// Four lanes of these bits.
#[inline(always)]
fn floats(a: uint32x4_t) -> float32x4_t {
    vreinterpretq_f32_u32(a)
}

/// `2^n` for `n` in `-126..=127`.
#[inline(always)]
fn power(n: int32x4_t) -> float32x4_t {
    vreinterpretq_f32_s32(to_exponent(vaddq_s32(n, vdupq_n_s32(127))))
}

/// The first `count` floats at `p`, zero behind them; all four where there are more.
///
/// # Safety
/// `p` is valid for reading `min(count, 4)` floats.
#[inline(always)]
unsafe fn load_first(p: *const f32, count: usize) -> float32x4_t {
    let zero = vdupq_n_f32(0.0);
    match count {
        0 => zero,
        // SAFETY: the caller vouches for one float.
        1 => unsafe { vld1q_lane_f32::<0>(p, zero) },
        2 | 3 => {
            // SAFETY: the caller vouches for two floats.
            let two = vcombine_f32(unsafe { vld1_f32(p) }, vdup_n_f32(0.0));
            // SAFETY: the caller vouches for a third float where it is counted.
            if count == 2 { two } else { unsafe { vld1q_lane_f32::<2>(p.wrapping_add(2), two) } }
        }
        // SAFETY: the caller vouches for four floats.
        _ => unsafe { vld1q_f32(p) },
    }
}

/// The first `count` lanes to `p`; all four where there are no more.
///
/// # Safety
/// `p` is valid for writing `min(count, 4)` floats.
#[inline(always)]
unsafe fn store_first(v: float32x4_t, p: *mut f32, count: usize) {
    match count {
        0 => {}
        // SAFETY: the caller vouches for one float.
        1 => unsafe { vst1q_lane_f32::<0>(p, v) },
        2 | 3 => {
            // SAFETY: the caller vouches for two floats.
            unsafe { vst1_f32(p, vget_low_f32(v)) };
            if count == 3 {
                // SAFETY: the caller vouches for a third float.
                unsafe { vst1q_lane_f32::<2>(p.wrapping_add(2), v) }
            }
        }
        // SAFETY: the caller vouches for four floats.
        _ => unsafe { vst1q_f32(p, v) },
    }
}

impl Simd for Neon {
    type V = V;
    type Mask = usize;
    type Pair = Two<Self>;
    // Twenty-four sums, four weights and a broadcast fit the thirty-two registers.
    const TILE: usize = 6;

    instructions! {
        add(a, b) = vaddq_f32(a, b);
        sub(a, b) = vsubq_f32(a, b);
        mul(a, b) = vmulq_f32(a, b);
        div(a, b) = vdivq_f32(a, b);
        sqrt(a) = vsqrtq_f32(a);
        mul_add(a, b, c) = vfmaq_f32(c, a, b);
        // Not FMAX and FMIN, which keep the NaN of either operand.
        max(a, b) = vbslq_f32(vcgtq_f32(a, b), a, b);
        min(a, b) = vbslq_f32(vcltq_f32(a, b), a, b);
        round(a) = vrndnq_f32(a);
        gt(a, b) = floats(vcgtq_f32(a, b));
        eq(a, b) = floats(vceqq_f32(a, b));
        not_le(a, b) = floats(vmvnq_u32(vcleq_f32(a, b)));
        and(a, b) = floats(vandq_u32(bits(a), bits(b)));
        or(a, b) = floats(vorrq_u32(bits(a), bits(b)));
        xor(a, b) = floats(veorq_u32(bits(a), bits(b)));
        select(mask, a, b) = vbslq_f32(bits(mask), a, b);
    }

    #[inline(always)]
    fn splat(self, x: f32) -> V {
        [vdupq_n_f32(x); 2]
    }
    #[inline(always)]
    fn mask(self, count: usize) -> usize {
        count.min(LANES)
    }
    #[inline(always)]
    unsafe fn load_at(self, p: *const f32) -> V {
        // SAFETY: the caller vouches for eight floats.
        let low = unsafe { vld1q_f32(p) };
        // SAFETY: as above.
        [low, unsafe { vld1q_f32(p.wrapping_add(4)) }]
    }
    #[inline(always)]
    unsafe fn store_at(self, v: V, p: *mut f32) {
        // SAFETY: the caller vouches for eight floats.
        unsafe { vst1q_f32(p, v[0]) };
        // SAFETY: as above.
        unsafe { vst1q_f32(p.wrapping_add(4), v[1]) }
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
        [unsafe { vld1q_dup_f32(p) }; 2]
    }
    #[inline(always)]
    fn scale(self, a: V, n: V) -> V {
        let half = |a: float32x4_t, n: float32x4_t| {
            let n = vcvtq_s32_f32(n);
            let first = halve(n);
            vmulq_f32(vmulq_f32(a, power(first)), power(vsubq_s32(n, first)))
        };
        [half(a[0], n[0]), half(a[1], n[1])]
    }
    #[inline(always)]
    fn load_integers(self, x: &[u32; LANES]) -> V {
        self.load(&x.map(f32::from_bits))
    }
    #[inline(always)]
    fn mul_wide(self, a: V, b: u32) -> (V, V) {
        let half = |a: float32x4_t| {
            let b = vdup_n_u32(b);
            let (first, last) = (vmull_u32(vget_low_u32(bits(a)), b), vmull_u32(vget_high_u32(bits(a)), b));
            let low = vcombine_u32(vmovn_u64(first), vmovn_u64(last));
            let high = vcombine_u32(high_halves(first), high_halves(last));
            (floats(low), floats(high))
        };
        let (low, high) = (half(a[0]), half(a[1]));
        ([low.0, high.0], [low.1, high.1])
    }
    #[inline(always)]
    fn at_least(self, a: V, b: u32) -> V {
        a.map(|a| floats(vcgeq_u32(bits(a), vdupq_n_u32(b))))
    }
    #[inline(always)]
    fn permute(self, a: V, index: V) -> V {
        let table = uint8x16x2_t(vreinterpretq_u8_f32(a[0]), vreinterpretq_u8_f32(a[1]));
        index.map(|index| {
            // The places of a lane's four bytes.
            let first = vmulq_n_u32(bits(index), 0x0404_0404);
            let places = vaddq_u32(first, vdupq_n_u32(u32::from_ne_bytes([0, 1, 2, 3])));
            vreinterpretq_f32_u8(vqtbl2q_u8(table, vreinterpretq_u8_u32(places)))
        })
    }
    #[inline(always)]
    fn load_bytes(self, x: &[u8; LANES]) -> V {
        // SAFETY: the array has the eight bytes that the instruction reads.
        let shorts = vmovl_u8(unsafe { vld1_u8(x.as_ptr()) });
        let low = vcvtq_f32_u32(vmovl_u16(vget_low_u16(shorts)));
        [low, vcvtq_f32_u32(vmovl_u16(vget_high_u16(shorts)))]
    }
    #[inline(always)]
    fn store_bytes(self, v: V, y: &mut [u8; LANES]) {
        let [low, high] = v.map(|v| vmovn_u32(vcvtq_u32_f32(v)));
        let bytes = vmovn_u16(vcombine_u16(low, high));
        // SAFETY: the array has the eight bytes that the instruction writes.
        unsafe { vst1_u8(y.as_mut_ptr(), bytes) }
    }
}
