//! A reference interpreter: naive loops in double precision over a [`Graph`].
//!
//! It shares nothing with the kernels, the planner or the generated code: every operation is written down again from its
//! definition, over the whole batch at once, in the logical layout of parameters, one file per layer. It runs a checked
//! graph (with running or whole-batch statistics) as well as what the passes make of it, backward operations included.

#![allow(clippy::panic, reason = "a mistake in a test ends it")]

mod activation;
mod arithmetic;
mod batch_norm;
mod compile;
mod concat;
mod conv;
mod conv_transpose;
mod dense;
mod dropout;
mod example;
mod kind;
mod log_softmax;
mod loss;
mod lrn;
mod mean;
mod norm;
mod pad;
mod pool;
mod prelu;
mod random;
mod run;
mod softmax;
mod upsample;

use std::collections::BTreeMap;

use netwright_compiler::ir::{Graph, ValueId};
use netwright_compiler::recipe::{Loss, Recipe};

pub use compile::{compile, compile_with, prepared};
pub use example::Example;
pub use kind::{KINDS, kind};
pub use loss::{Losses, losses};
pub use random::Random;

/// Arrays by their parameters' names, in logical order.
pub type Arrays = BTreeMap<String, Vec<f64>>;

/// How layers behave that behave otherwise in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Running statistics, no dropout.
    Inference,
    /// The batch's statistics, dropout.
    Training,
}

/// What the loss compares with.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a> {
    /// The class of each image.
    Classes(&'a [u32]),
    /// The values of each image, one image after another.
    Values(&'a [f64]),
}

/// A batch of images.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// How many images.
    pub n: usize,
    /// For each input of the network its images, one after another.
    pub inputs: &'a [Vec<f64>],
    /// Their targets.
    pub targets: Targets<'a>,
    /// Keys the dropout masks.
    pub seed: u64,
    /// Keys the dropout masks.
    pub step: u64,
    /// Moves every number that a layer makes by as much as single precision rounds, to one side or the other by this seed.
    pub rounding: Option<u64>,
}

/// What a run leaves.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Every value that was made, `[n, ...shape]`; of whole-batch statistics one for all.
    pub values: Vec<Option<Vec<f64>>>,
    /// Each image's loss, where the graph has a loss.
    pub losses: Vec<f64>,
    /// What the images count together in the mean loss, where the graph has a loss.
    pub weight: f64,
    /// Images whose largest score is their class.
    pub correct: usize,
    /// Gradients of the batch's mean loss, where the graph has backward operations.
    pub gradients: Arrays,
    /// Running statistics after the step, where it updates them.
    pub state: Arrays,
    /// A digest of every decision: on which side of zero a relu was, which element was a maximum. Two runs with the same
    /// digest lie on one smooth piece of the function.
    pub decisions: u64,
}

impl Outcome {
    /// A value that was made.
    ///
    /// # Panics
    ///
    /// If it was not.
    #[must_use]
    pub fn value(&self, id: ValueId) -> &[f64] {
        self.values[id.0 as usize].as_deref().unwrap_or_else(|| panic!("value {} was not made", id.0))
    }

    /// The mean loss.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.weight
    }
}

/// Runs a graph over a batch.
///
/// # Panics
///
/// If sizes do not agree or a parameter is missing: a mistake of the test, or a bug of the compiler.
#[must_use]
pub fn run(graph: &Graph, manner: Manner, parameters: &Arrays, batch: &Batch<'_>) -> Outcome {
    run::run(graph, manner, parameters, batch)
}

/// Runs a checked graph, without backward operations, and the loss of its recipe, or the sum of its losses.
///
/// # Panics
///
/// As [`run`].
#[must_use]
pub fn run_with_loss(
    graph: &Graph,
    recipe: &Recipe,
    manner: Manner,
    parameters: &Arrays,
    batch: &Batch<'_>,
) -> Outcome {
    let mut outcome = run(graph, manner, parameters, batch);
    let of = |loss: &Loss| losses(&loss.kind, batch.n, outcome.value(loss.of), batch.targets);
    let Losses { mut losses, correct, weight, .. } = of(&recipe.loss);
    losses.iter_mut().for_each(|loss| *loss *= recipe.loss.weight);
    for term in &recipe.more_losses {
        losses.iter_mut().zip(of(term).losses).for_each(|(sum, loss)| *sum += term.weight * loss);
    }
    outcome.losses = losses;
    outcome.correct = correct;
    outcome.weight = weight;
    outcome
}
