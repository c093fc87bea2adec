//! Why bytes are no `.nwz` file.

use std::fmt;

use crate::{VERSION, VERSION_INT8};

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NwzError {
    /// It does not start as such a file does.
    Magic,
    /// It is of another version of the format.
    Version {
        /// The file's.
        found: u32,
    },
    /// It ends too early, or goes on too long.
    Length {
        /// The bytes that it announces, or that the shortest file has.
        expected: u64,
        /// The bytes that it has.
        found: u64,
    },
    /// The bytes are not those that were written.
    Checksum {
        /// What was noted when it was written.
        expected: u32,
        /// What the bytes give.
        found: u32,
    },
    /// Whoever wrote it did not keep to the format.
    Malformed {
        /// The array, where it is known.
        array: Option<String>,
        /// What is wrong.
        reason: &'static str,
    },
}

impl fmt::Display for NwzError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("it is no .nwz file"),
            Self::Version { found } => {
                write!(
                    f,
                    "its format is version {found}, expected {VERSION} or {VERSION_INT8}; it was written by another version of Netwright"
                )
            }
            Self::Length { expected, found } => {
                write!(f, "it has {found} bytes, expected {expected}; it is cut off or damaged")
            }
            Self::Checksum { expected, found } => {
                write!(f, "its checksum is {found:08x}, expected {expected:08x}; the file is damaged")
            }
            Self::Malformed { array: Some(array), reason } => write!(f, "{}: {reason}", array.escape_debug()),
            Self::Malformed { array: None, reason } => f.write_str(reason),
        }
    }
}

impl std::error::Error for NwzError {}
