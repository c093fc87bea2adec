//! Removes nodes that nothing depends on.

use super::{Mode, Unit};

/// Keeps what reaches an output, the loss or an effect.
pub(super) fn run(unit: &mut Unit) {
    let mut wanted = vec![false; unit.graph.values.len()];
    for output in &unit.graph.outputs {
        wanted[output.value.0 as usize] = true;
    }
    for loss in unit.losses.iter().filter(|_| unit.mode != Mode::Inference) {
        wanted[loss.of.0 as usize] = true;
    }
    let mut kept = Vec::with_capacity(unit.graph.nodes.len());
    for node in std::mem::take(&mut unit.graph.nodes).into_iter().rev() {
        let is_read = node.results.iter().any(|result| wanted[result.0 as usize]);
        // A barrier that merges gradients acts even where its result is not read; one that updates statistics is read.
        if is_read || node.op.operation().has_effects() {
            for arg in &node.args {
                wanted[arg.0 as usize] = true;
            }
            kept.push(node);
        }
    }
    kept.reverse();
    unit.graph.nodes = kept;
}
