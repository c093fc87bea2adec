//! Takes a relu into the layer that alone feeds it: it is applied in registers, before the result is stored.

use std::collections::HashMap;

use super::{Unit, uses};
use crate::ir::{Node, ValueId};
use crate::ops::{Op, RELU};

/// Fuses every relu that can be.
pub(super) fn run(unit: &mut Unit) {
    let mut uses = uses(unit);
    // What stands for a relu's result from now on.
    let mut stands_for: HashMap<ValueId, ValueId> = HashMap::new();
    let mut producers: HashMap<ValueId, usize> = HashMap::new();
    let mut kept: Vec<Node> = Vec::with_capacity(unit.graph.nodes.len());
    for mut node in std::mem::take(&mut unit.graph.nodes) {
        for arg in &mut node.args {
            *arg = stands_for.get(arg).copied().unwrap_or(*arg);
        }
        if node.op == Op::Activation(RELU) {
            let (input, result) = (node.args[0], node.results[0]);
            let producer = producers.get(&input).and_then(|&index| kept.get_mut(index));
            if uses[input.0 as usize] == 1 && producer.is_some_and(|producer| take_in(&mut producer.op)) {
                uses[input.0 as usize] = uses[result.0 as usize];
                stands_for.insert(result, input);
                continue;
            }
        }
        if let Some(&result) = node.results.first() {
            producers.insert(result, kept.len());
        }
        kept.push(node);
    }
    unit.graph.nodes = kept;
    let outputs = unit.graph.outputs.iter_mut().map(|output| &mut output.value);
    for value in outputs.chain(unit.losses.iter_mut().map(|loss| &mut loss.of)) {
        *value = stands_for.get(value).copied().unwrap_or(*value);
    }
}

/// Makes a layer apply the relu itself, if it can.
fn take_in(op: &mut Op) -> bool {
    match op {
        Op::Conv(conv) => conv.relu = true,
        Op::ConvTranspose(conv) => conv.relu = true,
        Op::Dense(dense) => dense.relu = true,
        _ => return false,
    }
    true
}
