//! 2-D convolution (cross-correlation, as the field has it), grouped, dilated, depthwise, with its gradients.

mod pack;
mod transpose;
mod weight_gradient;
mod winograd;

pub(crate) use transpose::exchange;
pub use transpose::{transpose_weights, transposed_layout, transposed_len};
pub(crate) use weight_gradient::transposed_weight_gradient;
pub use weight_gradient::{weight_gradient, weight_gradient_among, weight_gradient_band};

use crate::check::{self, product};
use crate::correlate::{Correlation, Lanes, correlate, correlate_depthwise};
use crate::layout::{Layout, PANEL};
use crate::rows::{Band, Rows};
use crate::window::Axis;

/// What is applied to the sums before they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// `max(0, y)`; a NaN stays.
    Relu,
}

/// The geometry of a convolution over one image.
///
/// `y[oy, ox, f] = b[f] + sum over ky, kx, c of x[oy * stride - pad + ky * dilation, …, c] * w[ky, kx, c, f]`, where
/// input outside the image counts as zero. With groups, the output channels of a group read the group's
/// `c / groups` input channels only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Rows of the input.
    pub h: usize,
    /// Columns of the input.
    pub w: usize,
    /// Channels of the input.
    pub c: usize,
    /// Rows of the kernel.
    pub kh: usize,
    /// Columns of the kernel.
    pub kw: usize,
    /// Channels of the output.
    pub f: usize,
    /// Distance between windows, by rows and columns.
    pub stride: [usize; 2],
    /// Padding on both sides, by rows and columns.
    pub pad: [usize; 2],
    /// Distance between the taps of a window, by rows and columns.
    pub dilation: [usize; 2],
    /// Groups that channels are split into.
    pub groups: usize,
}

impl Conv {
    /// Asserts that the geometry is one, and that its sizes fit.
    ///
    /// # Panics
    /// Where a size is zero or 2^31 or more, groups do not divide the channels, the window is larger than the padded
    /// input, or a tensor does not fit the address space.
    pub const fn check(&self) {
        const LIMIT: usize = 1 << if usize::BITS == 32 { 28 } else { 31 };
        let positive = [
            self.h,
            self.w,
            self.c,
            self.kh,
            self.kw,
            self.f,
            self.stride[0],
            self.stride[1],
            self.dilation[0],
            self.dilation[1],
            self.groups,
        ];
        let mut i = 0;
        while i < positive.len() {
            assert!(positive[i] > 0 && positive[i] < LIMIT, "a size of a convolution is zero or too large");
            i += 1;
        }
        assert!(self.pad[0] < LIMIT && self.pad[1] < LIMIT, "the padding of a convolution is too large");
        assert!(
            self.c.is_multiple_of(self.groups) && self.f.is_multiple_of(self.groups),
            "groups must divide the channels of a convolution"
        );
        product(&[self.h, self.w, self.c]);
        product(&[self.out_h(), self.out_w(), self.f]);
        product(&[self.kh, self.kw, self.c, self.f.div_ceil(PANEL), PANEL]);
        product(&[self.kh, self.kw, self.f, self.c.div_ceil(PANEL), PANEL]);
    }

    /// Rows of the output.
    ///
    /// # Panics
    /// Where the window is larger than the padded input.
    pub const fn out_h(&self) -> usize {
        output(self.h, self.kh, self.stride[0], self.pad[0], self.dilation[0])
    }

    /// Columns of the output.
    ///
    /// # Panics
    /// Where the window is larger than the padded input.
    pub const fn out_w(&self) -> usize {
        output(self.w, self.kw, self.stride[1], self.pad[1], self.dilation[1])
    }

    /// Floats of one input image.
    pub const fn input_len(&self) -> usize {
        product(&[self.h, self.w, self.c])
    }

    /// Floats of one output image.
    pub const fn output_len(&self) -> usize {
        product(&[self.out_h(), self.out_w(), self.f])
    }

    /// Whether every output channel reads one input channel: `f / c` of them each, one after another.
    #[inline]
    pub const fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.c
    }

    /// How the weights, `[KH, KW, C / groups, F]`, are stored.
    pub const fn weight_layout(&self) -> Layout {
        if self.is_depthwise() {
            Layout::Panels { groups: 1, k: product(&[self.kh, self.kw]), f: self.f }
        } else {
            let k = product(&[self.kh, self.kw, self.c / self.groups]);
            Layout::Panels { groups: self.groups, k, f: self.f / self.groups }
        }
    }

    /// How the bias is stored.
    pub const fn bias_layout(&self) -> Layout {
        Layout::Padded { len: self.f }
    }

    /// Rows of the output that [`infer`] computes together.
    pub const fn row_tile(&self) -> usize {
        if self.is_winograd() { winograd::out(self) } else { 1 }
    }

    /// Whether [`infer`] computes it by Winograd's F(4x4, 3x3) or F(2x2, 5x5).
    pub const fn is_winograd(&self) -> bool {
        winograd::pays(self)
    }

    pub(crate) fn rows(&self, transposed: bool) -> Axis {
        axis(self.h, self.out_h(), self.kh, [self.stride[0], self.pad[0], self.dilation[0]], transposed)
    }

    /// All rows of an image.
    pub(crate) fn all_rows(&self) -> Rows {
        Rows { pad: self.pad[0], x: self.h, y: self.out_h() }
    }

    /// The taps of the windows by rows, and their stride, padding and dilation.
    const fn row_windows(&self) -> [usize; 4] {
        [self.kh, self.stride[0], self.pad[0], self.dilation[0]]
    }

    pub(crate) fn cols(&self, transposed: bool) -> Axis {
        axis(self.w, self.out_w(), self.kw, [self.stride[1], self.pad[1], self.dilation[1]], transposed)
    }
}

const fn output(size: usize, kernel: usize, stride: usize, pad: usize, dilation: usize) -> usize {
    // With sizes below 2^31, 64 bits hold all of this.
    let padded = size as u64 + 2 * pad as u64;
    let span = (kernel as u64 - 1) * dilation as u64 + 1;
    assert!(span <= padded, "the window of a convolution is larger than its padded input");
    ((padded - span) / stride as u64 + 1) as usize
}

fn axis(input: usize, output: usize, taps: usize, [stride, pad, dilation]: [usize; 3], transposed: bool) -> Axis {
    let (positions, sources) = if transposed { (input, output) } else { (output, input) };
    Axis { positions, sources, taps, stride, pad, dilation, transposed }
}

/// Where the channels of a tensor stand in pixels that others share: in those of the tensor that a `concat` joins it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Among {
    /// Channels before them.
    pub first: usize,
    /// Channels of a pixel.
    pub total: usize,
}

impl Among {
    /// `channels` by themselves.
    pub const fn alone(channels: usize) -> Among {
        Among { first: 0, total: channels }
    }

    /// Asserts that a slice holds `n` images of so many pixels, and that `channels` are among those of each.
    #[track_caller]
    pub(crate) fn check(self, what: &str, slice: &[f32], n: usize, pixels: usize, channels: usize) {
        let fits = self.first.checked_add(channels).is_some_and(|end| end <= self.total);
        assert!(fits, "`{what}`: {channels} channels from {} on are not among {}", self.first, self.total);
        check::images(what, slice, n, product(&[pixels, self.total]));
    }
}

/// Writes `y = activation(conv(x, w) + b)`.
///
/// `x` is `[n, h, w, c]`, `w` has [`Conv::weight_layout`], `b` has [`Conv::bias_layout`] or is empty (no bias), `y` is
/// `[n, out_h, out_w, f]`. The result for an image does not depend, to the bit, on the other images of the call.
///
/// # Panics
/// Where a slice has another length or the geometry is none ([`Conv::check`]).
#[inline]
pub fn forward(g: &Conv, activation: Activation, n: usize, x: &[f32], w: &[f32], b: &[f32], y: &mut [f32]) {
    forward_among(g, Among::alone(g.f), activation, n, x, w, b, y);
}

/// [`forward`] into channels of a larger tensor, `y` of `[n, out_h, out_w, among.total]`; the others are left alone.
///
/// # Panics
/// As [`forward`] does, and where the channels are not there.
#[inline]
pub fn forward_among(
    g: &Conv,
    among: Among,
    activation: Activation,
    n: usize,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    y: &mut [f32],
) {
    forward_rows(g, g.all_rows(), among, activation, n, x, w, b, y);
}

/// [`forward_among`] of the rows of an image that a band makes: those that `to` has of `y`, from those that `from` has of `x`.
///
/// A pixel is what [`forward_among`] computes, to the bit.
///
/// # Panics
/// Where a slice does not hold its rows, `w` or `b` has another length, the geometry is none, or the channels are not there.
#[inline]
pub fn forward_band(
    g: &Conv,
    among: Among,
    activation: Activation,
    from: Band,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    to: Band,
    y: &mut [f32],
) {
    if let Some((rows, x, y)) = rows_of_band(g, among, from, x, to, y) {
        forward_rows(g, rows, among, activation, 1, x, w, b, y);
    }
}

/// What a band reads of `x` and makes of `y`, and which rows these are; `None` if it makes none.
#[inline]
fn rows_of_band<'a>(
    g: &Conv,
    among: Among,
    from: Band,
    x: &'a [f32],
    to: Band,
    y: &'a mut [f32],
) -> Option<(Rows, &'a [f32], &'a mut [f32])> {
    if to.rows() == 0 {
        return None;
    }
    let (seen, rows) = Band::seen(g.h, g.row_windows(), &to);
    Some((rows, &x[from.places(seen, g.w * g.c)], to.made(g.out_w() * among.total, y)))
}

/// [`forward_among`] of some rows of each image, which `x` and `y` hold.
#[inline]
fn forward_rows(
    g: &Conv,
    rows: Rows,
    among: Among,
    activation: Activation,
    n: usize,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    y: &mut [f32],
) {
    if g.is_depthwise() {
        depthwise(g, rows, among, activation, n, x, w, b, y);
    } else {
        grouped(g, rows, among, activation, n, x, w, b, y);
    }
}

/// [`forward_rows`] of a convolution that is not depthwise.
///
/// This and [`depthwise`] are functions of their own, and what chooses between them is inlined into generated code, where the
/// geometry is a constant: so a program has only the kernels that its networks need, which are large.
#[inline(never)]
fn grouped(
    g: &Conv,
    rows: Rows,
    among: Among,
    activation: Activation,
    n: usize,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    y: &mut [f32],
) {
    check_forward(g, rows, among, n, x, w, b, y);
    let sizes = (g.groups, g.c / g.groups, g.f / g.groups);
    // By the check, the first channel is there, or no image is.
    let y = y.get_mut(among.first..).unwrap_or_default();
    // SAFETY: the lengths are checked above, and the strides are those of the images; `y` lacks only what is before its
    // first channel.
    unsafe { correlate(&correlation(g, rows, among, activation, n, sizes), x, w, b, y) }
}

/// [`forward_rows`] of a depthwise convolution.
#[inline(never)]
fn depthwise(
    g: &Conv,
    rows: Rows,
    among: Among,
    activation: Activation,
    n: usize,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    y: &mut [f32],
) {
    check_forward(g, rows, among, n, x, w, b, y);
    let correlation = correlation(g, rows, among, activation, n, (1, 1, g.f));
    // By the check, the first channel is there, or no image is.
    let y = y.get_mut(among.first..).unwrap_or_default();
    // SAFETY: as in `grouped`.
    unsafe { correlate_depthwise(&correlation, Lanes::Spread(g.f / g.c), x, w, b, y) }
}

/// The correlation of a forward pass, with its groups, and the channels that each reads and writes.
fn correlation(
    g: &Conv,
    rows: Rows,
    among: Among,
    activation: Activation,
    n: usize,
    (groups, depth, f): (usize, usize, usize),
) -> Correlation {
    Correlation {
        images: n,
        rows: Axis { positions: rows.y, sources: rows.x, pad: rows.pad, ..g.rows(false) },
        cols: g.cols(false),
        x_image: rows.x * g.w * g.c,
        x_row: g.w * g.c,
        x_pixel: g.c,
        y_image: rows.y * g.out_w() * among.total,
        y_row: g.out_w() * among.total,
        y_pixel: among.total,
        groups,
        depth,
        f,
        relu: activation == Activation::Relu,
    }
}

/// Writes what [`forward`] does, by Winograd's F(4x4, 3x3) or F(2x2, 5x5) where that is faster
/// ([`Conv::is_winograd`]).
///
/// There, an output is within `5e-6` of the largest magnitude among the inputs of its tile of 4x4 or 2x2 pixels, times the sum of
/// its weights' magnitudes, and what is not finite in the input may reach all of a tile. Each thread keeps the memory that its largest
/// call has worked in, some hundred kilobytes for the networks that are bundled; without it the direct form is used. The result
/// for an image does not depend, to the bit, on the other images of the call.
///
/// # Panics
/// As [`forward`] does.
#[inline(always)]
pub fn infer(g: &Conv, activation: Activation, n: usize, x: &[f32], w: &[f32], b: &[f32], y: &mut [f32]) {
    infer_among(g, Among::alone(g.f), activation, n, x, w, b, y);
}

/// [`infer`] into channels of a larger tensor, `y` of `[n, out_h, out_w, among.total]`; the others are left alone.
///
/// # Panics
/// As [`infer`] does, and where the channels are not there.
#[inline(always)]
pub fn infer_among(
    g: &Conv,
    among: Among,
    activation: Activation,
    n: usize,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    y: &mut [f32],
) {
    infer_rows(g, g.all_rows(), among, activation, n, x, w, b, y);
}

/// [`infer_among`] of the rows of an image that a band makes: those that `to` has of `y`, from those that `from` has of `x`.
///
/// A pixel is what [`infer_among`] computes, to the bit, where bands start at rows that [`Conv::row_tile`] divides.
///
/// # Panics
/// Where a slice does not hold its rows, `w` or `b` has another length, the geometry is none, or the channels are not there.
#[inline(always)]
pub fn infer_band(
    g: &Conv,
    among: Among,
    activation: Activation,
    from: Band,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    to: Band,
    y: &mut [f32],
) {
    if let Some((rows, x, y)) = rows_of_band(g, among, from, x, to, y) {
        infer_rows(g, rows, among, activation, 1, x, w, b, y);
    }
}

/// [`infer_among`] of some rows of each image, which `x` and `y` hold.
#[inline(always)]
fn infer_rows(
    g: &Conv,
    rows: Rows,
    among: Among,
    activation: Activation,
    n: usize,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    y: &mut [f32],
) {
    check_forward(g, rows, among, n, x, w, b, y);
    if !g.is_winograd() || !winograd::forward(winograd::code(g), g, rows, among, activation, n, x, w, b, y) {
        forward_rows(g, rows, among, activation, n, x, w, b, y);
    }
}

/// Writes the gradient of the input, `dx = transpose(conv)(dy)`.
///
/// `dy` is `[n, out_h, out_w, f]`, `wt` the weights as [`transpose_weights`] writes them, `dx` is `[n, h, w, c]`. The
/// result for an image does not depend, to the bit, on the other images of the call.
///
/// # Panics
/// Where a slice has another length or the geometry is none ([`Conv::check`]).
pub fn input_gradient(g: &Conv, n: usize, dy: &[f32], wt: &[f32], dx: &mut [f32]) {
    input_gradient_among(g, Among::alone(g.f), n, dy, wt, dx);
}

/// [`input_gradient`] of channels of a larger tensor, `dy` of `[n, out_h, out_w, among.total]`.
///
/// # Panics
/// As [`input_gradient`] does, and where the channels are not there.
pub fn input_gradient_among(g: &Conv, among: Among, n: usize, dy: &[f32], wt: &[f32], dx: &mut [f32]) {
    transposed(g, among, Activation::None, n, dy, wt, &[], dx);
}

/// [`input_gradient_among`] of the rows of an image that a band makes: those that `to` has of `dx`, from those that `from` has of
/// `dy`. A pixel is what [`input_gradient_among`] computes, to the bit.
///
/// # Panics
/// Where a slice does not hold its rows, `wt` has another length, the geometry is none, or the channels are not there.
pub fn input_gradient_band(g: &Conv, among: Among, from: Band, dy: &[f32], wt: &[f32], to: Band, dx: &mut [f32]) {
    if to.rows() > 0 {
        let (met, rows) = Band::met(g.out_h(), g.row_windows(), &to);
        let (dy, dx) = (&dy[from.places(met, g.out_w() * among.total)], to.made(g.w * g.c, dx));
        transposed_rows(g, rows, among, Activation::None, 1, dy, wt, &[], dx);
    }
}

/// [`input_gradient`] with a bias for each channel of `dx`, or none, and an activation. A depthwise convolution whose
/// output has more channels than its input takes neither.
pub(crate) fn transposed(
    g: &Conv,
    among: Among,
    activation: Activation,
    n: usize,
    dy: &[f32],
    wt: &[f32],
    b: &[f32],
    dx: &mut [f32],
) {
    g.check();
    let rows = Rows { pad: g.pad[0], x: g.out_h(), y: g.h };
    transposed_rows(g, rows, among, activation, n, dy, wt, b, dx);
}

/// [`transposed`] of some rows of each image, which `dy` and `dx` hold.
fn transposed_rows(
    g: &Conv,
    rows: Rows,
    among: Among,
    activation: Activation,
    n: usize,
    dy: &[f32],
    wt: &[f32],
    b: &[f32],
    dx: &mut [f32],
) {
    g.check();
    let (dy_image, dx_image) = (rows.x * g.out_w(), rows.y * g.w * g.c);
    among.check("dy", dy, n, dy_image, g.f);
    check::images("dx", dx, n, dx_image);
    check::len("wt", wt, transposed_len(g));
    if !b.is_empty() {
        check::len("b", b, Layout::Padded { len: g.c }.len());
    }
    let depthwise = g.is_depthwise();
    let has_extras = !b.is_empty() || activation != Activation::None;
    assert!(!(depthwise && has_extras), "a depthwise input gradient has no bias and no activation");
    let correlation = Correlation {
        images: n,
        rows: Axis { positions: rows.y, sources: rows.x, pad: rows.pad, ..g.rows(true) },
        cols: g.cols(true),
        x_image: dy_image * among.total,
        x_row: g.out_w() * among.total,
        x_pixel: among.total,
        y_image: dx_image,
        y_row: g.w * g.c,
        y_pixel: g.c,
        groups: if depthwise { 1 } else { g.groups },
        depth: if depthwise { 1 } else { g.f / g.groups },
        f: if depthwise { g.f } else { g.c / g.groups },
        relu: activation == Activation::Relu,
    };
    // By the check, the first channel is there, or no image is.
    let dy = dy.get(among.first..).unwrap_or_default();
    if depthwise {
        // SAFETY: the lengths are checked above, and the strides are those of the images; `dy` lacks only what is before its
        // first channel.
        unsafe { correlate_depthwise(&correlation, Lanes::Fold(g.f / g.c), dy, wt, &[], dx) }
    } else {
        // SAFETY: as above.
        unsafe { correlate(&correlation, dy, wt, b, dx) }
    }
}

/// What a forward pass asks of the lengths.
fn check_forward(g: &Conv, rows: Rows, among: Among, n: usize, x: &[f32], w: &[f32], b: &[f32], y: &[f32]) {
    g.check();
    check::images("x", x, n, rows.x * g.w * g.c);
    among.check("y", y, n, rows.y * g.out_w(), g.f);
    check::len("w", w, g.weight_layout().len());
    check_bias(g, b);
}

#[track_caller]
fn check_bias(g: &Conv, b: &[f32]) {
    if !b.is_empty() {
        check::len("b", b, g.bias_layout().len());
    }
}
