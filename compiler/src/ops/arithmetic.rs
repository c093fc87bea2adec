//! `add` and `multiply`: two tensors element by element, or a tensor and one number per channel.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Mismatch, Op, Operands, Operation, RuleCall, Signature, Storage};
use crate::diagnostic::codes;
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::TensorType;

pub(super) const ADD: Signature = Signature {
    name: "add",
    docs: "The sum of two or more tensors of one shape, element by element; also written `a + b`. One of two may be flat, \
           `[C]`, beside an image `[H, W, C]`: it is added at every pixel.",
    operands: Operands::Several,
    arguments: &[],
    weighted: false,
    has_several: false,
    rule,
    build: |call| fold(call, &Add.into(), &AddGate.into()),
};

pub(super) const MULTIPLY: Signature = Signature {
    name: "multiply",
    docs: "The product of two or more tensors of one shape, element by element; also written `a * b`. One of two may be \
           flat, `[C]`, beside an image `[H, W, C]`: each channel is scaled by its number, as a gate does.",
    operands: Operands::Several,
    arguments: &[],
    weighted: false,
    has_several: false,
    rule,
    build: |call| fold(call, &Multiply.into(), &Gate.into()),
};

/// The shape that operands have together: theirs, or the image's where the others have one number for each channel.
fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let mut joined = call.operand(0);
    for (index, other) in call.operands().iter().enumerate().skip(1) {
        if joined.rank() == other.rank() && call.require_same(&joined, other) {
            continue;
        }
        let (image, flat, operand) = match (joined.rank(), other.rank()) {
            (3, 1) => (&joined, other, index),
            (1, 3) => (other, &joined, index - 1),
            _ => {
                let title = format!("`{}` takes tensors of one shape, found {joined} and {other}", call.layer());
                return Err(Mismatch::new(codes::N0307, title, format!("expected {joined}")).operand(index));
            }
        };
        if !call.facts.require_equal(&image.channels(), &flat.channels()) {
            // An image and something flat: the flat one was meant to have one number for each channel.
            let title = format!("`{}` takes tensors of one shape, found {joined} and {other}", call.layer());
            let expected = format!("expected {image}, or [{}]: one number for each channel", image.channels());
            return Err(Mismatch::new(codes::N0307, title, expected).operand(operand));
        }
        joined = image.clone();
    }
    Ok(vec![joined])
}

/// Applies an operation of two operands from left to right; a flat operand beside an image takes the gate's form.
fn fold(call: &mut LayerCall<'_, '_>, same: &Op, gate: &Op) -> Option<Vec<ValueId>> {
    let shapes = call.operand_shapes();
    let mut sum = call.operand(0);
    let mut rank = shapes.first()?.rank();
    for (index, other) in shapes.iter().enumerate().skip(1) {
        let operand = call.operand(index);
        let (op, args) = match (rank, other.rank()) {
            (3, 1) => (gate.clone(), vec![sum, operand]),
            (1, 3) => (gate.clone(), vec![operand, sum]),
            _ => (same.clone(), vec![sum, operand]),
        };
        rank = rank.max(other.rank());
        sum = call.node_over(op, args, Vec::new());
    }
    Some(vec![sum])
}

/// Defines a type without fields and its text form.
macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $text:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name;

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($text)
            }
        }
    };
}

unit!(
    /// `a + b` of one shape.
    Add, "add"
);
unit!(
    /// `a + b`, over `a`: two gradients of one value.
    Accumulate, "accumulate"
);
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
unit!(
    /// `x + shift`, by channel.
    AddGate, "add to channels"
);
unit!(
    /// The sum over the pixels of `dy`.
    AddGateGradient, "gradient of add to channels"
);
unit!(
    /// The same numbers, somewhere else.
    Copy, "copy"
);

impl Operation for Add {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        backward.add(node.args[0], upstream);
        backward.add(node.args[1], upstream);
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

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, b, y) = (step.rt(), step.read(1), step.write(0));
        if step.is_in_place() {
            return quote!(#rt::binary::add_into(#b, #y););
        }
        let a = step.read(0);
        quote!(#rt::binary::add(#a, #b, #y);)
    }
}

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

impl Operation for Copy {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        backward.add(node.args[0], upstream);
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, y) = (step.rt(), step.read(0), step.write(0));
        quote!(#rt::binary::copy(#x, #y);)
    }
}
