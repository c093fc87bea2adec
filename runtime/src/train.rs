//! Training: recipes, optimisers, schedules, the trainer, checkpoints and metrics.

mod checkpoint;
mod optimizer;
mod recipe;
mod schedule;
mod update;

pub use checkpoint::{CheckpointError, RunDifference};
pub use optimizer::{Optimizer, OptimizerState};
pub use recipe::{Loss, Recipe};
pub use schedule::{Schedule, Span};
