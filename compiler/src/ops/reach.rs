//! How the rows of a result depend on those of the operands.

use super::Window;

/// The rows of an operand that a row of the result is computed from: those of a window, or those whose windows it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Rows from the first of the window to behind the last.
    pub span: usize,
    /// Rows from one window to the next.
    pub stride: usize,
    /// Rows of the first window that lie before the image.
    pub pad: usize,
    /// Rows of the result that are computed together.
    pub tile: usize,
    /// Whether the operand has the windows, and the result what they see: it is a gradient.
    pub transposed: bool,
}

impl Reach {
    /// Each row by itself.
    pub const SAME: Reach = Reach { span: 1, stride: 1, pad: 0, tile: 1, transposed: false };

    /// That of a sliding window.
    #[must_use]
    pub fn of(window: &Window) -> Reach {
        let span = window.dilation[0].saturating_mul(window.kernel[0].saturating_sub(1)).saturating_add(1);
        Reach { span, stride: window.stride[0], pad: window.pad[0], tile: 1, transposed: false }
    }

    /// That of the gradient of what a sliding window sees.
    #[must_use]
    pub fn back(window: &Window) -> Reach {
        Reach { transposed: true, ..Reach::of(window) }
    }

    /// The first row that the result's `row` and later ones see.
    #[must_use]
    pub fn start(&self, row: usize) -> usize {
        if !self.transposed {
            return row.saturating_mul(self.stride).saturating_sub(self.pad);
        }
        let top = row.saturating_add(self.pad);
        // A window that has ended before stands for those that begin behind the row.
        top.saturating_sub(self.span - 1).div_ceil(self.stride).min(top / self.stride)
    }

    /// The row after the last of `rows` that the result's rows before `end` see; there is one.
    #[must_use]
    pub fn end(&self, end: usize, rows: usize) -> usize {
        if self.transposed {
            return ((end.saturating_sub(1).saturating_add(self.pad)) / self.stride).saturating_add(1).min(rows);
        }
        let last = end.saturating_sub(1).saturating_mul(self.stride).saturating_add(self.span);
        last.saturating_sub(self.pad).min(rows)
    }
}
