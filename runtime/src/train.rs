//! Training: recipes, optimisers, schedules, the trainer, checkpoints and metrics.
//!
//! [`Trainer`] follows a [`Recipe`]: it draws batches, has the engine compute gradients, and lets the [`Optimizer`]
//! change the parameters at the rate that the [`Schedule`] gives. A [`Constraint`] keeps them within bounds of its own.

mod batch;
mod checkpoint;
mod clip;
mod constraint;
mod evaluation;
mod files;
mod metrics;
mod optimizer;
pub mod prune;
mod recipe;
mod run;
mod schedule;
pub mod share;
mod trainer;
mod update;

pub use checkpoint::{CheckpointError, RunDifference};
pub use constraint::{Constraint, Moment};
pub use evaluation::{Evaluation, confusion, evaluate};
pub use metrics::{Confusion, EpochMetrics, best_epoch, largest, read_metrics};
pub use optimizer::{Optimizer, OptimizerState};
pub use recipe::{Loss, Recipe};
pub use schedule::{Schedule, Span};
pub use trainer::{BatchProgress, Report, Stopped, Trainer};

#[cfg(test)]
mod tests;
