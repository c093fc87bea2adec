//! `prelu`: below zero, a trained slope for each channel.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::rule::same;
use super::{Operands, Operation, Reach, Signature};
use crate::emit::StepContext;
use crate::ir::{Init, Layout, Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "prelu",
    docs: "Parametric rectified linear unit (He et al., 2015): `x` where it is positive, else `slope x`, with a trained \
           slope for each channel, `[C]`, that starts at 0.25; the shape stays.",
    operands: Operands::One,
    arguments: &[],
    weighted: true,
    has_several: false,
    rule: same,
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let input = call.operand_shape(0);
    let (pixels, c) = (input.pixels(), input.channels());
    let slope = call.parameter("slope", vec![c], Layout::Plain { len: c }, Init::Constant(0.25))?;
    Some(vec![call.node(Prelu { pixels, c }.into(), vec![slope])])
}

/// The unit with its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prelu {
    /// Pixels of one image; one for a flat tensor.
    pub pixels: usize,
    /// Channels.
    pub c: usize,
}

impl Prelu {
    /// The shape of an operand, which must have these sizes.
    fn same(self, arg: &Shape) -> Option<Vec<Shape>> {
        ((arg.pixels(), arg.channels()) == (self.pixels, self.c)).then(|| vec![arg.clone()])
    }
}

impl fmt::Display for Prelu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("prelu")
    }
}

impl Operation for Prelu {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        self.same(args[0])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let x = node.args[0];
        let name = format!("d_{}_slope", node.layer);
        backward.named(node, PreluSlopeGradient(*self).into(), vec![x, upstream], node.parameters.clone(), &name);
        if backward.wants(x) {
            let gradient =
                backward.node(node, PreluGradient(*self).into(), vec![x, upstream], node.parameters.clone(), x);
            backward.add(x, gradient);
        }
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, y, slope) = (step.rt(), step.read(0), step.write(0), step.parameter(0));
        let ([n, pixels], c) = (step.images(0), self.c);
        quote!(#rt::prelu::forward(#n, #pixels, #c, #x, #slope[..#c], #y);)
    }
}

/// From the input and the output's gradient, the gradient of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreluGradient(pub Prelu);

impl fmt::Display for PreluGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient of {}", self.0)
    }
}

impl Operation for PreluGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        self.0.same(args[0])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, dy, dx, slope) = (step.rt(), step.read(0), step.read(1), step.write(0), step.parameter(0));
        let Prelu { pixels, c } = self.0;
        quote!(#rt::prelu::gradient(n, #pixels, #c, #x, #slope[..#c], #dy, #dx);)
    }
}

/// Adds to the gradient of the slopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreluSlopeGradient(pub Prelu);

impl fmt::Display for PreluSlopeGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slope_gradient of {}", self.0)
    }
}

impl Operation for PreluSlopeGradient {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        Some(Vec::new())
    }

    fn n_results(&self) -> usize {
        0
    }

    fn has_effects(&self) -> bool {
        true
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, dy, slope) = (step.rt(), step.read(0), step.read(1), step.gradient(0));
        let Prelu { pixels, c } = self.0;
        quote!(#rt::prelu::slope_gradient(n, #pixels, #c, #x, #dy, &mut #slope[..#c]);)
    }
}
