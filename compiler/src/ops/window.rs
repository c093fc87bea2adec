//! The arithmetic that convolution and pooling share: windows that slide over height and width.

use super::{Argument, Default, Kind, Mismatch, RuleCall};
use crate::diagnostic::codes;
use crate::lower::LayerCall;
use crate::types::{Dim, TensorType, Truth};

/// A window over height and width: `[vertical, horizontal]` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Elements of the window.
    pub kernel: [usize; 2],
    /// Elements from one window to the next.
    pub stride: [usize; 2],
    /// Elements around the image, on both sides.
    pub pad: [usize; 2],
    /// Elements from one element of the window to the next.
    pub dilation: [usize; 2],
    /// Whether a window that overlaps the end counts.
    pub ceil: bool,
}

impl Window {
    /// How many windows fit on each axis of an image of height `h` and width `w`.
    ///
    /// `(size + 2 pad - (dilation (kernel - 1) + 1)) / stride + 1`, the division rounded down, or up with `ceil`, where
    /// the last window must start inside of the image or the padding before it (as PyTorch has it).
    pub fn outputs(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let axis = |i: usize| {
            let span = self.dilation[i].checked_mul(self.kernel[i].checked_sub(1)?)?.checked_add(1)?;
            let padded = size[i].checked_add(self.pad[i].checked_mul(2)?)?;
            let free = padded.checked_sub(span)?;
            let steps = if self.ceil { free.div_ceil(self.stride[i]) } else { free / self.stride[i] };
            let inside = !self.ceil || steps * self.stride[i] < size[i] + self.pad[i];
            Some(if inside { steps } else { steps - 1 } + 1)
        };
        Some([axis(0)?, axis(1)?])
    }
}

/// A window as shape rules see it.
pub(super) struct SymbolicWindow {
    kernel: [Dim; 2],
    stride: [Dim; 2],
    pad: [Dim; 2],
    dilation: [Dim; 2],
    ceil: bool,
}

impl SymbolicWindow {
    /// The window of a convolution.
    pub(super) fn of_conv(call: &RuleCall<'_>) -> Self {
        let pair = |name| call.pair(name);
        let (kernel, stride, pad, dilation) = (pair("kernel"), pair("stride"), pair("pad"), pair("dilation"));
        Self { kernel, stride, pad, dilation, ceil: false }
    }

    /// The window of a pooling: the stride is the kernel's size when left out, and padding is at most half of it.
    pub(super) fn of_pool(call: &mut RuleCall<'_>) -> Result<Self, Mismatch> {
        let (kernel, pad) = (call.pair("kernel"), call.pair("pad"));
        let stride = if call.is_given("stride") { call.pair("stride") } else { kernel.clone() };
        let most = [0, 1].map(|axis: usize| kernel[axis].divided(&Dim::from(2)));
        if !(0..2).all(|axis: usize| call.facts.require_at_least(&most[axis], &pad[axis])) {
            let title = format!("padding of {} is more than half of the {} window", shown(&pad), shown(&kernel));
            return Err(Mismatch::new(codes::N0204, title, format!("expected at most {}", shown(&most)))
                .help("a window that lies wholly in the padding has nothing to pool")
                .argument("pad"));
        }
        let dilation = [Dim::from(1), Dim::from(1)];
        Ok(Self { kernel, stride, pad, dilation, ceil: call.flag("ceil") })
    }

    /// Elements of the window.
    pub(super) fn elements(&self) -> Dim {
        &self.kernel[0] * &self.kernel[1]
    }

    /// How many windows fit on each axis, as [`Window::outputs`] has it.
    pub(super) fn outputs(&self, call: &mut RuleCall<'_>, size: [Dim; 2]) -> Result<[Dim; 2], Mismatch> {
        let padded = [0, 1].map(|axis: usize| &size[axis] + &(&self.pad[axis] * 2));
        let span = [0, 1].map(|axis: usize| &self.dilation[axis] * &(&self.kernel[axis] - 1) + 1);
        if !(0..2).all(|axis: usize| call.facts.require_at_least(&padded[axis], &span[axis])) {
            let [kh, kw] = &self.kernel;
            let one = Dim::from(1);
            let is_dilated = self.dilation.iter().any(|dilation| *dilation != one);
            let dilated = if is_dilated { format!(" dilated by {}", shown(&self.dilation)) } else { String::new() };
            let is_padded = padded != size;
            let with = if is_padded { format!(", [{}, {}] with padding", padded[0], padded[1]) } else { String::new() };
            let title = format!(
                "the {kh}x{kw} kernel{dilated} of `{}` does not fit into [{}, {}]{with}",
                call.layer(),
                size[0],
                size[1]
            );
            return Err(Mismatch::new(codes::N0303, title, "expected a kernel no larger than its input")
                .help("take a smaller kernel, pad the input, or leave out a layer that shrinks it"));
        }
        Ok([0, 1].map(|axis: usize| {
            let (free, stride) = (&padded[axis] - &span[axis], &self.stride[axis]);
            if !self.ceil {
                return free.divided(stride) + 1;
            }
            let steps = free.divided_up(stride);
            let end = &size[axis] + &self.pad[axis] - 1;
            match call.facts.at_least(&end, &(&steps * stride)) {
                Truth::Always => steps + 1,
                Truth::Never => steps,
                // steps * stride <= size + 2 pad - span + stride - 1, which is less than size + pad here.
                Truth::Open if call.facts.at_least(&span[axis], &(&self.pad[axis] + stride)) == Truth::Always => {
                    steps + 1
                }
                Truth::Open => Dim::unknown(),
            }
        }))
    }
}

/// The shape rule of pooling.
pub(super) fn pool_rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let window = SymbolicWindow::of_pool(call)?;
    let [h, w, c] = call.image()?;
    let [oh, ow] = window.outputs(call, [h, w])?;
    Ok(vec![TensorType::new(vec![oh, ow, c])])
}

/// The window of a pooling call that [`pool_rule`] has accepted.
pub(super) fn pool_window(call: &LayerCall<'_, '_>) -> Option<Window> {
    let kernel = call.pair("kernel")?;
    let stride = if call.is_given("stride") { call.pair("stride")? } else { kernel };
    Some(Window { kernel, stride, pad: call.pair("pad")?, dilation: [1, 1], ceil: call.flag("ceil")? })
}

/// A pair as a description would write it.
pub(super) fn shown(pair: &[Dim; 2]) -> String {
    if pair[0] == pair[1] { pair[0].to_string() } else { format!("[{}, {}]", pair[0], pair[1]) }
}

/// `2` for `[2, 2]`, else `[2, 3]`: as a description would write it.
pub(super) fn pair(value: [usize; 2]) -> String {
    if value[0] == value[1] { value[0].to_string() } else { format!("{value:?}") }
}

pub(super) const KERNEL: Argument = Argument {
    name: "kernel",
    kind: Kind::CountPair,
    default: Default::Required,
    docs: "height and width of the window",
};

pub(super) const STRIDE: Argument = Argument {
    name: "stride",
    kind: Kind::CountPair,
    default: Default::Int(1),
    docs: "elements from one window to the next",
};

pub(super) const POOL_STRIDE: Argument = Argument {
    name: "stride",
    kind: Kind::CountPair,
    default: Default::Layer,
    docs: "elements from one window to the next; the kernel's size when left out",
};

pub(super) const PAD: Argument = Argument {
    name: "pad",
    kind: Kind::SizePair,
    default: Default::Int(0),
    docs: "elements added around the image, on both sides",
};

pub(super) const CEIL: Argument = Argument {
    name: "ceil",
    kind: Kind::Bool,
    default: Default::Bool(false),
    docs: "whether a window that overlaps the end counts",
};
