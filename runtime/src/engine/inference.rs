//! Prediction: chunks of images through the generated forward steps.

use ndarray::{Array, ArrayD, ArrayView, ArrayViewMut, Dimension, IxDyn};
use netwright_kernels::Arena;

use super::core::ArenaPool;
use super::worth_sharing;
use crate::error::Error;
use crate::network::Network;
use crate::spec::TensorSpec;

/// Sizes of an inference plan.
#[derive(Debug, Clone, Copy)]
pub struct Inference {
    /// Images a worker takes at a time.
    pub chunk: usize,
    /// Floats of the arena that a chunk needs.
    pub arena: usize,
    /// Multiply-adds of one image.
    pub macs: u64,
}

/// One chunk of images on its way through the generated forward steps.
#[derive(Debug)]
pub struct InferenceChunk<'a> {
    /// Images in this chunk: the plan's chunk size, or fewer at the end of a batch.
    pub n: usize,
    /// The whole stored vector.
    pub parameters: &'a [f32],
    /// The images, channels last.
    pub input: &'a [f32],
    /// Where the output goes.
    pub output: &'a mut [f32],
    /// The worker's arena.
    pub arena: Arena<'a>,
}

/// Predicts a batch: `images` is `[N, ...input]`, the result `[N, ...output]`.
///
/// # Errors
///
/// If the shape is not the input's with a batch axis in front, or memory cannot be had.
pub fn predict<N: Network, D: Dimension, E: Dimension>(
    network: &N,
    images: ArrayView<'_, f32, D>,
) -> Result<Array<f32, E>, Error> {
    let output = &N::SPEC.outputs[0];
    check_shape(&N::SPEC.inputs[0], images.shape())?;
    let n = images.shape()[0];
    let mut shape = Vec::with_capacity(output.shape.len() + 1);
    shape.push(n);
    shape.extend_from_slice(output.shape);
    let floats = n.checked_mul(output.len()).ok_or(Error::OutOfMemory { floats: usize::MAX })?;
    let mut result = vec![0.0; floats];
    let images = images.as_standard_layout();
    // The layout is standard, so the slice is there.
    predict_into(network, images.as_slice().unwrap_or(&[]), &mut result)?;
    let array = ArrayD::from_shape_vec(IxDyn(&shape), result).and_then(ArrayD::into_dimensionality);
    array.map_err(|_| wrong_rank(output, E::NDIM))
}

/// Predicts a batch into an array of the caller's: `images` is `[N, ...input]`, `outputs` `[N, ...output]`. Where both
/// are in standard layout, nothing is allocated once the arenas are there.
///
/// # Errors
///
/// If a shape is another, or memory cannot be had.
pub fn forward<N: Network, D: Dimension, E: Dimension>(
    network: &N,
    images: ArrayView<'_, f32, D>,
    mut outputs: ArrayViewMut<'_, f32, E>,
) -> Result<(), Error> {
    check_shape(&N::SPEC.inputs[0], images.shape())?;
    check_shape(&N::SPEC.outputs[0], outputs.shape())?;
    let images = images.as_standard_layout();
    let images = images.as_slice().unwrap_or(&[]);
    if let Some(outputs) = outputs.as_slice_mut() {
        return predict_into(network, images, outputs);
    }
    let mut result = vec![0.0; outputs.len()];
    predict_into(network, images, &mut result)?;
    outputs.iter_mut().zip(result).for_each(|(to, from)| *to = from);
    Ok(())
}

/// Checks an array's shape against a tensor's, with a batch axis in front.
pub(super) fn check_shape(tensor: &TensorSpec, found: &[usize]) -> Result<(), Error> {
    if found.len() == tensor.shape.len() + 1 && found[1..] == *tensor.shape {
        return Ok(());
    }
    Err(Error::Shape { what: tensor.name, expected: batched(tensor.shape), found: format!("{found:?}") })
}

fn wrong_rank(tensor: &TensorSpec, rank: Option<usize>) -> Error {
    let found = rank.map_or_else(|| "an array of another rank".to_owned(), |rank| format!("an array of {rank} axes"));
    Error::Shape { what: tensor.name, expected: batched(tensor.shape), found }
}

/// Predicts a batch from and into plain memory: `images` holds N images, `outputs` room for N outputs.
///
/// # Errors
///
/// If the lengths are not N times the input's and the output's, or memory cannot be had.
pub fn predict_into<N: Network>(network: &N, images: &[f32], outputs: &mut [f32]) -> Result<(), Error> {
    let spec = N::SPEC;
    let n = count_images::<N>(images)?;
    let expected = n * spec.outputs[0].len();
    if outputs.len() != expected {
        return Err(Error::Shape {
            what: spec.outputs[0].name,
            expected: format!("{expected} numbers ({n} images of {:?})", spec.outputs[0].shape),
            found: format!("{} numbers", outputs.len()),
        });
    }
    let core = network.core();
    let job = Job { parameters: core.parameters().values(), arenas: core.arenas(), n, images, outputs };
    let share = worth_sharing(N::INFERENCE.macs, n, N::INFERENCE.chunk);
    run::<N>(job, share)
}

/// How many images `images` holds.
pub(super) fn count_images<N: Network>(images: &[f32]) -> Result<usize, Error> {
    let input = &N::SPEC.inputs[0];
    if !images.len().is_multiple_of(input.len()) {
        return Err(Error::Shape {
            what: input.name,
            expected: format!("a multiple of {} numbers (images of {:?})", input.len(), input.shape),
            found: format!("{} numbers", images.len()),
        });
    }
    Ok(images.len() / input.len())
}

/// A shape as messages print it, with the batch axis in front.
fn batched(shape: &[usize]) -> String {
    shape.iter().fold("[N".to_owned(), |text, size| format!("{text}, {size}")) + "]"
}

struct Job<'a> {
    parameters: &'a [f32],
    arenas: &'a ArenaPool,
    n: usize,
    images: &'a [f32],
    outputs: &'a mut [f32],
}

fn run<N: Network>(job: Job<'_>, share: bool) -> Result<(), Error> {
    let chunk = N::INFERENCE.chunk;
    let (input, output) = (N::SPEC.inputs[0].len(), N::SPEC.outputs[0].len());
    if share && job.n > chunk {
        let half = job.n.div_ceil(chunk) / 2 * chunk;
        let (images, more_images) = job.images.split_at(half * input);
        let (outputs, more_outputs) = job.outputs.split_at_mut(half * output);
        let (parameters, arenas) = (job.parameters, job.arenas);
        let first = Job { parameters, arenas, n: half, images, outputs };
        let second = Job { parameters, arenas, n: job.n - half, images: more_images, outputs: more_outputs };
        let (a, b) = rayon::join(|| run::<N>(first, true), || run::<N>(second, true));
        return a.and(b);
    }
    job.arenas.with(N::INFERENCE.arena, |arena| {
        for (images, outputs) in job.images.chunks(chunk * input).zip(job.outputs.chunks_mut(chunk * output)) {
            N::infer(&mut InferenceChunk {
                n: images.len() / input,
                parameters: job.parameters,
                input: images,
                output: outputs,
                arena: Arena::new(arena),
            });
        }
    })
}
