//! Datasets in memory: samples with their targets, and cheap views of them.

mod build;
mod error;

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};

use crate::random::Stream;

pub use error::{Attempt, DataError, IdxProblem};

/// Samples with one target each. A sample has one input, or several for networks of several inputs: see
/// [`with_input`](Self::with_input). All samples' inputs have the same shapes.
///
/// A dataset is a handle: cloning, [`take`](Self::take), [`subset`](Self::subset) and [`split`](Self::split) share
/// the stored samples and copy at most a list of indices. Indices given to a view count within that view.
#[derive(Clone)]
pub struct Dataset {
    storage: Arc<Storage>,
    /// Positions in the storage, in the view's order; `None` stands for all of them.
    view: Option<Arc<[u32]>>,
}

/// What the samples of a [`Dataset`] are labelled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets<'a> {
    /// One class index a sample, below `n_classes`.
    Classes {
        /// How many classes there are.
        n_classes: usize,
    },
    /// A tensor of f32 values a sample.
    Values {
        /// The tensor's shape, without the sample axis.
        shape: &'a [usize],
    },
}

struct Storage {
    len: usize,
    /// The first input, and those after it.
    inputs: (Input, Vec<Input>),
    targets: StoredTargets,
}

/// One input of every sample.
struct Input {
    /// Shape of one sample, without the sample axis.
    shape: Vec<usize>,
    /// Product of `shape`.
    n_elements: usize,
    values: StoredInputs,
}

enum StoredInputs {
    Floats(Vec<f32>),
    /// The value of an element is `byte * scale + offset`.
    Bytes {
        bytes: Vec<u8>,
        scale: f32,
        offset: f32,
    },
}

enum StoredTargets {
    Classes { labels: Vec<u32>, n_classes: usize },
    Values { values: Vec<f32>, shape: Vec<usize>, n_elements: usize },
}

impl Dataset {
    /// Number of samples in this view.
    pub fn len(&self) -> usize {
        self.view.as_ref().map_or(self.storage.len, |view| view.len())
    }

    /// Whether this view has no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shape of one sample's first input, without the sample axis; never empty, no axis is zero.
    pub fn shape(&self) -> &[usize] {
        &self.storage.inputs.0.shape
    }

    /// Number of values in one sample's first input: the product of [`shape`](Self::shape).
    pub fn input_len(&self) -> usize {
        self.storage.inputs.0.n_elements
    }

    /// The number of inputs that a sample has; one or more.
    pub fn n_inputs(&self) -> usize {
        1 + self.storage.inputs.1.len()
    }

    /// The shape of each input, as [`shape`](Self::shape) is of the first.
    pub fn shapes(&self) -> impl Iterator<Item = &[usize]> {
        self.storage.inputs().map(|input| input.shape.as_slice())
    }

    /// What the samples are labelled with.
    pub fn targets(&self) -> Targets<'_> {
        match &self.storage.targets {
            StoredTargets::Classes { n_classes, .. } => Targets::Classes { n_classes: *n_classes },
            StoredTargets::Values { shape, .. } => Targets::Values { shape },
        }
    }

    /// The number of classes; `None` when the targets are values.
    pub fn n_classes(&self) -> Option<usize> {
        match self.targets() {
            Targets::Classes { n_classes } => Some(n_classes),
            Targets::Values { .. } => None,
        }
    }

    /// Shape of one target tensor, without the sample axis; `None` when the targets are classes.
    pub fn target_shape(&self) -> Option<&[usize]> {
        match self.targets() {
            Targets::Classes { .. } => None,
            Targets::Values { shape } => Some(shape),
        }
    }

    /// The class of sample `idx`; `None` past the end or when the targets are values.
    pub fn label(&self, idx: usize) -> Option<u32> {
        match &self.storage.targets {
            StoredTargets::Classes { labels, .. } => labels.get(self.position(idx)?).copied(),
            StoredTargets::Values { .. } => None,
        }
    }

    /// The values of sample `idx`'s first input, [`input_len`](Self::input_len) of them; `None` past the end.
    pub fn input(&self, idx: usize) -> Option<Vec<f32>> {
        let position = self.position(idx)?;
        let mut values = vec![0.0; self.input_len()];
        self.storage.inputs.0.write(position, &mut values)?;
        Some(values)
    }

    /// Copies the first inputs of the samples at `indices` to `out`, one after the other; `out` holds
    /// `indices.len() * input_len()` values.
    ///
    /// # Errors
    /// [`DataError`] when an index is past the end or `out` has another length.
    pub fn gather_inputs(&self, indices: &[u32], out: &mut [f32]) -> Result<(), DataError> {
        self.gather_input(0, indices, out)
    }

    /// Copies one input of the samples at `indices` to `out`, one after the other; inputs count from 0.
    ///
    /// # Errors
    /// [`DataError`] when there is no such input, an index is past the end, or `out` has another length.
    pub fn gather_input(&self, input: usize, indices: &[u32], out: &mut [f32]) -> Result<(), DataError> {
        let n_inputs = self.n_inputs();
        let input = self.storage.inputs().nth(input).ok_or(DataError::NoSuchInput { index: input, n_inputs })?;
        check_room("inputs", indices, input.n_elements, out.len())?;
        for (&idx, slot) in indices.iter().zip(out.chunks_exact_mut(input.n_elements)) {
            self.position(idx as usize)
                .and_then(|position| input.write(position, slot))
                .ok_or(DataError::NoSuchSample { index: idx as usize, len: self.len() })?;
        }
        Ok(())
    }

    /// Copies the classes at `indices` to `out`, which has as many entries.
    ///
    /// # Errors
    /// [`DataError`] when the targets are values, an index is past the end, or `out` has another length.
    pub fn gather_labels(&self, indices: &[u32], out: &mut [u32]) -> Result<(), DataError> {
        let StoredTargets::Classes { labels, .. } = &self.storage.targets else {
            return Err(DataError::WrongTargets { expected: "class labels", found: "values" });
        };
        check_room("labels", indices, 1, out.len())?;
        for (&idx, slot) in indices.iter().zip(out) {
            *slot = self
                .position(idx as usize)
                .and_then(|position| labels.get(position).copied())
                .ok_or(DataError::NoSuchSample { index: idx as usize, len: self.len() })?;
        }
        Ok(())
    }

    /// Copies the target tensors at `indices` to `out`, one after the other.
    ///
    /// # Errors
    /// [`DataError`] when the targets are classes, an index is past the end, or `out` has another length.
    pub fn gather_values(&self, indices: &[u32], out: &mut [f32]) -> Result<(), DataError> {
        let StoredTargets::Values { values, n_elements, .. } = &self.storage.targets else {
            return Err(DataError::WrongTargets { expected: "values", found: "class labels" });
        };
        check_room("targets", indices, *n_elements, out.len())?;
        for (&idx, slot) in indices.iter().zip(out.chunks_exact_mut(*n_elements)) {
            let stored = self
                .position(idx as usize)
                .and_then(|position| row(values, position, *n_elements))
                .ok_or(DataError::NoSuchSample { index: idx as usize, len: self.len() })?;
            slot.copy_from_slice(stored);
        }
        Ok(())
    }

    /// The first inputs of the samples at `indices` as an array `[indices.len(), ...shape]`.
    ///
    /// # Errors
    /// [`DataError`] when an index is past the end or the array would not fit into memory's address space.
    pub fn inputs_at(&self, indices: &[u32]) -> Result<ArrayD<f32>, DataError> {
        let mut shape = vec![indices.len()];
        shape.extend_from_slice(self.shape());
        let size = indices.len().checked_mul(self.input_len()).ok_or_else(|| too_large("inputs", &shape))?;
        let mut values = vec![0.0; size];
        self.gather_inputs(indices, &mut values)?;
        ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|_| too_large("inputs", &shape))
    }

    /// The first `n` samples, or all of them where there are fewer.
    #[must_use]
    pub fn take(&self, n: usize) -> Self {
        if n >= self.len() {
            return self.clone();
        }
        let view = match &self.view {
            Some(view) => view.iter().copied().take(n).collect(),
            None => (0..n as u32).collect(),
        };
        Self { storage: Arc::clone(&self.storage), view: Some(view) }
    }

    /// The samples at `indices`, in that order; an index may come more than once.
    ///
    /// # Errors
    /// [`DataError::NoSuchSample`] when an index is past the end.
    pub fn subset(&self, indices: &[u32]) -> Result<Self, DataError> {
        let view = indices.iter().map(|&idx| match &self.view {
            _ if idx as usize >= self.len() => Err(DataError::NoSuchSample { index: idx as usize, len: self.len() }),
            Some(view) => Ok(view[idx as usize]),
            None => Ok(idx),
        });
        Ok(Self { storage: Arc::clone(&self.storage), view: Some(view.collect::<Result<_, _>>()?) })
    }

    /// Splits into `(rest, part)`: `part` has `round(len * fraction)` samples drawn by `seed`, `rest` has the others.
    ///
    /// Both keep the order of this view, and the same seed draws the same samples on every machine. The draw ignores
    /// the targets (it is not stratified).
    ///
    /// # Errors
    /// [`DataError::BadFraction`] unless `0 <= fraction <= 1`.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Self, Self), DataError> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(DataError::BadFraction { fraction });
        }
        let n_part = (self.len() as f64 * fraction).round() as usize;
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        Stream::new(seed, "split").shuffle(&mut order);
        let (part, rest) = order.split_at_mut(n_part.min(self.len()));
        part.sort_unstable();
        rest.sort_unstable();
        Ok((self.subset(rest)?, self.subset(part)?))
    }

    /// A checksum of everything this view holds, in its order; for noticing that a resumed run has other data.
    ///
    /// It is no protection against somebody who wants two datasets to agree.
    pub fn fingerprint(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        let number = |hasher: &mut crc32fast::Hasher, value: usize| hasher.update(&(value as u64).to_le_bytes());
        number(&mut hasher, self.len());
        for shape in self.shapes() {
            number(&mut hasher, shape.len());
            shape.iter().for_each(|&axis| number(&mut hasher, axis));
        }
        for idx in 0..self.len() {
            let Some(position) = self.position(idx) else { continue };
            for input in self.storage.inputs() {
                match &input.values {
                    StoredInputs::Floats(values) => update_floats(&mut hasher, row(values, position, input.n_elements)),
                    StoredInputs::Bytes { bytes, scale, offset } => {
                        hasher.update(row(bytes, position, input.n_elements).unwrap_or_default());
                        if idx == 0 {
                            update_floats(&mut hasher, Some(&[*scale, *offset]));
                        }
                    }
                }
            }
            match &self.storage.targets {
                StoredTargets::Classes { labels, n_classes } => {
                    hasher.update(&labels.get(position).copied().unwrap_or_default().to_le_bytes());
                    if idx == 0 {
                        number(&mut hasher, *n_classes);
                    }
                }
                StoredTargets::Values { values, n_elements, .. } => {
                    update_floats(&mut hasher, row(values, position, *n_elements));
                }
            }
        }
        hasher.finalize()
    }

    /// Where sample `idx` of this view is stored.
    fn position(&self, idx: usize) -> Option<usize> {
        match &self.view {
            Some(view) => view.get(idx).map(|&position| position as usize),
            None => (idx < self.storage.len).then_some(idx),
        }
    }
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dataset")
            .field("len", &self.len())
            .field("shapes", &self.shapes().collect::<Vec<_>>())
            .field("targets", &self.targets())
            .finish()
    }
}

impl Storage {
    /// Every input, in order.
    fn inputs(&self) -> impl Iterator<Item = &Input> {
        std::iter::once(&self.inputs.0).chain(&self.inputs.1)
    }
}

impl Input {
    /// Writes a sample's values.
    fn write(&self, position: usize, out: &mut [f32]) -> Option<()> {
        match &self.values {
            StoredInputs::Floats(values) => out.copy_from_slice(row(values, position, self.n_elements)?),
            StoredInputs::Bytes { bytes, scale, offset } => {
                for (value, &byte) in out.iter_mut().zip(row(bytes, position, self.n_elements)?) {
                    *value = f32::from(byte) * scale + offset;
                }
            }
        }
        Some(())
    }

    /// The input of the samples at these positions, in their order.
    fn at(&self, positions: &[u32]) -> Self {
        let Self { shape, n_elements, values } = self;
        let values = match values {
            StoredInputs::Floats(values) => StoredInputs::Floats(rows(values, positions, *n_elements)),
            StoredInputs::Bytes { bytes, scale, offset } => {
                StoredInputs::Bytes { bytes: rows(bytes, positions, *n_elements), scale: *scale, offset: *offset }
            }
        };
        Self { shape: shape.clone(), n_elements: *n_elements, values }
    }
}

impl StoredTargets {
    /// The targets of the samples at these positions, in their order.
    fn at(&self, positions: &[u32]) -> Self {
        match self {
            Self::Classes { labels, n_classes } => {
                Self::Classes { labels: rows(labels, positions, 1), n_classes: *n_classes }
            }
            Self::Values { values, shape, n_elements } => Self::Values {
                values: rows(values, positions, *n_elements),
                shape: shape.clone(),
                n_elements: *n_elements,
            },
        }
    }
}

/// The rows at these positions of a matrix with `width` columns.
fn rows<T: Copy>(values: &[T], positions: &[u32], width: usize) -> Vec<T> {
    positions.iter().filter_map(|&position| row(values, position as usize, width)).flatten().copied().collect()
}

/// Row `position` of a matrix with `width` columns.
fn row<T>(values: &[T], position: usize, width: usize) -> Option<&[T]> {
    let start = position.checked_mul(width)?;
    values.get(start..start.checked_add(width)?)
}

fn update_floats(hasher: &mut crc32fast::Hasher, values: Option<&[f32]>) {
    for value in values.unwrap_or_default() {
        hasher.update(&value.to_le_bytes());
    }
}

fn check_room(what: &'static str, indices: &[u32], width: usize, found: usize) -> Result<(), DataError> {
    match indices.len().checked_mul(width) {
        Some(expected) if expected == found => Ok(()),
        expected => Err(DataError::WrongRoom { what, expected: expected.unwrap_or(usize::MAX), found }),
    }
}

fn too_large(what: &'static str, shape: &[usize]) -> DataError {
    DataError::TooLarge { what, shape: shape.to_vec() }
}

#[cfg(test)]
mod tests;
