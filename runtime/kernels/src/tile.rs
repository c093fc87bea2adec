//! The register tile: up to six rows by sixteen columns of sums, the inner loop of every convolution.
//!
//! `sum[i][j] = sum over r of a[i][at(r)] * b[bt(r)][j]`. Row `i` has a pointer of its own; the offsets `at` and `bt`,
//! common to all rows, run over three nested loops, see [`Reduction`]. What the rows and columns are is up to the
//! caller: pixels by output channels in a forward pass, weights by output channels in a weight gradient.

use crate::layout::PANEL;
use crate::simd::{LANES, Simd};

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
pub(crate) trait Access: Copy {
    /// Whether `a` has a value for each column, as in depthwise convolutions; one value serves all columns otherwise.
    const LANEWISE: bool;
    /// Whether only the masked lanes of the last vector of columns are there to read.
    const MASKED: bool;
    /// Whether the innermost loop moves by one in `a` and by a panel's row in `b`, whatever its level says.
    const UNIT: bool;
}

/// An [`Access`] by its three answers.
#[derive(Clone, Copy)]
pub(crate) struct Reads<const LANEWISE: bool, const MASKED: bool, const UNIT: bool>;

impl<const LANEWISE: bool, const MASKED: bool, const UNIT: bool> Access for Reads<LANEWISE, MASKED, UNIT> {
    const LANEWISE: bool = LANEWISE;
    const MASKED: bool = MASKED;
    const UNIT: bool = UNIT;
}

/// The columns of a tile: `N` vectors, of the last of which a mask may hide lanes.
#[derive(Clone, Copy)]
pub(crate) struct Columns<S: Simd, const N: usize> {
    s: S,
    mask: S::Mask,
}

impl<S: Simd, const N: usize> Columns<S, N> {
    /// The first `count` columns, more than `8 * (N - 1)` and at most `8 * N`.
    #[inline(always)]
    pub(crate) fn new(s: S, count: usize) -> Columns<S, N> {
        Columns { s, mask: s.mask(count.saturating_sub((N - 1) * LANES)) }
    }

    /// The columns at `p`; with `MASKED`, zeros for what the mask hides.
    ///
    /// # Safety
    /// `p` is valid for reading `8 * N` floats, or those that the mask shows.
    #[inline(always)]
    pub(crate) unsafe fn load<const MASKED: bool>(self, p: *const f32) -> [S::V; N] {
        let mut columns = [self.s.splat(0.0); N];
        for j in 0..N {
            let p = p.wrapping_add(j * LANES);
            columns[j] = if MASKED && j == N - 1 {
                // SAFETY: the caller vouches for the lanes that the mask shows.
                unsafe { self.s.load_masked(p, self.mask) }
            } else {
                // SAFETY: the caller vouches for this vector.
                unsafe { self.s.load_at(p) }
            };
        }
        columns
    }

    /// Writes the columns at `p`; with `MASKED`, leaves alone what the mask hides.
    ///
    /// # Safety
    /// `p` is valid for writing `8 * N` floats, or those that the mask shows.
    #[inline(always)]
    pub(crate) unsafe fn store<const MASKED: bool>(self, v: [S::V; N], p: *mut f32) {
        for j in 0..N {
            let p = p.wrapping_add(j * LANES);
            if MASKED && j == N - 1 {
                // SAFETY: the caller vouches for the lanes that the mask shows.
                unsafe { self.s.store_masked(v[j], p, self.mask) }
            } else {
                // SAFETY: the caller vouches for this vector.
                unsafe { self.s.store_at(v[j], p) }
            }
        }
    }
}

/// Adds the reduction to `sums`.
///
/// # Safety
/// For every element of the reduction, each of `a` and `b` moved by the element's offset is valid for what the access
/// reads there.
#[inline(always)]
pub(crate) unsafe fn accumulate<S: Simd, A: Access, const ROWS: usize, const N: usize>(
    columns: Columns<S, N>,
    _access: A,
    a: [*const f32; ROWS],
    b: *const f32,
    reduction: &Reduction,
    mut sums: [[S::V; N]; ROWS],
) -> [[S::V; N]; ROWS] {
    // Pointers wrap: unlike `offset` that costs nothing in builds with debug assertions.
    let [outer, middle, inner] = reduction.levels;
    let (inner_a, inner_b) = if A::UNIT { (1, PANEL as isize) } else { (inner.a, inner.b) };
    let (mut outer_a, mut outer_b) = (0_isize, b);
    for _ in 0..outer.count {
        let (mut middle_a, mut middle_b) = (outer_a, outer_b);
        for _ in 0..middle.count {
            let (mut at, mut bt) = (middle_a, middle_b);
            for _ in 0..inner.count {
                // SAFETY: this is an element of the reduction.
                sums = unsafe { step::<S, A, ROWS, N>(columns, a, at, bt, sums) };
                at = at.wrapping_add(inner_a);
                bt = bt.wrapping_offset(inner_b);
            }
            middle_a = middle_a.wrapping_add(middle.a);
            middle_b = middle_b.wrapping_offset(middle.b);
        }
        outer_a = outer_a.wrapping_add(outer.a);
        outer_b = outer_b.wrapping_offset(outer.b);
    }
    sums
}

/// Adds one element.
///
/// # Safety
/// `b`, and each of `a` moved by `at`, is valid for what the access reads.
#[inline(always)]
unsafe fn step<S: Simd, A: Access, const ROWS: usize, const N: usize>(
    columns: Columns<S, N>,
    a: [*const f32; ROWS],
    at: isize,
    b: *const f32,
    mut sums: [[S::V; N]; ROWS],
) -> [[S::V; N]; ROWS] {
    let s = columns.s;
    // SAFETY: the caller vouches for what the access reads.
    let right = if A::MASKED { unsafe { columns.load::<true>(b) } } else { unsafe { columns.load::<false>(b) } };
    for i in 0..ROWS {
        let p = a[i].wrapping_offset(at);
        let left = if !A::LANEWISE {
            // SAFETY: the caller vouches for the float.
            [unsafe { s.splat_at(p) }; N]
        } else if A::MASKED {
            // SAFETY: the caller vouches for the columns that the mask shows.
            unsafe { columns.load::<true>(p) }
        } else {
            // SAFETY: the caller vouches for the columns.
            unsafe { columns.load::<false>(p) }
        };
        for j in 0..N {
            sums[i][j] = s.mul_add(left[j], right[j], sums[i][j]);
        }
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
