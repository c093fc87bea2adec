//! The register tile: up to six rows by sixteen columns of sums, the inner loop of every convolution.
//!
//! `sum[i][j] = sum over r of a[i][at(r)] * b[bt(r)][j]`. Row `i` has a pointer of its own; the offsets `at` and `bt`,
//! common to all rows, run over three nested loops, see [`Reduction`]. What the rows and columns are is up to the
//! caller: pixels by output channels in a forward pass, weights by output channels in a weight gradient.

use crate::simd::Simd;

/// Columns of a tile, in vectors.
pub(crate) const VECTORS: usize = 2;

/// A loop of a reduction: how often it runs, and how far each round moves in `a` and in `b`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub(crate) count: usize,
    pub(crate) a: isize,
    pub(crate) b: isize,
}

/// The elements that a tile sums over: three nested loops, outermost first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduction {
    pub(crate) levels: [Level; 3],
}

/// How a tile reads its operands.
pub(crate) trait Access<S: Simd>: Copy {
    /// What row `i` contributes at an element: one value for all columns, or one for each.
    ///
    /// # Safety
    /// `p` is valid for reading what the access reads of `a`.
    unsafe fn a(self, s: S, p: *const f32) -> [S::V; VECTORS];
    /// The columns at an element.
    ///
    /// # Safety
    /// `p` is valid for reading what the access reads of `b`.
    unsafe fn b(self, s: S, p: *const f32) -> [S::V; VECTORS];
    /// Adds to the columns at `p`, leaving alone those that the access does not read.
    ///
    /// # Safety
    /// `p` is valid for reading and writing the columns that the access reads.
    unsafe fn add(self, s: S, v: [S::V; VECTORS], p: *mut f32);
}

/// Reads one float of `a` for all columns, and sixteen of `b`.
#[derive(Clone, Copy)]
pub(crate) struct Broadcast;

/// Reads one float of `a` for all columns, and the masked columns of `b`.
#[derive(Clone, Copy)]
pub(crate) struct BroadcastMasked<M>(pub(crate) [M; VECTORS]);

/// Reads sixteen floats of `a` and of `b`: every column has inputs of its own.
#[derive(Clone, Copy)]
pub(crate) struct Lanes;

/// Reads the masked columns of `a` and of `b`.
#[derive(Clone, Copy)]
pub(crate) struct LanesMasked<M>(pub(crate) [M; VECTORS]);

/// Both vectors at `p`.
///
/// # Safety
/// `p` is valid for reading sixteen floats.
#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(s: S, p: *const f32) -> [S::V; VECTORS] {
    // SAFETY: the caller vouches for sixteen floats.
    let low = unsafe { s.load_at(p) };
    // SAFETY: the caller vouches for sixteen floats.
    let high = unsafe { s.load_at(p.wrapping_add(8)) };
    [low, high]
}

/// The masked columns at `p`, zero elsewhere.
///
/// # Safety
/// `p` is valid for reading the masked columns.
#[inline(always)]
pub(crate) unsafe fn load_masked<S: Simd>(s: S, p: *const f32, mask: [S::Mask; VECTORS]) -> [S::V; VECTORS] {
    // SAFETY: the caller vouches for the masked columns.
    let low = unsafe { s.load_masked(p, mask[0]) };
    // SAFETY: the caller vouches for the masked columns.
    let high = unsafe { s.load_masked(p.wrapping_add(8), mask[1]) };
    [low, high]
}

/// Writes the masked columns at `p`.
///
/// # Safety
/// `p` is valid for writing the masked columns.
#[inline(always)]
pub(crate) unsafe fn store_masked<S: Simd>(s: S, v: [S::V; VECTORS], p: *mut f32, mask: [S::Mask; VECTORS]) {
    // SAFETY: the caller vouches for the masked columns.
    unsafe { s.store_masked(v[0], p, mask[0]) };
    // SAFETY: the caller vouches for the masked columns.
    unsafe { s.store_masked(v[1], p.wrapping_add(8), mask[1]) };
}

/// Writes both vectors at `p`.
///
/// # Safety
/// `p` is valid for writing sixteen floats.
#[inline(always)]
pub(crate) unsafe fn store<S: Simd>(s: S, v: [S::V; VECTORS], p: *mut f32) {
    // SAFETY: the caller vouches for sixteen floats.
    unsafe { s.store_at(v[0], p) };
    // SAFETY: the caller vouches for sixteen floats.
    unsafe { s.store_at(v[1], p.wrapping_add(8)) };
}

/// The masks of the first `columns` columns.
#[inline(always)]
pub(crate) fn mask<S: Simd>(s: S, columns: usize) -> [S::Mask; VECTORS] {
    [s.mask(columns), s.mask(columns.saturating_sub(8))]
}

impl<S: Simd> Access<S> for Broadcast {
    #[inline(always)]
    unsafe fn a(self, s: S, p: *const f32) -> [S::V; VECTORS] {
        // SAFETY: the caller vouches for the float.
        [unsafe { s.splat_at(p) }; VECTORS]
    }
    #[inline(always)]
    unsafe fn b(self, s: S, p: *const f32) -> [S::V; VECTORS] {
        // SAFETY: the caller vouches for sixteen floats.
        unsafe { load(s, p) }
    }
    #[inline(always)]
    unsafe fn add(self, s: S, v: [S::V; VECTORS], p: *mut f32) {
        // SAFETY: the caller vouches for sixteen floats.
        let [low, high] = unsafe { load(s, p) };
        // SAFETY: the caller vouches for sixteen floats.
        unsafe { store(s, [s.add(low, v[0]), s.add(high, v[1])], p) };
    }
}

impl<S: Simd> Access<S> for BroadcastMasked<S::Mask> {
    #[inline(always)]
    unsafe fn a(self, s: S, p: *const f32) -> [S::V; VECTORS] {
        // SAFETY: the caller vouches for the float.
        [unsafe { s.splat_at(p) }; VECTORS]
    }
    #[inline(always)]
    unsafe fn b(self, s: S, p: *const f32) -> [S::V; VECTORS] {
        // SAFETY: the caller vouches for the masked columns.
        unsafe { load_masked(s, p, self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, s: S, v: [S::V; VECTORS], p: *mut f32) {
        // SAFETY: the caller vouches for the masked columns.
        let [low, high] = unsafe { load_masked(s, p, self.0) };
        // SAFETY: the caller vouches for the masked columns.
        unsafe { store_masked(s, [s.add(low, v[0]), s.add(high, v[1])], p, self.0) };
    }
}

impl<S: Simd> Access<S> for Lanes {
    #[inline(always)]
    unsafe fn a(self, s: S, p: *const f32) -> [S::V; VECTORS] {
        // SAFETY: the caller vouches for sixteen floats.
        unsafe { load(s, p) }
    }
    #[inline(always)]
    unsafe fn b(self, s: S, p: *const f32) -> [S::V; VECTORS] {
        // SAFETY: the caller vouches for sixteen floats.
        unsafe { load(s, p) }
    }
    #[inline(always)]
    unsafe fn add(self, s: S, v: [S::V; VECTORS], p: *mut f32) {
        // SAFETY: the caller vouches for sixteen floats.
        let [low, high] = unsafe { load(s, p) };
        // SAFETY: the caller vouches for sixteen floats.
        unsafe { store(s, [s.add(low, v[0]), s.add(high, v[1])], p) };
    }
}

impl<S: Simd> Access<S> for LanesMasked<S::Mask> {
    #[inline(always)]
    unsafe fn a(self, s: S, p: *const f32) -> [S::V; VECTORS] {
        // SAFETY: the caller vouches for the masked columns.
        unsafe { load_masked(s, p, self.0) }
    }
    #[inline(always)]
    unsafe fn b(self, s: S, p: *const f32) -> [S::V; VECTORS] {
        // SAFETY: the caller vouches for the masked columns.
        unsafe { load_masked(s, p, self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, s: S, v: [S::V; VECTORS], p: *mut f32) {
        // SAFETY: the caller vouches for the masked columns.
        let [low, high] = unsafe { load_masked(s, p, self.0) };
        // SAFETY: the caller vouches for the masked columns.
        unsafe { store_masked(s, [s.add(low, v[0]), s.add(high, v[1])], p, self.0) };
    }
}

/// Adds the reduction to `sums`.
///
/// # Safety
/// For every element of the reduction, each of `a` and `b` moved by the element's offset is valid for what the access
/// reads there.
#[inline(always)]
pub(crate) unsafe fn accumulate<S: Simd, A: Access<S>, const ROWS: usize>(
    s: S,
    access: A,
    a: [*const f32; ROWS],
    b: *const f32,
    reduction: &Reduction,
    mut sums: [[S::V; VECTORS]; ROWS],
) -> [[S::V; VECTORS]; ROWS] {
    let [outer, middle, inner] = reduction.levels;
    let (mut outer_a, mut outer_b) = (0_isize, b);
    for _ in 0..outer.count {
        let (mut middle_a, mut middle_b) = (outer_a, outer_b);
        for _ in 0..middle.count {
            let (mut at, mut bt) = (middle_a, middle_b);
            for _ in 0..inner.count {
                // SAFETY: this is an element of the reduction.
                let columns = unsafe { access.b(s, bt) };
                for i in 0..ROWS {
                    // Pointers wrap: unlike `offset` that costs nothing in builds with debug assertions.
                    // SAFETY: this is an element of the reduction.
                    let row = unsafe { access.a(s, a[i].wrapping_offset(at)) };
                    for j in 0..VECTORS {
                        sums[i][j] = s.mul_add(row[j], columns[j], sums[i][j]);
                    }
                }
                at = at.wrapping_add(inner.a);
                bt = bt.wrapping_offset(inner.b);
            }
            middle_a = middle_a.wrapping_add(middle.a);
            middle_b = middle_b.wrapping_offset(middle.b);
        }
        outer_a = outer_a.wrapping_add(outer.a);
        outer_b = outer_b.wrapping_offset(outer.b);
    }
    sums
}

/// Evaluates an expression with the constant `ROWS` equal to a tile's number of rows, at most that of the vectors `S`.
macro_rules! with_rows {
    ($rows:expr, $s:ident, $body:expr) => {
        match $rows {
            1 => {
                const ROWS: usize = 1;
                $body
            }
            2 => {
                const ROWS: usize = 2;
                $body
            }
            3 if $s::TILE >= 3 => {
                const ROWS: usize = 3;
                $body
            }
            4 if $s::TILE >= 4 => {
                const ROWS: usize = 4;
                $body
            }
            5 if $s::TILE >= 5 => {
                const ROWS: usize = 5;
                $body
            }
            6 if $s::TILE >= 6 => {
                const ROWS: usize = 6;
                $body
            }
            rows => unreachable!("a tile of {rows} rows"),
        }
    };
}
pub(crate) use with_rows;

/// How many of `left` rows the next tile takes, where a tile has at most `most`.
///
/// Never leaves a tail of one or two rows behind a full tile: so few sums cannot hide the latency of an addition.
#[inline(always)]
pub(crate) fn next_rows(left: usize, most: usize) -> usize {
    if left <= most {
        left
    } else if left < most + 3 && most > 3 {
        left.div_ceil(2)
    } else {
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_split_without_thin_tails() {
        for most in [2, 4, 6] {
            for rows in 1..50 {
                let (mut left, mut tiles) = (rows, Vec::new());
                while left > 0 {
                    tiles.push(next_rows(left, most));
                    left -= tiles[tiles.len() - 1];
                }
                assert_eq!(tiles.iter().sum::<usize>(), rows);
                assert!(tiles.iter().all(|&rows| (1..=most).contains(&rows)));
                assert!(most == 2 || rows < 3 || tiles.iter().all(|&rows| rows >= 2), "{rows}: {tiles:?}");
            }
        }
    }
}
