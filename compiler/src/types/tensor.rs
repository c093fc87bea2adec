//! What the checker knows of a tensor: the sizes of its axes, without the batch.

use std::fmt;

use super::Dim;
use crate::ir::Shape;

/// The sizes of a tensor's axes; or unknown, after an error that has been reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorType(Option<Vec<Dim>>);

impl TensorType {
    /// A tensor with these axes.
    #[must_use]
    pub fn new(dims: Vec<Dim>) -> Self {
        Self(Some(dims))
    }

    /// The type of a tensor that an error has been reported for; it agrees with anything.
    #[must_use]
    pub const fn unknown() -> Self {
        Self(None)
    }

    /// Whether the number of axes is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// The axes; none of an unknown type.
    #[must_use]
    pub fn dims(&self) -> &[Dim] {
        self.0.as_deref().unwrap_or(&[])
    }

    /// The number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.dims().len()
    }

    /// Height, width and channels of an image.
    #[must_use]
    pub fn image(&self) -> Option<[Dim; 3]> {
        <[Dim; 3]>::try_from(self.dims().to_vec()).ok()
    }

    /// The size of the last axis: channels of an image, features of a flat tensor.
    #[must_use]
    pub fn channels(&self) -> Dim {
        self.dims().last().cloned().unwrap_or(Dim::from(1_i64))
    }

    /// The number of elements of one image.
    #[must_use]
    pub fn elements(&self) -> Dim {
        self.dims().iter().fold(Dim::from(1_i64), |product, dim| product * dim)
    }

    /// The same sizes as numbers; `None` if one is none, is zero, or if they are too many elements.
    #[must_use]
    pub fn shape(&self) -> Option<Shape> {
        Shape::new(self.0.as_ref()?.iter().map(Dim::as_size).collect::<Option<Vec<_>>>()?)
    }
}

impl From<&Shape> for TensorType {
    fn from(shape: &Shape) -> Self {
        Self(shape.is_known().then(|| shape.dims().iter().map(|&size| Dim::from(size)).collect()))
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(dims) = &self.0 else { return f.write_str("[?]") };
        f.write_str("[")?;
        for (index, dim) in dims.iter().enumerate() {
            write!(f, "{}{dim}", if index == 0 { "" } else { ", " })?;
        }
        f.write_str("]")
    }
}
