//! Batches: checks that a dataset fits a network, and copies images and targets into memory that is kept.

use std::ops::Deref;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use super::Recipe;
use super::augment::{Augmentation, Draw, Key};
use crate::dataset::{self, DataError, Dataset};
use crate::engine;
use crate::error::Error;
use crate::network::{Network, Trainable};
use crate::spec::Spec;

/// Checks that a dataset has images, and as many inputs as the network, each of its shape.
pub(super) fn check_inputs<N: Network>(data: &Dataset) -> Result<(), Error> {
    if data.is_empty() {
        return Err(DataError::NoSamples.into());
    }
    let Spec { name: network, inputs, .. } = N::SPEC;
    if data.n_inputs() != inputs.len() {
        let names = inputs.iter().map(|input| input.name).collect();
        return Err(Error::Count { network, what: "inputs", names, found: data.n_inputs() });
    }
    match inputs.iter().zip(data.shapes()).find(|(input, shape)| input.shape != *shape) {
        Some((input, shape)) => Err(Error::Shape {
            what: input.name,
            expected: format!("{:?} for each image", input.shape),
            found: format!("a dataset of {shape:?}"),
        }),
        None => Ok(()),
    }
}

/// Checks that a dataset fits a network's inputs and its loss.
pub(super) fn check<N: Trainable>(data: &Dataset) -> Result<(), Error> {
    check_inputs::<N>(data)?;
    let (classes, values) = (N::TRAINING.classes, N::TRAINING.target);
    match data.targets() {
        dataset::Targets::Classes { n_classes } if classes == 0 => Err(Error::Targets {
            expected: format!("{values} values for each image"),
            found: format!("a dataset of {n_classes} classes"),
        }),
        dataset::Targets::Classes { n_classes } if n_classes > classes => Err(Error::Targets {
            expected: format!("at most {classes} classes"),
            found: format!("a dataset of {n_classes}"),
        }),
        dataset::Targets::Classes { .. } => Ok(()),
        dataset::Targets::Values { shape } if classes > 0 => Err(Error::Targets {
            expected: format!("a class from 0 to {} for each image", classes - 1),
            found: format!("a dataset of values of shape {shape:?}"),
        }),
        dataset::Targets::Values { shape } if shape.iter().product::<usize>() != values => Err(Error::Targets {
            expected: format!("{values} values for each image"),
            found: format!("a dataset of values of shape {shape:?}"),
        }),
        dataset::Targets::Values { .. } => Ok(()),
    }
}

/// Memory for one batch.
#[derive(Debug)]
pub(super) struct Batch {
    inputs: Vec<Room>,
    labels: Vec<u32>,
    values: Vec<f32>,
    /// Target values of one image; 0 where there are classes.
    target: usize,
}

/// Memory for one input of a batch.
#[derive(Debug)]
struct Room {
    memory: Vec<f32>,
    /// Numbers of one image.
    len: usize,
    /// Its shape, where it is augmented.
    image: Option<[usize; 3]>,
    /// As much memory again, where augmentation moves pixels; else empty.
    other: Vec<f32>,
}

/// The inputs of one batch, a slice for each input of the network: without memory of its own where they are few.
#[derive(Debug)]
pub(super) struct Inputs<'m> {
    few: [&'m [f32]; FEW],
    many: Vec<&'m [f32]>,
    n: usize,
}

/// Inputs of a network up to which gathering a batch allocates nothing.
const FEW: usize = 4;

impl<'m> Deref for Inputs<'m> {
    type Target = [&'m [f32]];

    fn deref(&self) -> &Self::Target {
        self.few.get(..self.n).unwrap_or(&self.many)
    }
}

/// How a batch's images are changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Augmented {
    pub(super) augmentation: Augmentation,
    pub(super) seed: u64,
    pub(super) epoch: u64,
}

/// Images that a thread gathers and changes at a time.
const SHARED: usize = 4;

impl Batch {
    /// Memory for up to `size` images of `data` with their targets.
    pub(super) fn new(data: &Dataset, size: usize) -> Result<Self, Error> {
        let size = size.min(data.len());
        let target = data.target_shape().map_or(0, |shape| shape.iter().product());
        let labels = if data.n_classes().is_some() { size } else { 0 };
        let room = |shape: &[usize]| {
            let len = shape.iter().product();
            Ok(Room { memory: zeroed(size.saturating_mul(len))?, len, image: None, other: Vec::new() })
        };
        Ok(Self {
            inputs: data.shapes().map(room).collect::<Result<_, Error>>()?,
            labels: zeroed(labels)?,
            values: zeroed(size.saturating_mul(target))?,
            target,
        })
    }

    /// The same for training by this recipe, which may augment the images.
    pub(super) fn for_training(data: &Dataset, recipe: &Recipe) -> Result<Self, Error> {
        let mut batch = Self::new(data, recipe.batch)?;
        if recipe.augment.is_none() {
            return Ok(batch);
        }
        for (room, shape) in batch.inputs.iter_mut().zip(data.shapes()) {
            room.image = <[usize; 3]>::try_from(shape).ok();
            if room.image.is_some() && recipe.augment.warps() {
                room.other = zeroed(room.memory.len())?;
            }
        }
        Ok(batch)
    }

    /// The inputs of the images at `indices`, of which there are at most as many as the batch has memory for.
    pub(super) fn inputs(&mut self, data: &Dataset, indices: &[u32]) -> Result<Inputs<'_>, Error> {
        gather_inputs(&mut self.inputs, data, indices, None)
    }

    /// The inputs of the images at `indices`, changed if need be, and their targets.
    pub(super) fn gather(
        &mut self,
        data: &Dataset,
        indices: &[u32],
        augmented: Option<&Augmented>,
    ) -> Result<(Inputs<'_>, engine::Targets<'_>), Error> {
        let inputs = gather_inputs(&mut self.inputs, data, indices, augmented)?;
        if self.target == 0 {
            let labels = room(&mut self.labels, "labels", indices.len())?;
            data.gather_labels(indices, labels)?;
            Ok((inputs, engine::Targets::Classes(labels)))
        } else {
            let values = room(&mut self.values, "targets", indices.len() * self.target)?;
            data.gather_values(indices, values)?;
            Ok((inputs, engine::Targets::Values(values)))
        }
    }
}

fn gather_inputs<'m>(
    rooms: &'m mut [Room],
    data: &Dataset,
    indices: &[u32],
    augmented: Option<&Augmented>,
) -> Result<Inputs<'m>, Error> {
    let mut inputs = Inputs { few: [&[]; FEW], many: Vec::new(), n: rooms.len() };
    for (index, Room { memory, len, image, other }) in rooms.iter_mut().enumerate() {
        let memory = room(memory, "inputs", indices.len() * *len)?;
        match (augmented, image) {
            (Some(augmented), Some(shape)) => {
                gather_augmented(index, *shape, memory, other, data, indices, augmented)?;
            }
            _ => data.gather_input(index, indices, memory)?,
        }
        match inputs.few.get_mut(index) {
            Some(place) if inputs.n <= FEW => *place = memory,
            _ => inputs.many.push(memory),
        }
    }
    Ok(inputs)
}

/// Gathers one input and changes its images, shared among threads.
fn gather_augmented(
    input: usize,
    shape: [usize; 3],
    memory: &mut [f32],
    other: &mut [f32],
    data: &Dataset,
    indices: &[u32],
    &Augmented { ref augmentation, seed, epoch }: &Augmented,
) -> Result<(), Error> {
    let len = shape.iter().product();
    let change = |sample: u32, image: &mut [f32], other: &mut [f32]| {
        data.gather_input(input, &[sample], image)?;
        Draw::new(augmentation, Key { seed, epoch, sample }).apply(input, shape, image, other);
        Ok(())
    };
    let images = memory.par_chunks_exact_mut(len).zip(indices.par_iter());
    if other.is_empty() {
        return images.with_min_len(SHARED).try_for_each(|(image, &sample)| change(sample, image, &mut []));
    }
    let images = images.zip(other.par_chunks_exact_mut(len)).with_min_len(SHARED);
    images.try_for_each(|((image, &sample), other)| change(sample, image, other))
}

fn room<'m, T>(memory: &'m mut [T], what: &'static str, expected: usize) -> Result<&'m mut [T], Error> {
    let found = memory.len();
    memory.get_mut(..expected).ok_or(Error::Data(DataError::WrongRoom { what, expected, found }))
}

/// So many zeros, or the indices that they become.
pub(super) fn zeroed<T: Clone + Default>(len: usize) -> Result<Vec<T>, Error> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { floats: len })?;
    memory.resize(len, T::default());
    Ok(memory)
}

/// The indices of a dataset in order.
pub(super) fn indices(data: &Dataset) -> Result<Vec<u32>, Error> {
    let mut indices: Vec<u32> = zeroed(data.len())?;
    // A dataset has at most 2^32 - 1 samples.
    (0..).zip(&mut indices).for_each(|(idx, slot)| *slot = idx);
    Ok(indices)
}
