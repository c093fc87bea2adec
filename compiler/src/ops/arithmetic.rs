//! What `add` and `multiply` share: their shape rule, and how several operands become nodes of two.

use super::{Mismatch, Op, RuleCall};
use crate::diagnostic::codes;
use crate::ir::ValueId;
use crate::lower::LayerCall;
use crate::types::TensorType;

/// The shape that operands have together: theirs, or the image's where the others have one number for each channel.
pub(super) fn rule(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    let mut joined = call.operand(0);
    for (index, other) in call.operands().iter().enumerate().skip(1) {
        if joined.rank() == other.rank() && call.require_same(&joined, other) {
            continue;
        }
        let (image, flat, operand) = match (joined.rank(), other.rank()) {
            (3, 1) => (&joined, other, index),
            (1, 3) => (other, &joined, index - 1),
            _ => {
                let title = format!("`{}` takes tensors of one shape, found {joined} and {other}", call.layer());
                return Err(Mismatch::new(codes::N0307, title, format!("expected {joined}")).operand(index));
            }
        };
        if !call.facts.require_equal(&image.channels(), &flat.channels()) {
            // An image and something flat: the flat one was meant to have one number for each channel.
            let title = format!("`{}` takes tensors of one shape, found {joined} and {other}", call.layer());
            let expected = format!("expected {image}, or [{}]: one number for each channel", image.channels());
            return Err(Mismatch::new(codes::N0307, title, expected).operand(operand));
        }
        joined = image.clone();
    }
    Ok(vec![joined])
}

/// Applies an operation of two operands from left to right; a flat operand beside an image takes the gate's form.
pub(super) fn fold(call: &mut LayerCall<'_, '_>, same: &Op, gate: &Op) -> Option<Vec<ValueId>> {
    let shapes = call.operand_shapes();
    let mut sum = call.operand(0);
    let mut rank = shapes.first()?.rank();
    for (index, other) in shapes.iter().enumerate().skip(1) {
        let operand = call.operand(index);
        let (op, args) = match (rank, other.rank()) {
            (3, 1) => (gate.clone(), vec![sum, operand]),
            (1, 3) => (gate.clone(), vec![operand, sum]),
            _ => (same.clone(), vec![sum, operand]),
        };
        rank = rank.max(other.rank());
        sum = call.node_over(op, args, Vec::new());
    }
    Some(vec![sum])
}

/// Defines a type without fields and its text form.
macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $text:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name;

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($text)
            }
        }
    };
}
pub(super) use unit;
