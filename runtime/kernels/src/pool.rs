//! The geometry that the pooling layers share.

use crate::check::product;
use crate::rows::Rows;
use std::ops::Range;

/// The geometry of pooling over one image, in each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Rows of the input.
    pub h: usize,
    /// Columns of the input.
    pub w: usize,
    /// Channels.
    pub c: usize,
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// Distance between windows, by rows and columns.
    pub stride: [usize; 2],
    /// Padding on both sides, by rows and columns; less than the kernel, so that every window has an input.
    pub pad: [usize; 2],
    /// Whether a last, cut window counts: the division in the output size rounds up. Such a window must start in the
    /// input or its left padding, which is PyTorch's rule.
    pub ceil: bool,
}

impl Pool {
    /// Asserts that the geometry is one, and that its sizes fit.
    ///
    /// # Panics
    /// Where a size is zero or 2^31 or more, the padding is not less than the kernel, the window is larger than the
    /// padded input, or a tensor does not fit the address space.
    pub const fn check(&self) {
        const LIMIT: usize = 1 << if usize::BITS == 32 { 28 } else { 31 };
        let positive = [self.h, self.w, self.c, self.kernel[0], self.kernel[1], self.stride[0], self.stride[1]];
        let mut i = 0;
        while i < positive.len() {
            assert!(positive[i] > 0 && positive[i] < LIMIT, "a size of a pooling layer is zero or too large");
            i += 1;
        }
        assert!(
            self.pad[0] < self.kernel[0] && self.pad[1] < self.kernel[1],
            "the padding of a pooling layer must be less than its kernel"
        );
        product(&[self.h, self.w, self.c]);
        product(&[self.out_h(), self.out_w(), self.c]);
    }

    /// Rows of the output.
    ///
    /// # Panics
    /// Where the window is larger than the padded input.
    pub const fn out_h(&self) -> usize {
        output(self.h, self.kernel[0], self.stride[0], self.pad[0], self.ceil)
    }

    /// Columns of the output.
    ///
    /// # Panics
    /// Where the window is larger than the padded input.
    pub const fn out_w(&self) -> usize {
        output(self.w, self.kernel[1], self.stride[1], self.pad[1], self.ceil)
    }

    /// Floats of one input image.
    pub const fn input_len(&self) -> usize {
        product(&[self.h, self.w, self.c])
    }

    /// Floats of one output image.
    pub const fn output_len(&self) -> usize {
        product(&[self.out_h(), self.out_w(), self.c])
    }

    /// The windows of an image, row by row.
    #[inline(always)]
    pub(crate) fn windows(&self) -> impl Iterator<Item = Window> {
        self.windows_of_rows(self.out_h())
    }

    /// The windows of the first rows of the output.
    #[inline(always)]
    pub(crate) fn windows_of_rows(&self, out_h: usize) -> impl Iterator<Item = Window> {
        (0..out_h).flat_map(move |y| self.windows_of_row(y))
    }

    /// The taps of the windows by rows, and their stride, padding and dilation.
    pub(crate) const fn row_windows(&self) -> [usize; 4] {
        [self.kernel[0], self.stride[0], self.pad[0], 1]
    }

    /// The pooling of some rows: their windows are those of an image of so many rows, with another padding above it.
    pub(crate) const fn of_rows(&self, rows: Rows) -> Pool {
        Pool { h: rows.x, pad: [rows.pad, self.pad[1]], ..*self }
    }

    /// The windows of a row of the output.
    #[inline(always)]
    pub(crate) fn windows_of_row(&self, y: usize) -> impl Iterator<Item = Window> + use<> {
        let Pool { h, w, kernel, stride, pad, .. } = *self;
        let (out_w, top) = (self.out_w(), y * stride[0]);
        let rows = clip(top, kernel[0], pad[0], h);
        (0..out_w).map(move |x| {
            let left = x * stride[1];
            let cols = clip(left, kernel[1], pad[1], w);
            Window { pixel: y * out_w + x, rows: rows.clone(), cols, top, left }
        })
    }

    /// Whether every input belongs to one window.
    pub(crate) const fn is_partition(&self) -> bool {
        self.is_disjoint()
            && self.pad[0] == 0
            && self.pad[1] == 0
            && self.out_h() * self.kernel[0] >= self.h
            && self.out_w() * self.kernel[1] >= self.w
            && self.stride[0] == self.kernel[0]
            && self.stride[1] == self.kernel[1]
    }

    /// Whether no input belongs to two windows.
    pub(crate) const fn is_disjoint(&self) -> bool {
        self.stride[0] >= self.kernel[0] && self.stride[1] >= self.kernel[1]
    }
}

/// The window of an output pixel.
pub(crate) struct Window {
    /// The output pixel's number.
    pub(crate) pixel: usize,
    /// Input rows inside it; empty at most in a band.
    pub(crate) rows: Range<usize>,
    /// Input columns inside it; never empty.
    pub(crate) cols: Range<usize>,
    /// Its first row, counted in the padded input.
    pub(crate) top: usize,
    /// Its first column, counted in the padded input.
    pub(crate) left: usize,
}

impl Window {
    /// Calls `visit` with the offset of each input pixel and its position in the whole window, row by row.
    #[inline(always)]
    pub(crate) fn taps(&self, g: &Pool, mut visit: impl FnMut(usize, usize)) {
        for row in self.rows.clone() {
            let position = (row + g.pad[0] - self.top) * g.kernel[1] + g.pad[1];
            let start = row * g.w * g.c;
            for col in self.cols.clone() {
                visit(start + col * g.c, position + col - self.left);
            }
        }
    }
}

#[inline(always)]
fn clip(start: usize, kernel: usize, pad: usize, size: usize) -> Range<usize> {
    start.saturating_sub(pad)..(start + kernel).saturating_sub(pad).min(size)
}

const fn output(size: usize, kernel: usize, stride: usize, pad: usize, ceil: bool) -> usize {
    assert!(kernel > 0 && stride > 0, "a size of a pooling layer is zero");
    let padded = size + 2 * pad;
    assert!(kernel <= padded, "the window of a pooling layer is larger than its padded input");
    let room = padded - kernel;
    let windows = if ceil { room.div_ceil(stride) } else { room / stride } + 1;
    // Only rounding up can make a window start beyond the input.
    if (windows - 1) * stride >= size + pad { windows - 1 } else { windows }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(size: usize, kernel: usize, stride: usize, pad: usize, ceil: bool) -> usize {
        let pool = Pool { h: size, w: size, c: 1, kernel: [kernel; 2], stride: [stride; 2], pad: [pad; 2], ceil };
        pool.check();
        assert_eq!(pool.out_h(), pool.out_w());
        pool.out_h()
    }

    #[test]
    fn sizes_are_those_of_the_field() {
        assert_eq!(size(24, 2, 2, 0, false), 12);
        // SqueezeNet: 3x3 windows at stride 2, rounding up
        assert_eq!((size(111, 3, 2, 0, true), size(111, 3, 2, 0, false)), (55, 55));
        assert_eq!((size(109, 3, 2, 0, true), size(110, 3, 2, 0, true), size(110, 3, 2, 0, false)), (54, 55, 54));
        // the last window would start in the right padding
        assert_eq!(size(4, 3, 3, 1, true), 2);
        assert_eq!(size(3, 2, 2, 1, true), 2);
    }

    #[test]
    fn no_window_is_empty() {
        for h in if cfg!(miri) { 2..4 } else { 1..9 } {
            for kernel in 1..5 {
                for stride in 1..5 {
                    for pad in 0..kernel {
                        if kernel > h + 2 * pad {
                            continue;
                        }
                        for ceil in [false, true] {
                            let pool =
                                Pool { h, w: 1, c: 1, kernel: [kernel, 1], stride: [stride, 1], pad: [pad, 0], ceil };
                            assert!(pool.windows().all(|window| !window.rows.is_empty()), "{pool:?}");
                        }
                    }
                }
            }
        }
    }
}
