//! Puts max pooling before relu: both keep the order of numbers, so the result is the same, and relu has fewer numbers
//! to look at, forward and backward.

use super::{Unit, replace, uses};
use crate::ir::{NewNode, ValueId};
use crate::ops::{Op, RELU};

/// Swaps each `relu` with the `max_pool` that alone reads it.
///
/// In training this pays. In inference a relu is free in the epilogue of the layer before it and stays there, unless
/// that layer has no epilogue.
pub(super) fn run(unit: &mut Unit) {
    let mut index = 0;
    while index < unit.graph.nodes.len() {
        if let Some((relu, pool)) = pair(unit, index) {
            swap(unit, relu, pool);
        }
        index += 1;
    }
}

/// The pooling at `index` and the relu before it, if they can be swapped.
fn pair(unit: &Unit, index: usize) -> Option<(usize, usize)> {
    let pool = &unit.graph.nodes[index];
    if !matches!(pool.op, Op::MaxPoolIndexed(_)) {
        return None;
    }
    let input = pool.args[0];
    let relu = unit.graph.nodes.iter().position(|node| node.results.first() == Some(&input))?;
    let is_relu = unit.graph.nodes[relu].op == Op::Activation(RELU);
    (is_relu && uses(unit)[input.0 as usize] == 1).then_some((relu, index))
}

fn swap(unit: &mut Unit, relu: usize, pool: usize) {
    let relu_node = unit.graph.nodes.remove(relu);
    // The relu stood before the pooling, which has moved one place down.
    let pool = pool - 1;
    unit.graph.nodes[pool].args[0] = relu_node.args[0];
    let pooled: ValueId = unit.graph.nodes[pool].results[0];
    let name = unit.graph.value(relu_node.results[0]).name.clone();
    unit.graph.release_name(relu_node.results[0]);
    let later = unit.graph.nodes.split_off(pool + 1);
    let new = NewNode {
        op: RELU.into(),
        args: vec![pooled],
        parameters: Vec::new(),
        name: &name,
        layer: &relu_node.layer,
        span: relu_node.span,
    };
    let result = unit.graph.add_node(new);
    unit.graph.nodes.extend(later);
    // Everyone who read the pooling now reads the relu after it, except the relu itself.
    let relu_index = pool + 1;
    replace(unit, pooled, result);
    unit.graph.nodes[relu_index].args[0] = pooled;
}
