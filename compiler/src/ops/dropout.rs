//! `dropout`: in training, zeros in random places.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::rule::same;
use super::{Argument, Default, Kind, Operands, Operation, Signature, Storage};
use crate::emit::StepContext;
use crate::ir::{Node, Shape, ValueId};
use crate::lower::LayerCall;
use crate::passes::Backward;

pub(super) const SIGNATURE: Signature = Signature {
    name: "dropout",
    docs: "Dropout (Srivastava et al., 2014): in training, each element becomes zero with probability `rate` and is \
           otherwise divided by `1 - rate`; in prediction, nothing happens. The shape stays. The random numbers depend on \
           the seed, the step and the image, never on the number of threads.",
    operands: Operands::One,
    arguments: &[Argument {
        name: "rate",
        kind: Kind::Number(0, 1000),
        default: Default::Required,
        docs: "the probability of a zero, at least 0 and less than 1",
    }],
    weighted: false,
    has_several: false,
    rule: same,
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let rate = call.number("rate")?;
    let layer = call.counter();
    Some(vec![call.node(Dropout { rate, layer }.into(), Vec::new())])
}

/// Zeros in random places; removed from everything but training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// The probability of a zero.
    pub rate: f64,
    /// Which dropout of the network it is; keys its random numbers.
    pub layer: u32,
}

impl Dropout {
    fn call(&self, function: &str, step: &StepContext<'_>) -> TokenStream {
        let (rt, rate, layer, y) = (step.rt(), self.rate as f32, self.layer, step.write(0));
        let len = step.result_shape().elements();
        let function = quote::format_ident!("{function}{}", if step.is_in_place() { "_in_place" } else { "" });
        let x = if step.is_in_place() {
            TokenStream::new()
        } else {
            let x = step.read(0);
            quote!(#x,)
        };
        quote!(#rt::dropout::#function(c.key.rate(#rate), c.key.layer(#layer), c.first, n, #len, #x #y);)
    }
}

impl fmt::Display for Dropout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dropout {:?}", self.rate)
    }
}

impl Operation for Dropout {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn storage(&self) -> Storage {
        Storage::InPlace(0)
    }

    fn differentiate(&self, backward: &mut Backward<'_>, node: &Node, upstream: ValueId) {
        let gradient = backward.node(node, DropoutGradient(*self).into(), vec![upstream], Vec::new(), node.args[0]);
        backward.add(node.args[0], gradient);
    }

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        self.call("forward", step)
    }
}

/// The gradient under the mask of the forward pass, which is computed again from its key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropoutGradient(pub Dropout);

impl fmt::Display for DropoutGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient of {}", self.0)
    }
}

impl Operation for DropoutGradient {
    fn infer(&self, args: &[&Shape]) -> Option<Vec<Shape>> {
        Some(vec![args[0].clone()])
    }

    fn storage(&self) -> Storage {
        Storage::InPlace(0)
    }

    fn differentiate(&self, _: &mut Backward<'_>, _: &Node, _: ValueId) {}

    fn emit(&self, step: &StepContext<'_>) -> TokenStream {
        self.0.call("gradient", step)
    }
}
