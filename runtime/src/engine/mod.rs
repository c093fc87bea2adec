//! Runs the generated steps over a batch: chunks of images on workers, lanes of gradients, barriers between stages.
//!
//! A batch is cut into chunks of a fixed size. Consecutive chunks form a *lane*; lanes run in parallel, the chunks of a
//! lane one after another into the lane's own gradients, and the lanes' gradients are summed in order. Neither cut
//! depends on the number of threads, so neither do the bits of the result.

mod core;
#[cfg(feature = "train")]
mod evaluate;
mod inference;
mod tensors;
#[cfg(feature = "train")]
mod training;

pub use core::Core;
#[cfg(feature = "train")]
pub use evaluate::{EvaluationChunk, evaluate, evaluate_all};
pub use inference::{
    Inference, InferenceChunk, forward, forward_all, predict, predict_all, predict_all_into, predict_into, with_rank,
};
pub use tensors::{Inputs, MoreOutputs};
#[cfg(feature = "train")]
pub use training::{
    Barrier, BatchLoss, Gradients, Key, Targets, Training, TrainingChunk, batch_gradients, batch_gradients_all,
    loss_and_gradients, loss_and_gradients_all,
};

/// Multiply-adds below which a job stays on the calling thread: waking another costs more than it saves.
const WORTH_A_THREAD: u64 = 1_000_000;

/// Whether a job of `images` images is large enough to share among threads.
fn worth_sharing(macs: u64, images: usize, chunk: usize) -> bool {
    images > chunk && macs.saturating_mul(images as u64) >= WORTH_A_THREAD && rayon::current_num_threads() > 1
}
