//! `multiply`: the product of two tensors element by element, or of an image and one number per channel or pixel.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::broadcast::{Forms, fold, rule, unit};
use super::{Operands, Operation, PixelGate, Reach, Signature};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "multiply",
    docs: "The product of two or more tensors of one shape, element by element; also written `a * b`. Beside an \
           image `[H, W, C]` the other may be `[C]` or `[1, 1, C]`, which scales each channel by its number, as a gate does, or \
           `[H, W, 1]`, which scales each pixel.",
    operands: Operands::Several,
    arguments: &[],
    weighted: false,
    has_several: false,
    rule,
    build: |call| {
        let (same, channels, pixels) = (Multiply.into(), Gate.into(), PixelGate.into());
        fold(call, &Forms { same, channels, pixels, second: None })
    },
};

unit!(
    /// `a * b` of one shape.
    Multiply, "multiply"
);
unit!(
    /// `dy * other factor`, both of one shape.
    ScaleGradient, "gradient of multiply"
);
unit!(
    /// `x * gate`, by channel.
    Gate, "scale channels"
);
unit!(
    /// The sum over the pixels of `dy * x`.
    GateGradient, "gate gradient of scale channels"
);

impl Operation for Multiply {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        for (this, other) in [(0, 1), (1, 0)] {
            let (this, other) = (node.args[this], node.args[other]);
            if backward.wants(this) {
                let gradient = backward.node(node, ScaleGradient.into(), vec![upstream, other], Vec::new(), this);
                backward.add(this, gradient);
            }
        }
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, a, b, y) = (step.rt(), step.read(0), step.read(1), step.write(0));
        quote!(#rt::binary::multiply(#a, #b, #y);)
    }
}

impl Operation for ScaleGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        Multiply.emit(step)
    }
}

impl Operation for Gate {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let (x, gate) = (node.args[0], node.args[1]);
        if backward.wants(gate) {
            let gradient = backward.node(node, GateGradient.into(), vec![upstream, x], Vec::new(), gate);
            backward.add(gate, gradient);
        }
        if backward.wants(x) {
            let gradient = backward.node(node, Gate.into(), vec![upstream, gate], Vec::new(), x);
            backward.add(x, gradient);
        }
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, gate, y, shape) = (step.rt(), step.read(0), step.read(1), step.write(0), step.result_shape());
        let (pixels, c) = (shape.pixels(), shape.channels());
        quote!(#rt::binary::scale_channels(n, #pixels, #c, #x, #gate, #y);)
    }
}

impl Operation for GateGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![super::shape(&[args[0].channels()])])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, dy, x, out, shape) = (step.rt(), step.read(0), step.read(1), step.write(0), step.operand_shape(0));
        let (pixels, c) = (shape.pixels(), shape.channels());
        quote!(#rt::binary::scale_channels_gate_gradient(n, #pixels, #c, #x, #dy, #out);)
    }
}
