//! `elu`: what is negative approaches a bound.

use super::activation::{Function, node, signature};
use super::{Argument, Default, Kind, Signature};

pub(super) const SIGNATURE: Signature = signature(
    "elu",
    "Exponential linear unit (Clevert et al., 2016): `x` where it is positive, else `alpha (exp(x) - 1)`; the shape stays.",
    &[Argument {
        name: "alpha",
        kind: Kind::Positive(1000),
        default: Default::Number("1.0"),
        docs: "the size of what large negative numbers become",
    }],
    |call| {
        let alpha = call.number("alpha")?;
        node(call, Function::Elu(alpha))
    },
);
