//! Prediction: chunks of images through the generated forward steps.

use ndarray::{Array, ArrayD, ArrayView, ArrayViewD, ArrayViewMut, ArrayViewMutD, Dimension, IxDyn};
use netwright_kernels::Arena;

use super::Sharing;
use super::core::{ArenaPool, SparseLayers};
use super::tensors::{Inputs, MoreOutputs, Outputs, check_count};
use crate::error::Error;
use crate::int8::{self, State};
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
    /// What dense layers of embedded weights are computed from where most of these are zero.
    pub sparse: SparseLayers<'a>,
    /// The images of the first input, channels last.
    pub input: &'a [f32],
    /// All inputs.
    pub inputs: Inputs<'a>,
    /// Where the first output goes.
    pub output: &'a mut [f32],
    /// Where the others go.
    pub more_outputs: MoreOutputs<'a>,
    /// The worker's arena.
    pub arena: Arena<'a>,
    /// The network's integers; none where it predicts in floats.
    pub int8: &'a State,
}

/// Predicts a batch with a network of one input and one output: `images` is `[N, ...input]`, the result `[N, ...output]`.
///
/// # Errors
///
/// If the shape is not the input's with a batch axis in front, or memory cannot be had; if the network has several
/// inputs or outputs.
pub fn predict<N: Network, D: Dimension, E: Dimension>(
    network: &N,
    images: ArrayView<'_, f32, D>,
) -> Result<Array<f32, E>, Error> {
    check_count::<N>("inputs", N::SPEC.inputs, 1)?;
    check_shape(&N::SPEC.inputs[0], images.shape())?;
    let images = images.as_standard_layout();
    // The layout is standard, so the slice is there.
    let [output] = predict_slices(network, &[images.as_slice().unwrap_or(&[])])?;
    with_rank(&N::SPEC.outputs[0], output)
}

/// Predicts a batch with a network of several inputs or outputs: each input is `[N, ...input]`, each output
/// `[N, ...output]`, in the order of their declaration.
///
/// # Errors
///
/// If there are other numbers of inputs or outputs, an input has another shape, their batches are not equally large, or
/// memory cannot be had.
pub fn predict_all<N: Network, const K: usize>(
    network: &N,
    inputs: &[ArrayViewD<'_, f32>],
) -> Result<[ArrayD<f32>; K], Error> {
    with_slices::<N, _>(inputs, |inputs| predict_slices(network, inputs))
}

/// An output with the number of axes that its type has.
///
/// # Errors
///
/// If it has another, which generated code rules out.
pub fn with_rank<E: Dimension>(output: &'static TensorSpec, array: ArrayD<f32>) -> Result<Array<f32, E>, Error> {
    array.into_dimensionality().map_err(|_| wrong_rank(output, E::NDIM))
}

/// Predicts a batch that is in plain memory.
fn predict_slices<N: Network, const K: usize>(network: &N, inputs: &[&[f32]]) -> Result<[ArrayD<f32>; K], Error> {
    let n = Inputs::of::<N>(inputs)?.n();
    let outputs = N::SPEC.outputs;
    check_count::<N>("outputs", outputs, K)?;
    let mut results = [const { Vec::new() }; K];
    for (result, output) in results.iter_mut().zip(outputs) {
        let floats = n.checked_mul(output.len()).ok_or(Error::OutOfMemory { floats: usize::MAX })?;
        *result = vec![0.0; floats];
    }
    predict_all_into(network, inputs, &mut results.each_mut().map(Vec::as_mut_slice))?;
    let mut arrays = [const { None }; K];
    for ((array, result), output) in arrays.iter_mut().zip(results).zip(outputs) {
        let shape: Vec<usize> = std::iter::once(n).chain(output.shape.iter().copied()).collect();
        *array = ArrayD::from_shape_vec(IxDyn(&shape), result).ok();
    }
    // The lengths are those of the shapes, so that every array is there.
    Ok(arrays.map(Option::unwrap_or_default))
}

/// Predicts a batch into an array of the caller's, with a network of one input and one output: `images` is
/// `[N, ...input]`, `outputs` `[N, ...output]`. Where both are in standard layout, nothing is allocated once the arenas
/// are there.
///
/// # Errors
///
/// If a shape is another, or memory cannot be had; if the network has several inputs or outputs.
pub fn forward<N: Network, D: Dimension, E: Dimension>(
    network: &N,
    images: ArrayView<'_, f32, D>,
    mut outputs: ArrayViewMut<'_, f32, E>,
) -> Result<(), Error> {
    check_count::<N>("inputs", N::SPEC.inputs, 1)?;
    check_count::<N>("outputs", N::SPEC.outputs, 1)?;
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

/// Predicts a batch into arrays of the caller's, with a network of several inputs or outputs: each input is
/// `[N, ...input]`, each output `[N, ...output]`, in the order of their declaration.
///
/// # Errors
///
/// If there are other numbers of inputs or outputs, one has another shape, their batches are not equally large, or
/// memory cannot be had.
pub fn forward_all<N: Network>(
    network: &N,
    inputs: &[ArrayViewD<'_, f32>],
    outputs: &mut [ArrayViewMutD<'_, f32>],
) -> Result<(), Error> {
    check_count::<N>("outputs", N::SPEC.outputs, outputs.len())?;
    for (tensor, output) in N::SPEC.outputs.iter().zip(outputs.iter()) {
        check_shape(tensor, output.shape())?;
    }
    with_slices::<N, _>(inputs, |inputs| {
        // An output in another layout is computed beside it and copied.
        let mut copies: Vec<Vec<f32>> = outputs
            .iter()
            .map(|output| if output.is_standard_layout() { Vec::new() } else { vec![0.0; output.len()] })
            .collect();
        let mut rooms: Vec<&mut [f32]> = outputs
            .iter_mut()
            .zip(&mut copies)
            .map(|(output, copy)| output.as_slice_mut().unwrap_or(copy.as_mut_slice()))
            .collect();
        predict_all_into(network, inputs, &mut rooms)?;
        for (output, copy) in outputs.iter_mut().zip(copies) {
            // Nothing where the output was written itself.
            output.iter_mut().zip(copy).for_each(|(to, from)| *to = from);
        }
        Ok(())
    })
}

/// Checks the inputs' shapes and hands their numbers to `work`, in standard layout.
pub(super) fn with_slices<N: Network, R>(
    inputs: &[ArrayViewD<'_, f32>],
    work: impl FnOnce(&[&[f32]]) -> Result<R, Error>,
) -> Result<R, Error> {
    check_count::<N>("inputs", N::SPEC.inputs, inputs.len())?;
    for (tensor, input) in N::SPEC.inputs.iter().zip(inputs) {
        check_shape(tensor, input.shape())?;
    }
    let inputs: Vec<_> = inputs.iter().map(|input| input.as_standard_layout()).collect();
    let slices: Vec<&[f32]> = inputs.iter().map(|input| input.as_slice().unwrap_or(&[])).collect();
    work(&slices)
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

/// Predicts a batch from and into plain memory, with a network of one input and one output: `images` holds N images,
/// `outputs` room for N outputs.
///
/// # Errors
///
/// If the lengths are not N times the input's and the output's, or memory cannot be had; if the network has several
/// inputs or outputs.
pub fn predict_into<N: Network>(network: &N, images: &[f32], outputs: &mut [f32]) -> Result<(), Error> {
    predict_all_into(network, &[images], &mut [outputs])
}

/// Predicts a batch from and into plain memory: an array of N images for each input, room for N outputs for each output,
/// in the order of their declaration.
///
/// # Errors
///
/// If there are other numbers of arrays, lengths are not N times those of the inputs and outputs, or memory cannot be
/// had.
pub fn predict_all_into<N: Network>(network: &N, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> Result<(), Error> {
    let inputs = Inputs::of::<N>(inputs)?;
    let outputs = Outputs::of::<N>(outputs.iter_mut().map(|output| &mut **output), inputs.n())?;
    let core = network.core();
    let (parameters, sparse) = (core.parameters().values(), core.sparse());
    // Where there is no code for it, nothing of it is linked.
    let int8 = N::INT8.and(core.int8());
    let job = Job { parameters, sparse, arenas: core.arenas(), inputs, outputs, int8 };
    let Inference { macs, chunk, arena } = job.sizes::<N>();
    let sharing = Sharing::of(macs, inputs.n(), chunk, core.arenas().is_empty());
    if sharing == Sharing::Chunks {
        // One for each worker there can be: which of them take part differs from call to call.
        core.arenas().reserve(rayon::current_num_threads().min(inputs.n().div_ceil(chunk)), arena)?;
    }
    sharing.run(|share| run::<N>(job, share))
}

/// A shape as messages print it, with the batch axis in front.
fn batched(shape: &[usize]) -> String {
    shape.iter().fold("[N".to_owned(), |text, size| format!("{text}, {size}")) + "]"
}

struct Job<'a> {
    parameters: &'a [f32],
    sparse: SparseLayers<'a>,
    arenas: &'a ArenaPool,
    inputs: Inputs<'a>,
    outputs: Outputs<'a>,
    int8: Option<&'a State>,
}

impl Job<'_> {
    /// The sizes of the plan that it follows.
    fn sizes<N: Network>(&self) -> Inference {
        if self.int8.is_some() { N::INT8_INFERENCE } else { N::INFERENCE }
    }

    /// The job's first `images` images, and the rest.
    fn split<N: Network>(self, images: usize) -> (Self, Self) {
        let Self { parameters, sparse, arenas, inputs, outputs, int8 } = self;
        let (inputs, more_inputs) = inputs.split(images);
        let (outputs, more_outputs) = outputs.split(N::SPEC.outputs, images);
        (
            Self { parameters, sparse, arenas, inputs, outputs, int8 },
            Self { parameters, sparse, arenas, inputs: more_inputs, outputs: more_outputs, int8 },
        )
    }
}

fn run<N: Network>(job: Job<'_>, share: bool) -> Result<(), Error> {
    let (n, chunk) = (job.inputs.n(), job.sizes::<N>().chunk);
    if share && n > chunk {
        let (first, second) = job.split::<N>(n.div_ceil(chunk) / 2 * chunk);
        let (a, b) = rayon::join(|| run::<N>(first, true), || run::<N>(second, true));
        return a.and(b);
    }
    let infer = if job.int8.is_some() { N::infer_int8 } else { N::infer };
    each_chunk::<N>(job, &mut |chunk| infer(chunk))
}

/// Calls `work` for one chunk of images after the other.
fn each_chunk<N: Network>(job: Job<'_>, work: &mut dyn FnMut(&mut InferenceChunk<'_>)) -> Result<(), Error> {
    let Inference { chunk, arena, .. } = job.sizes::<N>();
    job.arenas.with(arena, |arena| {
        let mut rest = job;
        while rest.inputs.n() > 0 {
            let images = rest.inputs.n().min(chunk);
            let (now, later) = rest.split::<N>(images);
            work(&mut InferenceChunk {
                n: images,
                parameters: now.parameters,
                sparse: now.sparse,
                input: now.inputs.get(0),
                inputs: now.inputs,
                output: now.outputs.first,
                more_outputs: now.outputs.more,
                arena: Arena::new(arena),
                int8: now.int8.unwrap_or(&int8::NONE),
            });
            rest = later;
        }
    })
}

/// Predicts a batch on this thread and shows the values on the way to an observer: in integers if the network has them.
///
/// # Errors
///
/// As [`predict_all_into`].
#[cfg(feature = "train")]
pub(crate) fn observe<N: Network>(
    network: &N,
    inputs: &[&[f32]],
    observer: &mut dyn int8::Observer,
) -> Result<(), Error> {
    let inputs = Inputs::of::<N>(inputs)?;
    let mut rooms: Vec<Vec<f32>> = N::SPEC.outputs.iter().map(|output| vec![0.0; inputs.n() * output.len()]).collect();
    let outputs = Outputs::of::<N>(rooms.iter_mut().map(Vec::as_mut_slice), inputs.n())?;
    let core = network.core();
    let (int8, sparse) = (core.int8(), core.sparse());
    let job = Job { parameters: core.parameters().values(), sparse, arenas: core.arenas(), inputs, outputs, int8 };
    each_chunk::<N>(job, &mut |chunk| match int8 {
        Some(_) => N::observe_int8(chunk, observer),
        None => N::observe(chunk, observer),
    })
}
