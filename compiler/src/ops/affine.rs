//! `affine`: two numbers for all elements, `scale x + shift`; also what `+`, `-`, `*` and `/` with a number become.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::rule::same;
use super::{Argument, Default, Kind, Operands, Operation, Reach, Signature, Storage};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "affine",
    docs: "`scale x + shift` of each element; the shape stays. Also written with operators: `0.5 * x`, `x + 1.0`, \
           `1.0 - x`, `x / 2.0`, `-x`. Both are numbers of the description; to train them, use `conv` or `batch_norm`.",
    operands: Operands::One,
    arguments: &[
        Argument { name: "scale", kind: Kind::Real, default: Default::Number("1.0"), docs: "the factor" },
        Argument { name: "shift", kind: Kind::Real, default: Default::Number("0.0"), docs: "what is added" },
    ],
    weighted: false,
    has_several: false,
    rule: same,
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let affine = Affine { scale: call.number("scale")?, shift: call.number("shift")? };
    Some(vec![call.node(affine.into(), Vec::new())])
}

/// `scale x + shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    /// The factor.
    pub scale: f64,
    /// What is added.
    pub shift: f64,
}

impl Affine {
    /// `-x`
    pub(super) const NEGATIVE: Self = Self { scale: -1.0, shift: 0.0 };
}

impl fmt::Display for Affine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "affine scale {:?} shift {:?}", self.scale, self.shift)
    }
}

impl Operation for Affine {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn storage(&self) -> Storage {
        Storage::InPlace(0)
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let x = node.args[0];
        if self.scale == 1.0 {
            backward.add(x, upstream);
        } else if backward.wants(x) {
            let op = Self { shift: 0.0, ..*self };
            let gradient = backward.node(node, op.into(), vec![upstream], Vec::new(), x);
            backward.add(x, gradient);
        }
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, y) = (step.rt(), step.write(0));
        let (scale, shift) = (self.scale as f32, self.shift as f32);
        if step.is_in_place() {
            return quote!(#rt::affine::forward_in_place(#scale, #shift, #y););
        }
        let x = step.read(0);
        quote!(#rt::affine::forward(#scale, #shift, #x, #y);)
    }
}
