//! Zeros around an image, and their gradient, which leaves them out again.

use crate::check::{self, product};

/// The geometry of padding one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pad {
    /// Rows of the input.
    pub h: usize,
    /// Columns of the input.
    pub w: usize,
    /// Channels.
    pub c: usize,
    /// Rows before the input.
    pub top: usize,
    /// Rows after it.
    pub bottom: usize,
    /// Columns before it.
    pub left: usize,
    /// Columns after it.
    pub right: usize,
}

impl Pad {
    /// Floats of one input image.
    ///
    /// # Panics
    /// Where they do not fit the address space.
    pub const fn input_len(&self) -> usize {
        product(&[self.h, self.w, self.c])
    }

    /// Floats of one output image.
    ///
    /// # Panics
    /// Where they do not fit the address space.
    pub const fn output_len(&self) -> usize {
        const LIMIT: usize = usize::MAX / 4;
        assert!(
            self.top < LIMIT && self.bottom < LIMIT && self.h < LIMIT && self.left < LIMIT && self.right < LIMIT,
            "the padding is too large"
        );
        product(&[self.top + self.h + self.bottom, self.left + self.w + self.right, self.c])
    }
}

/// Writes to `y` the images of `x` with zeros around them; `x` is `[n, h, w, c]`, `y` is
/// `[n, top + h + bottom, left + w + right, c]`.
///
/// # Panics
/// Where a slice has another length.
pub fn forward(g: &Pad, n: usize, x: &[f32], y: &mut [f32]) {
    check::images("x", x, n, g.input_len());
    check::images("y", y, n, g.output_len());
    if x.is_empty() {
        return y.fill(0.0);
    }
    let (row, left, right) = (g.w * g.c, g.left * g.c, g.right * g.c);
    for (x, y) in x.chunks_exact(g.input_len()).zip(y.chunks_exact_mut(g.output_len())) {
        let (top, rest) = y.split_at_mut(g.top * (left + row + right));
        let (middle, bottom) = rest.split_at_mut(g.h * (left + row + right));
        top.fill(0.0);
        for (x, y) in x.chunks_exact(row).zip(middle.chunks_exact_mut(left + row + right)) {
            y[..left].fill(0.0);
            y[left..][..row].copy_from_slice(x);
            y[left + row..].fill(0.0);
        }
        bottom.fill(0.0);
    }
}

/// Writes to `dx` the part of `dy` that is not padding.
///
/// # Panics
/// Where a slice has another length.
pub fn gradient(g: &Pad, n: usize, dy: &[f32], dx: &mut [f32]) {
    check::images("dy", dy, n, g.output_len());
    check::images("dx", dx, n, g.input_len());
    if dx.is_empty() {
        return;
    }
    let (row, left, right) = (g.w * g.c, g.left * g.c, g.right * g.c);
    for (dy, dx) in dy.chunks_exact(g.output_len()).zip(dx.chunks_exact_mut(g.input_len())) {
        let rows = dy[g.top * (left + row + right)..].chunks_exact(left + row + right);
        for (dy, dx) in rows.zip(dx.chunks_exact_mut(row)) {
            dx.copy_from_slice(&dy[left..][..row]);
        }
    }
}
