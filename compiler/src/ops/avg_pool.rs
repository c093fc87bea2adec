//! `avg_pool`: the mean of each window; and what both poolings share.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::window::{CEIL, KERNEL, PAD, POOL_STRIDE, Window, pair, pool_rule, pool_window};
use super::{Argument, Default, Kind, Operands, Operation, Signature};
use crate::emit::{Geometry, StepContext};
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "avg_pool",
    docs: "Average pooling: `[H, W, C]` -> `[OH, OW, C]`, the mean of each window of each channel, with \
           `OH = (H + 2 pad - kernel) / stride + 1`, rounded down, or up with `ceil`. Padding does not count, unless \
           `count_include_pad` says so.",
    operands: Operands::One,
    arguments: &[
        KERNEL,
        POOL_STRIDE,
        PAD,
        CEIL,
        Argument {
            name: "count_include_pad",
            kind: Kind::Bool,
            default: Default::Bool(false),
            docs: "whether padding counts as zeros in the mean",
        },
    ],
    weighted: false,
    has_several: false,
    rule: pool_rule,
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let window = pool_window(call)?;
    let count_include_pad = call.flag("count_include_pad")?;
    let input = call.operand_shape(0).image()?;
    Some(vec![call.node(AvgPool { input, window, count_include_pad }.into(), Vec::new())])
}

/// The output of pooling; `None` if the window does not fit.
pub(super) fn infer(window: &Window, input: [usize; 3], arg: &Shape) -> Option<Vec<Shape>> {
    let [oh, ow] = window.outputs([input[0], input[1]])?;
    (arg.dims() == input).then(|| vec![super::shape(&[oh, ow, input[2]])])
}

/// The text form of a pooling.
pub(super) fn describe(layer: &str, window: &Window, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{layer} {}", pair(window.kernel))?;
    if window.stride != window.kernel {
        write!(f, " stride {}", pair(window.stride))?;
    }
    if window.pad != [0, 0] {
        write!(f, " pad {}", pair(window.pad))?;
    }
    f.write_str(if window.ceil { " ceil" } else { "" })
}

/// The constant of a pooling.
pub(super) fn constant([h, w, c]: [usize; 3], window: &Window) -> Geometry {
    let Window { kernel, stride, pad, ceil, .. } = *window;
    Geometry::new("max_pool", "Pool")
        .sizes([("h", h), ("w", w), ("c", c)])
        .pairs([("kernel", kernel), ("stride", stride), ("pad", pad)])
        .flag("ceil", ceil)
}

/// Average pooling with all its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvgPool {
    /// Height, width and channels of the input.
    pub input: [usize; 3],
    /// Kernel, stride, padding and rounding.
    pub window: Window,
    /// Whether padding counts as zeros in the mean.
    pub count_include_pad: bool,
}

impl fmt::Display for AvgPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe("avg_pool", &self.window, f)?;
        f.write_str(if self.count_include_pad { " count_include_pad" } else { "" })
    }
}

impl Operation for AvgPool {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        infer(&self.window, self.input, args[0])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let gradient = backward.node(node, AvgPoolGradient(*self).into(), vec![upstream], Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn geometry(&self) -> Option<Geometry> {
        Some(constant(self.input, &self.window))
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, x, y) = (step.rt(), step.geometry(), step.read(0), step.write(0));
        let include = self.count_include_pad;
        quote!(#rt::avg_pool::forward(&#geometry, #include, n, #x, #y);)
    }
}

/// Spreads each output's gradient evenly over its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvgPoolGradient(pub AvgPool);

impl fmt::Display for AvgPoolGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient of {}", self.0)
    }
}

impl Operation for AvgPoolGradient {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![super::shape(&self.0.input)])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        self.0.geometry()
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, dy, dx) = (step.rt(), step.geometry(), step.read(0), step.write(0));
        let include = self.0.count_include_pad;
        quote!(#rt::avg_pool::gradient(&#geometry, #include, n, #dy, #dx);)
    }
}
