//! Optimisers: how a step's mean gradient changes the parameters.
//!
//! The rules are PyTorch's; where Keras differs, the variant says so. Weight decay concerns all trained parameters,
//! biases included, as there. Loops are elementwise over fixed blocks, so that results do not depend on threads.

use std::fmt;

use netwright_kernels::AlignedVec;
use serde::{Deserialize, Serialize};

use super::recipe::{Number, check};
use super::update::{Block, Rule};
use crate::error::Error;
use crate::spec::Rate;

/// An optimiser with its settings. `p` is a parameter, `g` its gradient, `t` the step counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Optimizer {
    /// Stochastic gradient descent: `g += weight_decay p; v = momentum v + g; p -= lr v`, with Nesterov's form
    /// `p -= lr (g + momentum v)`.
    ///
    /// Keras and Caffe keep the learning rate within `v`, which differs while the rate changes.
    Sgd {
        /// The base learning rate.
        lr: f32,
        /// How much of the last step is kept; 0 for none.
        momentum: f32,
        /// Whether the gradient is taken as if one step ahead.
        nesterov: bool,
        /// What is added to the gradient for each unit of the parameter.
        weight_decay: f32,
    },
    /// Adam (Kingma and Ba, 2015, algorithm 1): `g += weight_decay p; m = beta1 m + (1 - beta1) g;
    /// v = beta2 v + (1 - beta2) g^2; p -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)`.
    ///
    /// Keras adds epsilon before it corrects `v`, so that its epsilon counts `1 / sqrt(1 - beta2^t)` times as much.
    Adam {
        /// The base learning rate.
        lr: f32,
        /// How slowly the mean of the gradients moves.
        beta1: f32,
        /// How slowly the mean of their squares moves.
        beta2: f32,
        /// Keeps the denominator from zero.
        epsilon: f32,
        /// What is added to the gradient for each unit of the parameter.
        weight_decay: f32,
    },
    /// Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2019): first `p -= lr weight_decay p`,
    /// then Adam's step without decay.
    AdamW {
        /// The base learning rate.
        lr: f32,
        /// How slowly the mean of the gradients moves.
        beta1: f32,
        /// How slowly the mean of their squares moves.
        beta2: f32,
        /// Keeps the denominator from zero.
        epsilon: f32,
        /// The fraction of a parameter that a step takes away, in units of the learning rate.
        weight_decay: f32,
    },
    /// RMSprop (Tieleman and Hinton, 2012): `s = rho s + (1 - rho) g^2; v = momentum v + g / (sqrt(s) + epsilon);
    /// p -= lr v`.
    ///
    /// Keras has epsilon under the square root, and the learning rate within `v`.
    RmsProp {
        /// The base learning rate.
        lr: f32,
        /// How slowly the mean of the squared gradients moves.
        rho: f32,
        /// Keeps the denominator from zero.
        epsilon: f32,
        /// How much of the last step is kept; 0 for none.
        momentum: f32,
    },
}

impl Optimizer {
    /// The base learning rate, which a schedule changes.
    #[must_use]
    pub const fn lr(&self) -> f32 {
        match *self {
            Optimizer::Sgd { lr, .. }
            | Optimizer::Adam { lr, .. }
            | Optimizer::AdamW { lr, .. }
            | Optimizer::RmsProp { lr, .. } => lr,
        }
    }

    /// The same optimiser with another base learning rate.
    #[must_use]
    pub const fn with_lr(mut self, new: f32) -> Self {
        match &mut self {
            Optimizer::Sgd { lr, .. }
            | Optimizer::Adam { lr, .. }
            | Optimizer::AdamW { lr, .. }
            | Optimizer::RmsProp { lr, .. } => *lr = new,
        }
        self
    }

    /// The names of the vectors that it keeps from step to step, each as long as the trained part of the parameters.
    #[must_use]
    pub fn slots(&self) -> &'static [&'static str] {
        match *self {
            Optimizer::Sgd { momentum: 0.0, .. } => &[],
            Optimizer::Sgd { .. } => &["velocity"],
            Optimizer::Adam { .. } | Optimizer::AdamW { .. } => &["first_moment", "second_moment"],
            Optimizer::RmsProp { momentum: 0.0, .. } => &["mean_square"],
            Optimizer::RmsProp { .. } => &["mean_square", "velocity"],
        }
    }

    /// Checks every setting's range.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first that is out of it.
    pub fn check(&self) -> Result<(), Error> {
        let lr = self.lr();
        check("lr", lr, lr > 0.0, "a number above 0")?;
        let below_one =
            |name, value: f32| check(name, value, (0.0..1.0).contains(&value), "a number from 0 up and below 1");
        let positive = |name, value: f32| check(name, value, value > 0.0, "a number above 0");
        let not_negative = |name, value: f32| check(name, value, value >= 0.0, "a number from 0 up");
        match *self {
            Optimizer::Sgd { momentum, nesterov, weight_decay, .. } => {
                below_one("momentum", momentum)?;
                check("momentum", momentum, !nesterov || momentum > 0.0, "a number above 0 with `nesterov`")?;
                not_negative("weight_decay", weight_decay)
            }
            Optimizer::Adam { beta1, beta2, epsilon, weight_decay, .. }
            | Optimizer::AdamW { beta1, beta2, epsilon, weight_decay, .. } => {
                below_one("beta1", beta1)?;
                below_one("beta2", beta2)?;
                positive("epsilon", epsilon)?;
                not_negative("weight_decay", weight_decay)
            }
            Optimizer::RmsProp { rho, epsilon, momentum, .. } => {
                below_one("rho", rho)?;
                positive("epsilon", epsilon)?;
                below_one("momentum", momentum)
            }
        }
    }
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let adam = |f: &mut fmt::Formatter<'_>, name, [lr, beta1, beta2, epsilon, weight_decay]: [f32; 5]| {
            write!(f, "{name}(lr: {}, beta1: {}", Number(lr), Number(beta1))?;
            write!(f, ", beta2: {}, epsilon: {}", Number(beta2), Number(epsilon))?;
            option(f, "weight_decay", weight_decay)
        };
        match *self {
            Optimizer::Sgd { lr, momentum, nesterov, weight_decay } => {
                write!(f, "sgd(lr: {}", Number(lr))?;
                option(f, "momentum", momentum)?;
                if nesterov {
                    f.write_str(", nesterov: true")?;
                }
                option(f, "weight_decay", weight_decay)?;
            }
            Optimizer::Adam { lr, beta1, beta2, epsilon, weight_decay } => {
                adam(f, "adam", [lr, beta1, beta2, epsilon, weight_decay])?;
            }
            Optimizer::AdamW { lr, beta1, beta2, epsilon, weight_decay } => {
                adam(f, "adamw", [lr, beta1, beta2, epsilon, weight_decay])?;
            }
            Optimizer::RmsProp { lr, rho, epsilon, momentum } => {
                write!(f, "rmsprop(lr: {}, rho: {}, epsilon: {}", Number(lr), Number(rho), Number(epsilon))?;
                option(f, "momentum", momentum)?;
            }
        }
        f.write_str(")")
    }
}

/// A setting that is off at zero and then not spelt out.
fn option(f: &mut fmt::Formatter<'_>, name: &str, value: f32) -> fmt::Result {
    if value == 0.0 { Ok(()) } else { write!(f, ", {name}: {}", Number(value)) }
}

/// What an optimiser keeps from step to step.
#[derive(Debug, Clone)]
pub struct OptimizerState {
    /// One vector for each of [`Optimizer::slots`], as the trained parameters are stored.
    pub(super) slots: Vec<AlignedVec>,
    /// Steps taken.
    pub(super) steps: u64,
}

impl OptimizerState {
    /// The state before the first step, for `trained` stored floats.
    ///
    /// # Errors
    ///
    /// If memory cannot be had.
    pub fn new(optimizer: &Optimizer, trained: usize) -> Result<Self, Error> {
        let zeroed = |_: &&str| AlignedVec::zeroed(trained).map_err(|_| Error::OutOfMemory { floats: trained });
        Ok(Self { slots: optimizer.slots().iter().map(zeroed).collect::<Result<_, _>>()?, steps: 0 })
    }

    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The vectors, in the order of [`Optimizer::slots`], each as the trained parameters are stored, to be changed. Padding
    /// must stay zero.
    pub fn slots_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.slots.iter_mut().map(|slot| &mut slot[..])
    }

    /// Takes one step at learning rate `rate`: changes `parameters` by `gradients`, both as stored.
    ///
    /// Padding, zero in both, stays zero.
    ///
    /// # Panics
    ///
    /// If the two, or the state, have different lengths, or the state belongs to an optimiser with other slots.
    pub fn step(&mut self, optimizer: &Optimizer, rate: f32, parameters: &mut [f32], gradients: &[f32]) {
        self.step_parts(optimizer, rate, &[], parameters, gradients);
    }

    /// The same, with another learning rate for some parts of the parameters: `rate` times their factor. Parts come in
    /// order and do not overlap; what lies beyond the parameters is left out.
    ///
    /// # Panics
    ///
    /// As [`step`](Self::step) does.
    pub fn step_parts(
        &mut self,
        optimizer: &Optimizer,
        rate: f32,
        parts: &[Rate],
        parameters: &mut [f32],
        gradients: &[f32],
    ) {
        assert_eq!(parameters.len(), gradients.len(), "parameters and gradients differ in length");
        assert_eq!(self.slots.len(), optimizer.slots().len(), "the state belongs to another optimiser");
        assert!(self.slots.iter().all(|slot| slot.len() == gradients.len()), "the state has another length");
        self.steps += 1;
        let mut slots = self.slots.iter_mut();
        let mut slot = || slots.next().map_or(&mut [][..], |slot| &mut slot[..]);
        let (first, second) = (slot(), slot());
        let mut rest = Block { parameters, gradients, first, second };
        let mut at = 0_usize;
        for part in parts {
            for (end, factor) in [(part.start, 1.0), (part.end, part.factor)] {
                let (before, after) = rest.split(end.saturating_sub(at));
                if !before.parameters.is_empty() {
                    at += before.parameters.len();
                    before.run(&Rule::new(optimizer, rate * factor, self.steps));
                }
                rest = after;
            }
        }
        if !rest.parameters.is_empty() {
            rest.run(&Rule::new(optimizer, rate, self.steps));
        }
    }
}

#[cfg(test)]
mod tests;
