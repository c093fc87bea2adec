//! Activations and softmax against double precision, on ordinary and on extreme values.

use super::{Random, around, assert_close, bits, cases, most, put_among};
use crate::conv::Among;
use crate::isa::{Isa, on_every_isa};
use crate::unary::{self, Unary};
use crate::{log_softmax, softmax};

const KINDS: [Unary; 11] = [
    Unary::Relu,
    Unary::LeakyRelu(0.1),
    Unary::Sigmoid,
    Unary::Tanh,
    Unary::Elu(1.0),
    Unary::Elu(0.3),
    Unary::Gelu,
    Unary::Silu,
    Unary::HardSigmoid,
    Unary::HardSwish,
    Unary::Relu6,
];

/// The probability that a standard normal variable is below `x`: by a series of terms of one sign (Marsaglia, 2004), far
/// out by Laplace's continued fraction.
fn normal_below(x: f64) -> f64 {
    let density = normal_density(x);
    if x.abs() < 3.0 {
        let (mut sum, mut term, mut odd) = (0.0, x, 1.0);
        while sum + term != sum {
            sum += term;
            odd += 2.0;
            term *= x * x / odd;
        }
        return 0.5 + density * sum;
    }
    let fraction = (1..200).rev().fold(x.abs(), |rest, k| x.abs() + f64::from(k) / rest);
    if x < 0.0 { density / fraction } else { 1.0 - density / fraction }
}

fn normal_density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

#[test]
fn the_normal_distribution_is_that_of_tables() {
    for (x, expected) in
        [(0.0, 0.5), (1.0, 0.841_344_746_068_543), (-2.0, 0.022_750_131_948_179), (3.5, 0.999_767_370_920_964)]
    {
        assert!((normal_below(x) - expected).abs() < 1e-14, "{x}");
    }
    // The tail itself, not what is left of one.
    assert!((normal_below(-6.0) / 9.865_876_450_377e-10 - 1.0).abs() < 1e-11);
}

fn exact(kind: Unary, x: f64) -> f64 {
    match kind {
        Unary::Relu => x.max(0.0),
        Unary::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                x * f64::from(slope)
            }
        }
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Unary::Tanh => x.tanh(),
        Unary::Elu(alpha) => {
            if x > 0.0 {
                x
            } else {
                f64::from(alpha) * x.exp_m1()
            }
        }
        Unary::Gelu => x * normal_below(x),
        Unary::Silu => x / (1.0 + (-x).exp()),
        Unary::HardSigmoid => (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Unary::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Unary::Relu6 => x.clamp(0.0, 6.0),
    }
}

fn exact_slope(kind: Unary, x: f64) -> f64 {
    let y = exact(kind, x);
    match kind {
        Unary::Relu => {
            if x > 0.0 {
                1.0
            } else {
                0.0
            }
        }
        Unary::LeakyRelu(slope) => {
            if x > 0.0 {
                1.0
            } else {
                f64::from(slope)
            }
        }
        Unary::Sigmoid => y * (1.0 - y),
        Unary::Tanh => 1.0 - y * y,
        Unary::Elu(alpha) => {
            if x > 0.0 {
                1.0
            } else {
                f64::from(alpha) * x.exp()
            }
        }
        Unary::Gelu => normal_below(x) + x * normal_density(x),
        Unary::Silu => {
            let sigmoid = 1.0 / (1.0 + (-x).exp());
            sigmoid + x * sigmoid * (1.0 - sigmoid)
        }
        Unary::HardSigmoid => {
            if x.abs() < 3.0 {
                1.0 / 6.0
            } else {
                0.0
            }
        }
        Unary::HardSwish => {
            if x.abs() < 3.0 {
                x / 3.0 + 0.5
            } else {
                f64::from(u8::from(x > 0.0))
            }
        }
        Unary::Relu6 => f64::from(u8::from(x > 0.0 && x < 6.0)),
    }
}

fn forward(kind: Unary, x: &[f32]) -> Vec<f32> {
    let mut y = vec![f32::NAN; x.len()];
    unary::forward(kind, x, &mut y);
    let mut in_place = x.to_vec();
    unary::forward_in_place(kind, &mut in_place);
    assert_eq!(bits(&y), bits(&in_place));
    y
}

#[test]
fn values_are_right_to_a_few_units_in_the_last_place() {
    // Every order of magnitude, both signs, a length that is no multiple of eight.
    let step = if cfg!(miri) { 500 } else { 1 };
    let mut x: Vec<f32> = (0..=5000).step_by(step).map(|i| (i as f32 - 2500.0) / 50.0).collect();
    x.extend(
        (-120..=24).step_by(step.min(24)).flat_map(|e| [1.3 * (e as f32 / 4.0).exp2(), -1.3 * (e as f32 / 4.0).exp2()]),
    );
    // And what lies between.
    x.extend(Random::new(37).floats(most(3000)).iter().map(|x| x * 30.0));
    on_every_isa(|isa| {
        for kind in KINDS {
            let mut worst = 0.0_f64;
            for (&x, y) in x.iter().zip(forward(kind, &x)) {
                let expected = exact(kind, f64::from(x));
                if expected.abs() < f64::from(f32::MIN_POSITIVE) {
                    assert!(f64::from(y).abs() <= f64::from(f32::MIN_POSITIVE), "{kind:?} of {x} is {y}");
                    continue;
                }
                let ulp = f64::from(f32::EPSILON) * expected.abs();
                worst = worst.max((f64::from(y) - expected).abs() / ulp);
            }
            // The tail of the normal distribution is the product of four approximations; without fused multiply-add its
            // exponent is known to half a unit of up to ninety.
            let bound = match kind {
                Unary::Gelu if matches!(isa, Isa::Portable | Isa::Simd128) => 40.0,
                Unary::Gelu | Unary::Silu => 6.0,
                _ => 3.0,
            };
            assert!(worst < bound, "{kind:?} is off by {worst} units in the last place with {isa:?}");
        }
    });
}

#[test]
fn extremes_saturate_and_nan_stays() {
    let x = [f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 0.0, -0.0, f32::NAN, 1e-42, 88.8, -88.8];
    on_every_isa(|_| {
        for kind in KINDS {
            let y = forward(kind, &x);
            assert!(y[6].is_nan(), "{kind:?} hides a NaN");
            assert!(y.iter().enumerate().all(|(i, y)| i == 6 || !y.is_nan()), "{kind:?}: {y:?}");
        }
        assert_eq!(forward(Unary::Tanh, &x)[..6], [1.0, -1.0, 1.0, -1.0, 0.0, 0.0]);
        assert_eq!(forward(Unary::Sigmoid, &x)[..6], [1.0, 0.0, 1.0, 0.0, 0.5, 0.5]);
        assert_eq!(forward(Unary::Relu, &x)[..4], [f32::INFINITY, 0.0, f32::MAX, 0.0]);
        assert_eq!(forward(Unary::Elu(0.5), &x)[..6], [f32::INFINITY, -0.5, f32::MAX, -0.5, 0.0, 0.0]);
        for kind in [Unary::Gelu, Unary::Silu, Unary::HardSwish] {
            assert_eq!(forward(kind, &x)[..6], [f32::INFINITY, 0.0, f32::MAX, 0.0, 0.0, 0.0], "{kind:?}");
            let mut slopes = [1.0; 7];
            unary::gradient_in_place(kind, &x[..7], &mut slopes);
            assert_close(&slopes[..6], &[1.0, 0.0, 1.0, 0.0, 0.5, 0.5], 1e-7, &format!("{kind:?}"));
            assert!(slopes[6].is_nan());
        }
        assert_eq!(forward(Unary::HardSigmoid, &x)[..6], [1.0, 0.0, 1.0, 0.0, 0.5, 0.5]);
        assert_eq!(forward(Unary::Relu6, &x)[..6], [6.0, 0.0, 6.0, 0.0, 0.0, 0.0]);
    });
}

#[test]
fn gradients_are_slopes() {
    on_every_isa(|_| {
        let mut random = Random::new(30);
        for len in around(&mut random, [1, 7, 8, 9, 100], 1000, 120) {
            let x: Vec<f32> = random.floats(len).iter().map(|x| x * 6.0).collect();
            let dy = random.floats(len);
            for kind in KINDS {
                let y = if kind.reads_input() { x.clone() } else { forward(kind, &x) };
                let mut dx = vec![f32::NAN; len];
                unary::gradient(kind, &y, &dy, &mut dx);
                let expected: Vec<f64> =
                    x.iter().zip(&dy).map(|(&x, &dy)| exact_slope(kind, f64::from(x)) * f64::from(dy)).collect();
                assert_close(&dx, &expected, 1e-6, &format!("{kind:?}"));
                let mut in_place = dy.clone();
                unary::gradient_in_place(kind, &y, &mut in_place);
                assert_eq!(bits(&dx), bits(&in_place));
            }
        }
        let mut dy = [1.0; 3];
        unary::gradient_in_place(Unary::Relu, &[f32::NAN, 0.0, 1.0], &mut dy);
        assert_eq!(dy, [1.0, 0.0, 1.0]);
    });
}

#[test]
fn where_a_value_stands_does_not_matter() {
    on_every_isa(|_| {
        let x = Random::new(31).floats(most(50));
        for kind in KINDS {
            let whole = forward(kind, &x);
            for split in 0..x.len() {
                let parts = [forward(kind, &x[..split]), forward(kind, &x[split..])].concat();
                assert_eq!(bits(&whole), bits(&parts), "{kind:?} split at {split}");
            }
        }
    });
}

#[test]
#[should_panic(expected = "slope")]
fn a_negative_slope_is_refused() {
    unary::forward_in_place(Unary::LeakyRelu(-0.1), &mut [1.0]);
}

#[test]
#[should_panic(expected = "slope")]
fn a_negative_factor_is_refused() {
    unary::forward_in_place(Unary::Elu(-0.1), &mut [1.0]);
}

fn exact_softmax(x: &[f32]) -> Vec<f64> {
    let max = x.iter().fold(f64::MIN, |max, &x| max.max(f64::from(x)));
    let sum: f64 = x.iter().map(|&x| (f64::from(x) - max).exp()).sum();
    x.iter().map(|&x| (f64::from(x) - max).exp() / sum).collect()
}

#[test]
fn softmax_rows() {
    on_every_isa(|_| {
        let mut random = Random::new(32);
        for c in around(&mut random, [1, 2, 7, 8, 9, 10, 16, 33, 1000], 1000, 150) {
            let rows = random.within(1, 4);
            let x: Vec<f32> = random.floats(rows * c).iter().map(|x| x * 20.0).collect();
            let dy = random.floats(rows * c);
            let (mut y, mut dx) = (vec![f32::NAN; rows * c], vec![f32::NAN; rows * c]);
            softmax::forward(rows, c, &x, &mut y);
            softmax::gradient(rows, c, &y, &dy, &mut dx);
            for row in 0..rows {
                let here = row * c..(row + 1) * c;
                let expected = exact_softmax(&x[here.clone()]);
                assert_close(&y[here.clone()], &expected, 1e-6, "softmax");
                assert!((y[here.clone()].iter().sum::<f32>() - 1.0).abs() < 1e-5);
                let dot: f64 = expected.iter().zip(&dy[here.clone()]).map(|(y, &dy)| y * f64::from(dy)).sum();
                let slopes: Vec<f64> =
                    expected.iter().zip(&dy[here.clone()]).map(|(y, &dy)| y * (f64::from(dy) - dot)).collect();
                assert_close(&dx[here], &slopes, 1e-6, "softmax gradient");
            }
        }
    });
}

#[test]
fn softmax_of_extremes() {
    on_every_isa(|_| {
        let mut y = [0.0; 3];
        softmax::forward(1, 3, &[3e38, -3e38, 3e38], &mut y);
        assert_eq!(y, [0.5, 0.0, 0.5]);
        softmax::forward(1, 3, &[f32::NEG_INFINITY, 0.0, 0.0], &mut y);
        assert_eq!(y, [0.0, 0.5, 0.5]);
        softmax::forward(1, 3, &[1.0, f32::NAN, 0.0], &mut y);
        assert!(y.iter().all(|y| y.is_nan()));
    });
}

#[test]
fn log_softmax_rows() {
    on_every_isa(|_| {
        let mut random = Random::new(33);
        for c in around(&mut random, [1, 2, 7, 8, 9, 16, 33, 1000], 1000, 150) {
            let rows = random.within(1, 4);
            let x: Vec<f32> = random.floats(rows * c).iter().map(|x| x * 20.0).collect();
            let dy = random.floats(rows * c);
            let (mut y, mut dx) = (vec![f32::NAN; rows * c], vec![f32::NAN; rows * c]);
            log_softmax::forward(rows, c, &x, &mut y);
            log_softmax::gradient(rows, c, &y, &dy, &mut dx);
            for row in 0..rows {
                let here = row * c..(row + 1) * c;
                let probabilities = exact_softmax(&x[here.clone()]);
                let logs: Vec<f64> = probabilities.iter().map(|p| p.ln()).collect();
                assert_close(&y[here.clone()], &logs, 1e-6, "log_softmax");
                let sum: f64 = dy[here.clone()].iter().map(|&dy| f64::from(dy)).sum();
                let slopes: Vec<f64> =
                    probabilities.iter().zip(&dy[here.clone()]).map(|(p, &dy)| f64::from(dy) - p * sum).collect();
                assert_close(&dx[here], &slopes, 4e-6, "log_softmax gradient");
            }
        }
        let mut y = [0.0; 3];
        log_softmax::forward(1, 3, &[3e38, -3e38, 3e38], &mut y);
        assert_eq!(y, [-std::f32::consts::LN_2, f32::NEG_INFINITY, -std::f32::consts::LN_2]);
        log_softmax::forward(1, 3, &[1.0, f32::NAN, 0.0], &mut y);
        assert!(y.iter().all(|y| y.is_nan()));
    });
}

#[test]
fn gradients_among_other_channels_are_what_they_are_alone() {
    let mut random = Random::new(34);
    for kind in (0..cases(100)).flat_map(|_| KINDS) {
        let (pixels, channels) = (random.within(1, most(7)), random.within(1, most(40)));
        let [ys, dys] = [0, 1].map(|_| {
            let first = random.within(0, 20);
            Among { first, total: first + channels + random.within(0, 20) }
        });
        let (y, dy) = (random.floats(pixels * channels), random.floats(pixels * channels));
        let (large_y, large_dy) = (put_among(ys, channels, &y, f32::NAN), put_among(dys, channels, &dy, 7.0));
        on_every_isa(|isa| {
            let mut alone = vec![f32::NAN; pixels * channels];
            unary::gradient(kind, &y, &dy, &mut alone);
            let mut dx = vec![f32::NAN; pixels * channels];
            unary::gradient_among(kind, channels, [ys, dys], &large_y, &large_dy, &mut dx);
            assert_eq!(bits(&dx), bits(&alone), "{kind:?} on {isa:?}");
            let mut over = large_dy.clone();
            unary::gradient_in_place_among(kind, channels, [ys, dys], &large_y, &mut over);
            assert_eq!(bits(&over), bits(&put_among(dys, channels, &alone, 7.0)), "{kind:?} in place on {isa:?}");
        });
    }
}
