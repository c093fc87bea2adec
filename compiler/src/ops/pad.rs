//! `pad`: zeros around an image.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Argument, Default, Kind, Mismatch, Operands, Operation, RuleCall, Signature};
use crate::emit::{Geometry, StepContext};
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::{Dim, TensorType};

pub(super) const SIGNATURE: Signature = Signature {
    name: "pad",
    docs: "Zeros around an image: `[H, W, C]` -> `[top + H + bottom, left + W + right, C]`.",
    operands: Operands::One,
    arguments: &[Argument {
        name: "size",
        kind: Kind::Padding,
        default: Default::Required,
        docs: "rows and columns that are added: on all sides, `[height, width]` on both sides each, or \
               `[top, bottom, left, right]`",
    }],
    weighted: false,
    has_several: false,
    rule,
    build,
};

/// `[top, bottom, left, right]` of one, two or four sizes.
fn sides<T: Clone>(sizes: &[T]) -> Option<[T; 4]> {
    let [top, bottom, left, right] = match sizes {
        [all] => [all, all, all, all],
        [height, width] => [height, height, width, width],
        [top, bottom, left, right] => [top, bottom, left, right],
        _ => return None,
    };
    Some([top, bottom, left, right].map(T::clone))
}

fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let [h, w, c] = call.image()?;
    let unknown = || [Dim::unknown(), Dim::unknown(), Dim::unknown(), Dim::unknown()];
    let [top, bottom, left, right] = sides(&call.dims("size")).unwrap_or_else(unknown);
    Ok(vec![TensorType::new(vec![top + h + bottom, left + w + right, c])])
}

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let pad = Pad { input: call.operand_shape(0).image()?, sides: sides(&call.sizes("size")?)? };
    Some(vec![call.node(pad.into(), Vec::new())])
}

/// Puts zeros around an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pad {
    /// Height, width and channels of the input.
    pub input: [usize; 3],
    /// What is added at the top, the bottom, the left and the right.
    pub sides: [usize; 4],
}

impl Pad {
    fn output(&self) -> Option<Shape> {
        let ([h, w, c], [top, bottom, left, right]) = (self.input, self.sides);
        let [oh, ow] = [[top, h, bottom], [left, w, right]]
            .map(|parts| parts.iter().try_fold(0_usize, |sum, &part| sum.checked_add(part)));
        Shape::new(vec![oh?, ow?, c])
    }

    fn constant(&self) -> Geometry {
        let ([h, w, c], [top, bottom, left, right]) = (self.input, self.sides);
        let sides = [("top", top), ("bottom", bottom), ("left", left), ("right", right)];
        Geometry::new("pad", "Pad").sizes([("h", h), ("w", w), ("c", c)]).sizes(sides)
    }
}

impl fmt::Display for Pad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sides {
            [top, bottom, left, right] if top == bottom && left == right && top == left => write!(f, "pad {top}"),
            [top, bottom, left, right] if top == bottom && left == right => write!(f, "pad [{top}, {left}]"),
            sides => write!(f, "pad {sides:?}"),
        }
    }
}

impl Operation for Pad {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (args[0].dims() == self.input).then(|| self.output().map(|output| vec![output]))?
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let gradient = backward.node(node, PadGradient(*self).into(), vec![upstream], Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn geometry(&self) -> Option<Geometry> {
        Some(self.constant())
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, x, y) = (step.rt(), step.geometry(), step.read(0), step.write(0));
        quote!(#rt::pad::forward(&#geometry, n, #x, #y);)
    }
}

/// Takes the padding away again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PadGradient(pub Pad);

impl fmt::Display for PadGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient of {}", self.0)
    }
}

impl Operation for PadGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        (Some(args[0]) == self.0.output().as_ref()).then(|| vec![super::shape(&self.0.input)])
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn geometry(&self) -> Option<Geometry> {
        Some(self.0.constant())
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, geometry, dy, dx) = (step.rt(), step.geometry(), step.read(0), step.write(0));
        quote!(#rt::pad::gradient(&#geometry, n, #dy, #dx);)
    }
}
