//! Exponential, logistic function, hyperbolic tangent, normal distribution and logarithm of a vector, to a few units in
//! the last place.
//!
//! All but the logarithm start from `e^r - 1` for `|r| <= ln(2) / 2`, as its Taylor series to the eighth power: the terms left out are below
//! `0.35^9 / 9!`, two hundredths of the last place of `r`. Arguments are reduced by `ln 2` in two parts (Cody and
//! Waite, "Software Manual for the Elementary Functions", 1980).

use crate::simd::Simd;

/// `ln 2` cut to fifteen bits, so that its product with an exponent is exact, and the rest.
const LN2_HIGH: f32 = 355.0 / 512.0;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// `n` and `e^r - 1`, where `x = n ln 2 + r`.
#[inline(always)]
fn reduced_exp_minus_one<S: Simd>(s: S, x: S::V) -> (S::V, S::V) {
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.mul_add(n, s.splat(-LN2_HIGH), x);
    let r = s.mul_add(n, s.splat(-LN2_LOW), r);
    // e^r - 1 = r + r^2 (1/2! + r (1/3! + r (… + r / 8!)))
    let mut q = s.splat(1.0 / 40320.0);
    for coefficient in [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 1.0 / 2.0] {
        q = s.mul_add(q, r, s.splat(coefficient));
    }
    (n, s.mul_add(s.mul(r, r), q, r))
}

/// `e^x`; infinity where that is too large, zero where it is too small, NaN for NaN.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    // Beyond these the result is infinite or zero anyway, and the exponents stay within `scale`'s range.
    let x = s.max(s.splat(-105.0), s.min(s.splat(89.0), x));
    let (n, t) = reduced_exp_minus_one(s, x);
    s.scale(s.add(t, s.splat(1.0)), n)
}

/// `1 / (1 + e^-x)`
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(s: S, x: S::V) -> S::V {
    let one = s.splat(1.0);
    s.div(one, s.add(one, exp(s, s.sub(s.splat(0.0), x))))
}

/// The hyperbolic tangent, `t / (t + 2)` with `t = e^2|x| - 1` and the sign of `x`: no digits cancel near zero.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(s: S, x: S::V) -> S::V {
    let sign = s.and(x, s.splat(-0.0));
    // From 10 on, the result rounds to one.
    let magnitude = s.min(s.splat(10.0), s.abs(x));
    let (n, t) = reduced_exp_minus_one(s, s.add(magnitude, magnitude));
    // 2^n (1 + t) - 1 = 2^n t + (2^n - 1); the difference is exact up to 2^24.
    let power = s.scale(s.splat(1.0), n);
    let t = s.mul_add(power, t, s.sub(power, s.splat(1.0)));
    s.or(s.div(t, s.add(t, s.splat(2.0))), sign)
}

/// `e^x - 1`, where no digits cancel near zero.
#[inline(always)]
pub(crate) fn exp_minus_one<S: Simd>(s: S, x: S::V) -> S::V {
    let x = s.max(s.splat(-105.0), s.min(s.splat(88.0), x));
    let (n, t) = reduced_exp_minus_one(s, x);
    // 2^n (1 + t) - 1 = 2^n t + (2^n - 1), as in `tanh`.
    let power = s.scale(s.splat(1.0), n);
    s.mul_add(power, t, s.sub(power, s.splat(1.0)))
}

/// Coefficients of `P` in `Q(a) = e^(-a^2 / 2) t P(t)`, `t = 1 / (1 + 0.35 a)`, where `Q(a)` is the probability that a
/// standard normal variable is above `a`: of least relative error for `a` from 0 to 15, by weighted least squares. The form
/// is that of Hastings, "Approximations for Digital Computers", 1955; the error is below `4e-8`.
const TAIL: [f32; 9] = [
    0.139_621_26,
    0.139_864_34,
    0.119_815_49,
    0.105_574_824,
    -0.023_263_887,
    0.159_392_98,
    -0.255_901_93,
    0.144_060_84,
    -0.029_163_932,
];

/// The probability that a standard normal variable is below `x`, and its density there.
#[inline(always)]
pub(crate) fn normal<S: Simd>(s: S, x: S::V) -> (S::V, S::V) {
    let one = s.splat(1.0);
    // From 15 on, the tail is zero.
    let a = s.min(s.splat(15.0), s.abs(x));
    // a^2 / 2 in two parts: the error of the square would be one of the exponential many times over.
    let square = s.mul(a, a);
    let rest = s.mul_add(a, a, s.sub(s.splat(0.0), square));
    let half = s.splat(-0.5);
    let e = exp(s, s.mul(half, square));
    let e = s.mul_add(e, s.mul(half, rest), e);
    let t = s.div(one, s.mul_add(s.splat(0.35), a, one));
    let [first @ .., last] = TAIL;
    let mut p = s.splat(last);
    for coefficient in first.into_iter().rev() {
        p = s.mul_add(p, t, s.splat(coefficient));
    }
    let tail = s.mul(e, s.mul(t, p));
    // Written so that a NaN stays.
    let below = s.select(s.gt(x, s.splat(0.0)), s.sub(one, tail), tail);
    (below, s.mul(e, s.splat(0.398_942_3)))
}

/// `ln(1 + x)` for `x` from 0 to 1: twice the inverse hyperbolic tangent of `z = x / (2 + x)`, as its Taylor series to the
/// seventeenth power; the terms left out are below `3^-18 / 19`.
#[inline(always)]
pub(crate) fn ln_one_plus<S: Simd>(s: S, x: S::V) -> S::V {
    let z = s.div(x, s.add(x, s.splat(2.0)));
    let square = s.mul(z, z);
    let mut q = s.splat(1.0 / 17.0);
    for coefficient in [1.0 / 15.0, 1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0] {
        q = s.mul_add(q, square, s.splat(coefficient));
    }
    let double = s.add(z, z);
    s.mul_add(s.mul(double, square), q, double)
}
