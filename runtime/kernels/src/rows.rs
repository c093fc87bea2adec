//! Bands of rows: what a buffer holds of an image where a network goes through the image a few rows at a time, so that what
//! one step writes is still in the cache when the next one reads it.

use std::ops::Range;

/// The rows of an image that its buffer holds in a band, and those of them that the band makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// The row that stands first in the buffer.
    pub base: usize,
    /// The first row that is made.
    pub first: usize,
    /// The row after the last one that is made.
    pub end: usize,
    /// Rows by which the first row of the buffer was an earlier one in the band before.
    pub shift: usize,
}

impl Band {
    /// An image that is there as a whole.
    pub const fn whole(rows: usize) -> Band {
        Band { base: 0, first: 0, end: rows, shift: 0 }
    }

    /// How many rows are made.
    pub const fn rows(&self) -> usize {
        self.end - self.first
    }

    /// Moves what is still read of the rows that other bands have made to the front of their buffer. A row has `row` floats.
    ///
    /// # Panics
    /// Where the buffer has not so many rows.
    pub fn keep(&self, row: usize, buffer: &mut [f32]) {
        let kept = (self.first - self.base) * row;
        if self.shift > 0 && kept > 0 {
            let from = self.shift * row;
            buffer.copy_within(from..from + kept, 0);
        }
    }

    /// The rows that are made, in their buffer.
    ///
    /// # Panics
    /// Where the buffer has not so many rows.
    pub fn made<'a>(&self, row: usize, buffer: &'a mut [f32]) -> &'a mut [f32] {
        &mut buffer[self.places(self.first..self.end, row)]
    }

    /// The rows of this image with the numbers of those that `other` makes.
    ///
    /// # Panics
    /// Where the buffer does not hold them.
    pub fn beside<'a>(&self, other: &Band, row: usize, buffer: &'a [f32]) -> &'a [f32] {
        &buffer[self.places(other.first..other.end, row)]
    }

    /// Where rows stand in the buffer.
    pub(crate) fn places(&self, rows: Range<usize>, row: usize) -> Range<usize> {
        assert!(self.base <= rows.start && rows.end <= self.end, "rows {rows:?} are not at hand: {self:?}");
        (rows.start - self.base) * row..(rows.end - self.base) * row
    }

    /// The rows of this image, of `h`, that the windows of the rows see that `to` makes, and where those windows lie in them.
    pub(crate) fn seen(h: usize, [taps, stride, pad, dilation]: [usize; 4], to: &Band) -> (Range<usize>, Rows) {
        let top = to.first * stride;
        let end = ((to.end.max(1) - 1) * stride + (taps - 1) * dilation + 1).saturating_sub(pad).min(h);
        let first = top.saturating_sub(pad).min(end);
        (first..end, Rows { pad: pad.saturating_sub(top), x: end - first, y: to.rows() })
    }

    /// The other way round, for gradients: the rows of the output, of `out_h`, whose windows meet the rows of the input that `to`
    /// makes, and where those rows lie in the windows.
    pub(crate) fn met(out_h: usize, [taps, stride, pad, dilation]: [usize; 4], to: &Band) -> (Range<usize>, Rows) {
        let (top, reach) = (to.first + pad, (taps - 1) * dilation);
        // A window that has ended before stands for those that begin behind the first row.
        let first = top.saturating_sub(reach).div_ceil(stride).min(top / stride).min(out_h);
        let end = ((to.end.max(1) - 1 + pad) / stride + 1).clamp(first, out_h);
        (first..end, Rows { pad: top - first * stride, x: end - first, y: to.rows() })
    }
}

/// The rows of an image that a step reads and writes: all, or those of a band.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    /// Rows of padding above the first that is read.
    pub(crate) pad: usize,
    /// Rows that are read.
    pub(crate) x: usize,
    /// Rows that are written.
    pub(crate) y: usize,
}

/// The bands of a table, which has for each of them and each buffer the first row that it holds and the row after the last.
pub fn bands<const N: usize>(table: &'static [[[u32; 2]; N]]) -> impl Iterator<Item = [Band; N]> {
    let mut before = [[0; 2]; N];
    table.iter().map(move |now| {
        let before = std::mem::replace(&mut before, *now);
        std::array::from_fn(|i| {
            let ([base, end], [old_base, old_end]) =
                (now[i].map(|row| row as usize), before[i].map(|row| row as usize));
            Band { base, first: old_end, end, shift: base - old_base }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_kept_and_made() {
        static TABLE: [[[u32; 2]; 1]; 3] = [[[0, 4]], [[2, 6]], [[6, 7]]];
        let mut buffer = [0.0; 8];
        let mut seen = Vec::new();
        for [band] in bands(&TABLE) {
            band.keep(2, &mut buffer);
            for (i, row) in band.made(2, &mut buffer).chunks_exact_mut(2).enumerate() {
                row.fill((band.first + i) as f32);
            }
            let held = &buffer[..2 * (band.end - band.base)];
            seen.push(held.iter().step_by(2).map(|&row| row as usize).collect::<Vec<_>>());
        }
        assert_eq!(seen, [vec![0, 1, 2, 3], vec![2, 3, 4, 5], vec![6]]);
    }

    #[test]
    fn windows_see_their_rows() {
        // Rows 4..8 of a 3x3 convolution with padding, of ten.
        let to = Band { base: 4, first: 4, end: 8, shift: 0 };
        let (seen, rows) = Band::seen(10, [3, 1, 1, 1], &to);
        assert_eq!((seen, rows.pad, rows.x, rows.y), (3..9, 0, 6, 4));
        // The first and the last rows.
        let (seen, rows) = Band::seen(10, [3, 1, 1, 1], &Band::whole(4));
        assert_eq!((seen, rows.pad, rows.x, rows.y), (0..5, 1, 5, 4));
        let (seen, rows) = Band::seen(10, [3, 2, 0, 2], &Band { base: 1, first: 2, end: 3, shift: 0 });
        assert_eq!((seen, rows.pad, rows.x, rows.y), (4..9, 0, 5, 1));
    }

    #[test]
    fn rows_meet_their_windows() {
        // Rows 4..8 of the input of a 3x3 convolution with padding, which has ten rows.
        let to = Band { base: 4, first: 4, end: 8, shift: 0 };
        let (met, rows) = Band::met(10, [3, 1, 1, 1], &to);
        assert_eq!((met, rows.pad, rows.x, rows.y), (3..9, 2, 6, 4));
        let (met, rows) = Band::met(10, [3, 1, 1, 1], &Band { base: 0, first: 8, end: 10, shift: 0 });
        assert_eq!((met, rows.pad, rows.x, rows.y), (7..10, 2, 3, 2));
        // Windows of two rows, four apart: rows between them, which no window meets, have the one before.
        let (met, rows) = Band::met(3, [2, 4, 0, 1], &Band { base: 0, first: 3, end: 4, shift: 0 });
        assert_eq!((met, rows.pad, rows.x, rows.y), (0..1, 3, 1, 1));
        let (met, rows) = Band::met(3, [2, 4, 0, 1], &Band { base: 0, first: 4, end: 9, shift: 0 });
        assert_eq!((met, rows.pad, rows.x, rows.y), (1..3, 0, 2, 5));
        // Rows below the last window.
        let (met, rows) = Band::met(2, [1, 2, 0, 1], &Band { base: 0, first: 4, end: 5, shift: 0 });
        assert_eq!((met, rows.pad, rows.x, rows.y), (2..2, 0, 0, 1));
    }

    #[test]
    #[should_panic(expected = "not at hand")]
    fn refuses_rows_that_are_not_at_hand() {
        let band = Band { base: 2, first: 2, end: 4, shift: 0 };
        band.beside(&Band::whole(3), 1, &[0.0; 9]);
    }
}
