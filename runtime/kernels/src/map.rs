//! Element-by-element loops over whole slices.
//!
//! A lane's result does not depend on where in the slice it stands, so that splitting a slice changes no bit.

use crate::simd::{LANES, Simd};

/// A function of one value.
pub(crate) trait Map1: Copy {
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V;
}

/// A function of two values.
pub(crate) trait Map2: Copy {
    fn map<S: Simd>(self, s: S, x: S::V, z: S::V) -> S::V;
}

/// `y = f(x)`; the slices are equally long.
#[inline(always)]
pub(crate) fn map1<S: Simd, F: Map1>(s: S, f: F, x: &[f32], y: &mut [f32]) {
    let (xs, x_tail) = x.as_chunks::<LANES>();
    let (ys, y_tail) = y.as_chunks_mut::<LANES>();
    for (x, y) in xs.iter().zip(ys) {
        s.store(f.map(s, s.load(x)), y);
    }
    s.store_head(f.map(s, s.load_head(x_tail)), y_tail);
}

/// `y = f(y)`.
#[inline(always)]
pub(crate) fn map1_in_place<S: Simd, F: Map1>(s: S, f: F, y: &mut [f32]) {
    let (ys, tail) = y.as_chunks_mut::<LANES>();
    for y in ys {
        s.store(f.map(s, s.load(y)), y);
    }
    s.store_head(f.map(s, s.load_head(tail)), tail);
}

/// `y = f(x, z)`; the slices are equally long.
#[inline(always)]
pub(crate) fn map2<S: Simd, F: Map2>(s: S, f: F, x: &[f32], z: &[f32], y: &mut [f32]) {
    let (xs, x_tail) = x.as_chunks::<LANES>();
    let (zs, z_tail) = z.as_chunks::<LANES>();
    let (ys, y_tail) = y.as_chunks_mut::<LANES>();
    for ((x, z), y) in xs.iter().zip(zs).zip(ys) {
        s.store(f.map(s, s.load(x), s.load(z)), y);
    }
    s.store_head(f.map(s, s.load_head(x_tail), s.load_head(z_tail)), y_tail);
}

/// `y = f(x, y)`; the slices are equally long.
#[inline(always)]
pub(crate) fn map2_in_place<S: Simd, F: Map2>(s: S, f: F, x: &[f32], y: &mut [f32]) {
    let (xs, x_tail) = x.as_chunks::<LANES>();
    let (ys, y_tail) = y.as_chunks_mut::<LANES>();
    for (x, y) in xs.iter().zip(ys) {
        s.store(f.map(s, s.load(x), s.load(y)), y);
    }
    s.store_head(f.map(s, s.load_head(x_tail), s.load_head(y_tail)), y_tail);
}
