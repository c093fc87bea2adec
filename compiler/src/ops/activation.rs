//! What functions of each element share: they keep the shape, work in place, and their gradient is a function of their output
//! or, where that does not tell it, of their input.

use std::fmt;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::rule::same;
use super::{Argument, Operands, Operation, Reach, Signature, Storage};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;

/// The signature of a function of each element.
pub(super) const fn signature(
    name: &'static str,
    docs: &'static str,
    arguments: &'static [Argument],
    build: fn(&mut LayerCall<'_, '_>) -> Option<Vec<ValueId>>,
) -> Signature {
    Signature { name, docs, operands: Operands::One, arguments, weighted: false, has_several: false, rule: same, build }
}

/// The node of a function of each element.
pub(super) fn node(call: &mut LayerCall<'_, '_>, function: Function) -> Option<Vec<ValueId>> {
    Some(vec![call.node(Activation(function).into(), Vec::new())])
}

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
    /// `x` or, below zero, this times `exp(x) - 1`.
    Elu(f64),
    /// `x` times the probability that a standard normal variable is below it.
    Gelu,
    /// `x / (1 + exp(-x))`.
    Silu,
    /// `x / 6 + 1 / 2`, cut off at 0 and 1.
    HardSigmoid,
    /// `x` times its hard sigmoid.
    HardSwish,
    /// `x`, cut off at 0 and 6.
    Relu6,
}

impl Function {
    /// Whether the gradient is taken from the input, because the output does not tell it.
    #[must_use]
    pub fn reads_input(self) -> bool {
        match self {
            Function::Gelu | Function::Silu | Function::HardSwish => true,
            Function::Relu
            | Function::LeakyRelu(_)
            | Function::Sigmoid
            | Function::Tanh
            | Function::Elu(_)
            | Function::HardSigmoid
            | Function::Relu6 => false,
        }
    }

    fn kernel(self, rt: &Ident) -> TokenStream {
        match self {
            Function::Relu => quote!(#rt::unary::Unary::Relu),
            Function::LeakyRelu(slope) => {
                let slope = slope as f32;
                quote!(#rt::unary::Unary::LeakyRelu(#slope))
            }
            Function::Sigmoid => quote!(#rt::unary::Unary::Sigmoid),
            Function::Tanh => quote!(#rt::unary::Unary::Tanh),
            Function::Elu(alpha) => {
                let alpha = alpha as f32;
                quote!(#rt::unary::Unary::Elu(#alpha))
            }
            Function::Gelu => quote!(#rt::unary::Unary::Gelu),
            Function::Silu => quote!(#rt::unary::Unary::Silu),
            Function::HardSigmoid => quote!(#rt::unary::Unary::HardSigmoid),
            Function::HardSwish => quote!(#rt::unary::Unary::HardSwish),
            Function::Relu6 => quote!(#rt::unary::Unary::Relu6),
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
            Function::Elu(alpha) => write!(f, "elu {alpha:?}"),
            Function::Gelu => f.write_str("gelu"),
            Function::Silu => f.write_str("silu"),
            Function::HardSigmoid => f.write_str("hard_sigmoid"),
            Function::HardSwish => f.write_str("hard_swish"),
            Function::Relu6 => f.write_str("relu6"),
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
        let args = vec![if self.0.reads_input() { node.args[0] } else { node.results[0] }, upstream];
        let gradient = backward.node(node, ActivationGradient(self.0).into(), args, Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
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

/// From the output (or the input, see [`Function::reads_input`]) and the output's gradient, the gradient of the input.
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

    fn reads_among(&self, _: usize) -> bool {
        true
    }

    /// Over a part of the gradient's; elsewhere it stands alone.
    fn writes_among(&self) -> bool {
        true
    }

    fn reach(&self) -> Option<Reach> {
        Some(Reach::SAME)
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        let (rt, y, dx) = (step.rt(), step.read(0), step.write(0));
        let function = self.0.kernel(rt);
        if step.among_arg(0).is_some() || step.among_arg(1).is_some() {
            let channels = step.operand_shape(1).dims().last().copied().unwrap_or(1);
            let alone = || quote!(#rt::conv::Among::alone(#channels));
            let [ys, dys] = [0, 1].map(|operand| step.among_arg(operand).unwrap_or_else(alone));
            if step.is_in_place() {
                return quote!(#rt::unary::gradient_in_place_among(#function, #channels, [#ys, #dys], #y, #dx););
            }
            let dy = step.read(1);
            return quote!(#rt::unary::gradient_among(#function, #channels, [#ys, #dys], #y, #dy, #dx););
        }
        if step.is_in_place() {
            return quote!(#rt::unary::gradient_in_place(#function, #y, #dx););
        }
        let dy = step.read(1);
        quote!(#rt::unary::gradient(#function, #y, #dy, #dx);)
    }
}
