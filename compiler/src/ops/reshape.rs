//! `flatten`: the same numbers under another shape; costs nothing.

use std::fmt;

use proc_macro2::TokenStream;

use super::{Operands, Operation, Signature, Storage};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::TensorType;

pub(super) const FLATTEN: Signature = Signature {
    name: "flatten",
    docs: "All axes as one: `[H, W, C]` -> `[H * W * C]`, in the order of rows, then columns, then channels. Costs nothing.",
    operands: Operands::One,
    arguments: &[],
    weighted: false,
    has_several: false,
    rule: |call| Ok(vec![TensorType::new(vec![call.operand(0).elements()])]),
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let shape = Shape::flat(call.operand_shape(0).elements())?;
    Some(vec![call.node(Reshape { shape }.into(), Vec::new())])
}

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
