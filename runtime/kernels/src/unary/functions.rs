//! The activations themselves: each maps its input (`Map1`), and its output or input and the gradient (`Map2`).

use crate::map::{Map1, Map2};
use crate::math;
use crate::simd::Simd;

#[derive(Clone, Copy)]
pub(super) struct Relu;

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
pub(super) struct LeakyRelu(pub(super) f32);

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
pub(super) struct Sigmoid;

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
pub(super) struct Tanh;

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

/// Of the output: `alpha e^x = y + alpha` below zero.
#[derive(Clone, Copy)]
pub(super) struct Elu(pub(super) f32);

impl Map1 for Elu {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        let zero = s.splat(0.0);
        let below = s.mul(s.splat(self.0), math::exp_minus_one(s, s.min(zero, x)));
        s.select(s.gt(x, zero), x, below)
    }
}

impl Map2 for Elu {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, y: S::V, dy: S::V) -> S::V {
        s.select(s.gt(y, s.splat(0.0)), dy, s.mul(s.add(y, s.splat(self.0)), dy))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Gelu;

impl Map1 for Gelu {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        let (below, _) = math::normal(s, x);
        // What is far below zero counts as finite: its probability is zero.
        s.mul(s.max(s.splat(-100.0), x), below)
    }
}

/// Of the input: the probability, and `x` times the density.
impl Map2 for Gelu {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V, dy: S::V) -> S::V {
        let (below, density) = math::normal(s, x);
        let x = s.max(s.splat(-100.0), s.min(s.splat(100.0), x));
        s.mul(dy, s.mul_add(x, density, below))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Silu;

impl Silu {
    /// `e^-|x|` and the logistic function, which is `1` or that, over their sum.
    #[inline(always)]
    fn parts<S: Simd>(s: S, x: S::V) -> (S::V, S::V) {
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        let e = math::exp(s, s.min(s.sub(zero, x), x));
        (e, s.div(s.select(s.gt(x, zero), one, e), s.add(one, e)))
    }
}

impl Map1 for Silu {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        let (_, sigmoid) = Self::parts(s, x);
        s.mul(s.max(s.splat(-200.0), x), sigmoid)
    }
}

/// Of the input: `s + x s (1 - s)` with the logistic function `s`, where `s (1 - s) = e / (1 + e)^2`.
impl Map2 for Silu {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V, dy: S::V) -> S::V {
        let (e, sigmoid) = Self::parts(s, x);
        let x = s.max(s.splat(-200.0), s.min(s.splat(200.0), x));
        let sum = s.add(s.splat(1.0), e);
        let slope = s.div(e, s.mul(sum, sum));
        s.mul(dy, s.mul_add(x, slope, sigmoid))
    }
}

#[derive(Clone, Copy)]
pub(super) struct HardSigmoid;

impl HardSigmoid {
    /// `x + 3` from zero to six, over six: no digits cancel near its ends.
    #[inline(always)]
    fn of<S: Simd>(s: S, x: S::V) -> S::V {
        let six = s.splat(6.0);
        s.div(s.min(six, s.max(s.splat(0.0), s.add(x, s.splat(3.0)))), six)
    }
}

impl Map1 for HardSigmoid {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        Self::of(s, x)
    }
}

impl Map2 for HardSigmoid {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, y: S::V, dy: S::V) -> S::V {
        let is_within = s.and(s.not_le(y, s.splat(0.0)), s.not_le(s.splat(1.0), y));
        s.and(is_within, s.div(dy, s.splat(6.0)))
    }
}

#[derive(Clone, Copy)]
pub(super) struct HardSwish;

impl Map1 for HardSwish {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        // What is far below zero counts as finite: its factor is zero.
        s.mul(s.max(s.splat(-3.0), x), HardSigmoid::of(s, x))
    }
}

/// Of the input: zero up to -3, one from 3 on, `x / 3 + 1 / 2` between.
impl Map2 for HardSwish {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V, dy: S::V) -> S::V {
        let three = s.splat(3.0);
        let between = s.mul(dy, s.add(s.div(x, three), s.splat(0.5)));
        s.and(s.not_le(x, s.splat(-3.0)), s.select(s.not_le(three, x), between, dy))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Relu6;

impl Map1 for Relu6 {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        s.min(s.splat(6.0), s.max(s.splat(0.0), x))
    }
}

impl Map2 for Relu6 {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, y: S::V, dy: S::V) -> S::V {
        s.and(s.and(s.not_le(y, s.splat(0.0)), s.not_le(s.splat(6.0), y)), dy)
    }
}
