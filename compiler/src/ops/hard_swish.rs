//! `hard_swish`: each element times the hard sigmoid of it.

use super::Signature;
use super::activation::{Function, node, signature};

pub(super) const SIGNATURE: Signature = signature(
    "hard_swish",
    "`x hard_sigmoid(x)` of each element (Howard et al., 2019), as MobileNetV3 has it; the shape stays.",
    &[],
    |call| node(call, Function::HardSwish),
);
