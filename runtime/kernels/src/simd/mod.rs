//! The vector of eight floats that every kernel is written against, and its implementations.
//!
//! An implementation is a zero-sized value that exists only where the machine has its instructions, so that its
//! methods can be safe: a value that only detection makes, or a type that is only compiled for targets that have them.
//! Methods and the bodies that call them are `#[inline(always)]`, see [`crate::isa::dispatch`].

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
pub(crate) mod row;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use portable::Portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd128::Simd128;

/// Floats in a vector.
pub(crate) const LANES: usize = 8;

/// A vector of eight floats and its arithmetic.
pub(crate) trait Simd: Copy {
    /// The vector.
    type V: Copy;
    /// Which of the first lanes take part in a masked load or store.
    type Mask: Copy;
    /// A row of a panel: two vectors beside each other.
    type Pair: row::Row<Self>;
    /// Rows in the largest register tile: as many as keep their sums, two vectors each, in registers.
    const TILE: usize;

    /// Eight times `x`.
    fn splat(self, x: f32) -> Self::V;
    /// Eight floats from memory.
    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> Self::V {
        // SAFETY: the array has eight floats.
        unsafe { self.load_at(x.as_ptr()) }
    }
    /// Eight floats to memory.
    #[inline(always)]
    fn store(self, v: Self::V, y: &mut [f32; LANES]) {
        // SAFETY: the array has eight floats.
        unsafe { self.store_at(v, y.as_mut_ptr()) }
    }
    /// The mask of the first `min(count, 8)` lanes.
    fn mask(self, count: usize) -> Self::Mask;

    /// Eight floats from `p`, unaligned.
    ///
    /// # Safety
    /// `p` is valid for reading eight floats.
    unsafe fn load_at(self, p: *const f32) -> Self::V;
    /// Eight floats to `p`, unaligned.
    ///
    /// # Safety
    /// `p` is valid for writing eight floats.
    unsafe fn store_at(self, v: Self::V, p: *mut f32);
    /// The masked lanes from `p`, zero in the others.
    ///
    /// # Safety
    /// `p` is valid for reading the masked lanes.
    unsafe fn load_masked(self, p: *const f32, mask: Self::Mask) -> Self::V;
    /// The masked lanes to `p`; memory of the others is untouched.
    ///
    /// # Safety
    /// `p` is valid for writing the masked lanes.
    unsafe fn store_masked(self, v: Self::V, p: *mut f32, mask: Self::Mask);
    /// Eight times the float at `p`.
    ///
    /// # Safety
    /// `p` is valid for reading one float.
    unsafe fn splat_at(self, p: *const f32) -> Self::V;

    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// The square root, correctly rounded.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// `a * b + c`, in one rounding where the machine has it.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a` where `a > b`, else `b`: a NaN in `b` stays, one in `a` is lost.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a` where `a < b`, else `b`: a NaN in `b` stays, one in `a` is lost.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// To the nearest integer, ties to even; of magnitudes under 2^22 only.
    fn round(self, a: Self::V) -> Self::V;
    /// `a * 2^n` for integral `n` in `-252..=254`, in two steps so that neither factor leaves the normal range.
    fn scale(self, a: Self::V, n: Self::V) -> Self::V;

    /// All bits set where `a > b`, none elsewhere.
    fn gt(self, a: Self::V, b: Self::V) -> Self::V;
    /// All bits set where `a == b`, none elsewhere.
    fn eq(self, a: Self::V, b: Self::V) -> Self::V;
    /// All bits set where not `a <= b`: greater, or either is NaN.
    fn not_le(self, a: Self::V, b: Self::V) -> Self::V;
    /// Bitwise and.
    fn and(self, a: Self::V, b: Self::V) -> Self::V;
    /// Bitwise or.
    fn or(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a` where the bits of `mask` are set, `b` where they are not; all bits of a lane are alike.
    fn select(self, mask: Self::V, a: Self::V, b: Self::V) -> Self::V;

    /// Eight integers, as the bits of floats.
    fn load_integers(self, x: &[u32; LANES]) -> Self::V;
    /// The low and the high halves of the products of integers with `b`, all as the bits of floats.
    fn mul_wide(self, a: Self::V, b: u32) -> (Self::V, Self::V);
    /// Bitwise exclusive or.
    fn xor(self, a: Self::V, b: Self::V) -> Self::V;
    /// All bits set where the integers, as the bits of floats, are at least `b`.
    fn at_least(self, a: Self::V, b: u32) -> Self::V;
    /// The lanes of `a` that `index` names: integers in `0..8`, as the bits of floats.
    fn permute(self, a: Self::V, index: Self::V) -> Self::V;

    /// Eight bytes as floats.
    fn load_bytes(self, x: &[u8; LANES]) -> Self::V;
    /// Eight floats, integral and in `0..=255`, as bytes.
    fn store_bytes(self, v: Self::V, y: &mut [u8; LANES]);

    /// The first `x.len()` lanes (at most eight), zero in the others.
    #[inline(always)]
    fn load_head(self, x: &[f32]) -> Self::V {
        // SAFETY: the mask has at most as many lanes as the slice has floats.
        unsafe { self.load_masked(x.as_ptr(), self.mask(x.len())) }
    }
    /// The first `x.len()` lanes (at most eight), `fill` in the others.
    #[inline(always)]
    fn load_head_or(self, x: &[f32], fill: f32) -> Self::V {
        const WINDOW: [f32; 16] = {
            let mut window = [0.0; 16];
            let mut i = 0;
            while i < LANES {
                window[i] = f32::from_bits(!0);
                i += 1;
            }
            window
        };
        let real = self.load_head(&WINDOW[LANES - x.len().min(LANES)..][..LANES]);
        self.select(real, self.load_head(x), self.splat(fill))
    }
    /// The first `y.len()` lanes (at most eight).
    #[inline(always)]
    fn store_head(self, v: Self::V, y: &mut [f32]) {
        // SAFETY: the mask has at most as many lanes as the slice has floats.
        unsafe { self.store_masked(v, y.as_mut_ptr(), self.mask(y.len())) }
    }
    /// The lanes as an array.
    #[inline(always)]
    fn lanes(self, v: Self::V) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        self.store(v, &mut lanes);
        lanes
    }
    /// The sum of the lanes, in a fixed order.
    #[inline(always)]
    fn sum(self, v: Self::V) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.lanes(v);
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }
    /// The largest lane; where one is NaN, some lane.
    #[inline(always)]
    fn max_lane(self, v: Self::V) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.lanes(v);
        let max = |a: f32, b: f32| if a > b { a } else { b };
        max(max(max(a, e), max(c, g)), max(max(b, f), max(d, h)))
    }
    /// The absolute value.
    #[inline(always)]
    fn abs(self, a: Self::V) -> Self::V {
        self.and(a, self.splat(f32::from_bits(0x7fff_ffff)))
    }
}
