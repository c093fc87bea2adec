//! What can be wrong with a file of weights, said so that the reader knows what to do.

use netwright_nwz::{Mismatch, NwzError, VERSION, VERSION_INT8};

/// A file of weights, or the same in memory, could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// It is a folder, a pipe or a device.
    #[error("it is no ordinary file")]
    NotAFile,
    /// It ends too early, or goes on too long.
    #[error("it has {found} bytes, expected {expected}; it is cut off or damaged")]
    Length {
        /// The bytes that it announces.
        expected: u64,
        /// The bytes that it has.
        found: u64,
    },
    /// The header is longer than that of any file for this network.
    #[error("its header claims {found} bytes, expected at most {limit}; is it a safetensors file?")]
    HeaderTooLong {
        /// The most that is read.
        limit: u64,
        /// What the first eight bytes say.
        found: u64,
    },
    /// The header is not the format's.
    #[error("its header is no safetensors header: {reason}")]
    Header {
        /// What the parser says.
        reason: String,
    },
    /// The file is of a newer version of the format.
    #[error("its format is version {}, expected {expected}; it was written by another version of Netwright", found.escape_debug())]
    Version {
        /// The version that this one writes and reads.
        expected: String,
        /// The file's.
        found: String,
    },
    /// The file holds something else: a checkpoint where weights were asked for, or the other way round.
    #[error("it holds {}, expected {expected}", found.escape_debug())]
    Kind {
        /// What was asked for.
        expected: &'static str,
        /// What the file says it holds.
        found: String,
    },
    /// The bytes are not those that were written.
    #[error("its checksum is {found}, expected {expected}; the file is damaged")]
    Checksum {
        /// What was noted when it was written.
        expected: String,
        /// What the bytes give.
        found: String,
    },
    /// It is longer than any compressed file for this network.
    #[error("it has {found} bytes, and no compressed file for this network has more than {limit}")]
    TooLong {
        /// The most that is read.
        limit: u64,
        /// The bytes that it has.
        found: u64,
    },
    /// A compressed file does not keep to its format.
    #[error("it is no valid .nwz file: {reason}")]
    Compressed {
        /// What is wrong, and with which array.
        reason: String,
    },
    /// The arrays are not the network's.
    #[error(transparent)]
    Mismatch(Box<Mismatch>),
    /// Memory could not be had.
    #[error("out of memory: {bytes} bytes cannot be allocated")]
    OutOfMemory {
        /// How many bytes were asked for.
        bytes: u64,
    },
}

impl From<Box<Mismatch>> for WeightsError {
    fn from(mismatch: Box<Mismatch>) -> Self {
        Self::Mismatch(mismatch)
    }
}

impl From<NwzError> for WeightsError {
    fn from(error: NwzError) -> Self {
        match error {
            NwzError::Version { found } => {
                Self::Version { expected: format!("{VERSION} or {VERSION_INT8}"), found: found.to_string() }
            }
            NwzError::Length { expected, found } => Self::Length { expected, found },
            NwzError::Checksum { expected, found } => {
                Self::Checksum { expected: format!("{expected:08x}"), found: format!("{found:08x}") }
            }
            other => Self::Compressed { reason: other.to_string() },
        }
    }
}
