//! One buffer shared out among the values of a step: any number of readers and writers that do not overlap.

use std::ops::Range;

/// The place of one value in an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Floats before it.
    pub offset: usize,
    /// Its floats: of one image where [`per_image`](Slot::per_image) is set, of all of it otherwise.
    pub len: usize,
    /// Whether it grows with the number of images.
    pub per_image: bool,
}

impl Slot {
    /// A value of `len` floats per image.
    pub const fn images(offset: usize, len: usize) -> Slot {
        Slot { offset, len, per_image: true }
    }

    /// A value of `len` floats, however many images there are.
    pub const fn fixed(offset: usize, len: usize) -> Slot {
        Slot { offset, len, per_image: false }
    }

    /// The floats it takes for `n` images; `None` where their numbers do not fit.
    pub const fn range(&self, n: usize) -> Option<Range<usize>> {
        let len = if self.per_image { self.len.checked_mul(n) } else { Some(self.len) };
        match len {
            Some(len) => match self.offset.checked_add(len) {
                Some(end) => Some(self.offset..end),
                None => None,
            },
            None => None,
        }
    }
}

/// A buffer that hands out several slots at once.
#[derive(Debug)]
pub struct Arena<'a> {
    floats: &'a mut [f32],
}

impl<'a> Arena<'a> {
    /// An arena over `floats`.
    pub fn new(floats: &'a mut [f32]) -> Arena<'a> {
        Arena { floats }
    }

    /// The slots of a step over `n` images. Slots that are read may overlap each other.
    ///
    /// # Panics
    /// Where a slot reaches past the arena, or one that is written overlaps another.
    pub fn split<const R: usize, const W: usize>(
        &mut self,
        n: usize,
        reads: [Slot; R],
        writes: [Slot; W],
    ) -> ([&[f32]; R], [&mut [f32]; W]) {
        let len = self.floats.len();
        let place = |slot: Slot| {
            let range = slot.range(n).filter(|range| range.end <= len);
            assert!(range.is_some(), "{slot:?} for {n} images reaches past an arena of {len} floats");
            range.unwrap_or_default()
        };
        let reads = reads.map(place);
        let writes = writes.map(place);
        for (i, write) in writes.iter().enumerate() {
            for other in reads.iter().chain(&writes[..i]) {
                assert!(!overlap(write, other), "written floats {write:?} overlap {other:?}");
            }
        }
        let start = self.floats.as_mut_ptr();
        let reads = reads.map(|range| {
            // SAFETY: the range lies within the arena.
            let first = unsafe { start.add(range.start) };
            // SAFETY: the range lies within the arena, which is borrowed for the slice's life, and no written one overlaps it.
            unsafe { std::slice::from_raw_parts(first, range.len()) }
        });
        let writes = writes.map(|range| {
            // SAFETY: the range lies within the arena.
            let first = unsafe { start.add(range.start) };
            // SAFETY: the range lies within the arena, which is borrowed for the slice's life, and no other one overlaps it.
            unsafe { std::slice::from_raw_parts_mut(first, range.len()) }
        });
        (reads, writes)
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    !a.is_empty() && !b.is_empty() && a.start < b.end && b.start < a.end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_out_disjoint_slots() {
        let mut floats: Vec<f32> = (0..20).map(|i| i as f32).collect();
        let mut arena = Arena::new(&mut floats);
        let ([a, b], [c, d]) =
            arena.split(2, [Slot::images(0, 3), Slot::fixed(2, 4)], [Slot::images(6, 2), Slot::fixed(10, 10)]);
        assert_eq!(a, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(b, [2.0, 3.0, 4.0, 5.0]);
        c.fill(-1.0);
        d.fill(-2.0);
        assert_eq!(floats[5..11], [5.0, -1.0, -1.0, -1.0, -1.0, -2.0]);
    }

    #[test]
    fn empty_slots_overlap_nothing() {
        let mut floats = [0.0; 4];
        let mut arena = Arena::new(&mut floats);
        let ([read], [write]) = arena.split(0, [Slot::fixed(0, 4)], [Slot::images(2, 9)]);
        assert_eq!((read.len(), write.len()), (4, 0));
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn refuses_to_write_what_is_read() {
        Arena::new(&mut [0.0; 8]).split(2, [Slot::images(0, 2)], [Slot::images(3, 2)]);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn refuses_to_write_twice() {
        Arena::new(&mut [0.0; 8]).split(1, [], [Slot::fixed(0, 8), Slot::fixed(7, 1)]);
    }

    #[test]
    #[should_panic(expected = "past an arena")]
    fn refuses_what_it_does_not_have() {
        Arena::new(&mut [0.0; 8]).split(3, [], [Slot::images(0, 3)]);
    }

    #[test]
    #[should_panic(expected = "past an arena")]
    fn refuses_sizes_that_do_not_fit() {
        Arena::new(&mut [0.0; 8]).split(usize::MAX, [Slot::images(4, usize::MAX)], []);
    }
}
