//! `concat`: tensors joined along an axis.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Argument, Default, Kind, Mismatch, Operands, Operation, Reach, RuleCall, Signature, Slice};
use crate::diagnostic::codes;
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::{TensorType, Truth};

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
    has_several: false,
    rule,
    build,
};

fn axis(call: &RuleCall<'_>) -> Result<usize, Mismatch> {
    if call.is_given("axis") { call.axis("axis") } else { Ok(call.operand(0).rank().saturating_sub(1)) }
}

fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let axis = axis(call)?;
    let first = call.operand(0);
    let mut dims = first.dims().to_vec();
    for (operand, other) in call.operands().iter().enumerate().skip(1) {
        // Alike but for the axis: compared as if they were equal there.
        let mut aligned = other.dims().to_vec();
        let part = aligned.get(axis).cloned();
        if let (Some(size), Some(wanted)) = (aligned.get_mut(axis), first.dims().get(axis)) {
            *size = wanted.clone();
        }
        if !call.require_same(&first, &TensorType::new(aligned)) {
            let title = format!("`concat` along axis {axis} cannot join {first} and {other}");
            let expected = format!("expected shapes that differ on axis {axis} only");
            let mismatch = Mismatch::new(codes::N0306, title, expected).operand(operand);
            let last = first.rank().saturating_sub(1);
            let pairs = first.dims().iter().zip(other.dims());
            let is_of_channels = axis != last
                && first.rank() == other.rank()
                && pairs.take(last).all(|(a, b)| call.facts.equal(a, b) == Truth::Always);
            return Err(if is_of_channels {
                mismatch.help(format!("the channels are axis {last}, which is joined where `axis` is left out"))
            } else {
                mismatch
            });
        }
        if let (Some(size), Some(part)) = (dims.get_mut(axis), part) {
            *size = &*size + &part;
        }
    }
    Ok(vec![TensorType::new(dims)])
}

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let shapes: Vec<Shape> = call.operand_shapes();
    let axis = if call.is_given("axis") { call.count("axis")? } else { shapes.first()?.rank().checked_sub(1)? };
    let parts = shapes.iter().map(|shape| shape.dims().get(axis).copied().unwrap_or(0)).collect();
    Some(vec![call.node(Concat { axis, parts }.into(), Vec::new())])
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
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        let mut dims = args.first()?.dims().to_vec();
        let fits = args.len() == self.parts.len()
            && args.iter().zip(&self.parts).all(|(shape, &part)| {
                if let Some(size) = dims.get_mut(self.axis) {
                    *size = part;
                }
                shape.dims() == dims
            });
        *dims.get_mut(self.axis)? = self.parts.iter().try_fold(0_usize, |sum, &part| sum.checked_add(part))?;
        fits.then(|| vec![super::shape(&dims)])
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

    fn reach(&self) -> Option<Reach> {
        (self.axis == 2).then_some(Reach::SAME)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, y, dims) = (step.rt(), step.write(0), step.result_shape().dims());
        let (outer, inner) = sides(dims, self.axis);
        let total = dims[self.axis] * inner;
        let mut offset = 0;
        let mut calls = TokenStream::new();
        for (operand, &part) in self.parts.iter().enumerate() {
            let size = part * inner;
            if !step.is_joined(operand) {
                let x = step.read(operand);
                if step.is_of_bytes() {
                    calls.extend(quote!(#rt::int8::concat(n, #outer, #size, #total, #offset, #x, #y);));
                    offset += size;
                    continue;
                }
                let outer = if self.axis + 1 == dims.len() { step.rows(operand) } else { quote!(n * #outer) };
                calls.extend(quote!(#rt::concat::copy_in(#outer, #size, #total, #offset, #x, #y);));
            }
            offset += size;
        }
        calls
    }
}

/// Elements before and after an axis.
pub(super) fn sides(dims: &[usize], axis: usize) -> (usize, usize) {
    (dims[..axis].iter().product(), dims[axis + 1..].iter().product())
}
