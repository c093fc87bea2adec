//! `upsample`: an image made larger by a whole factor.

use std::fmt;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::window::pair;
use super::{Argument, Default, Kind, Mismatch, Operands, Operation, RuleCall, Signature};
use crate::emit::{Geometry, StepContext};
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::TensorType;

pub(super) const SIGNATURE: Signature = Signature {
    name: "upsample",
    docs: "An image made larger: `[H, W, C]` -> `[factor H, factor W, C]`.\n\n\
           With `\"nearest\"` every pixel is repeated. With `\"bilinear\"` a pixel is the mean of the four around it, \
           weighted by their distances; the corners of both images lie on each other, not the centres of their corner \
           pixels, which is PyTorch's `align_corners=False`.",
    operands: Operands::One,
    arguments: &[
        Argument {
            name: "factor",
            kind: Kind::CountPair,
            default: Default::Required,
            docs: "how many times as high and wide",
        },
        Argument {
            name: "mode",
            kind: Kind::Choice(&["nearest", "bilinear"]),
            default: Default::Text("nearest"),
            docs: "what stands between pixels",
        },
    ],
    weighted: false,
    has_several: false,
    rule,
    build,
};

fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let [h, w, c] = call.image()?;
    let [fh, fw] = call.pair("factor");
    Ok(vec![TensorType::new(vec![h * fh, w * fw, c])])
}

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let is_bilinear = call.text("mode")? == "bilinear";
    let upsample = Upsample { input: call.operand_shape(0).image()?, factor: call.pair("factor")?, is_bilinear };
    Some(vec![call.node(upsample.into(), Vec::new())])
}

/// Repeats pixels, or mixes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upsample {
    /// Height, width and channels of the input.
    pub input: [usize; 3],
    /// How many times as high and wide the output is.
    pub factor: [usize; 2],
    /// Whether pixels are mixed.
    pub is_bilinear: bool,
}

impl Upsample {
    fn output(&self) -> Option<Shape> {
        let ([h, w, c], [fh, fw]) = (self.input, self.factor);
        Shape::new(vec![h.checked_mul(fh)?, w.checked_mul(fw)?, c])
    }

    fn mode(&self) -> &'static str {
        if self.is_bilinear { "bilinear" } else { "nearest" }
    }

    fn constant(&self) -> Geometry {
        let [h, w, c] = self.input;
        Geometry::new("upsample", "Upsample").sizes([("h", h), ("w", w), ("c", c)]).pairs([("factor", self.factor)])
    }
}

impl fmt::Display for Upsample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "upsample {} {}", pair(self.factor), self.mode())
    }
}

impl Operation for Upsample {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (args[0].dims() == self.input).then(|| self.output().map(|output| vec![output]))?
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let gradient = backward.node(node, UpsampleGradient(*self).into(), vec![upstream], Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn geometry(&self) -> Option<Geometry> {
        Some(self.constant())
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, x, y) = (step.rt(), step.geometry(), step.read(0), step.write(0));
        let function = format_ident!("{}", self.mode());
        quote!(#rt::upsample::#function(&#geometry, n, #x, #y);)
    }
}

/// Hands the gradient of each pixel to those that it was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpsampleGradient(pub Upsample);

impl fmt::Display for UpsampleGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient of {}", self.0)
    }
}

impl Operation for UpsampleGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (Some(args[0]) == self.0.output().as_ref()).then(|| vec![super::shape(&self.0.input)])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        Some(self.0.constant())
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, dy, dx) = (step.rt(), step.geometry(), step.read(0), step.write(0));
        let function = format_ident!("{}_gradient", self.0.mode());
        quote!(#rt::upsample::#function(&#geometry, n, #dy, #dx);)
    }
}
