//! `relu6`: what is negative becomes zero, what is above six becomes six.

use super::Signature;
use super::activation::{Function, node, signature};

pub(super) const SIGNATURE: Signature = signature(
    "relu6",
    "Rectified linear unit with a bound: `min(max(x, 0), 6)` of each element, as MobileNetV2 has it; the shape stays.",
    &[],
    |call| node(call, Function::Relu6),
);
