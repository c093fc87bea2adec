//! `hard_sigmoid`: a logistic function of straight lines.

use super::Signature;
use super::activation::{Function, node, signature};

pub(super) const SIGNATURE: Signature = signature(
    "hard_sigmoid",
    "The logistic function of three straight lines: `x / 6 + 1 / 2`, cut off below 0 and above 1; the shape stays. The same as PyTorch's and, from version 3, Keras's.",
    &[],
    |call| node(call, Function::HardSigmoid),
);
