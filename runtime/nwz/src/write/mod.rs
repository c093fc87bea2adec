//! Writing: each array in the way that takes the fewest bytes.

mod huffman;
mod plan;

use std::fmt;

use crate::{MAGIC, MAX_COUNT, MAX_RANK, Range, VERSION, VERSION_INT8};

pub use plan::Coding;
use plan::Plan;

/// A file that is being written.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    arrays: Vec<u8>,
    names: Vec<String>,
    /// Those of a file for inference in integers, and how many there are.
    ranges: Option<(Vec<u8>, u32)>,
}

/// What an array has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How many numbers it has.
    pub count: usize,
    /// How many of them are not zero.
    pub kept: usize,
    /// How it is written: in the way that takes the fewest bytes.
    pub coding: Coding,
    /// The best way without Huffman's codes, for comparison.
    pub fixed: Coding,
    /// All bytes of the array in the file, its name and shape included.
    pub bytes: usize,
}

/// Why an array cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteError {
    /// The array or network.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name.escape_debug(), self.reason)
    }
}

impl std::error::Error for WriteError {}

impl Writer {
    /// A file for this network.
    ///
    /// # Errors
    ///
    /// If the name or the fingerprint is too long.
    pub fn new(network: &str, fingerprint: &str) -> Result<Self, WriteError> {
        let mut bytes = Vec::new();
        text(&mut bytes, network)?;
        text(&mut bytes, fingerprint)?;
        Ok(Self { bytes, arrays: Vec::new(), names: Vec::new(), ranges: None })
    }

    /// A file for inference of this network in integers, with these ranges.
    ///
    /// # Errors
    ///
    /// If a name or the fingerprint is too long.
    pub fn int8(network: &str, fingerprint: &str, ranges: &[Range<'_>]) -> Result<Self, WriteError> {
        let mut bytes = Vec::new();
        for range in ranges {
            text(&mut bytes, range.name)?;
            bytes.extend(range.scale.to_le_bytes());
            bytes.push(range.zero);
        }
        let writer = Self::new(network, fingerprint)?;
        // More ranges than that do not fit into memory.
        Ok(Self { ranges: Some((bytes, ranges.len() as u32)), ..writer })
    }

    /// Appends an array; its numbers are written bit for bit.
    ///
    /// # Errors
    ///
    /// If the name is too long or taken, or the shape too large or not that of the numbers.
    pub fn add(&mut self, name: &str, shape: &[usize], numbers: &[f32]) -> Result<Written, WriteError> {
        self.add_scaled(name, shape, numbers, &[])
    }

    /// Appends an array whose numbers are multiplied by a scale for each place on the last axis when they are read, or by
    /// nothing; only a file for inference in integers has scales.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), and if there are not as many scales, or may be none.
    pub fn add_scaled(
        &mut self,
        name: &str,
        shape: &[usize],
        numbers: &[f32],
        scales: &[f32],
    ) -> Result<Written, WriteError> {
        let refuse = |reason| Err(WriteError { name: name.to_owned(), reason });
        let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size));
        if count != Some(numbers.len()) {
            return refuse("its shape is not that of its numbers");
        }
        if shape.len() > MAX_RANK || numbers.len() > MAX_COUNT || shape.iter().any(|&size| size > MAX_COUNT) {
            return refuse("it is too large for a .nwz file");
        }
        if self.names.iter().any(|known| known == name) {
            return refuse("two arrays have this name");
        }
        if !scales.is_empty() && (self.ranges.is_none() || shape.last() != Some(&scales.len())) {
            return refuse("its scales are not those of its channels");
        }
        let start = self.arrays.len();
        text(&mut self.arrays, name)?;
        self.names.push(name.to_owned());
        self.arrays.push(shape.len() as u8);
        // Each is at most 2^31.
        self.arrays.extend(shape.iter().flat_map(|&size| (size as u32).to_le_bytes()));
        let plan = Plan::best(numbers);
        plan.write(numbers, &mut self.arrays);
        if self.ranges.is_some() {
            self.arrays.push(u8::from(!scales.is_empty()));
            self.arrays.extend(scales.iter().flat_map(|scale| scale.to_le_bytes()));
        }
        Ok(Written {
            count: numbers.len(),
            kept: plan.kept(),
            coding: plan.coding(),
            fixed: plan.fixed(),
            bytes: self.arrays.len() - start,
        })
    }

    /// The file.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let Self { bytes: names, arrays, names: known, ranges } = self;
        let ranges = ranges.map(|(ranges, count)| [&count.to_le_bytes(), ranges.as_slice()].concat());
        let version = if ranges.is_some() { VERSION_INT8 } else { VERSION };
        let ranges = ranges.unwrap_or_default();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(version.to_le_bytes());
        let len = MAGIC.len() + 4 + 8 + names.len() + 4 + arrays.len() + ranges.len() + 4;
        bytes.extend((len as u64).to_le_bytes());
        bytes.extend(names);
        // More arrays than that do not fit into memory.
        bytes.extend((known.len() as u32).to_le_bytes());
        bytes.extend(arrays);
        bytes.extend(ranges);
        let sum = crc32fast::hash(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }
}

/// Appends a text with its length in front.
fn text(bytes: &mut Vec<u8>, text: &str) -> Result<(), WriteError> {
    let Ok(len) = u16::try_from(text.len()) else {
        return Err(WriteError { name: text.chars().take(32).collect(), reason: "the name is too long" });
    };
    bytes.extend(len.to_le_bytes());
    bytes.extend(text.as_bytes());
    Ok(())
}
