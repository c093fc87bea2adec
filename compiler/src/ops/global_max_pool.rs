//! `global_max_pool`: the largest element of each channel over the whole image.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Operands, Operation, Signature};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::TensorType;

pub(super) const SIGNATURE: Signature = Signature {
    name: "global_max_pool",
    docs: "Global max pooling: `[H, W, C]` -> `[C]`, the largest element of each channel over the whole image. Of several \
           that are equal the first has the gradient.",
    operands: Operands::One,
    arguments: &[],
    weighted: false,
    has_several: false,
    rule: |call| {
        let [_, _, c] = call.image()?;
        Ok(vec![TensorType::new(vec![c])])
    },
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    Some(vec![call.node(GlobalMaxPool { input: call.operand_shape(0).image()? }.into(), Vec::new())])
}

/// The maximum over height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalMaxPool {
    /// Height, width and channels of the input.
    pub input: [usize; 3],
}

impl fmt::Display for GlobalMaxPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("global_max_pool")
    }
}

impl Operation for GlobalMaxPool {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (args[0].dims() == self.input).then(|| vec![super::shape(&[self.input[2]])])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let (x, y) = (node.args[0], node.results[0]);
        let op = GlobalMaxPoolGradient(*self).into();
        let gradient = backward.node(node, op, vec![x, y, upstream], Vec::new(), x);
        backward.add(x, gradient);
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, y) = (step.rt(), step.read(0), step.write(0));
        let [h, w, c] = self.input;
        let pixels = h * w;
        quote!(#rt::global_max_pool::forward(n, #pixels, #c, #x, #y);)
    }
}

/// Hands each channel's gradient to the first pixel that has the channel's maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalMaxPoolGradient(pub GlobalMaxPool);

impl fmt::Display for GlobalMaxPoolGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("gradient of global_max_pool")
    }
}

impl Operation for GlobalMaxPoolGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        let c = [self.0.input[2]];
        let fits = args[0].dims() == self.0.input && args[1].dims() == c && args[2].dims() == c;
        fits.then(|| vec![super::shape(&self.0.input)])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, y, dy, dx) = (step.rt(), step.read(0), step.read(1), step.read(2), step.write(0));
        let [h, w, c] = self.0.input;
        let pixels = h * w;
        quote!(#rt::global_max_pool::gradient(n, #pixels, #c, #x, #y, #dy, #dx);)
    }
}
