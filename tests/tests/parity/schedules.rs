//! Learning rates, step by step.

use netwright::train::{Schedule, Span};

use crate::reference::FRAMEWORKS;

/// The schedule of each reference, and its warm-up.
const SCHEDULES: &[(&str, Schedule, u64)] = &[
    ("constant", Schedule::Constant, 0),
    ("step", Schedule::Step { every: Span::Steps(4), factor: 0.3 }, 0),
    // Two epochs of two steps.
    ("exponential", Schedule::Exponential { every: Span::Epochs(2), factor: 0.3 }, 0),
    ("cosine", Schedule::Cosine { total: Span::Steps(15), minimum: 0.02 }, 0),
    ("polynomial", Schedule::Polynomial { total: Span::Steps(15), power: 2.0, end: 0.0 }, 0),
    ("polynomial_end", Schedule::Polynomial { total: Span::Steps(15), power: 2.0, end: 0.02 }, 0),
    ("inverse", Schedule::Inverse { gamma: 0.2, power: 0.75 }, 0),
    ("inverse_power_1", Schedule::Inverse { gamma: 0.2, power: 1.0 }, 0),
    ("warmup", Schedule::Constant, 6),
];

/// Rates are rounded to f32 once; so are the settings, and a power of 5 multiplies their error as often. TensorFlow
/// computes some of its rates in f32 throughout.
const ALLOWED: f64 = 1e-6;

#[test]
fn rates_agree() {
    let mut compared = Vec::new();
    for (framework, reference) in FRAMEWORKS.iter() {
        for (name, rates) in &reference.schedules {
            let (_, schedule, warmup) = SCHEDULES.iter().find(|(known, ..)| known == name).expect(name);
            for (step, &expected) in rates.iter().enumerate() {
                let found = f64::from(schedule.warmed_rate(0.1, *warmup, step as u64, 2));
                // The base rate is 0.1, so a rate that reaches zero is compared by that.
                let allowed = ALLOWED * expected.abs() + 1e-9;
                assert!(
                    (found - expected).abs() <= allowed,
                    "{name}, {framework}: the rate of step {step} is {found:e}, the reference {expected:e}"
                );
            }
            compared.push(name.as_str());
        }
    }
    assert!(SCHEDULES.iter().all(|(name, ..)| compared.contains(name)), "a schedule has no reference");
}
