//! Transposed convolution: the gradient of a convolution's input as a layer of its own, with its gradients.

use crate::check;
use crate::columns::add_column_sums;
use crate::conv::{self, Activation, Among, Conv};
use crate::layout::Layout;

/// The geometry of a transposed convolution over one image.
///
/// `y[iy * stride - pad + ky, ix * stride - pad + kx, f] += x[iy, ix, c] * w[ky, kx, c, f]`, to which the bias is added.
/// The output has `(h - 1) * stride - 2 pad + kernel + output_pad` rows, and columns likewise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Rows of the input.
    pub h: usize,
    /// Columns of the input.
    pub w: usize,
    /// Channels of the input.
    pub c: usize,
    /// Channels of the output.
    pub f: usize,
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Distance between the places that neighbouring inputs reach, by rows and columns.
    pub stride: [usize; 2],
    /// Rows and columns that are left out on both sides.
    pub pad: [usize; 2],
    /// Rows and columns that are added at the end; fewer than the stride.
    pub output_pad: [usize; 2],
}

impl ConvTranspose {
    /// The convolution whose input gradient this is: it leads from the output's shape to the input's.
    ///
    /// # Panics
    /// Where the geometry is none: a size is zero or too large, `output_pad` is not less than the stride, or nothing is
    /// left of the output.
    pub const fn conv(&self) -> Conv {
        let conv = Conv {
            h: output(self.h, self.kernel[0], self.stride[0], self.pad[0], self.output_pad[0]),
            w: output(self.w, self.kernel[1], self.stride[1], self.pad[1], self.output_pad[1]),
            c: self.f,
            kh: self.kernel[0],
            kw: self.kernel[1],
            f: self.c,
            stride: self.stride,
            pad: self.pad,
            dilation: [1, 1],
            groups: 1,
        };
        conv.check();
        assert!(conv.out_h() == self.h && conv.out_w() == self.w, "a transposed convolution does not lead back");
        conv
    }

    /// Floats of one input image.
    ///
    /// # Panics
    /// Where the geometry is none, see [`ConvTranspose::conv`].
    pub const fn input_len(&self) -> usize {
        self.conv().output_len()
    }

    /// Floats of one output image.
    ///
    /// # Panics
    /// Where the geometry is none, see [`ConvTranspose::conv`].
    pub const fn output_len(&self) -> usize {
        self.conv().input_len()
    }

    /// How the weights, `[KH, KW, C, F]`, are stored.
    pub const fn weight_layout(&self) -> Layout {
        conv::transposed_layout(&self.conv())
    }

    /// How the bias is stored.
    pub const fn bias_layout(&self) -> Layout {
        Layout::Padded { len: self.f }
    }
}

const fn output(size: usize, kernel: usize, stride: usize, pad: usize, output_pad: usize) -> usize {
    const LIMIT: usize = 1 << 31;
    assert!(
        size > 0 && size < LIMIT && kernel < LIMIT && stride < LIMIT && pad < LIMIT,
        "a size of a transposed convolution is zero or too large"
    );
    assert!(output_pad < stride, "the output's padding must be less than the stride");
    // With sizes below 2^31, 64 bits hold all of this.
    let reach = (size as u64 - 1) * stride as u64 + kernel as u64 + output_pad as u64;
    assert!(reach > 2 * pad as u64 && reach - 2 * (pad as u64) < LIMIT as u64, "nothing is left of the output");
    (reach - 2 * pad as u64) as usize
}

/// Writes `y = activation(transposed_conv(x, w) + b)`.
///
/// `x` is `[n, h, w, c]`, `w` has [`ConvTranspose::weight_layout`], `b` has [`ConvTranspose::bias_layout`] or is empty, `y`
/// is `[n, out_h, out_w, f]`. The result for an image does not depend, to the bit, on the other images of the call.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn forward(g: &ConvTranspose, activation: Activation, n: usize, x: &[f32], w: &[f32], b: &[f32], y: &mut [f32]) {
    let conv = g.conv();
    conv::transposed(&conv, Among::alone(conv.f), activation, n, x, w, b, y);
}

/// Floats of the transposed weights.
pub const fn transposed_len(g: &ConvTranspose) -> usize {
    g.conv().weight_layout().len()
}

/// Writes to `wt` the weights `w` with input and output channels exchanged, for [`input_gradient`].
///
/// # Panics
/// Where a slice has not the length of its layout.
pub fn transpose_weights(g: &ConvTranspose, w: &[f32], wt: &mut [f32]) {
    check::len("w", w, g.weight_layout().len());
    check::len("wt", wt, transposed_len(g));
    conv::exchange([g.kernel[0] * g.kernel[1], g.c, g.f], w, wt);
}

/// Writes the gradient of the input, which is a convolution of `dy`.
///
/// `dy` is `[n, out_h, out_w, f]`, `wt` the weights as [`transpose_weights`] writes them, `dx` is `[n, h, w, c]`.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn input_gradient(g: &ConvTranspose, n: usize, dy: &[f32], wt: &[f32], dx: &mut [f32]) {
    conv::forward(&g.conv(), Activation::None, n, dy, wt, &[], dx);
}

/// Adds the gradients of weights and bias to `dw` and `db`, which may be empty. Padding is left as it is.
///
/// # Panics
/// Where a slice has another length or the geometry is none.
pub fn weight_gradient(g: &ConvTranspose, n: usize, x: &[f32], dy: &[f32], dw: &mut [f32], db: &mut [f32]) {
    if !db.is_empty() {
        check::images("dy", dy, n, g.output_len());
        check::len("db", db, g.bias_layout().len());
        add_column_sums(g.f, Among::alone(g.f), dy, &mut db[..g.f]);
    }
    conv::transposed_weight_gradient(&g.conv(), n, dy, x, dw);
}
