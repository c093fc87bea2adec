//! `silu`: each element times the logistic function of it.

use super::Signature;
use super::activation::{Function, node, signature};

pub(super) const SIGNATURE: Signature = signature(
    "silu",
    "Sigmoid linear unit, also called swish: `x / (1 + exp(-x))` of each element; the shape stays.",
    &[],
    |call| node(call, Function::Silu),
);
