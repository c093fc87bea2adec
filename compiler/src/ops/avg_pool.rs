//! `avg_pool`: the mean of each window; and what both poolings share.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::window::{CEIL, KERNEL, PAD, POOL_STRIDE, Window, image, pair};
use super::{Argument, Default, Kind, Mismatch, Operands, Operation, Signature};
use crate::diagnostic::codes;
use crate::emit::StepContext;
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
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<ValueId> {
    let window = window(call)?;
    let count_include_pad = call.flag("count_include_pad")?;
    let input = call.operand_shape(0).clone();
    if !input.is_known() {
        return call.unknown();
    }
    let input = image("avg_pool", &input).map_err(|mismatch| call.report(&mismatch)).ok()?;
    Some(call.node(AvgPool { input, window, count_include_pad }.into(), Vec::new()))
}

/// The window of a pooling call: the stride is the kernel's size when left out, and padding is at most half of it.
pub(super) fn window(call: &mut LayerCall<'_, '_>) -> Option<Window> {
    let kernel = call.pair("kernel")?;
    let stride = if call.is_given("stride") { call.pair("stride")? } else { kernel };
    let pad = call.pair("pad")?;
    if pad[0] > kernel[0] / 2 || pad[1] > kernel[1] / 2 {
        let span = call.argument_span("pad");
        let most = pair([kernel[0] / 2, kernel[1] / 2]);
        call.error(codes::N0204, format!("padding of {} is more than half of the {} window", pair(pad), pair(kernel)))
            .primary(span, format!("expected at most {most}"))
            .help("a window that lies wholly in the padding has nothing to pool");
        return None;
    }
    Some(Window { kernel, stride, pad, dilation: [1, 1], ceil: call.flag("ceil")? })
}

/// The shape rule of pooling.
pub(super) fn infer(layer: &str, window: &Window, input: &Shape) -> Result<Vec<Shape>, Mismatch> {
    let ([_, _, c], [oh, ow]) = window.infer(layer, input)?;
    super::checked(vec![oh, ow, c], &format!("the output of `{layer}`"))
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
pub(super) fn constant(rt: &TokenStream, [h, w, c]: [usize; 3], window: &Window) -> (TokenStream, TokenStream) {
    let ([kh, kw], [sh, sw], [ph, pw], ceil) = (window.kernel, window.stride, window.pad, window.ceil);
    let value = quote!(#rt::max_pool::Pool {
        h: #h, w: #w, c: #c, kernel: [#kh, #kw], stride: [#sh, #sw], pad: [#ph, #pw], ceil: #ceil,
    });
    (quote!(#rt::max_pool::Pool), value)
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
    fn infer(&self, args: &[&Shape]) -> Result<Vec<Shape>, Mismatch> {
        infer("avg_pool", &self.window, args[0])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let gradient = backward.node(node, AvgPoolGradient(*self).into(), vec![upstream], Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn geometry(&self, rt: &TokenStream) -> Option<(TokenStream, TokenStream)> {
        Some(constant(rt, self.input, &self.window))
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
    fn infer(&self, _: &[&Shape]) -> Result<Vec<Shape>, Mismatch> {
        Ok(vec![super::shape(&self.0.input)])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self, rt: &TokenStream) -> Option<(TokenStream, TokenStream)> {
        self.0.geometry(rt)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, dy, dx) = (step.rt(), step.geometry(), step.read(0), step.write(0));
        let include = self.0.count_include_pad;
        quote!(#rt::avg_pool::gradient(&#geometry, #include, n, #dy, #dx);)
    }
}
