//! Dense layers: `y = x w + b` for a batch of vectors. A convolution of one pixel, and computed as one.

use crate::conv::{self, Activation, Conv};
use crate::layout::Layout;

/// The geometry of a dense layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Length of the input.
    pub inputs: usize,
    /// Length of the output.
    pub outputs: usize,
}

impl Dense {
    /// The convolution of one pixel that computes the same.
    pub const fn conv(&self) -> Conv {
        Conv {
            h: 1,
            w: 1,
            c: self.inputs,
            kh: 1,
            kw: 1,
            f: self.outputs,
            stride: [1, 1],
            pad: [0, 0],
            dilation: [1, 1],
            groups: 1,
        }
    }

    /// How the weights, `[inputs, outputs]`, are stored.
    pub const fn weight_layout(&self) -> Layout {
        self.conv().weight_layout()
    }

    /// How the bias is stored.
    pub const fn bias_layout(&self) -> Layout {
        self.conv().bias_layout()
    }
}

/// Writes `y = activation(x w + b)`; `x` is `[n, inputs]`, `y` is `[n, outputs]`, `b` may be empty.
///
/// The result for a row does not depend, to the bit, on the other rows of the call.
///
/// # Panics
/// Where a slice has another length.
pub fn forward(g: &Dense, activation: Activation, n: usize, x: &[f32], w: &[f32], b: &[f32], y: &mut [f32]) {
    conv::forward(&g.conv(), activation, n, x, w, b, y);
}

/// How the transposed weights, `[outputs, inputs]`, are stored.
pub const fn transposed_layout(g: &Dense) -> Layout {
    conv::transposed_layout(&g.conv())
}

/// Floats of the transposed weights.
pub const fn transposed_len(g: &Dense) -> usize {
    conv::transposed_len(&g.conv())
}

/// Writes the transposed weights, for [`input_gradient`].
///
/// # Panics
/// Where a slice has not the length of its layout.
pub fn transpose_weights(g: &Dense, w: &[f32], wt: &mut [f32]) {
    conv::transpose_weights(&g.conv(), w, wt);
}

/// Writes `dx = dy transpose(w)`; `dy` is `[n, outputs]`, `dx` is `[n, inputs]`.
///
/// The result for a row does not depend, to the bit, on the other rows of the call.
///
/// # Panics
/// Where a slice has another length.
pub fn input_gradient(g: &Dense, n: usize, dy: &[f32], wt: &[f32], dx: &mut [f32]) {
    conv::input_gradient(&g.conv(), n, dy, wt, dx);
}

/// Adds `transpose(x) dy` to `dw` and the sum over rows of `dy` to `db`, which may be empty.
///
/// # Panics
/// Where a slice has another length.
pub fn weight_gradient(g: &Dense, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32], db: &mut [f32]) {
    conv::weight_gradient(&g.conv(), n, x, dy, dw, db);
}
