//! How the learning rate changes over a run.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::recipe::Number;

/// A length of training: steps (batches), or epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// So many steps.
    Steps(u64),
    /// So many passes over the training data, however many steps one has.
    Epochs(u64),
}

impl Span {
    /// The span in steps.
    #[must_use]
    pub fn steps(self, steps_per_epoch: u64) -> u64 {
        match self {
            Span::Steps(steps) => steps,
            Span::Epochs(epochs) => epochs.saturating_mul(steps_per_epoch),
        }
    }

    /// Whether the span has no steps.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        matches!(self, Span::Steps(0) | Span::Epochs(0))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Span::Steps(steps) => write!(f, "steps: {steps}"),
            Span::Epochs(epochs) => write!(f, "epochs: {epochs}"),
        }
    }
}

/// The learning rate as a function of the step, given the optimiser's as the base. All but [`Step`](Schedule::Step)
/// change it at every step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Schedule {
    /// The base throughout.
    Constant,
    /// `base * factor^floor(step / every)`: a staircase.
    Step {
        /// The length of a stair.
        every: Span,
        /// What each stair multiplies the rate by.
        factor: f32,
    },
    /// `base * factor^(step / every)`: the staircase's smooth form.
    Exponential {
        /// How long the rate takes to change by the factor.
        every: Span,
        /// What the rate is multiplied by in that time.
        factor: f32,
    },
    /// `minimum + (base - minimum) (1 + cos(pi step / total)) / 2`, and `minimum` afterwards (Loshchilov and Hutter,
    /// 2017, without restarts).
    Cosine {
        /// When the minimum is reached.
        total: Span,
        /// The rate at the end.
        minimum: f32,
    },
    /// `end + (base - end) (1 - step / total)^power`, and `end` afterwards.
    Polynomial {
        /// When the end is reached.
        total: Span,
        /// The exponent; 1 is a straight line.
        power: f32,
        /// The rate at the end.
        end: f32,
    },
    /// `base (1 + gamma step)^-power`, by steps, as Caffe's `inv`.
    Inverse {
        /// How fast the rate falls.
        gamma: f32,
        /// The exponent.
        power: f32,
    },
}

impl Schedule {
    /// The learning rate of step `step`, counted from 0; computed in f64 and rounded once.
    #[must_use]
    pub fn rate(self, base: f32, step: u64, steps_per_epoch: u64) -> f32 {
        let base = f64::from(base);
        // Past the end of a span the fraction stays 1; an empty span is over at once.
        let fraction = |total: Span| match total.steps(steps_per_epoch) {
            0 => 1.0,
            total => (step as f64 / total as f64).min(1.0),
        };
        let rate = match self {
            Schedule::Constant => base,
            Schedule::Step { every, factor } => {
                let stairs = step / every.steps(steps_per_epoch).max(1);
                base * f64::from(factor).powf(stairs as f64)
            }
            Schedule::Exponential { every, factor } => {
                base * f64::from(factor).powf(step as f64 / every.steps(steps_per_epoch).max(1) as f64)
            }
            Schedule::Cosine { total, minimum } => {
                let minimum = f64::from(minimum);
                minimum + (base - minimum) * 0.5 * (1.0 + (std::f64::consts::PI * fraction(total)).cos())
            }
            Schedule::Polynomial { total, power, end } => {
                let end = f64::from(end);
                end + (base - end) * (1.0 - fraction(total)).powf(f64::from(power))
            }
            Schedule::Inverse { gamma, power } => base * (1.0 + f64::from(gamma) * step as f64).powf(-f64::from(power)),
        };
        rate as f32
    }

    /// As [`rate`](Self::rate), with a warm-up: during the first `warmup` steps the rate is multiplied by
    /// `(step + 1) / warmup`. The schedule counts from step 0, so a warm-up shifts none of its later values.
    #[must_use]
    pub fn warmed_rate(self, base: f32, warmup: u64, step: u64, steps_per_epoch: u64) -> f32 {
        let rate = self.rate(base, step, steps_per_epoch);
        if step >= warmup {
            return rate;
        }
        (f64::from(rate) * ((step + 1) as f64 / warmup as f64)) as f32
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Schedule::Constant => f.write_str("constant"),
            Schedule::Step { every, factor } => write!(f, "step({every}, factor: {})", Number(factor)),
            Schedule::Exponential { every, factor } => write!(f, "exponential({every}, factor: {})", Number(factor)),
            Schedule::Cosine { total, minimum } => write!(f, "cosine({total}, minimum: {})", Number(minimum)),
            Schedule::Polynomial { total, power, end } => {
                write!(f, "polynomial({total}, power: {}, end: {})", Number(power), Number(end))
            }
            Schedule::Inverse { gamma, power } => {
                write!(f, "inverse(gamma: {}, power: {})", Number(gamma), Number(power))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates of these steps at a base of 0.8, with 10 steps to an epoch.
    fn table<const N: usize>(schedule: Schedule, rows: [(u64, f32); N]) {
        for (step, expected) in rows {
            let rate = schedule.rate(0.8, step, 10);
            assert!((rate - expected).abs() <= 1e-6 * expected.abs(), "{schedule} at {step}: {rate}, not {expected}");
        }
    }

    #[test]
    fn rates() {
        table(Schedule::Constant, [(0, 0.8), (u64::MAX, 0.8)]);
        let step = Schedule::Step { every: Span::Epochs(2), factor: 0.1 };
        table(step, [(0, 0.8), (19, 0.8), (20, 0.08), (39, 0.08), (40, 0.008), (u64::MAX, 0.0)]);
        let exponential = Schedule::Exponential { every: Span::Steps(4), factor: 0.25 };
        table(exponential, [(0, 0.8), (1, 0.565_685_45), (2, 0.4), (4, 0.2), (8, 0.05)]);
        let cosine = Schedule::Cosine { total: Span::Epochs(1), minimum: 0.2 };
        table(cosine, [(0, 0.8), (5, 0.5), (2, 0.742_705_1), (10, 0.2), (11, 0.2), (u64::MAX, 0.2)]);
        let line = Schedule::Polynomial { total: Span::Steps(100), power: 1.0, end: 0.0 };
        table(line, [(0, 0.8), (25, 0.6), (75, 0.2), (100, 0.0), (200, 0.0)]);
        let parabola = Schedule::Polynomial { total: Span::Steps(100), power: 2.0, end: 0.1 };
        table(parabola, [(0, 0.8), (50, 0.275), (90, 0.107), (100, 0.1), (101, 0.1)]);
        // Caffe's LeNet: 0.01 (1 + 0.0001 step)^-0.75, here at 80 times the rate.
        let inverse = Schedule::Inverse { gamma: 0.0001, power: 0.75 };
        table(inverse, [(0, 0.8), (1000, 0.744_81), (10_000, 0.475_682_85)]);
    }

    #[test]
    fn the_warm_up_is_a_line_that_shifts_nothing() {
        let rate = |step| Schedule::Constant.warmed_rate(0.8, 4, step, 10);
        assert_eq!([0, 1, 2, 3, 4, 5].map(rate), [0.2, 0.4, 0.6, 0.8, 0.8, 0.8]);
        let staircase = Schedule::Step { every: Span::Steps(2), factor: 0.5 };
        let rate = |step| staircase.warmed_rate(0.8, 4, step, 10);
        assert_eq!([0, 1, 2, 3, 4, 6].map(rate), [0.2, 0.4, 0.3, 0.4, 0.2, 0.1]);
        assert_eq!(Schedule::Constant.warmed_rate(0.8, 0, 0, 10), 0.8);
    }

    #[test]
    fn extreme_spans_do_no_harm() {
        for span in [Span::Steps(0), Span::Epochs(0), Span::Epochs(u64::MAX), Span::Steps(u64::MAX)] {
            for schedule in [
                Schedule::Step { every: span, factor: 0.5 },
                Schedule::Exponential { every: span, factor: 0.5 },
                Schedule::Cosine { total: span, minimum: 0.0 },
                Schedule::Polynomial { total: span, power: 1.0, end: 0.0 },
            ] {
                for step in [0, 1, 1000, u64::MAX] {
                    let rate = schedule.rate(0.8, step, u64::MAX);
                    assert!((0.0..=0.8).contains(&rate), "{schedule} at {step}: {rate}");
                }
            }
        }
        assert_eq!(Span::Epochs(3).steps(7), 21);
        assert!(Span::Steps(0).is_empty() && !Span::Epochs(1).is_empty());
    }

    #[test]
    fn it_reads_as_it_is_written() {
        for (schedule, text) in [
            (Schedule::Constant, "constant"),
            (Schedule::Step { every: Span::Epochs(30), factor: 0.1 }, "step(epochs: 30, factor: 0.1)"),
            (Schedule::Exponential { every: Span::Steps(100), factor: 0.96 }, "exponential(steps: 100, factor: 0.96)"),
            (Schedule::Cosine { total: Span::Epochs(10), minimum: 0.0 }, "cosine(epochs: 10, minimum: 0.0)"),
            (
                Schedule::Polynomial { total: Span::Steps(9), power: 2.0, end: 0.5 },
                "polynomial(steps: 9, power: 2.0, end: 0.5)",
            ),
            (Schedule::Inverse { gamma: 1e-4, power: 0.75 }, "inverse(gamma: 0.0001, power: 0.75)"),
        ] {
            assert_eq!(schedule.to_string(), text);
            let json = serde_json::to_string(&schedule).unwrap();
            assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule, "{json}");
        }
    }
}
