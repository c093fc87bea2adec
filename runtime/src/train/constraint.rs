//! What must hold of the parameters while a network is trained: weights that are pruned, weights that share a value.
//!
//! Both are the same to the trainer. Before the optimiser's step a constraint may change the gradients, after it puts the
//! parameters back where they belong; what it remembers is saved and restored with the run.

use super::OptimizerState;
use crate::error::Error;
use crate::spec::Spec;

/// A condition on the trained parameters that a [`Trainer`](super::Trainer) keeps.
///
/// All vectors are as the trained parameters are stored: [`Spec::trained`] floats, each parameter from its
/// [`offset`](crate::spec::ParameterSpec::offset) in its [`layout`](crate::spec::ParameterSpec::layout). Padding is zero in
/// parameters and gradients and must stay so; [`Layout::runs`](crate::spec::Layout::runs) tells the elements that are none.
///
/// A run is the same on any number of threads and goes on bit for bit after a stop, as long as a constraint depends on
/// nothing but what it is given and its own [`slots`](Self::slots).
pub trait Constraint {
    /// The constraint in words that tell two different ones apart. A run is only resumed under the same words.
    fn describe(&self) -> String;

    /// Begins a run: refuses a network that the constraint was not made for, and makes `parameters` meet it.
    ///
    /// # Errors
    ///
    /// If the constraint belongs to another network, or memory cannot be had. What steps need is allocated here.
    fn begin(&mut self, spec: &'static Spec, parameters: &mut [f32]) -> Result<(), Error>;

    /// Changes the gradients of step `at`, before they are clipped and the optimiser sees them. Allocates nothing.
    fn before_step(&mut self, at: Moment, parameters: &[f32], gradients: &mut [f32]);

    /// Makes `parameters` meet the constraint again after the optimiser's step, and `state` with them where it would work
    /// against it. Allocates nothing.
    fn after_step(&mut self, at: Moment, parameters: &mut [f32], state: &mut OptimizerState);

    /// What dropout's rates are multiplied by in the next step, from 0 to 1.
    fn dropout(&self) -> f32 {
        1.0
    }

    /// The names of the vectors that it keeps from step to step, each as long as the trained parameters.
    fn slots(&self) -> &'static [&'static str] {
        &[]
    }

    /// One of these vectors, by its place in [`slots`](Self::slots); whole numbers up to 2^24 are exact.
    fn slot(&self, idx: usize) -> &[f32] {
        let _ = idx;
        &[]
    }

    /// Takes up a run that was stopped, instead of [`begin`](Self::begin): `slots` are the vectors that were saved, in order,
    /// with zeros for padding, and `parameters` are those of the same moment.
    ///
    /// # Errors
    ///
    /// What is wrong with them: the file is from outside.
    fn restore(&mut self, spec: &'static Spec, parameters: &[f32], slots: &[&[f32]]) -> Result<(), String>;
}

/// A step of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Steps taken before this one.
    pub step: u64,
    /// Steps that an epoch has.
    pub steps_per_epoch: u64,
}
