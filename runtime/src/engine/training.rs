//! One training step: the generated stages over lanes of chunks, barriers between them, gradients summed in order.

use ndarray::{ArrayD, ArrayView, ArrayViewD, Dimension};
use netwright_kernels::{AlignedVec, Arena, Slot, dropout, reduce};

use super::core::ArenaPool;
use super::inference::with_slices;
use super::tensors::Inputs;
use super::worth_sharing;
use crate::error::Error;
use crate::network::Trainable;
use crate::spec::Spec;

/// Sizes of a training plan.
#[derive(Debug, Clone, Copy)]
pub struct Training {
    /// Images a worker takes at a time.
    pub chunk: usize,
    /// The most lanes, each with gradients of its own, that a batch is cut into.
    pub lanes: usize,
    /// Images that a lane should have, as long as there are enough lanes for a few threads.
    pub lane_images: usize,
    /// Floats of the arena that a chunk needs.
    pub arena: usize,
    /// Stages of a step. With more than one, chunks keep their arenas from stage to stage.
    pub stages: usize,
    /// Lengths of the derived arrays (transposed weights), in floats.
    pub derived: &'static [usize],
    /// Floats that barriers leave for later stages (whole-batch statistics).
    pub shared: usize,
    /// Classes of a classification loss, or zero.
    pub classes: usize,
    /// Target values of an image of a regression loss, or zero.
    pub target: usize,
    /// Multiply-adds of one image, forward and backward.
    pub macs: u64,
}

/// What the loss compares the outputs with.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a> {
    /// The class of each image.
    Classes(&'a [u32]),
    /// The values wanted for each image, one image after another.
    Values(&'a [f32]),
}

impl<'a> Targets<'a> {
    /// The classes, or nothing.
    #[must_use]
    pub fn labels(self) -> &'a [u32] {
        match self {
            Targets::Classes(labels) => labels,
            Targets::Values(_) => &[],
        }
    }

    /// The values, or nothing.
    #[must_use]
    pub fn values(self) -> &'a [f32] {
        match self {
            Targets::Classes(_) => &[],
            Targets::Values(values) => values,
        }
    }
}

/// The loss of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchLoss {
    /// The mean over the images, weighted where classes have weights.
    pub loss: f64,
    /// Images whose largest score is their class; zero for a loss over values.
    pub correct: usize,
    /// Images in the batch.
    pub images: usize,
    /// What the images count together in the mean: the sum of their classes' weights, or their number.
    pub weight: f64,
}

impl BatchLoss {
    /// The batch's loss from each image's, summed in order.
    pub(super) fn over(losses: &[f32], correct: &[u8], weight: f64) -> Self {
        let sum: f64 = losses.iter().map(|&loss| f64::from(loss)).sum();
        Self {
            // No images, no loss.
            loss: if losses.is_empty() { 0.0 } else { sum / weight },
            correct: correct.iter().map(|&hit| usize::from(hit)).sum(),
            images: losses.len(),
            weight,
        }
    }
}

/// One chunk of images on its way through the generated training steps.
#[derive(Debug)]
pub struct TrainingChunk<'a> {
    /// Images in this chunk.
    pub n: usize,
    /// The place of the first of them in the batch.
    pub first: usize,
    /// Images in the whole batch; gradients are divided by it.
    pub batch: usize,
    /// The whole stored vector.
    pub parameters: &'a [f32],
    /// The derived arrays, one after another.
    pub derived: &'a [f32],
    /// What barriers left.
    pub shared: &'a [f32],
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
    /// The lane's gradients, added to.
    pub gradients: &'a mut [f32],
    /// The chunk's arena.
    pub arena: Arena<'a>,
    /// Keys the random numbers of this step.
    pub key: Key,
    /// What a gradient of one image counts in the batch's mean.
    pub scale: f32,
}

/// Keys the random numbers of a step: the same key, the same numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// The run's seed.
    pub seed: u64,
    /// The step in the run.
    pub step: u64,
    /// What dropout's rates are multiplied by: 1, or less for a network that has lost weights.
    pub dropout: f32,
}

impl Key {
    /// The rate of a dropout whose description says `rate`.
    #[must_use]
    pub fn rate(self, rate: f32) -> f32 {
        rate * self.dropout
    }

    /// The key of one layer's numbers.
    #[must_use]
    pub fn layer(self, layer: u32) -> dropout::Key {
        dropout::Key { seed: self.seed, step: self.step, layer }
    }
}

/// What stands still between two stages: every chunk's arena, and where whole-batch results go.
#[derive(Debug)]
pub struct Barrier<'a> {
    /// Images in the whole batch.
    pub batch: usize,
    /// Images of a full chunk.
    pub chunk: usize,
    /// Floats of a chunk's arena.
    pub arena: usize,
    /// The arenas of all chunks, one after another.
    pub arenas: &'a [f32],
    /// Where results for later stages go.
    pub shared: &'a mut [f32],
    /// The stored vector, of which the state after the trained part may be changed.
    pub parameters: &'a mut [f32],
    /// The first lane's gradients.
    pub gradients: &'a mut [f32],
}

impl<'a> Barrier<'a> {
    /// What each chunk left in a slot of its arena, in order, with the number of the chunk's images.
    ///
    /// # Panics
    ///
    /// If the slot lies outside of the arena, which the plan's verifier rules out.
    pub fn partials(&self, slot: Slot) -> impl Iterator<Item = (usize, &'a [f32])> + use<'a> {
        let (batch, chunk) = (self.batch, self.chunk);
        self.arenas
            .chunks_exact(self.arena)
            .take(batch.div_ceil(chunk))
            .enumerate()
            .map(move |(index, arena)| (chunk.min(batch - index * chunk), &arena[slot.offset..slot.offset + slot.len]))
    }
}

/// Gradients of a network's parameters, and the memory that computing them takes, kept from step to step.
#[derive(Debug)]
pub struct Gradients {
    spec: &'static Spec,
    sum: AlignedVec,
    key: Key,
    work: Workspace,
}

/// Memory of a training step.
#[derive(Debug)]
struct Workspace {
    lanes: AlignedVec,
    derived: AlignedVec,
    shared: AlignedVec,
    /// The arenas of all chunks, where a step has several stages.
    arenas: AlignedVec,
    /// The arenas of the workers, where it has one.
    pool: ArenaPool,
    losses: Vec<f32>,
    correct: Vec<u8>,
}

impl Gradients {
    /// Room for the gradients of a network, all zero.
    ///
    /// # Errors
    ///
    /// If memory cannot be had.
    pub fn new<N: Trainable>() -> Result<Self, Error> {
        let spec = N::SPEC;
        let sum = zeroed(spec.trained)?;
        Ok(Self { spec, sum, key: Key { seed: 0, step: 0, dropout: 1.0 }, work: Workspace::new()? })
    }

    /// The mean gradient of the last batch, as the parameters are stored: the first `SPEC.trained` floats.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.sum
    }

    /// The same, to change it (clipping, noise).
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.sum
    }

    /// The gradient of one parameter, in its logical shape.
    ///
    /// # Errors
    ///
    /// If the network has no trained parameter of this name.
    pub fn get(&self, name: &str) -> Result<ArrayD<f32>, Error> {
        crate::parameters::read(self.spec, &self.sum, name)
    }

    /// Keys the random numbers (dropout) of the next step: the same key, the same numbers.
    pub fn set_key(&mut self, seed: u64, step: u64) {
        self.key = Key { seed, step, ..self.key };
    }

    /// Multiplies dropout's rates by a factor from 0 to 1 from the next step on.
    pub fn set_dropout(&mut self, factor: f32) {
        self.key.dropout = factor.clamp(0.0, 1.0);
    }
}

/// Computes the mean loss of a batch of images, and its gradients into `gradients`; updates running statistics.
///
/// # Errors
///
/// If the batch is empty, lengths do not agree, a label is out of range, or memory cannot be had; if the network has
/// several inputs.
pub fn loss_and_gradients<N: Trainable>(
    network: &mut N,
    images: &[f32],
    targets: Targets<'_>,
    gradients: &mut Gradients,
) -> Result<BatchLoss, Error> {
    loss_and_gradients_all(network, &[images], targets, gradients)
}

/// [`loss_and_gradients`] for any number of inputs, in the order of their declaration.
///
/// # Errors
///
/// If there is another number of inputs, the batch is empty, lengths do not agree, a label is out of range, or memory
/// cannot be had.
pub fn loss_and_gradients_all<N: Trainable>(
    network: &mut N,
    inputs: &[&[f32]],
    targets: Targets<'_>,
    gradients: &mut Gradients,
) -> Result<BatchLoss, Error> {
    let inputs = Inputs::of::<N>(inputs)?;
    let n = inputs.n();
    if n == 0 {
        return Err(Error::EmptyBatch);
    }
    check_targets::<N>(n, targets)?;
    let plan = N::TRAINING;
    let cut = Cut::of(n, &plan);
    let share = worth_sharing(plan.macs, n, plan.chunk);
    let weight = weight::<N>(n, targets);
    // The same bits as without weights where there are none.
    let scale = if N::CLASS_WEIGHTS.is_empty() { 1.0 / n as f32 } else { (1.0 / weight) as f32 };
    let Gradients { sum, key, work, .. } = gradients;
    work.reserve::<N>(n, &cut, share)?;
    let Workspace { lanes, derived, shared, arenas, pool, losses, correct } = work;
    let stored = network.core_mut().parameters_mut().values_mut();

    derive::<N>(0, plan.derived, stored, &mut derived[..], share);
    for stage in 0..plan.stages {
        let step = Step { stage, batch: n, scale, cut, parameters: stored, derived, shared, key: *key, pool };
        let work = Lanes {
            count: cut.lanes,
            first: 0,
            inputs,
            labels: targets.labels(),
            values: targets.values(),
            losses: &mut losses[..n],
            correct: &mut correct[..n],
            gradients: &mut lanes[..cut.lanes * N::SPEC.trained],
            arenas: &mut arenas[..],
        };
        run::<N>(&step, work, share)?;
        if stage + 1 < plan.stages {
            N::barrier(
                stage,
                &mut Barrier {
                    batch: n,
                    chunk: plan.chunk,
                    arena: plan.arena,
                    arenas,
                    shared,
                    parameters: stored,
                    gradients: &mut lanes[..N::SPEC.trained],
                },
            );
        }
    }
    sum_lanes(&lanes[..cut.lanes * N::SPEC.trained], sum, 0, N::SPEC.trained, share);
    Ok(BatchLoss::over(&losses[..n], &correct[..n], weight))
}

/// [`loss_and_gradients`] of an array of images, `[N, ...input]`.
///
/// # Errors
///
/// If the shape is another, and as [`loss_and_gradients`].
pub fn batch_gradients<N: Trainable, D: Dimension>(
    network: &mut N,
    images: ArrayView<'_, f32, D>,
    targets: Targets<'_>,
    gradients: &mut Gradients,
) -> Result<BatchLoss, Error> {
    batch_gradients_all(network, &[images.into_dyn()], targets, gradients)
}

/// [`loss_and_gradients_all`] of an array for each input, `[N, ...input]`, in the order of their declaration.
///
/// # Errors
///
/// If a shape is another, and as [`loss_and_gradients_all`].
pub fn batch_gradients_all<N: Trainable>(
    network: &mut N,
    inputs: &[ArrayViewD<'_, f32>],
    targets: Targets<'_>,
    gradients: &mut Gradients,
) -> Result<BatchLoss, Error> {
    with_slices::<N, _>(inputs, |inputs| loss_and_gradients_all(network, inputs, targets, gradients))
}

/// What the images of a batch count together in the mean loss: PyTorch's weighted mean. Labels have been checked.
pub(super) fn weight<N: Trainable>(n: usize, targets: Targets<'_>) -> f64 {
    let weights = N::CLASS_WEIGHTS;
    if weights.is_empty() {
        return n as f64;
    }
    // In the order of the batch, whatever the number of threads.
    targets.labels().iter().filter_map(|&label| weights.get(label as usize)).map(|&weight| f64::from(weight)).sum()
}

/// Checks that there is one target per image, and that labels are classes.
pub(super) fn check_targets<N: Trainable>(n: usize, targets: Targets<'_>) -> Result<(), Error> {
    let plan = N::TRAINING;
    match targets {
        Targets::Classes(labels) => {
            if plan.classes == 0 {
                return Err(Error::Targets {
                    expected: format!("{} values for each image", plan.target),
                    found: "classes".into(),
                });
            }
            if labels.len() != n {
                return Err(Error::Targets {
                    expected: format!("{n} labels, one for each image"),
                    found: format!("{}", labels.len()),
                });
            }
            match labels.iter().find(|&&label| label as usize >= plan.classes) {
                Some(label) => Err(Error::Targets {
                    expected: format!("labels from 0 to {}", plan.classes - 1),
                    found: format!("{label}"),
                }),
                None => Ok(()),
            }
        }
        Targets::Values(values) => {
            if plan.target == 0 {
                return Err(Error::Targets {
                    expected: format!("a class from 0 to {} for each image", plan.classes - 1),
                    found: "values".into(),
                });
            }
            if values.len() != n * plan.target {
                return Err(Error::Targets {
                    expected: format!("{} values, {} for each of {n} images", n * plan.target, plan.target),
                    found: format!("{}", values.len()),
                });
            }
            Ok(())
        }
    }
}

/// Lanes that a batch of enough chunks is always cut into.
const FEWEST_LANES: usize = 4;

/// The most lanes, more than which no plan has.
const MOST_LANES: usize = 32;

/// How a batch is cut: lanes of consecutive chunks. Depends on nothing but the plan and the batch.
#[derive(Debug, Clone, Copy)]
struct Cut {
    lanes: usize,
    chunks: usize,
    chunks_of_lane: usize,
}

impl Cut {
    fn of(n: usize, plan: &Training) -> Self {
        let chunks = n.div_ceil(plan.chunk);
        let fewest = chunks.div_ceil(plan.lanes.min(MOST_LANES));
        let wanted = plan.lane_images.div_ceil(plan.chunk);
        let chunks_of_lane = wanted.min(chunks.div_ceil(FEWEST_LANES)).max(fewest);
        Self { lanes: chunks.div_ceil(chunks_of_lane), chunks, chunks_of_lane }
    }
}

impl Workspace {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            lanes: zeroed(0)?,
            derived: zeroed(0)?,
            shared: zeroed(0)?,
            arenas: zeroed(0)?,
            pool: ArenaPool::default(),
            losses: Vec::new(),
            correct: Vec::new(),
        })
    }

    /// Sees to it that everything is large enough for a batch of `n`; allocates only when it first grows.
    fn reserve<N: Trainable>(&mut self, n: usize, cut: &Cut, share: bool) -> Result<(), Error> {
        let plan = N::TRAINING;
        grow(&mut self.lanes, cut.lanes.saturating_mul(N::SPEC.trained))?;
        grow(&mut self.derived, plan.derived.iter().sum())?;
        grow(&mut self.shared, plan.shared)?;
        if plan.stages > 1 {
            grow(&mut self.arenas, cut.chunks.saturating_mul(plan.arena))?;
        } else {
            // One for each worker there can be: which of them take part differs from step to step.
            let workers = if share { cut.lanes.min(rayon::current_num_threads()) } else { 1 };
            self.pool.reserve(workers, plan.arena)?;
        }
        if self.losses.len() < n {
            self.losses.resize(n, 0.0);
            self.correct.resize(n, 0);
        }
        Ok(())
    }
}

fn grow(memory: &mut AlignedVec, len: usize) -> Result<(), Error> {
    if memory.len() < len {
        *memory = zeroed(len)?;
    }
    Ok(())
}

/// Fills the derived arrays, sharing the jobs among threads.
fn derive<N: Trainable>(first: usize, lengths: &[usize], parameters: &[f32], out: &mut [f32], share: bool) {
    match lengths {
        [] => {}
        [length] => N::derive(first, parameters, &mut out[..*length]),
        _ => {
            let half = lengths.len() / 2;
            let (a, b) = lengths.split_at(half);
            let (out_a, out_b) = out.split_at_mut(a.iter().sum());
            both(
                share,
                || derive::<N>(first, a, parameters, out_a, share),
                || derive::<N>(first + half, b, parameters, out_b, share),
            );
        }
    }
}

/// What all lanes of a stage share.
struct Step<'a> {
    stage: usize,
    batch: usize,
    scale: f32,
    cut: Cut,
    parameters: &'a [f32],
    derived: &'a [f32],
    shared: &'a [f32],
    key: Key,
    pool: &'a ArenaPool,
}

/// Some consecutive lanes of a stage, with the parts of the batch that belong to them.
struct Lanes<'a> {
    count: usize,
    first: usize,
    inputs: Inputs<'a>,
    labels: &'a [u32],
    values: &'a [f32],
    losses: &'a mut [f32],
    correct: &'a mut [u8],
    gradients: &'a mut [f32],
    arenas: &'a mut [f32],
}

impl Lanes<'_> {
    /// Splits off the first `images` images and `lanes` lanes, with so many floats of gradients and of arenas.
    fn split<N: Trainable>(self, images: usize, lanes: usize, gradients: usize, arenas: usize) -> (Self, Self) {
        let (inputs_a, inputs_b) = self.inputs.split(images);
        let (labels_a, labels_b) = self.labels.split_at(images.min(self.labels.len()));
        let (values_a, values_b) = self.values.split_at((images * N::TRAINING.target).min(self.values.len()));
        let (losses_a, losses_b) = self.losses.split_at_mut(images);
        let (correct_a, correct_b) = self.correct.split_at_mut(images);
        let (gradients_a, gradients_b) = self.gradients.split_at_mut(gradients);
        let (arenas_a, arenas_b) = self.arenas.split_at_mut(arenas);
        let a = Self {
            count: lanes,
            first: self.first,
            inputs: inputs_a,
            labels: labels_a,
            values: values_a,
            losses: losses_a,
            correct: correct_a,
            gradients: gradients_a,
            arenas: arenas_a,
        };
        let b = Self {
            count: self.count - lanes,
            first: self.first + images,
            inputs: inputs_b,
            labels: labels_b,
            values: values_b,
            losses: losses_b,
            correct: correct_b,
            gradients: gradients_b,
            arenas: arenas_b,
        };
        (a, b)
    }
}

/// Runs a stage over lanes: in parallel halves down to one lane, whose chunks then go one after another.
fn run<N: Trainable>(step: &Step<'_>, lanes: Lanes<'_>, share: bool) -> Result<(), Error> {
    let plan = N::TRAINING;
    if lanes.count > 1 {
        let half = lanes.count / 2;
        let chunks = half * step.cut.chunks_of_lane;
        let arenas = if plan.stages > 1 { chunks * plan.arena } else { 0 };
        let (a, b) = lanes.split::<N>(chunks * plan.chunk, half, half * N::SPEC.trained, arenas);
        let (a, b) = both(share, || run::<N>(step, a, share), || run::<N>(step, b, share));
        return a.and(b);
    }
    if plan.stages > 1 {
        run_lane::<N>(step, lanes, None);
        return Ok(());
    }
    step.pool.with(plan.arena, |arena| run_lane::<N>(step, lanes, Some(arena)))
}

/// Runs a stage over one lane: in the worker's arena, or where that is `None` in each chunk's own.
fn run_lane<N: Trainable>(step: &Step<'_>, mut lane: Lanes<'_>, mut worker: Option<&mut [f32]>) {
    let plan = N::TRAINING;
    if step.stage == 0 {
        lane.gradients.fill(0.0);
    }
    while lane.inputs.n() > 0 {
        let images = lane.inputs.n().min(plan.chunk);
        let arenas = if worker.is_some() { 0 } else { plan.arena };
        let gradients = lane.gradients.len();
        let (now, later) = lane.split::<N>(images, 0, gradients, arenas);
        let arena: &mut [f32] = match worker.as_deref_mut() {
            Some(arena) => arena,
            None => now.arenas,
        };
        N::stage(
            step.stage,
            &mut TrainingChunk {
                n: images,
                first: now.first,
                batch: step.batch,
                parameters: step.parameters,
                derived: step.derived,
                shared: step.shared,
                input: now.inputs.get(0),
                inputs: now.inputs,
                labels: now.labels,
                values: now.values,
                losses: now.losses,
                correct: now.correct,
                gradients: now.gradients,
                arena: Arena::new(arena),
                key: step.key,
                scale: step.scale,
            },
        );
        lane = Lanes { gradients: now.gradients, ..later };
    }
}

/// Floats of the sum that one job adds up.
const SUM_BLOCK: usize = 16 * 1024;

/// Sums the lanes' gradients from `offset` on, in the order of the lanes, into `sum`.
fn sum_lanes(lanes: &[f32], sum: &mut [f32], offset: usize, stride: usize, share: bool) {
    if share && sum.len() > SUM_BLOCK {
        let half = sum.len().div_ceil(SUM_BLOCK) / 2 * SUM_BLOCK;
        let (a, b) = sum.split_at_mut(half);
        both(true, || sum_lanes(lanes, a, offset, stride, share), || sum_lanes(lanes, b, offset + half, stride, share));
        return;
    }
    let mut parts: [&[f32]; MOST_LANES] = [&[]; MOST_LANES];
    let mut count = 0;
    // A network without parameters has lanes without gradients.
    for (part, lane) in parts.iter_mut().zip(lanes.chunks_exact(stride.max(1))) {
        *part = &lane[offset..offset + sum.len()];
        count += 1;
    }
    reduce::sum_in_order(&parts[..count], 1.0, sum);
}

/// Runs both, on two threads if `share`.
fn both<A: Send, B: Send>(share: bool, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if share { rayon::join(a, b) } else { (a(), b()) }
}

fn zeroed(len: usize) -> Result<AlignedVec, Error> {
    AlignedVec::zeroed(len).map_err(|_| Error::OutOfMemory { floats: len })
}
