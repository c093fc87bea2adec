//! How operands of other shapes meet an image in arithmetic: one number for each channel, or one for each pixel.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Mismatch, Op, Operation, Reshape, RuleCall};
use crate::diagnostic::codes;
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;
use crate::types::{Dim, TensorType, Truth};

/// The shape that operands have together: theirs, or the image's where the others have a number for each channel, `[C]` or
/// `[1, 1, C]`, or for each pixel, `[H, W, 1]`.
pub(super) fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let mut joined = call.operand(0);
    for (index, other) in call.operands().iter().enumerate().skip(1) {
        let layer = call.layer();
        let title = |joined: &TensorType| format!("`{layer}` takes tensors of one shape, found {joined} and {other}");
        let (by, is_second) = match meeting(call, &joined, other) {
            Meeting::Same => {
                if joined.rank() != other.rank() || !call.require_same(&joined, other) {
                    let expected = format!("expected {joined}");
                    let mismatch = Mismatch::new(codes::N0307, title(&joined), expected).operand(index);
                    return Err(match without_channels(call, &joined, other) {
                        Some([h, w]) => mismatch.help(format!(
                            "one number for each pixel is an image of one channel: `[{h}, {w}, 1]`, as it is declared or by \
                             `reshape`"
                        )),
                        None => mismatch,
                    });
                }
                continue;
            }
            Meeting::First(by) => (by, false),
            Meeting::Second(by) => (by, true),
        };
        let (image, small) = if is_second { (&joined, other) } else { (other, &joined) };
        if !fits(call, by, image, small) {
            let [h, w, c] = image.image().unwrap_or([const { Dim::unknown() }; 3]);
            let expected = match by {
                By::Channel => format!("expected {image}, or [{c}]: one number for each channel"),
                By::Pixel => format!("expected {image}, or [{h}, {w}, 1]: one number for each pixel"),
            };
            let operand = if is_second { index } else { index - 1 };
            return Err(Mismatch::new(codes::N0307, title(&joined), expected).operand(operand));
        }
        joined = image.clone();
    }
    Ok(vec![joined])
}

/// The height and width of an image and of another operand that has only these axes.
fn without_channels(call: &RuleCall<'_>, a: &TensorType, b: &TensorType) -> Option<[Dim; 2]> {
    let (image, flat) = if a.rank() == 3 { (a, b) } else { (b, a) };
    let ([h, w, _], [rows, columns]) = (image.dims(), flat.dims()) else { return None };
    let is_same = |a: &Dim, b: &Dim| call.facts.equal(a, b) == Truth::Always;
    (is_same(h, rows) && is_same(w, columns)).then(|| [h.clone(), w.clone()])
}

/// What a smaller operand has a number for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Channel,
    Pixel,
}

/// Which of two operands is smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meeting {
    /// Neither.
    Same,
    /// The first, which meets the second.
    First(By),
    /// The second, which meets the first.
    Second(By),
}

/// How two operands are meant to meet, by the number of their axes and by the axes of size one.
fn meeting(call: &RuleCall<'_>, a: &TensorType, b: &TensorType) -> Meeting {
    match (a.rank(), b.rank()) {
        (3, 1) => return Meeting::Second(By::Channel),
        (1, 3) => return Meeting::First(By::Channel),
        _ => {}
    }
    let (Some(a), Some(b)) = (a.image(), b.image()) else { return Meeting::Same };
    let one = Dim::from(1_i64);
    let [ones_a, ones_b] = [&a, &b].map(|dims| dims.each_ref().map(|dim| call.facts.equal(dim, &one) == Truth::Always));
    of_ones(ones_a, ones_b)
}

/// [`meeting`] of two images, by which of their axes have size one.
fn of_ones(a: [bool; 3], b: [bool; 3]) -> Meeting {
    let smaller = |small: [bool; 3], image: [bool; 3]| match (small, image) {
        (_, [.., true]) | ([.., false], _) => {
            (matches!(small, [true, true, _]) && !matches!(image, [true, true, _])).then_some(By::Channel)
        }
        // `[1, 1, 1]` beside channels: for each pixel, of which there may be one.
        ([.., true], [.., false]) => Some(By::Pixel),
    };
    match (smaller(b, a), smaller(a, b)) {
        (Some(by), None) => Meeting::Second(by),
        (None, Some(by)) => Meeting::First(by),
        _ => Meeting::Same,
    }
}

/// Whether the smaller operand has as many numbers as the image has channels or pixels.
fn fits(call: &mut RuleCall<'_>, by: By, image: &TensorType, small: &TensorType) -> bool {
    match (by, image.image(), small.image()) {
        (By::Pixel, Some([h, w, _]), Some([sh, sw, _])) => {
            call.facts.require_equal(&h, &sh) && call.facts.require_equal(&w, &sw)
        }
        _ => call.facts.require_equal(&image.channels(), &small.channels()),
    }
}

/// The operations of one arithmetic layer, by how its operands meet.
pub(super) struct Forms {
    /// Of one shape.
    pub(super) same: Op,
    /// An image and a number for each channel.
    pub(super) channels: Op,
    /// An image and a number for each pixel.
    pub(super) pixels: Op,
    /// What is done to the second operand before, where the shapes differ.
    pub(super) second: Option<Op>,
}

/// Applies an operation of two operands from left to right, in the form that their shapes take.
pub(super) fn fold(call: &mut LayerCall<'_, '_>, forms: &Forms) -> Option<Vec<ValueId>> {
    let shapes = call.operand_shapes();
    let mut joined = call.operand(0);
    let mut shape = shapes.first()?.clone();
    for (index, other) in shapes.iter().enumerate().skip(1) {
        let operand = call.operand(index);
        let ones = |shape: &Shape| Some(shape.image()?.map(|size| size == 1));
        let meeting = match (shape.rank(), other.rank(), ones(&shape), ones(other)) {
            (3, 1, ..) => Meeting::Second(By::Channel),
            (1, 3, ..) => Meeting::First(By::Channel),
            (_, _, Some(a), Some(b)) => of_ones(a, b),
            _ => Meeting::Same,
        };
        let (Meeting::First(by) | Meeting::Second(by)) = meeting else {
            joined = call.node_over(forms.same.clone(), vec![joined, operand], Vec::new());
            continue;
        };
        let second = match &forms.second {
            Some(op) => call.node_over(op.clone(), vec![operand], Vec::new()),
            None => operand,
        };
        let (image, small, small_shape) = match meeting {
            Meeting::First(_) => (second, joined, shape),
            _ => (joined, second, other.clone()),
        };
        let small = match small_shape.dims() {
            &[_, _, c] if by == By::Channel => {
                call.node_over(Reshape { shape: super::shape(&[c]) }.into(), vec![small], Vec::new())
            }
            _ => small,
        };
        let op = if by == By::Channel { &forms.channels } else { &forms.pixels };
        joined = call.node_over(op.clone(), vec![image, small], Vec::new());
        shape = call.shape_of(joined);
    }
    Some(vec![joined])
}

/// Defines a type without fields and its text form.
macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $text:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name;

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($text)
            }
        }
    };
}
pub(super) use unit;

unit!(
    /// `x * gate`, by pixel.
    PixelGate, "scale pixels"
);
unit!(
    /// The sum over the channels of `dy * x`.
    PixelGateGradient, "gate gradient of scale pixels"
);
unit!(
    /// `x + shift`, by pixel.
    AddPixelGate, "add to pixels"
);
unit!(
    /// The sum over the channels of `dy`.
    AddPixelGateGradient, "gradient of add to pixels"
);

/// The image, if the second operand has a number for each of its pixels.
fn image_of(args: &[&Shape]) -> Option<Vec<Shape>> {
    let ([h, w, _], gate) = (args[0].image()?, args[1]);
    (gate.dims() == [h, w, 1]).then(|| vec![args[0].clone()])
}

/// A number for each pixel of the first operand.
fn pixels_of(args: &[&Shape]) -> Option<Vec<Shape>> {
    let [h, w, _] = args[0].image()?;
    Some(vec![super::shape(&[h, w, 1])])
}

/// What the kernels take for a number by pixel: an image of one channel for each pixel.
fn sizes(step: &StepContext<'_>) -> TokenStream {
    let (rows, c) = (step.rows(0), step.operand_shape(0).channels());
    quote!(#rows, #c, 1)
}

impl Operation for PixelGate {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        image_of(args)
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let (x, gate) = (node.args[0], node.args[1]);
        if backward.wants(gate) {
            let gradient = backward.node(node, PixelGateGradient.into(), vec![upstream, x], Vec::new(), gate);
            backward.add(gate, gradient);
        }
        if backward.wants(x) {
            let gradient = backward.node(node, PixelGate.into(), vec![upstream, gate], Vec::new(), x);
            backward.add(x, gradient);
        }
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, gate, y, sizes) = (step.rt(), step.read(0), step.read(1), step.write(0), sizes(step));
        quote!(#rt::binary::scale_channels(#sizes, #x, #gate, #y);)
    }
}

impl Operation for PixelGateGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        pixels_of(args)
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, dy, x, out, sizes) = (step.rt(), step.read(0), step.read(1), step.write(0), sizes(step));
        quote!(#rt::binary::scale_channels_gate_gradient(#sizes, #x, #dy, #out);)
    }
}

impl Operation for AddPixelGate {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        image_of(args)
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let (x, shift) = (node.args[0], node.args[1]);
        if backward.wants(shift) {
            let gradient = backward.node(node, AddPixelGateGradient.into(), vec![upstream], Vec::new(), shift);
            backward.add(shift, gradient);
        }
        backward.add(x, upstream);
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, x, shift, y, sizes) = (step.rt(), step.read(0), step.read(1), step.write(0), sizes(step));
        quote!(#rt::binary::add_channels(#sizes, #x, #shift, #y);)
    }
}

impl Operation for AddPixelGateGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        pixels_of(args)
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, dy, out, sizes) = (step.rt(), step.read(0), step.write(0), sizes(step));
        quote!(#rt::binary::add_channels_gate_gradient(#sizes, #dy, #out);)
    }
}
