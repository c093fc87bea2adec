//! `softmax`: exponentials normalised to sum to one over the last axis.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::rule::same;
use super::{Operands, Operation, Signature};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "softmax",
    docs: "Probabilities from scores: `exp(x) / sum(exp(x))` over the last axis (features, or channels of each pixel); the \
           shape stays. Computed with the largest score subtracted, so that nothing overflows.",
    operands: Operands::One,
    arguments: &[],
    weighted: false,
    has_several: false,
    rule: same,
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    Some(vec![call.node(Softmax.into(), Vec::new())])
}

/// Softmax over the last axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Softmax;

impl fmt::Display for Softmax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("softmax")
    }
}

impl Operation for Softmax {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let args = vec![node.results[0], upstream];
        let gradient = backward.node(node, SoftmaxGradient.into(), args, Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, y) = (step.rt(), step.read(0), step.write(0));
        let (rows, c) = (step.rows(0), step.result_shape().channels());
        quote!(#rt::softmax::forward(#rows, #c, #x, #y);)
    }
}

/// From the probabilities and their gradient, the gradient of the scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoftmaxGradient;

impl fmt::Display for SoftmaxGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("gradient of softmax")
    }
}

impl Operation for SoftmaxGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[1].clone()])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, y, dy, dx) = (step.rt(), step.read(0), step.read(1), step.write(0));
        let (rows, c) = (step.rows(0), step.result_shape().channels());
        quote!(#rt::softmax::gradient(#rows, #c, #y, #dy, #dx);)
    }
}
