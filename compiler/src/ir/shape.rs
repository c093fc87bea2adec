//! A tensor's shape without the batch axis.

use std::fmt;

/// The most elements a tensor may have for one image; keeps every size, in bytes too, within 64 bits and offsets of
/// whole chunks within what a machine can address.
pub const MAX_ELEMENTS: usize = 1 << 31;

/// The sizes of a tensor's axes; or unknown, after an error that has been reported.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape(Option<Vec<usize>>);

impl Shape {
    /// A shape with these axes, or `None` if an axis is empty or there are more than [`MAX_ELEMENTS`] elements.
    #[must_use]
    pub fn new(dims: Vec<usize>) -> Option<Self> {
        let elements = dims.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))?;
        (elements > 0 && elements <= MAX_ELEMENTS).then_some(Self(Some(dims)))
    }

    /// A shape with one axis.
    #[must_use]
    pub fn flat(len: usize) -> Option<Self> {
        Self::new(vec![len])
    }

    /// The shape of a value that an error has been reported for; it agrees with anything.
    #[must_use]
    pub const fn unknown() -> Self {
        Self(None)
    }

    /// Whether the shape is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// The axes; none of an unknown shape.
    #[must_use]
    pub fn dims(&self) -> &[usize] {
        self.0.as_deref().unwrap_or(&[])
    }

    /// The number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.dims().len()
    }

    /// The number of elements of one image.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.dims().iter().product()
    }

    /// Height, width and channels of an image.
    #[must_use]
    pub fn image(&self) -> Option<[usize; 3]> {
        <[usize; 3]>::try_from(self.dims()).ok()
    }

    /// The size of the last axis: channels of an image, features of a flat tensor.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.dims().last().copied().unwrap_or(1)
    }

    /// Everything but the channels, multiplied.
    #[must_use]
    pub fn pixels(&self) -> usize {
        self.dims().split_last().map_or(1, |(_, rest)| rest.iter().product())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(dims) => write!(f, "{dims:?}"),
            None => f.write_str("[?]"),
        }
    }
}
