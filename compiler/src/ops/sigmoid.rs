//! `sigmoid`: the logistic function.

use super::Signature;
use super::activation::{Function, node, signature};

pub(super) const SIGNATURE: Signature =
    signature("sigmoid", "Logistic function: `1 / (1 + exp(-x))` of each element; the shape stays.", &[], |call| {
        node(call, Function::Sigmoid)
    });
