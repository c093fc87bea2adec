//! The parametric rectified linear unit (He et al., 2015): below zero, a trained slope for each channel.

use crate::check::{self, product};
use crate::columns::{self, ColumnMap, Columns, Term};
use crate::isa::dispatch;
use crate::simd::Simd;

/// Writes `y = x` where positive, else `slope * x`; `x` and `y` are `[n, pixels, c]`, `slope` is `[c]`. A NaN stays.
///
/// # Panics
/// Where a slice has another length.
pub fn forward(n: usize, pixels: usize, c: usize, x: &[f32], slope: &[f32], y: &mut [f32]) {
    check_rows(n, pixels, c, x, slope);
    check::len("y", y, x.len());
    if c > 0 {
        let f = Bend { slope };
        let z = x;
        dispatch!(bend_body(f: Bend, c: usize, x: &[f32], z: &[f32], y: &mut [f32]));
    }
}

/// Writes `dx = dy` where `x` is positive, else `slope * dy`.
///
/// # Panics
/// Where a slice has another length.
pub fn gradient(n: usize, pixels: usize, c: usize, x: &[f32], slope: &[f32], dy: &[f32], dx: &mut [f32]) {
    check_rows(n, pixels, c, x, slope);
    check::len("dy", dy, x.len());
    check::len("dx", dx, x.len());
    if c > 0 {
        let f = Bend { slope };
        dispatch!(bend_body(f: Bend, c: usize, x: &[f32], dy: &[f32], dx: &mut [f32]));
    }
}

/// Adds to `dslope` the sum over images and pixels of `x * dy` where `x` is not positive.
///
/// # Panics
/// Where a slice has another length.
pub fn slope_gradient(n: usize, pixels: usize, c: usize, x: &[f32], dy: &[f32], dslope: &mut [f32]) {
    check_rows(n, pixels, c, x, dslope);
    check::len("dy", dy, x.len());
    if c > 0 {
        dispatch!(slope_body(c: usize, x: &[f32], dy: &[f32], dslope: &mut [f32]));
    }
}

#[track_caller]
fn check_rows(n: usize, pixels: usize, c: usize, x: &[f32], slope: &[f32]) {
    check::images("x", x, product(&[n, pixels]), c);
    check::len("slope", slope, c);
}

#[inline(always)]
fn bend_body<S: Simd>(s: S, f: Bend, c: usize, x: &[f32], z: &[f32], y: &mut [f32]) {
    columns::map(s, f, c, x, z, y);
}

#[inline(always)]
fn slope_body<S: Simd>(s: S, c: usize, x: &[f32], dy: &[f32], dslope: &mut [f32]) {
    columns::sums(s, Below, c, x, dy, 1.0, true, dslope);
}

/// The second value, times the slope where the first is not positive.
#[derive(Clone, Copy)]
struct Bend<'a> {
    slope: &'a [f32],
}

impl ColumnMap for Bend<'_> {
    #[inline(always)]
    fn constants<S: Simd>(self, s: S, at: usize, len: usize) -> [S::V; 4] {
        [Columns { at, len }.load(s, self.slope); 4]
    }
    #[inline(always)]
    fn map<S: Simd>(self, s: S, [slope, ..]: [S::V; 4], x: S::V, z: S::V) -> S::V {
        s.select(s.gt(x, s.splat(0.0)), z, s.mul(slope, z))
    }
}

/// The product where the first value is not positive; a NaN stays.
#[derive(Clone, Copy)]
struct Below;

impl Term<1> for Below {
    #[inline(always)]
    fn constants<S: Simd>(self, s: S, _at: usize, _len: usize) -> [S::V; 2] {
        [s.splat(0.0); 2]
    }
    #[inline(always)]
    fn terms<S: Simd>(self, s: S, _constants: [S::V; 2], x: S::V, dy: S::V) -> [S::V; 1] {
        let zero = s.splat(0.0);
        [s.select(s.gt(x, zero), zero, s.mul(x, dy))]
    }
}
