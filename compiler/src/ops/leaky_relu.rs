//! `leaky_relu`: what is negative is made smaller.

use super::activation::{Function, node, signature};
use super::{Argument, Default, Kind, Signature};

pub(super) const SIGNATURE: Signature = signature(
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
        node(call, Function::LeakyRelu(slope))
    },
);
