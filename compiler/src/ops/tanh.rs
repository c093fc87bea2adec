//! `tanh`: the hyperbolic tangent.

use super::Signature;
use super::activation::{Function, node, signature};

pub(super) const SIGNATURE: Signature =
    signature("tanh", "Hyperbolic tangent of each element; the shape stays.", &[], |call| node(call, Function::Tanh));
