//! Weights made elsewhere: read from safetensors or npz, matched with a network's arrays, brought into its layout.
//!
//! Nothing is compiled for it: the checked graph says which arrays there are, what they mean, and what is flattened.

mod convert;
mod file;
mod map;
mod matching;
mod npz;
mod target;

pub(crate) use convert::{Convention, spec};
pub(crate) use file::read;
pub(crate) use map::Map;
pub(crate) use matching::{Pair, conventions, matched};
pub(crate) use target::targets;

use std::fmt;

/// Why weights cannot be taken over: one line, or several below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One array of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    /// Its name in the file.
    pub(crate) name: String,
    /// Its shape there.
    pub(crate) shape: Vec<usize>,
    /// Its elements, row-major; or the type, as the file spells it, that none are made of.
    pub(crate) values: Result<Vec<f32>, String>,
    /// The type that was converted, where it was no f32.
    pub(crate) converted: Option<&'static str>,
}

/// What an array is to its layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Weight,
    Bias,
    Scale,
    Shift,
    Mean,
    Variance,
    Slope,
    Depthwise,
    Pointwise,
}

/// The kind of a layer, as far as frameworks order its arrays differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A convolution; with `true` one of each channel by itself.
    Conv(bool),
    /// A transposed convolution.
    ConvTranspose,
    /// A matrix.
    Dense,
    /// A number for each channel.
    Vector,
}

/// One array of the network.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// Its name: `conv1.weight`.
    pub(crate) name: String,
    /// Its shape, as the network has it.
    pub(crate) shape: Vec<usize>,
    pub(crate) role: Role,
    pub(crate) kind: Kind,
    /// Where the features of the first axis stand in an image that was flattened with its channels first; `None` where
    /// that is no other order.
    pub(crate) order: Option<Vec<usize>>,
}

impl Target {
    /// The layer's name.
    pub(crate) fn layer(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(layer, _)| layer)
    }
}
