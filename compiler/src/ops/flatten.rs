//! `flatten`: all axes as one; costs nothing.

use super::{Operands, Reshape, Signature};
use crate::ir::{Shape, ValueId};
use crate::lower::LayerCall;
use crate::types::TensorType;

pub(super) const SIGNATURE: Signature = Signature {
    name: "flatten",
    docs: "All axes as one: `[H, W, C]` -> `[H * W * C]`, in the order of rows, then columns, then channels. Costs nothing.",
    operands: Operands::One,
    arguments: &[],
    weighted: false,
    has_several: false,
    rule: |call| Ok(vec![TensorType::new(vec![call.operand(0).elements()])]),
    build,
};

fn build(call: &mut LayerCall<'_, '_>) -> Option<Vec<ValueId>> {
    let shape = Shape::flat(call.operand_shape(0).elements())?;
    Some(vec![call.node(Reshape { shape }.into(), Vec::new())])
}
