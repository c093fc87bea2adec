//! Optimisers against double precision over several steps; reductions.

use super::{Random, around, assert_close, bits};
use crate::isa::on_every_isa;
use crate::optimizer::{self, Adam, RmsProp, Sgd};
use crate::reduce;

/// Less than a vector, vectors, and some that are left over.
const LENGTHS: [usize; 5] = [6, 8, 37, 256, 1003];
const STEPS: u64 = 12;

/// Parameters and, for each step, gradients; element 5 is padding.
fn data(random: &mut Random, len: usize) -> (Vec<f32>, Vec<Vec<f32>>) {
    let mut p = random.floats(len);
    p[5] = 0.0;
    let gradients = (0..STEPS)
        .map(|_| {
            let mut g = random.floats(len);
            g[5] = 0.0;
            g
        })
        .collect();
    (p, gradients)
}

/// Steps a rule in floats and its model in double precision, compares them, and the floats among instruction sets.
fn compare<const STATE: usize>(
    mut rule: impl FnMut(u64, &mut [f32], &[f32], [&mut [f32]; STATE]),
    model: impl Fn(u64, f64, f64, &mut [f64; STATE]) -> f64,
) {
    let mut random = Random::new(90);
    for len in around(&mut random, LENGTHS, 1000, 200) {
        // The padding is within.
        let len = len.max(6);
        let (start, gradients) = data(&mut random, len);
        let mut expected: Vec<f64> = start.iter().map(|&p| f64::from(p)).collect();
        let mut states = vec![[0.0; STATE]; len];
        for (step, g) in (1..).zip(&gradients) {
            for ((p, &g), state) in expected.iter_mut().zip(g).zip(&mut states) {
                *p = model(step, *p, f64::from(g), state);
            }
        }
        let mut first: Option<Vec<u32>> = None;
        on_every_isa(|_| {
            let mut p = start.clone();
            let mut state: [Vec<f32>; STATE] = std::array::from_fn(|_| vec![0.0; len]);
            for (step, g) in (1..).zip(&gradients) {
                rule(step, &mut p, g, state.each_mut().map(|state| &mut state[..]));
            }
            assert_close(&p, &expected, 1e-5, "parameters");
            assert_eq!(p[5], 0.0, "padding");
            assert!(state.iter().all(|state| state[5] == 0.0), "padding of the state");
            let found = bits(&p);
            assert_eq!(first.get_or_insert_with(|| found.clone()), &found, "instruction sets differ");
        });
    }
}

#[test]
fn sgd() {
    for (momentum, nesterov, weight_decay) in
        [(0.0, false, 0.0), (0.0, false, 0.1), (0.9, false, 0.0), (0.9, true, 0.01)]
    {
        let rule = Sgd { lr: 0.1, momentum, nesterov, weight_decay };
        compare::<1>(
            |_, p, g, [velocity]| optimizer::sgd(&rule, p, g, velocity),
            |_, p, g, [v]| {
                let (momentum, g) = (f64::from(momentum), g + f64::from(weight_decay) * p);
                *v = momentum * *v + g;
                p - 0.1 * if nesterov { g + momentum * *v } else { *v }
            },
        );
    }
    let rule = Sgd { lr: 0.1, momentum: 0.0, nesterov: false, weight_decay: 0.1 };
    compare::<0>(|_, p, g, []| optimizer::sgd(&rule, p, g, &mut []), |_, p, g, []| p - 0.1 * (g + 0.1 * p));
}

#[test]
fn adam() {
    for (decoupled, weight_decay) in [(false, 0.0), (false, 0.1), (true, 0.1)] {
        for epsilon_hat in [false, true] {
            let rule = Adam { lr: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-3, epsilon_hat, weight_decay, decoupled };
            compare::<2>(
                |step, p, g, [m, v]| optimizer::adam(&rule, step, p, g, m, v),
                |step, p, g, [m, v]| {
                    let decay = f64::from(weight_decay);
                    let g = if decoupled { g } else { g + decay * p };
                    let p = if decoupled { p - 0.01 * decay * p } else { p };
                    *m = 0.9 * *m + 0.1 * g;
                    *v = 0.999 * *v + 0.001 * g * g;
                    let (c1, c2) = (1.0 - 0.9_f64.powi(step as i32), 1.0 - 0.999_f64.powi(step as i32));
                    if epsilon_hat {
                        p - 0.01 * c2.sqrt() / c1 * *m / (v.sqrt() + 1e-3)
                    } else {
                        p - 0.01 * (*m / c1) / ((*v / c2).sqrt() + 1e-3)
                    }
                },
            );
        }
    }
}

#[test]
fn rmsprop() {
    for momentum in [0.0, 0.8] {
        let rule = RmsProp { lr: 0.01, rho: 0.9, epsilon: 1e-3, momentum, weight_decay: 0.1 };
        compare::<2>(
            |_, p, g, [v, velocity]| optimizer::rmsprop(&rule, p, g, v, velocity),
            |_, p, g, [v, u]| {
                let g = g + 0.1 * p;
                *v = 0.9 * *v + 0.1 * g * g;
                *u = f64::from(momentum) * *u + g / (v.sqrt() + 1e-3);
                p - 0.01 * *u
            },
        );
    }
    let rule = RmsProp { lr: 0.01, rho: 0.9, epsilon: 1e-3, momentum: 0.0, weight_decay: 0.0 };
    compare::<1>(
        |_, p, g, [v]| optimizer::rmsprop(&rule, p, g, v, &mut []),
        |_, p, g, [v]| {
            *v = 0.9 * *v + 0.1 * g * g;
            p - 0.01 * g / (v.sqrt() + 1e-3)
        },
    );
}

#[test]
fn sums_of_lanes_go_from_first_to_last() {
    on_every_isa(|_| {
        let mut random = Random::new(91);
        for len in around(&mut random, [1, 9, 5000], 1000, 300) {
            let lanes: Vec<Vec<f32>> = (0..random.within(1, 6)).map(|_| random.floats(len)).collect();
            let slices: Vec<&[f32]> = lanes.iter().map(|lane| &lane[..]).collect();
            let mut out = vec![f32::NAN; len];
            reduce::sum_in_order(&slices, 0.5, &mut out);
            for (i, &out) in out.iter().enumerate() {
                let sum = lanes[1..].iter().fold(lanes[0][i], |sum, lane| sum + lane[i]);
                assert_eq!(out.to_bits(), (sum * 0.5).to_bits());
            }
            reduce::sum_in_order(&[], 0.5, &mut out);
            assert!(out.iter().all(|&x| x == 0.0));
        }
    });
}

#[test]
fn sums_of_squares() {
    let mut random = Random::new(92);
    for len in around(&mut random, [1, 75, 1003], 1000, 300) {
        let x = random.floats(len);
        let expected: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
        let mut found = Vec::new();
        on_every_isa(|_| found.push(reduce::sum_squares(&x)));
        assert!((found[0] - expected).abs() <= 1e-10 * expected);
        assert!(found.iter().all(|sum| sum.to_bits() == found[0].to_bits()));
    }
    assert_eq!(reduce::sum_squares(&[]), 0.0);
    assert!(reduce::sum_squares(&[1.0, f32::NAN]).is_nan());
}
