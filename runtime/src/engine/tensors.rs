//! The inputs and outputs of consecutive images, of networks with any number of them.

use crate::error::Error;
use crate::network::Network;
use crate::spec::TensorSpec;

/// The inputs of consecutive images: the arrays of a whole batch, and which of its images are meant.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    arrays: &'a [&'a [f32]],
    specs: &'static [TensorSpec],
    first: usize,
    n: usize,
}

impl<'a> Inputs<'a> {
    /// A batch of images: an array for each of the network's inputs, in the order of their declaration.
    ///
    /// # Errors
    ///
    /// If there is another number of arrays, one is not of whole images, or they are not of equally many.
    pub(super) fn of<N: Network>(arrays: &'a [&'a [f32]]) -> Result<Self, Error> {
        let specs = N::SPEC.inputs;
        check_count::<N>("inputs", specs, arrays.len())?;
        let mut n = None;
        for (input, array) in specs.iter().zip(arrays) {
            if !array.len().is_multiple_of(input.len()) {
                return Err(Error::Shape {
                    what: input.name,
                    expected: format!("a multiple of {} numbers (images of {:?})", input.len(), input.shape),
                    found: format!("{} numbers", array.len()),
                });
            }
            let found = array.len() / input.len();
            match n {
                Some(expected) if expected != found => {
                    return Err(Error::BatchSize { what: input.name, found, other: specs[0].name, expected });
                }
                _ => n = Some(found),
            }
        }
        Ok(Self { arrays, specs, first: 0, n: n.unwrap_or(0) })
    }

    /// The number of images.
    pub(super) fn n(&self) -> usize {
        self.n
    }

    /// The first `images` images, and the rest.
    pub(super) fn split(self, images: usize) -> (Self, Self) {
        (Self { n: images, ..self }, Self { first: self.first + images, n: self.n - images, ..self })
    }

    /// The images of an input, channels last; inputs count from 0 in the order of their declaration.
    ///
    /// # Panics
    ///
    /// If there is no such input, which the compiler rules out.
    #[must_use]
    pub fn get(&self, index: usize) -> &'a [f32] {
        let len = self.specs[index].len();
        &self.arrays[index][self.first * len..(self.first + self.n) * len]
    }
}

/// Room for the outputs of consecutive images.
#[derive(Debug)]
pub(super) struct Outputs<'a> {
    pub(super) first: &'a mut [f32],
    pub(super) more: MoreOutputs<'a>,
}

/// Room for the outputs after the first, of a network that has several.
#[derive(Debug)]
pub struct MoreOutputs<'a>(Vec<&'a mut [f32]>);

impl<'a> Outputs<'a> {
    /// Room for the outputs of `n` images, in the order of their declaration.
    ///
    /// # Errors
    ///
    /// If there is another number of arrays, or one is not of `n` images.
    pub(super) fn of<N: Network>(
        arrays: impl ExactSizeIterator<Item = &'a mut [f32]>,
        n: usize,
    ) -> Result<Self, Error> {
        let specs = N::SPEC.outputs;
        check_count::<N>("outputs", specs, arrays.len())?;
        let mut room = Self { first: &mut [], more: MoreOutputs(Vec::new()) };
        for (index, (output, array)) in specs.iter().zip(arrays).enumerate() {
            let expected = n.saturating_mul(output.len());
            if array.len() != expected {
                return Err(Error::Shape {
                    what: output.name,
                    expected: format!("{expected} numbers ({n} images of {:?})", output.shape),
                    found: format!("{} numbers", array.len()),
                });
            }
            if index == 0 { room.first = array } else { room.more.0.push(array) }
        }
        Ok(room)
    }

    /// Room for the first `images` images, and for the rest. Allocates nothing where there is one output.
    pub(super) fn split(self, specs: &[TensorSpec], images: usize) -> (Self, Self) {
        let mut lens = specs.iter().map(|output| output.len() * images);
        let (first, later) = self.first.split_at_mut(lens.next().unwrap_or(0));
        let (more, more_later) = self.more.0.into_iter().zip(lens).map(|(room, len)| room.split_at_mut(len)).unzip();
        (Self { first, more: MoreOutputs(more) }, Self { first: later, more: MoreOutputs(more_later) })
    }
}

impl MoreOutputs<'_> {
    /// The outputs after the first, each by itself; nothing for one that is not there.
    pub fn each<const K: usize>(&mut self) -> [&mut [f32]; K] {
        let mut outputs = self.0.iter_mut();
        std::array::from_fn(|_| outputs.next().map_or_else(Default::default, |output| &mut **output))
    }
}

/// Checks that there are as many arrays as tensors.
pub(super) fn check_count<N: Network>(
    what: &'static str,
    tensors: &'static [TensorSpec],
    found: usize,
) -> Result<(), Error> {
    if found == tensors.len() {
        return Ok(());
    }
    let names = tensors.iter().map(|tensor| tensor.name).collect();
    Err(Error::Count { network: N::SPEC.name, what, names, found })
}
