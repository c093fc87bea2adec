//! The arithmetic of an optimiser's step, elementwise over fixed blocks.

use super::Optimizer;

/// One step's numbers, those that depend on the step's count worked out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    Sgd { rate: f32, momentum: f32, nesterov: bool, weight_decay: f32 },
    Adam(Adam),
    RmsProp { rate: f32, rho: f32, epsilon: f32, momentum: f32 },
}

/// Adam and AdamW.
#[derive(Debug, Clone, Copy)]
pub(super) struct Adam {
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    /// Added to the gradient for each unit of the parameter.
    coupled_decay: f32,
    /// What remains of a parameter before the step.
    keep: f32,
    /// The learning rate over the first moment's bias.
    rate: f32,
    /// One over the root of the second moment's bias.
    root_correction: f32,
}

impl Rule {
    /// The rule of step `step`, counted from 1, at learning rate `rate`.
    pub(super) fn new(optimizer: &Optimizer, rate: f32, step: u64) -> Self {
        let adam = |beta1: f32, beta2: f32, epsilon, coupled_decay, keep| {
            let bias = |beta: f32| 1.0 - power(f64::from(beta), step);
            Rule::Adam(Adam {
                beta1,
                beta2,
                epsilon,
                coupled_decay,
                keep,
                rate: (f64::from(rate) / bias(beta1)) as f32,
                root_correction: (1.0 / bias(beta2).sqrt()) as f32,
            })
        };
        match *optimizer {
            Optimizer::Sgd { momentum, nesterov, weight_decay, .. } => {
                Rule::Sgd { rate, momentum, nesterov, weight_decay }
            }
            Optimizer::Adam { beta1, beta2, epsilon, weight_decay, .. } => {
                adam(beta1, beta2, epsilon, weight_decay, 1.0)
            }
            Optimizer::AdamW { beta1, beta2, epsilon, weight_decay, .. } => {
                let keep = (1.0 - f64::from(rate) * f64::from(weight_decay)) as f32;
                adam(beta1, beta2, epsilon, 0.0, keep)
            }
            Optimizer::RmsProp { rho, epsilon, momentum, .. } => Rule::RmsProp { rate, rho, epsilon, momentum },
        }
    }
}

/// Floats that one job updates.
const BLOCK: usize = 32 * 1024;

/// A piece of the parameters with what belongs to it. A slot that the optimiser does not keep is empty.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) parameters: &'a mut [f32],
    pub(super) gradients: &'a [f32],
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
}

impl Block<'_> {
    /// Takes the step, on several threads where that is worth it.
    pub(super) fn run(self, rule: &Rule) {
        let blocks = self.parameters.len().div_ceil(BLOCK);
        if blocks < 2 {
            return self.update(rule);
        }
        let (head, tail) = self.split(blocks / 2 * BLOCK);
        rayon::join(|| head.run(rule), || tail.run(rule));
    }

    fn split<'b>(self, at: usize) -> (Block<'b>, Block<'b>)
    where
        Self: 'b,
    {
        let (parameters, more_parameters) = self.parameters.split_at_mut(at);
        let (gradients, more_gradients) = self.gradients.split_at(at);
        let (first, more_first) = self.first.split_at_mut(at.min(self.first.len()));
        let (second, more_second) = self.second.split_at_mut(at.min(self.second.len()));
        (
            Block { parameters, gradients, first, second },
            Block { parameters: more_parameters, gradients: more_gradients, first: more_first, second: more_second },
        )
    }

    fn update(self, rule: &Rule) {
        let Block { parameters, gradients, first, second } = self;
        match *rule {
            Rule::Sgd { rate, momentum: 0.0, weight_decay, .. } => {
                for (p, &g) in parameters.iter_mut().zip(gradients) {
                    *p -= rate * (g + weight_decay * *p);
                }
            }
            Rule::Sgd { rate, momentum, nesterov, weight_decay } => {
                for ((p, &g), v) in parameters.iter_mut().zip(gradients).zip(first) {
                    let g = g + weight_decay * *p;
                    *v = momentum * *v + g;
                    *p -= rate * if nesterov { g + momentum * *v } else { *v };
                }
            }
            Rule::Adam(Adam { beta1, beta2, epsilon, coupled_decay, keep, rate, root_correction }) => {
                for (((p, &g), m), v) in parameters.iter_mut().zip(gradients).zip(first).zip(second) {
                    let g = g + coupled_decay * *p;
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * (g * g);
                    *p = keep * *p - rate * *m / (v.sqrt() * root_correction + epsilon);
                }
            }
            Rule::RmsProp { rate, rho, epsilon, momentum: 0.0 } => {
                for ((p, &g), s) in parameters.iter_mut().zip(gradients).zip(first) {
                    *s = rho * *s + (1.0 - rho) * (g * g);
                    *p -= rate * (g / (s.sqrt() + epsilon));
                }
            }
            Rule::RmsProp { rate, rho, epsilon, momentum } => {
                for (((p, &g), s), v) in parameters.iter_mut().zip(gradients).zip(first).zip(second) {
                    *s = rho * *s + (1.0 - rho) * (g * g);
                    *v = momentum * *v + g / (s.sqrt() + epsilon);
                    *p -= rate * *v;
                }
            }
        }
    }
}

/// `base^exponent` by squaring, which rounds the same on every machine.
fn power(base: f64, mut exponent: u64) -> f64 {
    let (mut result, mut square) = (1.0, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    result
}
