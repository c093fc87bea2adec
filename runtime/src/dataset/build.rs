//! Building datasets from arrays and bytes, with every check that the rest relies on.

use std::sync::Arc;

use ndarray::{Array, Dimension};

use super::{DataError, Dataset, Input, Storage, StoredInputs, StoredTargets, too_large};

impl Dataset {
    /// A dataset of classes: `inputs` is `[N, ...]`, `labels` has N entries below `n_classes`.
    ///
    /// # Errors
    /// [`DataError`] when there are no samples, an axis is zero, the counts differ, an input is not finite, or a label
    /// is out of range.
    pub fn from_classes<D: Dimension>(
        inputs: Array<f32, D>,
        labels: Vec<u32>,
        n_classes: usize,
    ) -> Result<Self, DataError> {
        let (len, shape, values) = into_samples("inputs", inputs)?;
        let targets = checked_labels(labels, n_classes)?;
        Self::assemble(len, shape, StoredInputs::Floats(values), targets)
    }

    /// A dataset of tensors: `inputs` is `[N, ...]`, `targets` is `[N, ...]`; targets `[N]` count as `[N, 1]`.
    ///
    /// # Errors
    /// [`DataError`] when there are no samples, an axis is zero, the counts differ, or a value is not finite.
    pub fn from_values<D: Dimension, E: Dimension>(
        inputs: Array<f32, D>,
        targets: Array<f32, E>,
    ) -> Result<Self, DataError> {
        let (len, shape, values) = into_samples("inputs", inputs)?;
        let (n_targets, target_shape, target_values) = into_samples("targets", targets)?;
        if n_targets != len {
            return Err(DataError::CountMismatch { what: "targets", expected: len, found: n_targets });
        }
        let n_elements = target_values.len() / len;
        let targets = StoredTargets::Values { values: target_values, shape: target_shape, n_elements };
        Self::assemble(len, shape, StoredInputs::Floats(values), targets)
    }

    /// A dataset of classes whose inputs stay bytes in memory: an element's value is `byte * scale + offset`.
    ///
    /// `shape` is one sample's; `bytes` holds the samples one after the other, as many as there are `labels`.
    ///
    /// # Errors
    /// [`DataError`] when there are no samples, an axis is zero, the counts differ, `scale` or `offset` is not finite,
    /// or a label is out of range.
    pub fn from_bytes(
        shape: &[usize],
        bytes: Vec<u8>,
        scale: f32,
        offset: f32,
        labels: Vec<u32>,
        n_classes: usize,
    ) -> Result<Self, DataError> {
        check_scale(scale, offset)?;
        let n_elements = checked_elements("inputs", shape)?;
        let len = labels.len();
        if len == 0 {
            return Err(DataError::NoSamples);
        }
        let expected = len.checked_mul(n_elements).ok_or_else(|| too_large("inputs", shape))?;
        if bytes.len() != expected {
            return Err(DataError::CountMismatch { what: "input bytes", expected, found: bytes.len() });
        }
        let targets = checked_labels(labels, n_classes)?;
        Self::assemble(len, shape.to_vec(), StoredInputs::Bytes { bytes, scale, offset }, targets)
    }

    /// The same samples with one more input each, for networks of several inputs: `input` is `[N, ...]`. A dataset's
    /// inputs stand in the order in which the network declares its own.
    ///
    /// What the dataset holds is copied, unless this is its only handle and no view.
    ///
    /// ```
    /// # fn main() -> Result<(), netwright_runtime::dataset::DataError> {
    /// use ndarray::{Array2, Array4};
    /// use netwright_runtime::dataset::Dataset;
    ///
    /// let (images, tables) = (Array4::zeros((3, 8, 8, 1)), Array2::zeros((3, 5)));
    /// let data = Dataset::from_classes(images, vec![0, 1, 1], 2)?.with_input(tables)?;
    /// assert!(data.shapes().eq([&[8, 8, 1][..], &[5]]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DataError`] when an axis is zero, the counts differ, or a value is not finite.
    pub fn with_input<D: Dimension>(self, input: Array<f32, D>) -> Result<Self, DataError> {
        let (found, shape, values) = into_samples("inputs", input)?;
        if found != self.len() {
            return Err(DataError::CountMismatch { what: "further inputs", expected: self.len(), found });
        }
        let n_elements = checked_elements("inputs", &shape)?;
        let mut storage = self.into_storage();
        storage.inputs.1.push(Input { shape, n_elements, values: StoredInputs::Floats(values) });
        Ok(Self { storage: Arc::new(storage), view: None })
    }

    /// The same samples with another scale and offset of the bytes of their first input: `byte * scale + offset`.
    ///
    /// What the dataset holds is copied, unless this is its only handle and no view.
    ///
    /// # Errors
    /// [`DataError`] when the inputs are no bytes, or `scale` or `offset` is not finite.
    pub fn rescaled(self, scale: f32, offset: f32) -> Result<Self, DataError> {
        check_scale(scale, offset)?;
        let mut storage = self.into_storage();
        match &mut storage.inputs.0.values {
            StoredInputs::Bytes { scale: old_scale, offset: old_offset, .. } => {
                (*old_scale, *old_offset) = (scale, offset);
            }
            StoredInputs::Floats(_) => return Err(DataError::NotBytes),
        }
        Ok(Self { storage: Arc::new(storage), view: None })
    }

    /// What this view holds, copied unless it is the only handle and no view.
    fn into_storage(self) -> Storage {
        match (self.view, Arc::try_unwrap(self.storage)) {
            (None, Ok(storage)) => storage,
            (Some(view), Ok(storage)) => storage.at(&view),
            (Some(view), Err(shared)) => shared.at(&view),
            // The number of samples fits into 32 bits.
            (None, Err(shared)) => shared.at(&(0..shared.len as u32).collect::<Vec<_>>()),
        }
    }

    /// The last checks that all constructors share.
    fn assemble(
        len: usize,
        shape: Vec<usize>,
        inputs: StoredInputs,
        targets: StoredTargets,
    ) -> Result<Self, DataError> {
        if u32::try_from(len).is_err() {
            return Err(DataError::TooManySamples { found: len });
        }
        if let StoredTargets::Classes { labels, .. } = &targets
            && labels.len() != len
        {
            return Err(DataError::CountMismatch { what: "labels", expected: len, found: labels.len() });
        }
        let n_elements = checked_elements("inputs", &shape)?;
        let input = Input { shape, n_elements, values: inputs };
        Ok(Self { storage: Arc::new(Storage { len, inputs: (input, Vec::new()), targets }), view: None })
    }
}

impl Storage {
    /// A copy of the samples at these positions, in their order.
    fn at(&self, positions: &[u32]) -> Self {
        let (first, more) = &self.inputs;
        let inputs = (first.at(positions), more.iter().map(|input| input.at(positions)).collect());
        Self { len: positions.len(), inputs, targets: self.targets.at(positions) }
    }
}

/// Refuses a scale and offset with which a byte would have no finite value.
fn check_scale(scale: f32, offset: f32) -> Result<(), DataError> {
    let (low, high) = (offset, 255.0 * scale + offset);
    match scale.is_finite() && low.is_finite() && high.is_finite() {
        true => Ok(()),
        false => Err(DataError::BadScale { scale, offset }),
    }
}

/// Takes an array apart into its number of samples, one sample's shape, and its values in row-major order.
fn into_samples<D: Dimension>(
    what: &'static str,
    array: Array<f32, D>,
) -> Result<(usize, Vec<usize>, Vec<f32>), DataError> {
    let (len, shape) = match array.shape() {
        [] => return Err(DataError::EmptyShape { what, shape: Vec::new() }),
        [len] => (*len, vec![1]),
        [len, shape @ ..] => (*len, shape.to_vec()),
    };
    let n_elements = checked_elements(what, &shape)?;
    if len == 0 {
        return Err(DataError::NoSamples);
    }
    let size = array.len();
    let values = if array.is_standard_layout() {
        // An array that was sliced in place keeps its whole buffer; only an exact fit can be taken over.
        let copy_start = |values: Vec<f32>, start: usize| values.get(start..start + size).map(<[f32]>::to_vec);
        match array.into_raw_vec_and_offset() {
            (values, Some(0) | None) if values.len() == size => values,
            (values, start) => copy_start(values, start.unwrap_or(0)).ok_or_else(|| too_large(what, &shape))?,
        }
    } else {
        array.iter().copied().collect()
    };
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(DataError::NotFinite {
            what,
            sample: at / n_elements,
            element: at % n_elements,
            value: values[at],
        });
    }
    Ok((len, shape, values))
}

fn checked_elements(what: &'static str, shape: &[usize]) -> Result<usize, DataError> {
    if shape.is_empty() || shape.contains(&0) {
        return Err(DataError::EmptyShape { what, shape: shape.to_vec() });
    }
    shape.iter().try_fold(1_usize, |product, &axis| product.checked_mul(axis)).ok_or_else(|| too_large(what, shape))
}

fn checked_labels(labels: Vec<u32>, n_classes: usize) -> Result<StoredTargets, DataError> {
    if n_classes == 0 {
        return Err(DataError::NoClasses);
    }
    if let Some(sample) = labels.iter().position(|&label| label as usize >= n_classes) {
        return Err(DataError::LabelOutOfRange { sample, label: labels[sample], n_classes });
    }
    Ok(StoredTargets::Classes { labels, n_classes })
}
