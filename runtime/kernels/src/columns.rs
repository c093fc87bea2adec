//! Loops over a matrix `[rows, c]` whose columns, the channels, each have constants or sums of their own.

use crate::conv::Among;
use crate::isa::dispatch;
use crate::simd::{LANES, Simd};

/// Vectors in a block of columns, as far as there are so many columns.
const BLOCK: usize = 4;

/// Rows that are summed before they join the total: rounding errors grow with this plus the number of such parts.
const PART: usize = 128;

/// What a row adds to `K` sums of every column, from its values in two matrices.
pub(crate) trait Term<const K: usize>: Copy {
    /// Constants of the columns from `at` on, `len <= 8` of them.
    fn constants<S: Simd>(self, s: S, at: usize, len: usize) -> [S::V; 2];
    /// The terms.
    fn terms<S: Simd>(self, s: S, constants: [S::V; 2], x: S::V, z: S::V) -> [S::V; K];
}

/// A value from those in two matrices and the column's constants.
pub(crate) trait ColumnMap: Copy {
    /// Constants of the columns from `at` on, `len <= 8` of them.
    fn constants<S: Simd>(self, s: S, at: usize, len: usize) -> [S::V; 4];
    /// The value.
    fn map<S: Simd>(self, s: S, constants: [S::V; 4], x: S::V, z: S::V) -> S::V;
}

/// The value itself.
#[derive(Clone, Copy)]
pub(crate) struct Value;

impl Term<1> for Value {
    #[inline(always)]
    fn constants<S: Simd>(self, s: S, _at: usize, _len: usize) -> [S::V; 2] {
        [s.splat(0.0); 2]
    }
    #[inline(always)]
    fn terms<S: Simd>(self, _s: S, _constants: [S::V; 2], x: S::V, _z: S::V) -> [S::V; 1] {
        [x]
    }
}

/// The product of the two values.
#[derive(Clone, Copy)]
pub(crate) struct Product;

impl Term<1> for Product {
    #[inline(always)]
    fn constants<S: Simd>(self, s: S, _at: usize, _len: usize) -> [S::V; 2] {
        [s.splat(0.0); 2]
    }
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, _constants: [S::V; 2], x: S::V, z: S::V) -> [S::V; 1] {
        [s.mul(x, z)]
    }
}

/// Where a block of columns starts, and how many it has: `8 * NV`, or fewer where `NV` is one.
#[derive(Clone, Copy)]
pub(crate) struct Columns {
    pub(crate) at: usize,
    pub(crate) len: usize,
}

impl Columns {
    /// The columns of vector `i` of the block.
    #[inline(always)]
    pub(crate) fn vector(self, i: usize) -> Columns {
        Columns { at: self.at + i * LANES, len: (self.len - i * LANES).min(LANES) }
    }

    #[inline(always)]
    pub(crate) fn load<S: Simd>(self, s: S, row: &[f32]) -> S::V {
        let part = &row[self.at..][..self.len];
        match part.first_chunk() {
            Some(full) => s.load(full),
            None => s.load_head(part),
        }
    }

    /// The vectors of a block of `NV`.
    #[inline(always)]
    pub(crate) fn load_all<S: Simd, const NV: usize>(self, s: S, row: &[f32]) -> [S::V; NV] {
        let part = &row[self.at..][..self.len];
        let mut vectors = [s.splat(0.0); NV];
        match part.as_chunks().0.first_chunk::<NV>() {
            Some(full) => {
                for i in 0..NV {
                    vectors[i] = s.load(&full[i]);
                }
            }
            // Only single vectors can have fewer than eight columns.
            None => vectors[0] = s.load_head(part),
        }
        vectors
    }

    /// Writes the vectors of a block of `NV`.
    #[inline(always)]
    pub(crate) fn store_all<S: Simd, const NV: usize>(self, s: S, v: [S::V; NV], row: &mut [f32]) {
        let part = &mut row[self.at..][..self.len];
        match part.as_chunks_mut().0.first_chunk_mut::<NV>() {
            Some(full) => {
                for i in 0..NV {
                    s.store(v[i], &mut full[i]);
                }
            }
            None => s.store_head(v[0], part),
        }
    }

    #[inline(always)]
    pub(crate) fn store<S: Simd>(self, s: S, v: S::V, row: &mut [f32]) {
        let part = &mut row[self.at..][..self.len];
        match part.first_chunk_mut() {
            Some(full) => s.store(v, full),
            None => s.store_head(v, part),
        }
    }
}

/// The blocks of `c` columns: those of four vectors, then single ones.
#[inline(always)]
pub(crate) fn blocks(c: usize) -> impl Iterator<Item = Columns> {
    let wide = c / (BLOCK * LANES);
    let narrow = (c - wide * BLOCK * LANES).div_ceil(LANES);
    (0..wide + narrow).map(move |i| {
        if i < wide {
            Columns { at: i * BLOCK * LANES, len: BLOCK * LANES }
        } else {
            let at = wide * BLOCK * LANES + (i - wide) * LANES;
            Columns { at, len: LANES.min(c - at) }
        }
    })
}

/// Calls a function generic over the number of vectors in a block.
macro_rules! by_width {
    ($columns:expr, $call:ident::<$($t:ty),*>($($arg:expr),* $(,)?)) => {
        if $columns.len > $crate::simd::LANES {
            $call::<$($t,)* 4>($($arg),*)
        } else {
            $call::<$($t,)* 1>($($arg),*)
        }
    };
}

/// The sums of a block of columns over all rows of `x` and `z`, both `[rows, c]`.
#[inline(always)]
pub(crate) fn block_sums<S: Simd, T: Term<K>, const K: usize, const NV: usize>(
    s: S,
    term: T,
    constants: [[S::V; 2]; NV],
    c: usize,
    columns: Columns,
    x: &[f32],
    z: &[f32],
) -> [[S::V; K]; NV] {
    let mut totals = [[s.splat(0.0); K]; NV];
    for (x, z) in x.chunks(PART * c).zip(z.chunks(PART * c)) {
        let mut sums = [[s.splat(0.0); K]; NV];
        for (x, z) in x.chunks_exact(c).zip(z.chunks_exact(c)) {
            let (x, z): ([S::V; NV], [S::V; NV]) = (columns.load_all(s, x), columns.load_all(s, z));
            for i in 0..NV {
                let terms = term.terms(s, constants[i], x[i], z[i]);
                for k in 0..K {
                    sums[i][k] = s.add(sums[i][k], terms[k]);
                }
            }
        }
        for i in 0..NV {
            for k in 0..K {
                totals[i][k] = s.add(totals[i][k], sums[i][k]);
            }
        }
    }
    totals
}

/// `out[k, column] (+)= scale * sum over rows`, for `out` of `[K, c]`.
#[inline(always)]
pub(crate) fn sums<S: Simd, T: Term<K>, const K: usize>(
    s: S,
    term: T,
    c: usize,
    x: &[f32],
    z: &[f32],
    scale: f32,
    add: bool,
    out: &mut [f32],
) {
    for columns in blocks(c) {
        if columns.len > LANES {
            write_sums::<S, T, K, BLOCK>(s, term, c, columns, x, z, scale, add, out);
        } else {
            write_sums::<S, T, K, 1>(s, term, c, columns, x, z, scale, add, out);
        }
    }
}

#[inline(always)]
fn write_sums<S: Simd, T: Term<K>, const K: usize, const NV: usize>(
    s: S,
    term: T,
    c: usize,
    columns: Columns,
    x: &[f32],
    z: &[f32],
    scale: f32,
    add: bool,
    out: &mut [f32],
) {
    let mut constants = [[s.splat(0.0); 2]; NV];
    for i in 0..NV {
        let vector = columns.vector(i);
        constants[i] = term.constants(s, vector.at, vector.len);
    }
    let totals = block_sums::<S, T, K, NV>(s, term, constants, c, columns, x, z);
    for (k, out) in out.chunks_exact_mut(c).enumerate().take(K) {
        for i in 0..NV {
            let vector = columns.vector(i);
            let mut total = s.mul(totals[i][k], s.splat(scale));
            if add {
                total = s.add(vector.load(s, out), total);
            }
            vector.store(s, total, out);
        }
    }
}

/// `y = f(x, z)` with the constants of each column; all are `[rows, c]`.
#[inline(always)]
pub(crate) fn map<S: Simd, F: ColumnMap>(s: S, f: F, c: usize, x: &[f32], z: &[f32], y: &mut [f32]) {
    for columns in blocks(c) {
        by_width!(columns, map_block::<S, F>(s, f, c, columns, x, z, y));
    }
}

#[inline(always)]
fn map_block<S: Simd, F: ColumnMap, const NV: usize>(
    s: S,
    f: F,
    c: usize,
    columns: Columns,
    x: &[f32],
    z: &[f32],
    y: &mut [f32],
) {
    let mut constants = [[s.splat(0.0); 4]; NV];
    for i in 0..NV {
        let vector = columns.vector(i);
        constants[i] = f.constants(s, vector.at, vector.len);
    }
    for ((x, z), y) in x.chunks_exact(c).zip(z.chunks_exact(c)).zip(y.chunks_exact_mut(c)) {
        let (mut x, z): ([S::V; NV], [S::V; NV]) = (columns.load_all(s, x), columns.load_all(s, z));
        for i in 0..NV {
            x[i] = f.map(s, constants[i], x[i], z[i]);
        }
        columns.store_all(s, x, y);
    }
}
pub(crate) use by_width;

/// Adds to `out`, `[c]`, the sums of `c` columns of `x`, `[rows, among.total]`.
pub(crate) fn add_column_sums(c: usize, among: Among, x: &[f32], out: &mut [f32]) {
    dispatch!(add_values(c: usize, among: Among, x: &[f32], out: &mut [f32]))
}

#[inline(always)]
fn add_values<S: Simd>(s: S, c: usize, among: Among, x: &[f32], out: &mut [f32]) {
    for columns in blocks(c) {
        by_width!(columns, add_block::<S>(s, columns, among, x, out));
    }
}

#[inline(always)]
fn add_block<S: Simd, const NV: usize>(s: S, columns: Columns, among: Among, x: &[f32], out: &mut [f32]) {
    let source = Columns { at: columns.at + among.first, ..columns };
    let none = [[s.splat(0.0); 2]; NV];
    let totals = block_sums::<S, Value, 1, NV>(s, Value, none, among.total, source, x, x);
    for i in 0..NV {
        let vector = columns.vector(i);
        vector.store(s, s.add(vector.load(s, out), totals[i][0]), out);
    }
}
