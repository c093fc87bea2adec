//! `global_avg_pool`: the mean of each channel over the whole image.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Operands, Operation, Reach, Signature};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::TensorType;

pub(super) const SIGNATURE: Signature = Signature {
    name: "global_avg_pool",
    docs: "Global average pooling: `[H, W, C]` -> `[C]`, the mean of each channel over the whole image.",
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
    Some(vec![call.node(GlobalAvgPool { input: call.operand_shape(0).image()? }.into(), Vec::new())])
}

/// The mean over height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalAvgPool {
    /// Height, width and channels of the input.
    pub input: [usize; 3],
}

impl fmt::Display for GlobalAvgPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("global_avg_pool")
    }
}

impl Operation for GlobalAvgPool {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (args[0].dims() == self.input).then(|| vec![super::shape(&[self.input[2]])])
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let op = GlobalAvgPoolGradient(*self).into();
        let gradient = backward.node(node, op, vec![upstream], Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, y) = (step.rt(), step.read(0), step.write(0));
        let [h, w, c] = self.input;
        let pixels = h * w;
        quote!(#rt::global_avg_pool::forward(n, #pixels, #c, #x, #y);)
    }
}

/// Spreads each channel's gradient evenly over the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalAvgPoolGradient(pub GlobalAvgPool);

impl fmt::Display for GlobalAvgPoolGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("gradient of global_avg_pool")
    }
}

impl Operation for GlobalAvgPoolGradient {
    fn infer(&self, _: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![super::shape(&self.0.input)])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
    }

    fn reach_of(&self, _: usize) -> Option<Reach> {
        None
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, dy, dx) = (step.rt(), step.read(0), step.write(0));
        let [h, w, c] = self.0.input;
        let pixels = h * w;
        if step.rows_made().is_some() {
            return quote!(#rt::global_avg_pool::gradient_band(#pixels, #c, #dy, #dx););
        }
        quote!(#rt::global_avg_pool::gradient(n, #pixels, #c, #dy, #dx);)
    }
}
