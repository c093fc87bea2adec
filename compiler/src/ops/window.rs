//! The arithmetic that convolution and pooling share: windows that slide over height and width.

use super::{Argument, Default, Kind, Mismatch};
use crate::diagnostic::codes;
use crate::ir::Shape;

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

    /// The outputs on an image of shape `[H, W, C]`, with the messages for everything that does not fit.
    pub fn infer(&self, layer: &str, input: &Shape) -> Result<([usize; 3], [usize; 2]), Mismatch> {
        let image = image(layer, input)?;
        let [h, w, _] = image;
        self.outputs([h, w]).map(|out| (image, out)).ok_or_else(|| {
            let [kh, kw] = self.kernel;
            let dilated =
                if self.dilation == [1, 1] { String::new() } else { format!(" dilated by {}", pair(self.dilation)) };
            let padded = if self.pad == [0, 0] {
                String::new()
            } else {
                format!(", [{}, {}] with padding", h + 2 * self.pad[0], w + 2 * self.pad[1])
            };
            Mismatch {
                code: codes::N0303,
                title: format!("the {kh}x{kw} kernel{dilated} of `{layer}` does not fit into [{h}, {w}]{padded}"),
                expected: "expected a kernel no larger than its input".to_owned(),
                help: Some("take a smaller kernel, pad the input, or leave out a layer that shrinks it".to_owned()),
                operand: 0,
            }
        })
    }
}

/// Height, width and channels of an operand that must be an image.
pub(super) fn image(layer: &str, input: &Shape) -> Result<[usize; 3], Mismatch> {
    input.image().ok_or_else(|| Mismatch {
        code: codes::N0301,
        title: format!("`{layer}` takes an image, found {input}"),
        expected: "expected [height, width, channels]".to_owned(),
        help: (input.rank() == 2).then(|| "an image in grey has one channel: declare it [height, width, 1]".to_owned()),
        operand: 0,
    })
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
