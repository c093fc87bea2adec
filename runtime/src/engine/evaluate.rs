//! Evaluation: the recipe's loss in inference mode, without gradients.

use netwright_kernels::Arena;

use super::core::ArenaPool;
use super::inference::count_images;
use super::training::{BatchLoss, Targets, check_targets, weight};
use super::worth_sharing;
use crate::error::Error;
use crate::network::Trainable;

/// One chunk of images on its way through the generated evaluation steps.
#[derive(Debug)]
pub struct EvaluationChunk<'a> {
    /// Images in this chunk.
    pub n: usize,
    /// The whole stored vector.
    pub parameters: &'a [f32],
    /// The images, channels last.
    pub input: &'a [f32],
    /// The class of each image; empty where the loss takes values.
    pub labels: &'a [u32],
    /// The target values of each image; empty where the loss takes classes.
    pub values: &'a [f32],
    /// Where each image's loss goes.
    pub losses: &'a mut [f32],
    /// Where 1 goes for each image whose largest score is its class.
    pub correct: &'a mut [u8],
    /// The worker's arena.
    pub arena: Arena<'a>,
}

/// The recipe's loss and accuracy over a batch, in inference mode: no dropout, running statistics.
///
/// # Errors
///
/// If lengths do not agree, a label is out of range, or memory cannot be had.
pub fn evaluate<N: Trainable>(network: &N, images: &[f32], targets: Targets<'_>) -> Result<BatchLoss, Error> {
    let n = count_images::<N>(images)?;
    check_targets::<N>(n, targets)?;
    let core = network.core();
    let mut losses = vec![0.0; n];
    let mut correct = vec![0; n];
    let job = Job {
        parameters: core.parameters().values(),
        arenas: core.arenas(),
        n,
        images,
        labels: targets.labels(),
        values: targets.values(),
        losses: &mut losses,
        correct: &mut correct,
    };
    let share = worth_sharing(N::EVALUATION.macs, n, N::EVALUATION.chunk);
    run::<N>(job, share)?;
    Ok(BatchLoss::over(&losses, &correct, weight::<N>(n, targets)))
}

struct Job<'a> {
    parameters: &'a [f32],
    arenas: &'a ArenaPool,
    n: usize,
    images: &'a [f32],
    labels: &'a [u32],
    values: &'a [f32],
    losses: &'a mut [f32],
    correct: &'a mut [u8],
}

impl<'a> Job<'a> {
    /// The job's first `images` images, and the rest.
    fn split<N: Trainable>(self, images: usize) -> (Self, Self) {
        let input = N::SPEC.inputs[0].len();
        let (images_a, images_b) = self.images.split_at(images * input);
        let (labels_a, labels_b) = self.labels.split_at(images.min(self.labels.len()));
        let (values_a, values_b) = self.values.split_at((images * N::TRAINING.target).min(self.values.len()));
        let (losses_a, losses_b) = self.losses.split_at_mut(images);
        let (correct_a, correct_b) = self.correct.split_at_mut(images);
        let (parameters, arenas) = (self.parameters, self.arenas);
        let a = Self {
            parameters,
            arenas,
            n: images,
            images: images_a,
            labels: labels_a,
            values: values_a,
            losses: losses_a,
            correct: correct_a,
        };
        let b = Self {
            parameters,
            arenas,
            n: self.n - images,
            images: images_b,
            labels: labels_b,
            values: values_b,
            losses: losses_b,
            correct: correct_b,
        };
        (a, b)
    }
}

fn run<N: Trainable>(job: Job<'_>, share: bool) -> Result<(), Error> {
    let chunk = N::EVALUATION.chunk;
    if share && job.n > chunk {
        let half = job.n.div_ceil(chunk) / 2 * chunk;
        let (first, second) = job.split::<N>(half);
        let (a, b) = rayon::join(|| run::<N>(first, true), || run::<N>(second, true));
        return a.and(b);
    }
    job.arenas.with(N::EVALUATION.arena, |arena| {
        let mut rest = job;
        while rest.n > 0 {
            let images = rest.n.min(chunk);
            let (now, later) = rest.split::<N>(images);
            N::evaluate(&mut EvaluationChunk {
                n: now.n,
                parameters: now.parameters,
                input: now.images,
                labels: now.labels,
                values: now.values,
                losses: now.losses,
                correct: now.correct,
                arena: Arena::new(arena),
            });
            rest = later;
        }
    })
}
