//! `y = scale x + shift`, with two numbers for all elements.

use crate::check;
use crate::isa::dispatch;
use crate::map::{self, Map1};
use crate::simd::Simd;

/// Writes `y = scale * x + shift`. The gradient of `x` is the same of `dy`, without the shift.
///
/// # Panics
/// Where the slices differ in length.
pub fn forward(scale: f32, shift: f32, x: &[f32], y: &mut [f32]) {
    check::len("y", y, x.len());
    dispatch!(forward_body(scale: f32, shift: f32, x: &[f32], y: &mut [f32]))
}

/// Writes `y = scale * y + shift`.
pub fn forward_in_place(scale: f32, shift: f32, y: &mut [f32]) {
    dispatch!(in_place_body(scale: f32, shift: f32, y: &mut [f32]))
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, scale: f32, shift: f32, x: &[f32], y: &mut [f32]) {
    map::map1(s, Affine { scale, shift }, x, y);
}

#[inline(always)]
fn in_place_body<S: Simd>(s: S, scale: f32, shift: f32, y: &mut [f32]) {
    map::map1_in_place(s, Affine { scale, shift }, y);
}

#[derive(Clone, Copy)]
struct Affine {
    scale: f32,
    shift: f32,
}

impl Map1 for Affine {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        s.mul_add(x, s.splat(self.scale), s.splat(self.shift))
    }
}
