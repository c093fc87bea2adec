//! The same numbers under another shape: what `flatten` becomes.

use std::fmt;

use proc_macro2::TokenStream;

use super::{Operation, Storage};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::passes::Backward;

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
