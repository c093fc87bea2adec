//! `max_pool`: the largest element of each window.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::window::{CEIL, KERNEL, PAD, POOL_STRIDE, SymbolicWindow, Window, pool_rule, pool_window};
use super::{Mismatch, Operands, Operation, Reach, RuleCall, Signature};
use crate::diagnostic::codes;
use crate::emit::{Geometry, StepContext};
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::{Dim, TensorType};

pub(super) const SIGNATURE: Signature = Signature {
    name: "max_pool",
    docs: "Max pooling: `[H, W, C]` -> `[OH, OW, C]`, the largest element of each window of each channel, with \
           `OH = (H + 2 pad - kernel) / stride + 1`, rounded down, or up with `ceil`. Padding never wins. A window has at \
           most 256 elements, since the place of its maximum is kept in a byte.",
    operands: Operands::One,
    arguments: &[KERNEL, POOL_STRIDE, PAD, CEIL],
    weighted: false,
    has_several: false,
    rule,
    build,
};

/// The largest window of a `max_pool`, in elements: the place of a maximum is kept in a byte.
pub const MAX_WINDOW: usize = 256;

fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let elements = SymbolicWindow::of_pool(call)?.elements();
    if !call.facts.require_at_least(&Dim::from(MAX_WINDOW), &elements) {
        let title = format!("the window of `max_pool` has more than {MAX_WINDOW} elements");
        let expected = format!("expected at most {MAX_WINDOW} elements, such as 16");
        return Err(Mismatch::new(codes::N0204, title, expected).argument("kernel"));
    }
    pool_rule(call)
}

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let pool = MaxPool { input: call.operand_shape(0).image()?, window: pool_window(call)? };
    Some(vec![call.node(pool.into(), Vec::new())])
}

/// Max pooling that keeps only the maxima.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool {
    /// Height, width and channels of the input.
    pub input: [usize; 3],
    /// Kernel, stride, padding and rounding.
    pub window: Window,
}

impl MaxPool {
    fn outputs(&self) -> [usize; 3] {
        let [h, w, c] = self.input;
        let [oh, ow] = self.window.outputs([h, w]).unwrap_or([1, 1]);
        [oh, ow, c]
    }
}

impl fmt::Display for MaxPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::avg_pool::describe("max_pool", &self.window, f)
    }
}

impl Operation for MaxPool {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        super::avg_pool::infer(&self.window, self.input, args[0])
    }

    /// Never asked: training keeps the places, in [`MaxPoolIndexed`].
    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        Some(super::avg_pool::constant(self.input, &self.window))
    }

    fn writes_among(&self) -> bool {
        true
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::of(&self.window))
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, x, y) = (step.rt(), step.geometry(), step.read(0), step.write(0));
        if let Some([from, to]) = step.band() {
            let c = self.input[2];
            let among = step.among_result().unwrap_or_else(|| quote!(#rt::conv::Among::alone(#c)));
            return quote!(#rt::max_pool::infer_band(&#geometry, #among, #from, #x, #to, #y););
        }
        match step.among_result() {
            Some(among) => quote!(#rt::max_pool::infer_among(&#geometry, #among, n, #x, #y);),
            None => quote!(#rt::max_pool::infer(&#geometry, n, #x, #y);),
        }
    }
}

/// Max pooling that keeps the place of each maximum for the gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPoolIndexed(pub MaxPool);

impl fmt::Display for MaxPoolIndexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "indexed {}", self.0)
    }
}

impl Operation for MaxPoolIndexed {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        let mut shapes = self.0.infer(args)?;
        // One byte for each output, kept in floats.
        let floats = self.0.outputs().iter().product::<usize>().div_ceil(4);
        shapes.push(super::shape(&[floats]));
        Some(shapes)
    }

    fn n_results(&self) -> usize {
        2
    }

    fn port_name(&self, _: usize) -> &'static str {
        "index"
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let args = vec![upstream, node.results[1]];
        let gradient = backward.node(node, MaxPoolGradient(self.0).into(), args, Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn geometry(&self) -> Option<Geometry> {
        self.0.geometry()
    }

    fn reach(&self) -> Option<Reach> {
        self.0.reach()
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, x, y, index) = (step.rt(), step.geometry(), step.read(0), step.write(0), step.write(1));
        if let Some([from, to]) = step.band() {
            return quote!(#rt::max_pool::forward_band(&#geometry, #from, #x, #to, #y, #index););
        }
        quote!(#rt::max_pool::forward(&#geometry, n, #x, #y, #index);)
    }
}

/// Carries each output's gradient to the place of its maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPoolGradient(pub MaxPool);

impl fmt::Display for MaxPoolGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient of {}", self.0)
    }
}

impl Operation for MaxPoolGradient {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![super::shape(&self.0.input)])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        self.0.geometry()
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::back(&self.0.window))
    }

    /// The places are those of the whole image.
    fn reach_of(&self, operand: usize) -> Option<Reach> {
        if operand == 0 { self.reach() } else { None }
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, dy, index, dx) = (step.rt(), step.geometry(), step.read(0), step.read(1), step.write(0));
        if let Some([from, to]) = step.band() {
            return quote!(#rt::max_pool::gradient_band(&#geometry, #from, #dy, #index, #to, #dx););
        }
        quote!(#rt::max_pool::gradient(&#geometry, n, #dy, #index, #dx);)
    }
}
