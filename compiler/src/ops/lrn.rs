//! `lrn`: local response normalisation, each channel by the squares of its neighbours.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::rule::same;
use super::{Argument, Default, Kind, Operands, Operation, Reach, Signature};
use crate::emit::{Geometry, StepContext};
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "lrn",
    docs: "Local response normalisation (Krizhevsky et al., 2012) across channels: `x / (k + alpha / size sum(x^2))^beta`, \
           the sum over `size` channels around each, `size / 2` before it and `(size - 1) / 2` after it; the shape stays. \
           The formula is PyTorch's and Caffe's; the paper and TensorFlow do not divide by `size`, so that their alpha is \
           `size` times smaller.",
    operands: Operands::One,
    arguments: &[
        Argument { name: "size", kind: Kind::Count, default: Default::Int(5), docs: "channels in a window" },
        Argument {
            name: "alpha",
            kind: Kind::Positive(1000),
            default: Default::Number("0.0001"),
            docs: "how much the mean of the squares counts",
        },
        Argument { name: "beta", kind: Kind::Positive(100), default: Default::Number("0.75"), docs: "the power" },
        Argument {
            name: "k",
            kind: Kind::Positive(1000),
            default: Default::Number("1.0"),
            docs: "what is added to the mean of the squares",
        },
    ],
    weighted: false,
    has_several: false,
    rule: same,
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let (size, alpha) = (call.count("size")?, call.number("alpha")?);
    let (beta, k) = (call.number("beta")?, call.number("k")?);
    let c = call.operand_shape(0).channels();
    Some(vec![call.node(Lrn { c, size, alpha, beta, k }.into(), Vec::new())])
}

/// Local response normalisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lrn {
    /// Channels.
    pub c: usize,
    /// Channels in a window.
    pub size: usize,
    /// How much the mean of the squares counts.
    pub alpha: f64,
    /// The power.
    pub beta: f64,
    /// What is added to the mean.
    pub k: f64,
}

impl fmt::Display for Lrn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lrn {} alpha {:?} beta {:?} k {:?}", self.size, self.alpha, self.beta, self.k)
    }
}

impl Operation for Lrn {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (args[0].channels() == self.c).then(|| vec![args[0].clone()])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let x = node.args[0];
        let gradient = backward.node(node, LrnGradient(*self).into(), vec![x, upstream], Vec::new(), x);
        backward.add(x, gradient);
    }

    fn geometry(&self) -> Option<Geometry> {
        let (c, size, alpha, beta, k) = (self.c, self.size, self.alpha as f32, self.beta as f32, self.k as f32);
        let sizes = Geometry::new("lrn", "Lrn").sizes([("c", c), ("size", size)]);
        Some(sizes.numbers([("alpha", alpha), ("beta", beta), ("k", k)]))
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, rows, x, y) = (step.rt(), step.geometry(), step.rows(0), step.read(0), step.write(0));
        quote!(#rt::lrn::forward(&#geometry, #rows, #x, #y);)
    }
}

/// From the input and the output's gradient, the gradient of the input; its second result is room for a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LrnGradient(pub Lrn);

impl fmt::Display for LrnGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient of {}", self.0)
    }
}

impl Operation for LrnGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        let mut shapes = self.0.infer(args)?;
        shapes.push(super::shape(&[self.0.c]));
        Some(shapes)
    }

    fn n_results(&self) -> usize {
        2
    }

    fn port_name(&self, _: usize) -> &'static str {
        "work"
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        self.0.geometry()
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, rows) = (step.rt(), step.geometry(), step.rows(0));
        let (x, dy, dx, work) = (step.read(0), step.read(1), step.write(0), step.write(1));
        quote!(#rt::lrn::gradient(&#geometry, #rows, #x, #dy, #work, #dx);)
    }
}
