//! `.nwz`, compressed weights: arrays of few different values, most of them perhaps zero, as Deep Compression stores
//! them (Han, Mao and Dally, ICLR 2016): a list of the values, the gaps between those that are not zero, Huffman codes for
//! both. `docs/nwz.md` describes every byte.
//!
//! The format loses nothing: what is shared is decided before. [`Archive::parse`] checks a file, [`Array::decode`] gives
//! an array's numbers; [`mod@write`] (feature `write`) is the way back. All sizes are checked before anything is allocated,
//! and no more work is done than the array has numbers.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bits;
mod code;
mod difference;
mod error;
mod read;
#[cfg(all(test, feature = "write"))]
mod tests;
#[cfg(feature = "write")]
pub mod write;

pub use difference::{Difference, Mismatch, Wanted};
pub use error::NwzError;
pub use read::{Archive, Array, Range};

/// What a file starts with: a byte that no text has, the name, and line ends and an end of file that a transfer as text
/// would change.
pub const MAGIC: [u8; 8] = *b"\x89NWZ\r\n\x1a\n";

/// The version of the format that is written and read where weights are floats.
pub const VERSION: u32 = 1;

/// The version of files with integers: for inference in them.
pub const VERSION_INT8: u32 = 2;

/// Most bits of a gap as it is written without Huffman's code, and so `2^12` different gaps.
pub const MAX_GAP_BITS: u32 = 12;

/// Most different values that an array shares.
pub const MAX_VALUES: usize = 1 << 12;

/// Most axes of an array.
pub const MAX_RANK: usize = 8;

/// Most numbers of an array: two gigabytes of floats.
pub const MAX_COUNT: usize = 1 << 29;

/// Whether a file that starts like this is meant to be read here.
#[must_use]
pub fn is_nwz(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}
