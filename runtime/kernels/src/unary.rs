//! Activations, element by element, and their gradients from their outputs.

use crate::check;
use crate::isa::dispatch;
use crate::map::{self, Map1, Map2};
use crate::math;
use crate::simd::Simd;

/// An activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// `max(0, x)`; its slope at zero counts as zero.
    Relu,
    /// `x` where positive, else the slope times `x`. The slope is not negative.
    LeakyRelu(f32),
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
}

impl Unary {
    #[track_caller]
    fn check(self) {
        if let Unary::LeakyRelu(slope) = self {
            assert!(
                slope >= 0.0,
                "the slope of a leaky ReLU must not be negative: its gradient is taken from its output"
            );
        }
    }
}

/// Writes `y = f(x)`; a NaN stays.
///
/// # Panics
/// Where the slices differ in length, or a slope is negative.
pub fn forward(kind: Unary, x: &[f32], y: &mut [f32]) {
    kind.check();
    check::len("y", y, x.len());
    dispatch!(forward_body(kind: Unary, x: &[f32], y: &mut [f32]))
}

/// Writes `y = f(y)`; a NaN stays.
///
/// # Panics
/// Where a slope is negative.
pub fn forward_in_place(kind: Unary, y: &mut [f32]) {
    kind.check();
    dispatch!(forward_in_place_body(kind: Unary, y: &mut [f32]))
}

/// Writes `dx = dy * f'`, the derivative taken from the output `y`.
///
/// # Panics
/// Where the slices differ in length, or a slope is negative.
pub fn gradient(kind: Unary, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    kind.check();
    check::len("dy", dy, y.len());
    check::len("dx", dx, y.len());
    dispatch!(gradient_body(kind: Unary, y: &[f32], dy: &[f32], dx: &mut [f32]))
}

/// Writes `dy = dy * f'`, the derivative taken from the output `y`.
///
/// # Panics
/// Where the slices differ in length, or a slope is negative.
pub fn gradient_in_place(kind: Unary, y: &[f32], dy: &mut [f32]) {
    kind.check();
    check::len("dy", dy, y.len());
    dispatch!(gradient_in_place_body(kind: Unary, y: &[f32], dy: &mut [f32]))
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, kind: Unary, x: &[f32], y: &mut [f32]) {
    match kind {
        Unary::Relu => map::map1(s, Relu, x, y),
        Unary::LeakyRelu(slope) => map::map1(s, LeakyRelu(slope), x, y),
        Unary::Sigmoid => map::map1(s, Sigmoid, x, y),
        Unary::Tanh => map::map1(s, Tanh, x, y),
    }
}

#[inline(always)]
fn forward_in_place_body<S: Simd>(s: S, kind: Unary, y: &mut [f32]) {
    match kind {
        Unary::Relu => map::map1_in_place(s, Relu, y),
        Unary::LeakyRelu(slope) => map::map1_in_place(s, LeakyRelu(slope), y),
        Unary::Sigmoid => map::map1_in_place(s, Sigmoid, y),
        Unary::Tanh => map::map1_in_place(s, Tanh, y),
    }
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, kind: Unary, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    match kind {
        Unary::Relu => map::map2(s, Relu, y, dy, dx),
        Unary::LeakyRelu(slope) => map::map2(s, LeakyRelu(slope), y, dy, dx),
        Unary::Sigmoid => map::map2(s, Sigmoid, y, dy, dx),
        Unary::Tanh => map::map2(s, Tanh, y, dy, dx),
    }
}

#[inline(always)]
fn gradient_in_place_body<S: Simd>(s: S, kind: Unary, y: &[f32], dy: &mut [f32]) {
    match kind {
        Unary::Relu => map::map2_in_place(s, Relu, y, dy),
        Unary::LeakyRelu(slope) => map::map2_in_place(s, LeakyRelu(slope), y, dy),
        Unary::Sigmoid => map::map2_in_place(s, Sigmoid, y, dy),
        Unary::Tanh => map::map2_in_place(s, Tanh, y, dy),
    }
}

// Each activation maps its input (`Map1`), and its output and the gradient (`Map2`).

#[derive(Clone, Copy)]
struct Relu;

impl Map1 for Relu {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        s.max(s.splat(0.0), x)
    }
}

impl Map2 for Relu {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, y: S::V, dy: S::V) -> S::V {
        s.and(s.not_le(y, s.splat(0.0)), dy)
    }
}

#[derive(Clone, Copy)]
struct LeakyRelu(f32);

impl Map1 for LeakyRelu {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        s.select(s.gt(x, s.splat(0.0)), x, s.mul(s.splat(self.0), x))
    }
}

impl Map2 for LeakyRelu {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, y: S::V, dy: S::V) -> S::V {
        s.select(s.not_le(y, s.splat(0.0)), dy, s.mul(s.splat(self.0), dy))
    }
}

#[derive(Clone, Copy)]
struct Sigmoid;

impl Map1 for Sigmoid {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        math::sigmoid(s, x)
    }
}

impl Map2 for Sigmoid {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, y: S::V, dy: S::V) -> S::V {
        s.mul(dy, s.mul(y, s.sub(s.splat(1.0), y)))
    }
}

#[derive(Clone, Copy)]
struct Tanh;

impl Map1 for Tanh {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        math::tanh(s, x)
    }
}

impl Map2 for Tanh {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, y: S::V, dy: S::V) -> S::V {
        let one = s.splat(1.0);
        s.mul(dy, s.mul(s.sub(one, y), s.add(one, y)))
    }
}
