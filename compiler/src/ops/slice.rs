//! `slice`: a part of a tensor along an axis.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::concat::sides;
use super::{Argument, Default, Kind, Mismatch, Operands, Operation, Reach, RuleCall, Signature, Storage};
use crate::diagnostic::codes;
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::TensorType;

pub(super) const SIGNATURE: Signature = Signature {
    name: "slice",
    docs: "A part of a tensor along an axis, from `start` on and up to `end`, which does not belong to it: \
           `x -> slice(2, 0, 8)` has the first eight channels of an image.",
    operands: Operands::One,
    arguments: &[
        Argument {
            name: "axis",
            kind: Kind::Axis,
            default: Default::Required,
            docs: "the axis, counted from zero without the batch",
        },
        Argument { name: "start", kind: Kind::Size, default: Default::Int(0), docs: "where the part starts" },
        Argument {
            name: "end",
            kind: Kind::Count,
            default: Default::Layer,
            docs: "where it has ended; the end of the axis when left out",
        },
    ],
    weighted: false,
    has_several: false,
    rule,
    build,
};

fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let axis = call.axis("axis")?;
    let mut dims = call.operand(0).dims().to_vec();
    let Some(size) = dims.get_mut(axis) else { return Ok(vec![call.operand(0)]) };
    let start = call.dim("start");
    let end = if call.is_given("end") { call.dim("end") } else { size.clone() };
    if !call.facts.require_at_least(size, &end) {
        let title = format!("`slice` ends at {end}, but axis {axis} has {size} elements");
        return Err(Mismatch::new(codes::N0204, title, format!("expected at most {size}")).argument("end"));
    }
    if !call.facts.require_at_least(&end, &(&start + 1)) {
        let title = format!("the part from {start} to {end} is empty");
        return Err(Mismatch::new(codes::N0204, title, format!("expected less than {end}")).argument("start"));
    }
    *size = end - start;
    Ok(vec![TensorType::new(dims)])
}

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let (axis, start) = (call.count("axis")?, call.count("start")?);
    let size = *call.operand_shape(0).dims().get(axis)?;
    let end = if call.is_given("end") { call.count("end")? } else { size };
    Some(vec![call.node(Slice { axis, start, part: end.checked_sub(start)? }.into(), Vec::new())])
}

/// A part of a tensor: what the language slices, and of a joined gradient what belongs to one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The axis, without the batch.
    pub axis: usize,
    /// Where the part starts on that axis.
    pub start: usize,
    /// Its size on that axis.
    pub part: usize,
}

impl Slice {
    /// The whole's dimensions with the part's size on the axis, if it is a part of it.
    fn of(&self, whole: &[usize]) -> Option<Shape> {
        let mut dims = whole.to_vec();
        let size = dims.get_mut(self.axis)?;
        if self.start.checked_add(self.part)? > *size {
            return None;
        }
        *size = self.part;
        Some(super::shape(&dims))
    }

    /// The sizes that the kernels take for a whole of these dimensions: rows, part, total and offset.
    fn sizes(&self, whole: &[usize]) -> (TokenStream, TokenStream) {
        let (outer, inner) = sides(whole, self.axis);
        let (size, total, offset) = (self.part * inner, whole[self.axis] * inner, self.start * inner);
        (quote!(n * #outer), quote!(#size, #total, #offset))
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slice axis {} from {} to {}", self.axis, self.start, self.start + self.part)
    }
}

impl Operation for Slice {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![self.of(args[0].dims())?])
    }

    /// The first part hands on a gradient that is zero elsewhere, to which other parts of the same tensor add theirs.
    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let x = node.args[0];
        if !backward.wants(x) {
            return;
        }
        let gradient = match backward.gradient(x) {
            Some(earlier) => backward.node(node, SliceAccumulate(*self).into(), vec![earlier, upstream], Vec::new(), x),
            None => {
                let op = SliceGradient { slice: *self, whole: backward.shape(x).clone() };
                backward.node(node, op.into(), vec![upstream], Vec::new(), x)
            }
        };
        backward.replace(x, gradient);
    }

    fn reach(&self) -> Option<Reach> {
        (self.axis == 2).then_some(Reach::SAME)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        if step.moves_nothing() {
            return TokenStream::new();
        }
        let (rt, x, y) = (step.rt(), step.read(0), step.write(0));
        let (rows, sizes) = self.sizes(step.operand_shape(0).dims());
        let rows = if self.axis == 2 { step.rows(0) } else { rows };
        quote!(#rt::concat::copy_out(#rows, #sizes, #x, #y);)
    }
}

/// The gradient of a part at its place in zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceGradient {
    /// The part.
    pub slice: Slice,
    /// The shape of what it is a part of.
    pub whole: Shape,
}

impl fmt::Display for SliceGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient of {}", self.slice)
    }
}

impl Operation for SliceGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (self.slice.of(self.whole.dims()).as_ref() == Some(args[0])).then(|| vec![self.whole.clone()])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, dy, dx) = (step.rt(), step.read(0), step.write(0));
        let (rows, sizes) = self.slice.sizes(self.whole.dims());
        quote!(#rt::concat::copy_among_zeros(#rows, #sizes, #dy, #dx);)
    }
}

/// A gradient of the whole, and that of a part added to it at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliceAccumulate(pub Slice);

impl fmt::Display for SliceAccumulate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accumulate gradient of {}", self.0)
    }
}

impl Operation for SliceAccumulate {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (self.0.of(args[0].dims()).as_ref() == Some(args[1])).then(|| vec![args[0].clone()])
    }

    fn storage(&self) -> Storage {
        Storage::InPlace(0)
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, dy, y) = (step.rt(), step.read(1), step.write(0));
        let (rows, sizes) = self.0.sizes(step.operand_shape(0).dims());
        let before = if step.is_in_place() {
            TokenStream::new()
        } else {
            let x = step.read(0);
            quote!(#rt::binary::copy(#x, #y);)
        };
        quote!(#before #rt::concat::add_in(#rows, #sizes, #dy, #y);)
    }
}
