//! The copy of an output that is an input under another name; the planner makes it.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::Operation;
use super::broadcast::unit;
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::passes::Backward;

unit!(
    /// The same numbers, somewhere else.
    Copy, "copy"
);

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
