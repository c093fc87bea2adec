//! Takes a relu into the layer that alone feeds it: it is applied in registers, before the result is stored.

use super::{Unit, replace, uses};
use crate::ops::{Op, RELU};

/// Fuses every relu that can be.
pub(super) fn run(unit: &mut Unit) {
    let mut index = 0;
    while index < unit.graph.nodes.len() {
        if !fuse(unit, index) {
            index += 1;
        }
    }
}

/// Fuses the relu at `index` into the node before it and removes it.
fn fuse(unit: &mut Unit, index: usize) -> bool {
    let relu = &unit.graph.nodes[index];
    if relu.op != Op::Activation(RELU) {
        return false;
    }
    let (input, result) = (relu.args[0], relu.results[0]);
    if uses(unit)[input.0 as usize] != 1 {
        return false;
    }
    let Some(producer) = unit.graph.nodes.iter_mut().find(|node| node.results.first() == Some(&input)) else {
        return false;
    };
    match &mut producer.op {
        Op::Conv(conv) => conv.relu = true,
        Op::ConvTranspose(conv) => conv.relu = true,
        Op::Dense(dense) => dense.relu = true,
        _ => return false,
    }
    unit.graph.nodes.remove(index);
    replace(unit, result, input);
    true
}
