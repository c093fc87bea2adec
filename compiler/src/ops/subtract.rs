//! `subtract`: the difference of two tensors element by element, or of a tensor and numbers by channel or pixel.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::broadcast::{Forms, fold, rule};
use super::{AddGate, AddPixelGate, Affine, Operands, Operation, Reach, Signature};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "subtract",
    docs: "The difference of two tensors of one shape, element by element; also written `a - b`. Of more than two, all but \
           the first are subtracted from it. One of two may have other shapes, as with `add`.",
    operands: Operands::Several,
    arguments: &[],
    weighted: false,
    has_several: false,
    rule,
    build: |call| {
        // `a - b` is `a + (-b)` where only one of them is an image.
        let second = Some(Affine::NEGATIVE.into());
        fold(call, &Forms { same: Subtract.into(), channels: AddGate.into(), pixels: AddPixelGate.into(), second })
    },
};

/// `a - b` of one shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subtract;

impl fmt::Display for Subtract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("subtract")
    }
}

impl Operation for Subtract {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (args[0] == args[1]).then(|| vec![args[0].clone()])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let (a, b) = (node.args[0], node.args[1]);
        backward.add(a, upstream);
        if backward.wants(b) {
            let gradient = backward.node(node, Affine::NEGATIVE.into(), vec![upstream], Vec::new(), b);
            backward.add(b, gradient);
        }
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, a, b, y) = (step.rt(), step.read(0), step.read(1), step.write(0));
        quote!(#rt::binary::subtract(#a, #b, #y);)
    }
}
