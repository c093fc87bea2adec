//! `log_softmax`: the logarithms of the probabilities of `softmax`.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::rule::same;
use super::{Operands, Operation, Signature};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "log_softmax",
    docs: "Logarithms of probabilities, from scores: `x - log(sum(exp(x)))` over the last axis (features, or channels of each \
           pixel); the shape stays. Precise where a probability is too small for a float. `cross_entropy` takes the scores \
           themselves.",
    operands: Operands::One,
    arguments: &[],
    weighted: false,
    has_several: false,
    rule: same,
    build: |call| Some(vec![call.node(LogSoftmax.into(), Vec::new())]),
};

/// The logarithm of softmax over the last axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSoftmax;

impl fmt::Display for LogSoftmax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("log_softmax")
    }
}

impl Operation for LogSoftmax {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let args = vec![node.results[0], upstream];
        let gradient = backward.node(node, LogSoftmaxGradient.into(), args, Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, y) = (step.rt(), step.read(0), step.write(0));
        let (rows, c) = (step.rows(0), step.result_shape().channels());
        quote!(#rt::log_softmax::forward(#rows, #c, #x, #y);)
    }
}

/// From the logarithms and their gradient, the gradient of the scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSoftmaxGradient;

impl fmt::Display for LogSoftmaxGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("gradient of log_softmax")
    }
}

impl Operation for LogSoftmaxGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[1].clone()])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, y, dy, dx) = (step.rt(), step.read(0), step.read(1), step.write(0));
        let (rows, c) = (step.rows(0), step.result_shape().channels());
        quote!(#rt::log_softmax::gradient(#rows, #c, #y, #dy, #dx);)
    }
}
