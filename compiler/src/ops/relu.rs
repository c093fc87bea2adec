//! `relu`: what is negative becomes zero.

use super::Signature;
use super::activation::{Function, node, signature};

pub(super) const SIGNATURE: Signature =
    signature("relu", "Rectified linear unit: `max(x, 0)` of each element; the shape stays.", &[], |call| {
        node(call, Function::Relu)
    });
