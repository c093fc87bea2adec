//! Evaluation: the recipe's loss in inference mode, without gradients.

use netwright_kernels::Arena;

use super::Sharing;
use super::core::ArenaPool;
use super::inference::Inference;
use super::tensors::Inputs;
use super::training::{BatchLoss, Targets, check_targets, weight};
use crate::error::Error;
use crate::int8::{self, State};
use crate::network::Trainable;

/// One chunk of images on its way through the generated evaluation steps.
#[derive(Debug)]
pub struct EvaluationChunk<'a> {
    /// Images in this chunk.
    pub n: usize,
    /// The whole stored vector.
    pub parameters: &'a [f32],
    /// The images of the first input, channels last.
    pub input: &'a [f32],
    /// All inputs.
    pub inputs: Inputs<'a>,
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
    /// The network's integers; none where it predicts in floats.
    pub int8: &'a State,
}

/// The recipe's loss and accuracy over a batch of images, in inference mode: no dropout, running statistics.
///
/// # Errors
///
/// If lengths do not agree, a label is out of range, or memory cannot be had; if the network has several inputs.
pub fn evaluate<N: Trainable>(network: &N, images: &[f32], targets: Targets<'_>) -> Result<BatchLoss, Error> {
    evaluate_all(network, &[images], targets)
}

/// [`evaluate`] for any number of inputs, in the order of their declaration.
///
/// # Errors
///
/// If there is another number of inputs, lengths do not agree, a label is out of range, or memory cannot be had.
pub fn evaluate_all<N: Trainable>(network: &N, inputs: &[&[f32]], targets: Targets<'_>) -> Result<BatchLoss, Error> {
    let inputs = Inputs::of::<N>(inputs)?;
    let n = inputs.n();
    check_targets::<N>(n, targets)?;
    let core = network.core();
    let mut losses = vec![0.0; n];
    let mut correct = vec![0; n];
    let job = Job {
        parameters: core.parameters().values(),
        arenas: core.arenas(),
        inputs,
        labels: targets.labels(),
        values: targets.values(),
        losses: &mut losses,
        correct: &mut correct,
        int8: N::INT8.and(core.int8()),
    };
    let plan = job.sizes::<N>();
    Sharing::of(plan.macs, n, plan.chunk, core.arenas().is_empty()).run(|share| run::<N>(job, share))?;
    Ok(BatchLoss::over(&losses, &correct, weight::<N>(n, targets)))
}

struct Job<'a> {
    parameters: &'a [f32],
    arenas: &'a ArenaPool,
    inputs: Inputs<'a>,
    labels: &'a [u32],
    values: &'a [f32],
    losses: &'a mut [f32],
    correct: &'a mut [u8],
    int8: Option<&'a State>,
}

impl<'a> Job<'a> {
    /// The sizes of the plan that it follows.
    fn sizes<N: Trainable>(&self) -> Inference {
        if self.int8.is_some() { N::INT8_EVALUATION } else { N::EVALUATION }
    }

    /// The job's first `images` images, and the rest.
    fn split<N: Trainable>(self, images: usize) -> (Self, Self) {
        let (inputs_a, inputs_b) = self.inputs.split(images);
        let (labels_a, labels_b) = self.labels.split_at(images.min(self.labels.len()));
        let (values_a, values_b) = self.values.split_at((images * N::TRAINING.target).min(self.values.len()));
        let (losses_a, losses_b) = self.losses.split_at_mut(images);
        let (correct_a, correct_b) = self.correct.split_at_mut(images);
        let (parameters, arenas, int8) = (self.parameters, self.arenas, self.int8);
        let a = Self {
            parameters,
            arenas,
            inputs: inputs_a,
            labels: labels_a,
            values: values_a,
            losses: losses_a,
            correct: correct_a,
            int8,
        };
        let b = Self {
            parameters,
            arenas,
            inputs: inputs_b,
            labels: labels_b,
            values: values_b,
            losses: losses_b,
            correct: correct_b,
            int8,
        };
        (a, b)
    }
}

fn run<N: Trainable>(job: Job<'_>, share: bool) -> Result<(), Error> {
    let (n, sizes) = (job.inputs.n(), job.sizes::<N>());
    let Inference { chunk, arena, .. } = sizes;
    if share && n > chunk {
        let half = n.div_ceil(chunk) / 2 * chunk;
        let (first, second) = job.split::<N>(half);
        let (a, b) = rayon::join(|| run::<N>(first, true), || run::<N>(second, true));
        return a.and(b);
    }
    let evaluate = if job.int8.is_some() { N::evaluate_int8 } else { N::evaluate };
    job.arenas.with(arena, |arena| {
        let mut rest = job;
        while rest.inputs.n() > 0 {
            let images = rest.inputs.n().min(chunk);
            let (now, later) = rest.split::<N>(images);
            evaluate(&mut EvaluationChunk {
                n: images,
                parameters: now.parameters,
                input: now.inputs.get(0),
                inputs: now.inputs,
                labels: now.labels,
                values: now.values,
                losses: now.losses,
                correct: now.correct,
                arena: Arena::new(arena),
                int8: now.int8.unwrap_or(&int8::NONE),
            });
            rest = later;
        }
    })
}
