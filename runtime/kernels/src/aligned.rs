//! A heap buffer of floats that starts on a cache line: parameters, gradients and arenas.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Floats in a cache line.
const LINE: usize = 16;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// A fixed-size vector of floats, aligned to 64 bytes and zero at first.
#[derive(Clone, Default)]
pub struct AlignedVec {
    lines: Vec<Line>,
    len: usize,
}

impl AlignedVec {
    /// `len` zeros.
    ///
    /// # Errors
    /// Where the machine does not have the memory.
    pub fn zeroed(len: usize) -> Result<AlignedVec, OutOfMemory> {
        let mut lines = Vec::new();
        let count = len.div_ceil(LINE);
        lines.try_reserve_exact(count).map_err(|_| OutOfMemory { floats: len })?;
        lines.resize(count, Line([0.0; LINE]));
        Ok(AlignedVec { lines, len })
    }
}

impl Deref for AlignedVec {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: the lines are `len.div_ceil(16)` arrays of sixteen initialised floats without gaps.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for AlignedVec {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl fmt::Debug for AlignedVec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deref().fmt(f)
    }
}

impl PartialEq for AlignedVec {
    fn eq(&self, other: &AlignedVec) -> bool {
        self.deref() == other.deref()
    }
}

/// The machine does not have the memory for a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// The floats asked for, four bytes each.
    pub floats: usize,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no memory for a buffer of {} floats; use a smaller batch or network", self.floats)
    }
}

impl std::error::Error for OutOfMemory {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_on_a_line_and_holds_zeros() {
        for len in [0, 1, 15, 16, 17, 1000] {
            let mut vec = AlignedVec::zeroed(len).unwrap();
            assert_eq!(vec.len(), len);
            assert_eq!(vec.as_ptr() as usize % 64, 0);
            assert!(vec.iter().all(|&x| x == 0.0));
            vec.fill(1.0);
            assert_eq!(vec.clone(), vec);
            assert_eq!(vec.clone().as_ptr() as usize % 64, 0);
        }
    }

    #[test]
    fn an_impossible_size_is_an_error() {
        assert_eq!(AlignedVec::zeroed(usize::MAX), Err(OutOfMemory { floats: usize::MAX }));
        assert_eq!(AlignedVec::zeroed(usize::MAX / 4), Err(OutOfMemory { floats: usize::MAX / 4 }));
    }
}
