//! An optimiser's step over blocks of parameters, shared among threads.

use netwright_kernels::optimizer as kernels;

use super::Optimizer;

/// One step's rule, at the step's learning rate.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    Sgd(kernels::Sgd),
    /// With the step, counted from 1.
    Adam(kernels::Adam, u64),
    RmsProp(kernels::RmsProp),
}

impl Rule {
    /// The rule of step `step`, counted from 1, at learning rate `lr`.
    pub(super) fn new(optimizer: &Optimizer, lr: f32, step: u64) -> Self {
        match *optimizer {
            Optimizer::Sgd { momentum, nesterov, weight_decay, .. } => {
                Rule::Sgd(kernels::Sgd { lr, momentum, nesterov, weight_decay })
            }
            Optimizer::Adam { beta1, beta2, epsilon, weight_decay, .. } => Rule::Adam(
                kernels::Adam { lr, beta1, beta2, epsilon, epsilon_hat: false, weight_decay, decoupled: false },
                step,
            ),
            Optimizer::AdamW { beta1, beta2, epsilon, weight_decay, .. } => Rule::Adam(
                kernels::Adam { lr, beta1, beta2, epsilon, epsilon_hat: false, weight_decay, decoupled: true },
                step,
            ),
            Optimizer::RmsProp { rho, epsilon, momentum, .. } => {
                Rule::RmsProp(kernels::RmsProp { lr, rho, epsilon, momentum, weight_decay: 0.0 })
            }
        }
    }
}

/// Floats that one job updates.
const BLOCK: usize = 32 * 1024;

/// A piece of the parameters with what belongs to it, in the order of [`Optimizer::slots`]. A slot that the optimiser
/// does not keep is empty.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) parameters: &'a mut [f32],
    pub(super) gradients: &'a [f32],
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
}

impl<'a> Block<'a> {
    /// Takes the step, on several threads where that is worth it. Every element is changed by itself, so that the cut
    /// does not matter.
    pub(super) fn run(self, rule: &Rule) {
        let blocks = self.parameters.len().div_ceil(BLOCK);
        if blocks > 1 {
            let (head, tail) = self.split(blocks / 2 * BLOCK);
            rayon::join(|| head.run(rule), || tail.run(rule));
            return;
        }
        let Block { parameters, gradients, first, second } = self;
        match rule {
            Rule::Sgd(rule) => kernels::sgd(rule, parameters, gradients, first),
            Rule::Adam(rule, step) => kernels::adam(rule, *step, parameters, gradients, first, second),
            Rule::RmsProp(rule) => kernels::rmsprop(rule, parameters, gradients, first, second),
        }
    }

    /// The first `at` elements, or all if there are fewer, and the others.
    pub(super) fn split(self, at: usize) -> (Block<'a>, Block<'a>) {
        let at = at.min(self.parameters.len());
        let slot = |slot: &'a mut [f32]| {
            let at = at.min(slot.len());
            slot.split_at_mut(at)
        };
        let (parameters, more_parameters) = self.parameters.split_at_mut(at);
        let (gradients, more_gradients) = self.gradients.split_at(at);
        let ((first, more_first), (second, more_second)) = (slot(self.first), slot(self.second));
        (
            Block { parameters, gradients, first, second },
            Block { parameters: more_parameters, gradients: more_gradients, first: more_first, second: more_second },
        )
    }
}
