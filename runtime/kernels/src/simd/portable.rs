//! Vectors as arrays of eight floats, for every machine.

use super::row::Two;
use super::{LANES, Simd};

/// The portable implementation.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

type V = [f32; LANES];

#[inline(always)]
fn map(a: V, b: V, f: impl Fn(f32, f32) -> f32) -> V {
    let mut out = a;
    for (out, b) in out.iter_mut().zip(b) {
        *out = f(*out, b);
    }
    out
}

#[inline(always)]
fn bits(condition: bool) -> f32 {
    f32::from_bits(if condition { !0 } else { 0 })
}

impl Simd for Portable {
    type V = V;
    type Mask = usize;
    type Pair = Two<Self>;
    // Eight sums of four lanes, four weights and a broadcast fit the sixteen registers of SSE2 and NEON has more.
    const TILE: usize = if cfg!(target_arch = "aarch64") { 4 } else { 2 };

    #[inline(always)]
    fn splat(self, x: f32) -> V {
        [x; LANES]
    }
    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> V {
        *x
    }
    #[inline(always)]
    fn store(self, v: V, y: &mut [f32; LANES]) {
        *y = v;
    }
    #[inline(always)]
    fn mask(self, count: usize) -> usize {
        count.min(LANES)
    }
    #[inline(always)]
    unsafe fn load_at(self, p: *const f32) -> V {
        // SAFETY: the caller vouches for eight floats; an array of floats is aligned as a float is.
        unsafe { p.cast::<V>().read() }
    }
    #[inline(always)]
    unsafe fn store_at(self, v: V, p: *mut f32) {
        // SAFETY: the caller vouches for eight floats; an array of floats is aligned as a float is.
        unsafe { p.cast::<V>().write(v) }
    }
    #[inline(always)]
    unsafe fn load_masked(self, p: *const f32, mask: usize) -> V {
        // A branch a lane: a loop of `mask` rounds would become a call of `memcpy`.
        let mut v = [0.0; LANES];
        for i in 0..LANES {
            if i < mask {
                // SAFETY: the caller vouches for `mask` floats.
                v[i] = unsafe { p.wrapping_add(i).read() };
            }
        }
        v
    }
    #[inline(always)]
    unsafe fn store_masked(self, v: V, p: *mut f32, mask: usize) {
        for i in 0..LANES {
            if i < mask {
                // SAFETY: the caller vouches for `mask` floats.
                unsafe { p.wrapping_add(i).write(v[i]) };
            }
        }
    }
    #[inline(always)]
    unsafe fn splat_at(self, p: *const f32) -> V {
        // SAFETY: the caller vouches for one float.
        [unsafe { p.read() }; LANES]
    }
    #[inline(always)]
    fn add(self, a: V, b: V) -> V {
        map(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: V, b: V) -> V {
        map(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: V, b: V) -> V {
        map(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: V, b: V) -> V {
        map(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn sqrt(self, a: V) -> V {
        a.map(f32::sqrt)
    }
    #[inline(always)]
    fn mul_add(self, a: V, b: V, c: V) -> V {
        // Not f32::mul_add, which is a slow call where the target has no such instruction.
        self.add(self.mul(a, b), c)
    }
    #[inline(always)]
    fn max(self, a: V, b: V) -> V {
        map(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: V, b: V) -> V {
        map(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn round(self, a: V) -> V {
        // Adding 1.5 * 2^23 leaves no bits for a fraction; the addition itself rounds to even.
        const SHIFT: f32 = 12_582_912.0;
        a.map(|a| (a + SHIFT) - SHIFT)
    }
    #[inline(always)]
    fn scale(self, a: V, n: V) -> V {
        map(a, n, |a, n| {
            let n = n as i32;
            let half = n >> 1;
            let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
            a * power(half) * power(n - half)
        })
    }
    #[inline(always)]
    fn gt(self, a: V, b: V) -> V {
        map(a, b, |a, b| bits(a > b))
    }
    #[inline(always)]
    fn eq(self, a: V, b: V) -> V {
        map(a, b, |a, b| bits(a == b))
    }
    #[inline(always)]
    fn not_le(self, a: V, b: V) -> V {
        map(a, b, |a, b| bits(a > b || a.is_nan() || b.is_nan()))
    }
    #[inline(always)]
    fn and(self, a: V, b: V) -> V {
        map(a, b, |a, b| f32::from_bits(a.to_bits() & b.to_bits()))
    }
    #[inline(always)]
    fn or(self, a: V, b: V) -> V {
        map(a, b, |a, b| f32::from_bits(a.to_bits() | b.to_bits()))
    }
    #[inline(always)]
    fn select(self, mask: V, a: V, b: V) -> V {
        let mut out = b;
        for ((out, a), mask) in out.iter_mut().zip(a).zip(mask) {
            let mask = mask.to_bits();
            *out = f32::from_bits((a.to_bits() & mask) | (out.to_bits() & !mask));
        }
        out
    }
    #[inline(always)]
    fn load_integers(self, x: &[u32; LANES]) -> V {
        x.map(f32::from_bits)
    }
    #[inline(always)]
    fn mul_wide(self, a: V, b: u32) -> (V, V) {
        let products = a.map(|a| u64::from(a.to_bits()) * u64::from(b));
        (products.map(|p| f32::from_bits(p as u32)), products.map(|p| f32::from_bits((p >> 32) as u32)))
    }
    #[inline(always)]
    fn xor(self, a: V, b: V) -> V {
        map(a, b, |a, b| f32::from_bits(a.to_bits() ^ b.to_bits()))
    }
    #[inline(always)]
    fn at_least(self, a: V, b: u32) -> V {
        a.map(|a| bits(a.to_bits() >= b))
    }
    #[inline(always)]
    fn permute(self, a: V, index: V) -> V {
        index.map(|index| a[index.to_bits() as usize % LANES])
    }
    #[inline(always)]
    fn load_bytes(self, x: &[u8; LANES]) -> V {
        x.map(f32::from)
    }
    #[inline(always)]
    fn store_bytes(self, v: V, y: &mut [u8; LANES]) {
        *y = v.map(|v| v as u8);
    }
}
