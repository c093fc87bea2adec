//! The columns of a row of a register tile: one vector, or the two of a whole panel, which wider registers hold as one.

use super::{LANES, Simd};

/// As many floats as a tile has columns, and their arithmetic: that of [`Simd`], lane by lane.
pub(crate) trait Row<S>: Copy {
    /// Columns.
    const COLUMNS: usize;
    /// Rows in the largest register tile: as many as keep their sums in registers, or as are worth it.
    const TILE: usize;
    /// Which of the first columns take part in a masked load or store.
    type Mask: Copy;

    /// The mask of the first `count` columns, of which the last vector has at least one.
    fn mask(s: S, count: usize) -> Self::Mask;
    /// `x` in all columns.
    fn splat(s: S, x: f32) -> Self;

    /// The float at `p` in all columns.
    ///
    /// # Safety
    /// `p` is valid for reading one float.
    unsafe fn splat_at(s: S, p: *const f32) -> Self;
    /// The columns at `p`, unaligned.
    ///
    /// # Safety
    /// `p` is valid for reading them.
    unsafe fn load(s: S, p: *const f32) -> Self;
    /// The masked columns at `p`, zero in the others.
    ///
    /// # Safety
    /// `p` is valid for reading the masked columns.
    unsafe fn load_masked(s: S, p: *const f32, mask: Self::Mask) -> Self;
    /// The columns to `p`, unaligned.
    ///
    /// # Safety
    /// `p` is valid for writing them.
    unsafe fn store(self, s: S, p: *mut f32);
    /// The masked columns to `p`; memory of the others is untouched.
    ///
    /// # Safety
    /// `p` is valid for writing the masked columns.
    unsafe fn store_masked(self, s: S, p: *mut f32, mask: Self::Mask);

    /// `self + other`
    fn add(self, s: S, other: Self) -> Self;
    /// The larger of each column and zero; a NaN stays.
    fn relu(self, s: S) -> Self;
    /// `self * other + sum`, as [`Simd::mul_add`].
    fn mul_add(self, s: S, other: Self, sum: Self) -> Self;
}

/// A row that is made of vectors, on every instruction set.
pub(crate) trait Vectors<S: Simd>: Row<S> {
    /// What the vectors hold, of which a row of one takes the first.
    fn of(vectors: [S::V; 2]) -> Self;
}

impl<S: Simd> Vectors<S> for One<S> {
    #[inline(always)]
    fn of([first, _]: [S::V; 2]) -> Self {
        One(first)
    }
}

impl<S: Simd> Vectors<S> for Two<S> {
    #[inline(always)]
    fn of([first, second]: [S::V; 2]) -> Self {
        Two(first, second)
    }
}

/// Eight columns.
#[derive(Clone, Copy)]
pub(crate) struct One<S: Simd>(S::V);

impl<S: Simd> Row<S> for One<S> {
    const COLUMNS: usize = LANES;
    const TILE: usize = S::TILE;
    type Mask = S::Mask;

    #[inline(always)]
    fn mask(s: S, count: usize) -> S::Mask {
        s.mask(count)
    }
    #[inline(always)]
    fn splat(s: S, x: f32) -> Self {
        One(s.splat(x))
    }
    #[inline(always)]
    unsafe fn splat_at(s: S, p: *const f32) -> Self {
        // SAFETY: the caller's contract.
        One(unsafe { s.splat_at(p) })
    }
    #[inline(always)]
    unsafe fn load(s: S, p: *const f32) -> Self {
        // SAFETY: the caller's contract.
        One(unsafe { s.load_at(p) })
    }
    #[inline(always)]
    unsafe fn load_masked(s: S, p: *const f32, mask: S::Mask) -> Self {
        // SAFETY: the caller's contract.
        One(unsafe { s.load_masked(p, mask) })
    }
    #[inline(always)]
    unsafe fn store(self, s: S, p: *mut f32) {
        // SAFETY: the caller's contract.
        unsafe { s.store_at(self.0, p) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, s: S, p: *mut f32, mask: S::Mask) {
        // SAFETY: the caller's contract.
        unsafe { s.store_masked(self.0, p, mask) }
    }
    #[inline(always)]
    fn add(self, s: S, other: Self) -> Self {
        One(s.add(self.0, other.0))
    }
    #[inline(always)]
    fn relu(self, s: S) -> Self {
        One(s.max(s.splat(0.0), self.0))
    }
    #[inline(always)]
    fn mul_add(self, s: S, other: Self, sum: Self) -> Self {
        One(s.mul_add(self.0, other.0, sum.0))
    }
}

/// Sixteen columns in two vectors. A mask is of the second.
#[derive(Clone, Copy)]
pub(crate) struct Two<S: Simd>(S::V, S::V);

impl<S: Simd> Row<S> for Two<S> {
    const COLUMNS: usize = 2 * LANES;
    const TILE: usize = S::TILE;
    type Mask = S::Mask;

    #[inline(always)]
    fn mask(s: S, count: usize) -> S::Mask {
        s.mask(count.saturating_sub(LANES))
    }
    #[inline(always)]
    fn splat(s: S, x: f32) -> Self {
        Two(s.splat(x), s.splat(x))
    }
    #[inline(always)]
    unsafe fn splat_at(s: S, p: *const f32) -> Self {
        // SAFETY: the caller's contract.
        let v = unsafe { s.splat_at(p) };
        Two(v, v)
    }
    #[inline(always)]
    unsafe fn load(s: S, p: *const f32) -> Self {
        // SAFETY: the caller's contract, here and in the block below.
        let first = unsafe { s.load_at(p) };
        // SAFETY: as above.
        Two(first, unsafe { s.load_at(p.wrapping_add(LANES)) })
    }
    #[inline(always)]
    unsafe fn load_masked(s: S, p: *const f32, mask: S::Mask) -> Self {
        // SAFETY: the caller's contract, here and in the block below; the first vector is whole.
        let first = unsafe { s.load_at(p) };
        // SAFETY: as above.
        Two(first, unsafe { s.load_masked(p.wrapping_add(LANES), mask) })
    }
    #[inline(always)]
    unsafe fn store(self, s: S, p: *mut f32) {
        // SAFETY: the caller's contract, here and in the block below.
        unsafe { s.store_at(self.0, p) };
        // SAFETY: as above.
        unsafe { s.store_at(self.1, p.wrapping_add(LANES)) };
    }
    #[inline(always)]
    unsafe fn store_masked(self, s: S, p: *mut f32, mask: S::Mask) {
        // SAFETY: the caller's contract, here and in the block below; the first vector is whole.
        unsafe { s.store_at(self.0, p) };
        // SAFETY: as above.
        unsafe { s.store_masked(self.1, p.wrapping_add(LANES), mask) };
    }
    #[inline(always)]
    fn add(self, s: S, other: Self) -> Self {
        Two(s.add(self.0, other.0), s.add(self.1, other.1))
    }
    #[inline(always)]
    fn relu(self, s: S) -> Self {
        let zero = s.splat(0.0);
        Two(s.max(zero, self.0), s.max(zero, self.1))
    }
    #[inline(always)]
    fn mul_add(self, s: S, other: Self, sum: Self) -> Self {
        Two(s.mul_add(self.0, other.0, sum.0), s.mul_add(self.1, other.1, sum.1))
    }
}
