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

use netwright_kernels::crew;

pub use core::{Core, SparseLayers};
#[cfg(feature = "train")]
pub use evaluate::{EvaluationChunk, evaluate, evaluate_all};
#[cfg(feature = "train")]
pub(crate) use inference::observe;
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

/// Multiply-adds below which the first job of a network does: starting threads takes as long as so many, and a process that
/// predicts one image needs none.
const WORTH_STARTING: u64 = 50_000_000;

/// Chunks for each thread from which on it matters little whether their number is a multiple of that of the threads.
const MANY_CHUNKS: usize = 4;

/// How a job is shared among threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// Not at all.
    Alone,
    /// Every thread takes chunks of images.
    Chunks,
    /// So many threads take parts of each step: there are too few chunks to go round.
    Steps(usize),
}

impl Sharing {
    /// For `images` images that are predicted.
    fn of(macs: u64, images: usize, chunk: usize, is_first: bool) -> Self {
        let work = macs.saturating_mul(images as u64);
        // Asking for the number of threads may start them.
        if work < WORTH_A_THREAD || (is_first && work < WORTH_STARTING) {
            return Self::Alone;
        }
        Self::on(rayon::current_num_threads(), images.div_ceil(chunk))
    }

    fn on(threads: usize, chunks: usize) -> Self {
        match threads {
            0 | 1 => Self::Alone,
            _ if chunks.is_multiple_of(threads) || chunks >= threads.saturating_mul(MANY_CHUNKS) => Self::Chunks,
            _ => Self::Steps(threads),
        }
    }

    /// Does `work`, which is told whether it is to share its chunks among threads, with a crew if its steps are shared.
    fn run<R>(self, work: impl FnOnce(bool) -> R) -> R {
        match self {
            Self::Alone => work(false),
            Self::Chunks => work(true),
            Self::Steps(threads) => crew::lead(threads, || work(false)),
        }
    }
}

/// Whether a job of `images` images is large enough to share among threads.
#[cfg(feature = "train")]
fn worth_sharing(macs: u64, images: usize, chunk: usize) -> bool {
    images > chunk && macs.saturating_mul(images as u64) >= WORTH_A_THREAD && rayon::current_num_threads() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_chunks_share_steps_and_many_share_images() {
        let steps = |threads, chunks| match Sharing::on(threads, chunks) {
            Sharing::Alone => 'a',
            Sharing::Chunks => 'c',
            Sharing::Steps(found) => {
                assert_eq!(found, threads);
                's'
            }
        };
        assert_eq!((1..10).map(|chunks| steps(1, chunks)).collect::<String>(), "aaaaaaaaa");
        assert_eq!((1..10).map(|chunks| steps(2, chunks)).collect::<String>(), "scscscscc");
        assert_eq!((1..14).map(|chunks| steps(3, chunks)).collect::<String>(), "sscsscsscsscc");
    }

    #[test]
    fn little_work_and_the_first_small_job_stay_alone() {
        assert_eq!(Sharing::of(1000, 1, 8, false), Sharing::Alone);
        assert_eq!(Sharing::of(WORTH_STARTING - 1, 1, 8, true), Sharing::Alone);
        let expected = Sharing::on(rayon::current_num_threads(), 1);
        assert_eq!(Sharing::of(WORTH_STARTING - 1, 1, 8, false), expected);
        assert_eq!(Sharing::of(WORTH_STARTING, 1, 8, true), expected);
    }
}
