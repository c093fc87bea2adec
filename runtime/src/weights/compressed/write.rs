//! Writing compressed files.

use std::io;
use std::path::Path;

use netwright_nwz::write::{Writer, Written};

use super::super::file;
use crate::error::Error;
use crate::parameters::{self, Parameters};

/// A compressed file in memory.
#[derive(Debug, Clone)]
pub struct Compressed {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What each array has come to, in the order of the network's parameters.
    pub arrays: Vec<Written>,
}

/// Compresses all parameters and state, without changing any: arrays get small where they have few different values, or
/// many zeros.
///
/// # Errors
///
/// If an array is larger than the format allows, which is two gigabytes.
pub fn compress(parameters: &Parameters) -> Result<Compressed, Error> {
    let spec = parameters.spec();
    let refused = |error| Error::io("compress", spec.name)(io::Error::other(error));
    let mut writer = Writer::new(spec.name, spec.fingerprint).map_err(refused)?;
    let mut logical = Vec::new();
    let mut arrays = Vec::with_capacity(spec.parameters.len());
    for parameter in spec.parameters {
        parameters::unpack(parameter, parameters.values(), &mut logical);
        arrays.push(writer.add(parameter.name, parameter.shape, &logical).map_err(refused)?);
    }
    Ok(Compressed { bytes: writer.finish(), arrays })
}

impl Compressed {
    /// Saves the file. At any moment the old file or the whole new one is there.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        file::save(path.as_ref(), |out| out.write_all(&self.bytes))
    }
}
