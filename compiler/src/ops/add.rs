//! `add`: the sum of two tensors element by element, or of an image and one number per channel or pixel.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::broadcast::{Forms, fold, rule, unit};
use super::{AddPixelGate, Operands, Operation, Reach, Signature, Storage};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "add",
    docs: "The sum of two or more tensors of one shape, element by element; also written `a + b`. Beside an image \
           `[H, W, C]` the other may be `[C]` or `[1, 1, C]`, which is added at every pixel, or `[H, W, 1]`, which is added to \
           every channel.",
    operands: Operands::Several,
    arguments: &[],
    weighted: false,
    has_several: false,
    rule,
    build: |call| {
        let (same, channels, pixels) = (Add.into(), AddGate.into(), AddPixelGate.into());
        fold(call, &Forms { same, channels, pixels, second: None })
    },
};

unit!(
    /// `a + b` of one shape.
    Add, "add"
);
unit!(
    /// `a + b`, over `a`: two gradients of one value.
    Accumulate, "accumulate"
);
unit!(
    /// `x + shift`, by channel.
    AddGate, "add to channels"
);
unit!(
    /// The sum over the pixels of `dy`.
    AddGateGradient, "gradient of add to channels"
);

impl Operation for Add {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        backward.add(node.args[0], upstream);
        backward.add(node.args[1], upstream);
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, a, b, y) = (step.rt(), step.read(0), step.read(1), step.write(0));
        quote!(#rt::binary::add(#a, #b, #y);)
    }
}

impl Operation for Accumulate {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn storage(&self) -> Storage {
        Storage::InPlace(0)
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, b, y) = (step.rt(), step.read(1), step.write(0));
        if step.is_in_place() {
            return quote!(#rt::binary::add_into(#b, #y););
        }
        let a = step.read(0);
        quote!(#rt::binary::add(#a, #b, #y);)
    }
}

impl Operation for AddGate {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let (x, shift) = (node.args[0], node.args[1]);
        if backward.wants(shift) {
            let gradient = backward.node(node, AddGateGradient.into(), vec![upstream], Vec::new(), shift);
            backward.add(shift, gradient);
        }
        backward.add(x, upstream);
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, shift, y, shape) = (step.rt(), step.read(0), step.read(1), step.write(0), step.result_shape());
        let (pixels, c) = (shape.pixels(), shape.channels());
        quote!(#rt::binary::add_channels(n, #pixels, #c, #x, #shift, #y);)
    }
}

impl Operation for AddGateGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![super::shape(&[args[0].channels()])])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, dy, out, shape) = (step.rt(), step.read(0), step.write(0), step.operand_shape(0));
        let (pixels, c) = (shape.pixels(), shape.channels());
        quote!(#rt::binary::add_channels_gate_gradient(n, #pixels, #c, #dy, #out);)
    }
}
