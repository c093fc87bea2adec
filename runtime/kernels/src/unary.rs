//! Activations, element by element, and their gradients.

mod functions;

use functions::{Elu, Gelu, HardSigmoid, HardSwish, LeakyRelu, Relu, Relu6, Sigmoid, Silu, Tanh};

use crate::check;
use crate::conv::Among;
use crate::isa::dispatch;
use crate::map;
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
    /// `x` where positive, else the factor times `e^x - 1` (Clevert et al., 2016). The factor is not negative.
    Elu(f32),
    /// `x` times the probability that a standard normal variable is below it (Hendrycks and Gimpel, 2016).
    Gelu,
    /// `x / (1 + e^-x)`
    Silu,
    /// `x / 6 + 1 / 2`, cut off below zero and above one.
    HardSigmoid,
    /// `x` times its hard sigmoid (Howard et al., 2019).
    HardSwish,
    /// `x`, cut off below zero and above six.
    Relu6,
}

impl Unary {
    /// Whether the gradient is taken from the input. These functions rise and fall, so that their output does not tell it.
    pub const fn reads_input(self) -> bool {
        match self {
            Unary::Gelu | Unary::Silu | Unary::HardSwish => true,
            Unary::Relu
            | Unary::LeakyRelu(_)
            | Unary::Sigmoid
            | Unary::Tanh
            | Unary::Elu(_)
            | Unary::HardSigmoid
            | Unary::Relu6 => false,
        }
    }

    #[track_caller]
    fn check(self) {
        if let Unary::LeakyRelu(slope) | Unary::Elu(slope) = self {
            assert!(
                slope >= 0.0,
                "the slope of a leaky ReLU or an ELU must not be negative: its gradient is taken from its output"
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

/// Writes `dx = dy * f'`, the derivative taken from the output `y`, or from the input where [`Unary::reads_input`].
///
/// # Panics
/// Where the slices differ in length, or a slope is negative.
pub fn gradient(kind: Unary, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    kind.check();
    check::len("dy", dy, y.len());
    check::len("dx", dx, y.len());
    dispatch!(gradient_body(kind: Unary, y: &[f32], dy: &[f32], dx: &mut [f32]))
}

/// Writes `dy = dy * f'`, the derivative taken as in [`gradient`].
///
/// # Panics
/// Where the slices differ in length, or a slope is negative.
pub fn gradient_in_place(kind: Unary, y: &[f32], dy: &mut [f32]) {
    kind.check();
    check::len("dy", dy, y.len());
    dispatch!(gradient_in_place_body(kind: Unary, y: &[f32], dy: &mut [f32]))
}

/// [`gradient`] of `channels` of each pixel of larger tensors: `y` of `[pixels, ys.total]`, `dy` of `[pixels, dys.total]`,
/// `dx` of `[pixels, channels]`.
///
/// # Panics
/// Where the slices are not of equally many pixels, the channels are not there, or a slope is negative.
pub fn gradient_among(kind: Unary, channels: usize, [ys, dys]: [Among; 2], y: &[f32], dy: &[f32], dx: &mut [f32]) {
    kind.check();
    let pixels = dx.len() / channels.max(1);
    check::images("dx", dx, pixels, channels);
    ys.check("y", y, 1, pixels, channels);
    dys.check("dy", dy, 1, pixels, channels);
    dispatch!(gradient_among_body(kind: Unary, channels: usize, ys: Among, dys: Among, y: &[f32], dy: &[f32], dx: &mut [f32]))
}

/// [`gradient_in_place`] of `channels` of each pixel of larger tensors: `y` of `[pixels, ys.total]`, `dy` of
/// `[pixels, dys.total]`; the other channels of `dy` are left alone.
///
/// # Panics
/// Where the slices are not of equally many pixels, the channels are not there, or a slope is negative.
pub fn gradient_in_place_among(kind: Unary, channels: usize, [ys, dys]: [Among; 2], y: &[f32], dy: &mut [f32]) {
    kind.check();
    let pixels = y.len() / ys.total.max(1);
    ys.check("y", y, 1, pixels, channels);
    dys.check("dy", dy, 1, pixels, channels);
    dispatch!(gradient_in_place_among_body(kind: Unary, channels: usize, ys: Among, dys: Among, y: &[f32], dy: &mut [f32]))
}

/// Calls a loop over elements with the function of a kind.
macro_rules! by_kind {
    ($kind:expr, $call:ident($s:expr, $($slice:expr),*)) => {
        match $kind {
            Unary::Relu => map::$call($s, Relu, $($slice),*),
            Unary::LeakyRelu(slope) => map::$call($s, LeakyRelu(slope), $($slice),*),
            Unary::Sigmoid => map::$call($s, Sigmoid, $($slice),*),
            Unary::Tanh => map::$call($s, Tanh, $($slice),*),
            Unary::Elu(alpha) => map::$call($s, Elu(alpha), $($slice),*),
            Unary::Gelu => map::$call($s, Gelu, $($slice),*),
            Unary::Silu => map::$call($s, Silu, $($slice),*),
            Unary::HardSigmoid => map::$call($s, HardSigmoid, $($slice),*),
            Unary::HardSwish => map::$call($s, HardSwish, $($slice),*),
            Unary::Relu6 => map::$call($s, Relu6, $($slice),*),
        }
    };
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, kind: Unary, x: &[f32], y: &mut [f32]) {
    by_kind!(kind, map1(s, x, y));
}

#[inline(always)]
fn forward_in_place_body<S: Simd>(s: S, kind: Unary, y: &mut [f32]) {
    by_kind!(kind, map1_in_place(s, y));
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, kind: Unary, y: &[f32], dy: &[f32], dx: &mut [f32]) {
    by_kind!(kind, map2(s, y, dy, dx));
}

#[inline(always)]
fn gradient_in_place_body<S: Simd>(s: S, kind: Unary, y: &[f32], dy: &mut [f32]) {
    by_kind!(kind, map2_in_place(s, y, dy));
}

#[inline(always)]
fn gradient_among_body<S: Simd>(
    s: S,
    kind: Unary,
    channels: usize,
    ys: Among,
    dys: Among,
    y: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) {
    let rows = y.chunks_exact(ys.total.max(1)).zip(dy.chunks_exact(dys.total.max(1)));
    for ((y, dy), dx) in rows.zip(dx.chunks_exact_mut(channels.max(1))) {
        by_kind!(kind, map2(s, &y[ys.first..][..channels], &dy[dys.first..][..channels], dx));
    }
}

#[inline(always)]
fn gradient_in_place_among_body<S: Simd>(
    s: S,
    kind: Unary,
    channels: usize,
    ys: Among,
    dys: Among,
    y: &[f32],
    dy: &mut [f32],
) {
    for (y, dy) in y.chunks_exact(ys.total.max(1)).zip(dy.chunks_exact_mut(dys.total.max(1))) {
        by_kind!(kind, map2_in_place(s, &y[ys.first..][..channels], &mut dy[dys.first..][..channels]));
    }
}
