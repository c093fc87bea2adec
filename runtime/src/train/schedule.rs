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
