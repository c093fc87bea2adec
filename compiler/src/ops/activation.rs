//! `relu`, `leaky_relu`, `sigmoid`, `tanh`: functions of each element, whose gradient their output tells.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::rule::same;
use super::{Argument, Default, Kind, Operands, Operation, Signature, Storage};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;

const fn signature(
    name: &'static str,
    docs: &'static str,
    arguments: &'static [Argument],
    build: fn(&mut LayerCall<'_, '_>) -> Option<Vec<ValueId>>,
) -> Signature {
    Signature { name, docs, operands: Operands::One, arguments, weighted: false, has_several: false, rule: same, build }
}

pub(super) const RELU: Signature =
    signature("relu", "Rectified linear unit: `max(x, 0)` of each element; the shape stays.", &[], |call| {
        Some(vec![call.node(Activation(Function::Relu).into(), Vec::new())])
    });

pub(super) const LEAKY_RELU: Signature = signature(
    "leaky_relu",
    "Leaky rectified linear unit: `x` where it is positive, else `slope x`; the shape stays.",
    &[Argument {
        name: "slope",
        kind: Kind::Number(1, 1000),
        default: Default::Number("0.01"),
        docs: "the factor below zero, at least 0.001 and less than 1",
    }],
    |call| {
        let slope = call.number("slope")?;
        Some(vec![call.node(Activation(Function::LeakyRelu(slope)).into(), Vec::new())])
    },
);

pub(super) const SIGMOID: Signature =
    signature("sigmoid", "Logistic function: `1 / (1 + exp(-x))` of each element; the shape stays.", &[], |call| {
        Some(vec![call.node(Activation(Function::Sigmoid).into(), Vec::new())])
    });

pub(super) const TANH: Signature =
    signature("tanh", "Hyperbolic tangent of each element; the shape stays.", &[], |call| {
        Some(vec![call.node(Activation(Function::Tanh).into(), Vec::new())])
    });

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// `max(x, 0)`.
    Relu,
    /// `x` or, below zero, this times `x`.
    LeakyRelu(f64),
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `tanh(x)`.
    Tanh,
}

impl Function {
    fn kernel(self, rt: &TokenStream) -> TokenStream {
        match self {
            Function::Relu => quote!(#rt::unary::Unary::Relu),
            Function::LeakyRelu(slope) => {
                let slope = slope as f32;
                quote!(#rt::unary::Unary::LeakyRelu(#slope))
            }
            Function::Sigmoid => quote!(#rt::unary::Unary::Sigmoid),
            Function::Tanh => quote!(#rt::unary::Unary::Tanh),
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Function::Relu => f.write_str("relu"),
            Function::LeakyRelu(slope) => write!(f, "leaky_relu {slope:?}"),
            Function::Sigmoid => f.write_str("sigmoid"),
            Function::Tanh => f.write_str("tanh"),
        }
    }
}

/// A function applied to each element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activation(pub Function);

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Operation for Activation {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn storage(&self) -> Storage {
        Storage::InPlace(0)
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let args = vec![node.results[0], upstream];
        let gradient = backward.node(node, ActivationGradient(self.0).into(), args, Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, y) = (step.rt(), step.write(0));
        let function = self.0.kernel(rt);
        if step.is_in_place() {
            return quote!(#rt::unary::forward_in_place(#function, #y););
        }
        let x = step.read(0);
        quote!(#rt::unary::forward(#function, #x, #y);)
    }
}

/// From the output and its gradient, the gradient of the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActivationGradient(pub Function);

impl fmt::Display for ActivationGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient of {}", self.0)
    }
}

impl Operation for ActivationGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[1].clone()])
    }

    fn storage(&self) -> Storage {
        Storage::InPlace(1)
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, y, dx) = (step.rt(), step.read(0), step.write(0));
        let function = self.0.kernel(rt);
        if step.is_in_place() {
            return quote!(#rt::unary::gradient_in_place(#function, #y, #dx););
        }
        let dy = step.read(1);
        quote!(#rt::unary::gradient(#function, #y, #dy, #dx);)
    }
}
