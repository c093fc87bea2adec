//! `reshape`: the same numbers under another shape; costs nothing.

use std::fmt;

use proc_macro2::TokenStream;

use super::{Argument, Default, Kind, Mismatch, Operands, Operation, Signature, Storage};
use crate::diagnostic::codes;
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::passes::Backward;
use crate::types::TensorType;

pub(super) const SIGNATURE: Signature = Signature {
    name: "reshape",
    docs: "The same numbers under another shape of one to three axes and as many elements, in the order of rows, then columns, \
           then channels: `x -> reshape([7, 7, 16])`. Costs nothing.",
    operands: Operands::One,
    arguments: &[Argument {
        name: "shape",
        kind: Kind::Shape,
        default: Default::Required,
        docs: "the sizes of the axes, without the batch",
    }],
    weighted: false,
    has_several: false,
    rule: |call| {
        let (input, shape) = (call.operand(0), TensorType::new(call.dims("shape")));
        if shape.rank() > 3 {
            let title = format!("a shape has one to three axes, found {}", shape.rank());
            let expected = "expected [features] or [height, width, channels]";
            return Err(Mismatch::new(codes::N0301, title, expected).argument("shape"));
        }
        if call.facts.require_equal(&input.elements(), &shape.elements()) {
            return Ok(vec![shape]);
        }
        let (found, given) = (input.elements(), shape.elements());
        let title = format!("{input} has {found} elements and cannot become {shape}, which has {given}");
        Err(Mismatch::new(codes::N0305, title, format!("expected a shape of {found} elements")).argument("shape"))
    },
    build: |call| {
        let shape = Shape::new(call.sizes("shape")?)?;
        Some(vec![call.node(Reshape { shape }.into(), Vec::new())])
    },
};

/// The same elements under another shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reshape {
    /// The shape that comes out.
    pub shape: Shape,
}

impl fmt::Display for Reshape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reshape {}", self.shape)
    }
}

impl Operation for Reshape {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (args[0].elements() == self.shape.elements()).then(|| vec![self.shape.clone()])
    }

    fn storage(&self) -> Storage {
        Storage::Alias(0)
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let shape = backward.shape(node.args[0]).clone();
        let gradient = backward.node(node, Self { shape }.into(), vec![upstream], Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn emit(&self, _: &StepContext<'_>) -> TokenStream {
        TokenStream::new()
    }
}
