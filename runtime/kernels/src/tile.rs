//! The register tile: up to eight rows by sixteen columns of sums, the inner loop of every convolution.
//!
//! `sum[i][j] = sum over r of a[i][at(r)] * b[bt(r)][j]`. Row `i` has a pointer of its own; the offsets `at` and `bt`,
//! common to all rows, run over three nested loops, see [`Reduction`]. What the rows and columns are is up to the
//! caller: pixels by output channels in a forward pass, weights by output channels in a weight gradient.

use crate::layout::PANEL;
use crate::simd::row::{Row, Vectors};
use crate::simd::{LANES, Simd};

/// A loop of a reduction: how often it runs, and how far each round moves in `a` and in `b`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub(crate) count: usize,
    pub(crate) a: isize,
    pub(crate) b: isize,
}

impl Level {
    /// A loop that runs once.
    const ONCE: Level = Level { count: 1, a: 0, b: 0 };

    /// The one loop that does what `self` around `inner` does, if there is one: where either runs once, or `self` goes on
    /// where `inner` ends. With `unit`, only if its steps are those of `inner`.
    fn join(self, inner: Level, unit: bool) -> Option<Level> {
        let goes_on = |outer: isize, step: isize| step.checked_mul(inner.count as isize) == Some(outer);
        if self.count == 1 {
            Some(inner)
        } else if goes_on(self.a, inner.a) && goes_on(self.b, inner.b) {
            Some(Level { count: self.count * inner.count, ..inner })
        } else if inner.count == 1 && !unit {
            Some(self)
        } else {
            None
        }
    }
}

/// The elements that a tile sums over: three nested loops, outermost first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduction {
    levels: [Level; 3],
}

impl Reduction {
    /// The reduction over three nested loops, in the same order with as few loops as it takes: outer ones are dear. With
    /// `unit`, the innermost loop keeps its steps.
    #[inline(always)]
    pub(crate) fn new(outer: Level, middle: Level, inner: Level, unit: bool) -> Reduction {
        if outer.count == 0 || middle.count == 0 || inner.count == 0 {
            return Reduction { levels: [Level { count: 0, ..Level::ONCE }; 3] };
        }
        let levels = match middle.join(inner, unit) {
            Some(inner) => match outer.join(inner, unit) {
                Some(inner) => [Level::ONCE, Level::ONCE, inner],
                None => [Level::ONCE, outer, inner],
            },
            None => match outer.join(middle, false) {
                Some(middle) => [Level::ONCE, middle, inner],
                None => [outer, middle, inner],
            },
        };
        Reduction { levels }
    }
}

/// How a tile with columns of `R` reads its operands.
pub(crate) trait Access<S: Simd, R: Row<S>>: Copy {
    /// Whether only the masked lanes of the last vector of columns are there to read in `b`.
    const MASKED: bool;
    /// Whether the innermost loop moves by one in `a` and by a panel's row in `b`, whatever its level says.
    const UNIT: bool;
    /// Rows of the largest tile: as many as leave registers for what is read.
    const ROWS: usize;
    /// What the columns are multiplied by, from `a` at an element's offset.
    ///
    /// # Safety
    /// `p` is valid for reading what the access reads there.
    unsafe fn left(self, columns: Columns<S, R>, p: *const f32) -> R;
}

/// An [`Access`] that reads one value for all columns or, if `LANEWISE`, one for each, as depthwise convolutions do.
#[derive(Clone, Copy)]
pub(crate) struct Reads<const LANEWISE: bool, const MASKED: bool, const UNIT: bool>;

impl<S: Simd, R: Row<S>, const LANEWISE: bool, const MASKED: bool, const UNIT: bool> Access<S, R>
    for Reads<LANEWISE, MASKED, UNIT>
{
    const MASKED: bool = MASKED;
    const UNIT: bool = UNIT;
    const ROWS: usize = R::TILE;

    #[inline(always)]
    unsafe fn left(self, columns: Columns<S, R>, p: *const f32) -> R {
        if !LANEWISE {
            // SAFETY: the caller vouches for the float.
            unsafe { R::splat_at(columns.s, p) }
        } else if MASKED {
            // SAFETY: the caller vouches for the columns that the mask shows.
            unsafe { columns.load::<true>(p) }
        } else {
            // SAFETY: the caller vouches for the columns.
            unsafe { columns.load::<false>(p) }
        }
    }
}

/// An [`Access`] that reads one value for every few columns: those of one input channel's outputs, in depthwise
/// convolutions with a multiplier.
#[derive(Clone, Copy)]
pub(crate) struct Spread<S: Simd, const MASKED: bool> {
    /// Where the values of each vector of columns start.
    at: [usize; 2],
    /// Those that there are.
    mask: [S::Mask; 2],
    /// Which of them each column takes.
    index: [S::V; 2],
}

impl<S: Simd, const MASKED: bool> Spread<S, MASKED> {
    /// For the `count` columns from the output channel `first` on, of `multiplier` to each input channel; `a` is to
    /// point at the input channel of the first.
    #[inline(always)]
    pub(crate) fn new(s: S, first: usize, count: usize, multiplier: usize) -> Self {
        let mut spread = Spread { at: [0; 2], mask: [s.mask(0); 2], index: [s.splat(0.0); 2] };
        let channel = |column: usize| (first + column.min(count - 1)) / multiplier;
        for j in 0..2 {
            let start = channel(j * LANES);
            spread.at[j] = start - channel(0);
            spread.mask[j] = s.mask(channel(j * LANES + LANES - 1) - start + 1);
            let mut index = [0; LANES];
            for (lane, index) in index.iter_mut().enumerate() {
                *index = (channel(j * LANES + lane) - start) as u32;
            }
            spread.index[j] = s.load_integers(&index);
        }
        spread
    }
}

impl<S: Simd, R: Vectors<S>, const MASKED: bool> Access<S, R> for Spread<S, MASKED> {
    const MASKED: bool = MASKED;
    const UNIT: bool = false;
    const ROWS: usize = if R::TILE > 4 { 4 } else { R::TILE };

    #[inline(always)]
    unsafe fn left(self, columns: Columns<S, R>, p: *const f32) -> R {
        let s = columns.s;
        let mut left = [s.splat(0.0); 2];
        for j in 0..R::COLUMNS / LANES {
            // SAFETY: the caller vouches for the input channels of the columns, which the mask shows.
            let values = unsafe { s.load_masked(p.wrapping_add(self.at[j]), self.mask[j]) };
            left[j] = s.permute(values, self.index[j]);
        }
        R::of(left)
    }
}

/// The columns of a tile, of which a mask may hide the last ones.
#[derive(Clone, Copy)]
pub(crate) struct Columns<S: Simd, R: Row<S>> {
    s: S,
    mask: R::Mask,
}

impl<S: Simd, R: Row<S>> Columns<S, R> {
    /// The first `count` columns, of which the last vector has at least one.
    #[inline(always)]
    pub(crate) fn new(s: S, count: usize) -> Columns<S, R> {
        Columns { s, mask: R::mask(s, count) }
    }

    /// The columns at `p`; with `MASKED`, zeros for what the mask hides.
    ///
    /// # Safety
    /// `p` is valid for reading the columns, or those that the mask shows.
    #[inline(always)]
    pub(crate) unsafe fn load<const MASKED: bool>(self, p: *const f32) -> R {
        if MASKED {
            // SAFETY: the caller vouches for the columns that the mask shows.
            unsafe { R::load_masked(self.s, p, self.mask) }
        } else {
            // SAFETY: the caller vouches for the columns.
            unsafe { R::load(self.s, p) }
        }
    }

    /// Writes the columns at `p`; with `MASKED`, leaves alone what the mask hides.
    ///
    /// # Safety
    /// `p` is valid for writing the columns, or those that the mask shows.
    #[inline(always)]
    pub(crate) unsafe fn store<const MASKED: bool>(self, row: R, p: *mut f32) {
        if MASKED {
            // SAFETY: the caller vouches for the columns that the mask shows.
            unsafe { row.store_masked(self.s, p, self.mask) }
        } else {
            // SAFETY: the caller vouches for the columns.
            unsafe { row.store(self.s, p) }
        }
    }
}

/// Runs `$body` with `$a` and `$b` the offsets of each element of a reduction; with `$unit`, the steps of the innermost
/// loop are known ones. (A closure in place of the body would not be compiled for the instruction set.)
macro_rules! for_each_element {
    ($reduction:expr, $unit:expr, |$a:ident, $b:ident| $body:expr) => {
        // Offsets wrap: unlike checked ones they cost nothing in builds with debug assertions.
        let [outer, middle, inner] = $reduction.levels;
        let (inner_a, inner_b) = if $unit { (1, PANEL as isize) } else { (inner.a, inner.b) };
        let (mut outer_a, mut outer_b) = (0_isize, 0_isize);
        for _ in 0..outer.count {
            let (mut middle_a, mut middle_b) = (outer_a, outer_b);
            for _ in 0..middle.count {
                let (mut $a, mut $b) = (middle_a, middle_b);
                for _ in 0..inner.count {
                    $body
                    $a = $a.wrapping_add(inner_a);
                    $b = $b.wrapping_add(inner_b);
                }
                middle_a = middle_a.wrapping_add(middle.a);
                middle_b = middle_b.wrapping_add(middle.b);
            }
            outer_a = outer_a.wrapping_add(outer.a);
            outer_b = outer_b.wrapping_add(outer.b);
        }
    };
}

/// Adds the reduction to `sums`.
///
/// # Safety
/// For every element of the reduction, each of `a` and `b` moved by the element's offset is valid for what the access
/// reads there.
#[inline(always)]
pub(crate) unsafe fn accumulate<S: Simd, A: Access<S, R>, R: Row<S>, const ROWS: usize>(
    columns: Columns<S, R>,
    access: A,
    a: [*const f32; ROWS],
    b: *const f32,
    reduction: &Reduction,
    mut sums: [R; ROWS],
) -> [R; ROWS] {
    for_each_element!(reduction, A::UNIT, |at, bt| {
        // SAFETY: this is an element of the reduction.
        sums = unsafe { step::<S, A, R, ROWS>(columns, access, a, at, b.wrapping_offset(bt), sums) };
    });
    sums
}

/// Adds the reduction of one row with several panels of sixteen columns, `b_panel` floats apart, to `sums`.
///
/// One row with one panel has too few sums to hide the latency of an addition.
///
/// # Safety
/// For every element of the reduction, `a` moved by the element's offset is valid for one float, and `b` moved by it and
/// by each panel's distance for sixteen. The innermost loop has unit steps.
#[inline(always)]
pub(crate) unsafe fn accumulate_panels<S: Simd, const PANELS: usize>(
    columns: Columns<S, S::Pair>,
    a: *const f32,
    b: *const f32,
    b_panel: usize,
    reduction: &Reduction,
    mut sums: [S::Pair; PANELS],
) -> [S::Pair; PANELS] {
    let s = columns.s;
    for_each_element!(reduction, true, |at, bt| {
        // SAFETY: this is an element of the reduction.
        let left = unsafe { S::Pair::splat_at(s, a.wrapping_offset(at)) };
        for i in 0..PANELS {
            // SAFETY: this is an element of the reduction.
            let right = unsafe { columns.load::<false>(b.wrapping_add(i * b_panel).wrapping_offset(bt)) };
            sums[i] = left.mul_add(s, right, sums[i]);
        }
    });
    sums
}

/// Adds one element.
///
/// # Safety
/// `b`, and each of `a` moved by `at`, is valid for what the access reads.
#[inline(always)]
unsafe fn step<S: Simd, A: Access<S, R>, R: Row<S>, const ROWS: usize>(
    columns: Columns<S, R>,
    access: A,
    a: [*const f32; ROWS],
    at: isize,
    b: *const f32,
    mut sums: [R; ROWS],
) -> [R; ROWS] {
    let s = columns.s;
    // SAFETY: the caller vouches for what the access reads.
    let right = if A::MASKED { unsafe { columns.load::<true>(b) } } else { unsafe { columns.load::<false>(b) } };
    for i in 0..ROWS {
        // SAFETY: the caller vouches for what the access reads.
        let left = unsafe { access.left(columns, a[i].wrapping_offset(at)) };
        sums[i] = left.mul_add(s, right, sums[i]);
    }
    sums
}

/// Evaluates an expression with the constant `ROWS` equal to a tile's number of rows, at most `$most`, a constant.
macro_rules! with_rows {
    ($rows:expr, $most:expr, $body:expr) => {
        match $rows {
            1 => {
                const ROWS: usize = 1;
                $body
            }
            2 => {
                const ROWS: usize = 2;
                $body
            }
            3 if $most >= 3 => {
                const ROWS: usize = 3;
                $body
            }
            4 if $most >= 4 => {
                const ROWS: usize = 4;
                $body
            }
            5 if $most >= 5 => {
                const ROWS: usize = 5;
                $body
            }
            6 if $most >= 6 => {
                const ROWS: usize = 6;
                $body
            }
            7 if $most >= 7 => {
                const ROWS: usize = 7;
                $body
            }
            8 if $most >= 8 => {
                const ROWS: usize = 8;
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

    /// The offsets that a reduction visits, in order.
    fn visits([outer, middle, inner]: [Level; 3]) -> Vec<(isize, isize)> {
        let mut all = Vec::new();
        for i in 0..outer.count as isize {
            for j in 0..middle.count as isize {
                for k in 0..inner.count as isize {
                    let at = |step: fn(&Level) -> isize| i * step(&outer) + j * step(&middle) + k * step(&inner);
                    all.push((at(|level| level.a), at(|level| level.b)));
                }
            }
        }
        all
    }

    #[test]
    fn joined_loops_visit_the_same_in_the_same_order() {
        let mut joined = 0;
        for outer in 0..3 {
            for middle in 0..4 {
                for inner in 0..4 {
                    for [outer_a, middle_a, inner_a] in [[12, 4, 1], [6, 3, 1], [9, 3, 1], [7, 5, 2], [12, 6, 2]] {
                        let level = |count, a: isize| Level { count, a, b: a * 16 };
                        let levels = [level(outer, outer_a), level(middle, middle_a), level(inner, inner_a)];
                        for unit in [false, true] {
                            let found = Reduction::new(levels[0], levels[1], levels[2], unit).levels;
                            assert_eq!(visits(found), visits(levels), "{levels:?}");
                            assert!(
                                !unit || found[2].count == 0 || (found[2].a, found[2].b) == (inner_a, 16 * inner_a)
                            );
                            joined += usize::from(found[0].count == 1 && found[1].count == 1);
                        }
                    }
                }
            }
        }
        assert!(joined > 50);
    }

    #[test]
    fn rows_are_split_without_thin_tails() {
        for most in [2, 4, 6, 8] {
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
