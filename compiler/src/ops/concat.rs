//! `concat`: tensors joined along an axis.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Argument, Default, Kind, Mismatch, Operands, Operation, Signature};
use crate::diagnostic::codes;
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "concat",
    docs: "Joins tensors along an axis, the last (channels) when left out; the other axes must agree: \
           `[H, W, A]` and `[H, W, B]` -> `[H, W, A + B]`.",
    operands: Operands::Several,
    arguments: &[Argument {
        name: "axis",
        kind: Kind::Axis,
        default: Default::Layer,
        docs: "the axis along which to join, counted from zero without the batch; the last when left out",
    }],
    weighted: false,
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<ValueId> {
    let shapes: Vec<Shape> = call.operand_shapes();
    if shapes.iter().any(|shape| !shape.is_known()) {
        return call.unknown();
    }
    let rank = shapes.first().map_or(1, Shape::rank);
    let axis = if call.is_given("axis") { call.axis("axis", rank)? } else { rank - 1 };
    let parts = shapes.iter().map(|shape| shape.dims().get(axis).copied().unwrap_or(0)).collect();
    let concat = Concat { axis, parts };
    concat.infer(&shapes.iter().collect::<Vec<_>>()).map_err(|mismatch| call.report(&mismatch)).ok()?;
    Some(call.node(concat.into(), Vec::new()))
}

/// Joins its operands along an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concat {
    /// The axis, without the batch.
    pub axis: usize,
    /// Each operand's size on that axis.
    pub parts: Vec<usize>,
}

impl fmt::Display for Concat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "concat axis {}", self.axis)
    }
}

impl Operation for Concat {
    fn infer(&self, args: &[&Shape]) -> Result<Vec<Shape>, Mismatch> {
        let first = args[0];
        for (operand, shape) in args.iter().enumerate().skip(1) {
            let others = |shape: &Shape| {
                shape
                    .dims()
                    .iter()
                    .enumerate()
                    .filter(|&(axis, _)| axis != self.axis)
                    .map(|(_, &size)| size)
                    .collect::<Vec<_>>()
            };
            if shape.rank() != first.rank() || others(shape) != others(first) {
                return Err(Mismatch {
                    code: codes::N0306,
                    title: format!("`concat` along axis {} cannot join {first} and {shape}", self.axis),
                    expected: format!("expected shapes that differ on axis {} only", self.axis),
                    help: None,
                    operand,
                });
            }
        }
        let mut dims = first.dims().to_vec();
        let total = self.parts.iter().try_fold(0_usize, |sum, &part| sum.checked_add(part));
        if let Some(size) = dims.get_mut(self.axis) {
            *size = total.unwrap_or(usize::MAX);
        }
        super::checked(dims, "the output of `concat`")
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let mut start = 0;
        for (&arg, &part) in node.args.iter().zip(&self.parts) {
            if backward.wants(arg) {
                let slice = Slice { axis: self.axis, start, part };
                let gradient = backward.node(node, slice.into(), vec![upstream], Vec::new(), arg);
                backward.add(arg, gradient);
            }
            start += part;
        }
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, y, dims) = (step.rt(), step.write(0), step.result_shape().dims());
        let (outer, inner) = sides(dims, self.axis);
        let total = dims[self.axis] * inner;
        let mut offset = 0;
        let mut calls = TokenStream::new();
        for (operand, &part) in self.parts.iter().enumerate() {
            let (x, size) = (step.read(operand), part * inner);
            calls.extend(quote!(#rt::concat::copy_in(n * #outer, #size, #total, #offset, #x, #y);));
            offset += size;
        }
        calls
    }
}

/// Elements before and after an axis.
fn sides(dims: &[usize], axis: usize) -> (usize, usize) {
    (dims[..axis].iter().product(), dims[axis + 1..].iter().product())
}

/// The part of a joined gradient that belongs to one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The axis, without the batch.
    pub axis: usize,
    /// Where the part starts on that axis.
    pub start: usize,
    /// Its size on that axis.
    pub part: usize,
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slice axis {} from {} to {}", self.axis, self.start, self.start + self.part)
    }
}

impl Operation for Slice {
    fn infer(&self, args: &[&Shape]) -> Result<Vec<Shape>, Mismatch> {
        let mut dims = args[0].dims().to_vec();
        if let Some(size) = dims.get_mut(self.axis) {
            *size = self.part;
        }
        Ok(vec![super::shape(&dims)])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, y, dims) = (step.rt(), step.read(0), step.write(0), step.operand_shape(0).dims());
        let (outer, inner) = sides(dims, self.axis);
        let (size, total, offset) = (self.part * inner, dims[self.axis] * inner, self.start * inner);
        quote!(#rt::concat::copy_out(n * #outer, #size, #total, #offset, #x, #y);)
    }
}
