//! Steps of a recipe's optimiser, each on a batch of its own.

use netwright::Trainable;
use netwright::engine::{Gradients, Targets, loss_and_gradients};
use netwright::train::{Optimizer, OptimizerState};

use crate::reference::Arrays;

/// What a step of Adam is to be compared with.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// The optimiser as it stands.
    Ours,
    /// Keras's Adam: epsilon is added before the mean square is corrected for its start at zero, and so counts
    /// `1 / sqrt(1 - beta2^t)` times as much.
    Keras,
}

impl Rule {
    fn optimizer(self, optimizer: Optimizer, step: u64) -> Optimizer {
        let corrected = |beta2: f32, epsilon: f32| {
            let correction = 1.0 - f64::from(beta2).powf((step + 1) as f64);
            (f64::from(epsilon) / correction.sqrt()) as f32
        };
        match (self, optimizer) {
            (Rule::Keras, Optimizer::Adam { lr, beta1, beta2, epsilon, weight_decay }) => {
                Optimizer::Adam { lr, beta1, beta2, epsilon: corrected(beta2, epsilon), weight_decay }
            }
            (Rule::Keras, Optimizer::AdamW { lr, beta1, beta2, epsilon, weight_decay }) => {
                Optimizer::AdamW { lr, beta1, beta2, epsilon: corrected(beta2, epsilon), weight_decay }
            }
            (Rule::Keras | Rule::Ours, optimizer) => optimizer,
        }
    }
}

/// Images and targets of a step.
pub(crate) enum Batch {
    Classes(Vec<f32>, Vec<u32>),
    Values(Vec<f32>, Vec<f32>),
}

impl Batch {
    pub(crate) fn images(&self) -> &[f32] {
        let (Batch::Classes(images, _) | Batch::Values(images, _)) = self;
        images
    }

    /// Computes the batch's loss and gradients.
    pub(crate) fn gradients<N: Trainable>(&self, net: &mut N, gradients: &mut Gradients) -> f64 {
        let (images, targets) = match self {
            Batch::Classes(images, labels) => (images, Targets::Classes(labels)),
            Batch::Values(images, values) => (images, Targets::Values(values)),
        };
        loss_and_gradients(net, images, targets, gradients).unwrap().loss
    }
}

/// Takes ten steps of the recipe, at the rate that `rate` gives: the losses, and how far each parameter came.
pub(crate) fn ten<N: Trainable>(
    net: &mut N,
    rule: Rule,
    rate: impl Fn(u64) -> f32,
    batch: impl Fn(u64) -> Batch,
) -> (Vec<f64>, Arrays<Vec<f32>>) {
    let start = net.core().parameters().clone();
    let mut gradients = Gradients::new::<N>().unwrap();
    let mut state = OptimizerState::new(&N::RECIPE.optimizer, N::SPEC.trained).unwrap();
    let mut losses = Vec::new();
    for step in 0..10 {
        // What dropout's mask depends on.
        gradients.set_key(0, step);
        losses.push(batch(step).gradients(net, &mut gradients));
        let optimizer = rule.optimizer(N::RECIPE.optimizer, step);
        state.step(&optimizer, rate(step), net.core_mut().parameters_mut().trained_mut(), gradients.values());
    }
    let moved = start.names().map(|name| {
        let array = net.core().parameters().get(name).unwrap() - start.get(name).unwrap();
        (name.to_owned(), array.into_iter().collect())
    });
    (losses, moved.collect())
}
