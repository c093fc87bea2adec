//! Cuts the nodes into stages: a barrier ends one, and what depends on it belongs to a later one.

use crate::ir::{Graph, NodeId};

/// Steps that a chunk goes through at one go, and what happens once all chunks have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stage {
    /// What runs on each chunk, in order.
    pub steps: Vec<NodeId>,
    /// What runs once, afterwards, in order.
    pub barriers: Vec<NodeId>,
}

/// The stages of a graph: each node in the first stage in which everything that it reads is there.
pub(super) fn stages(graph: &Graph) -> Vec<Stage> {
    let mut stages: Vec<Stage> = vec![Stage::default()];
    // The first stage in which a value can be read.
    let mut readable = vec![0_usize; graph.values.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        let stage = node.args.iter().map(|arg| readable[arg.0 as usize]).max().unwrap_or(0);
        if stages.len() <= stage {
            stages.resize_with(stage + 1, Stage::default);
        }
        let is_barrier = node.op.operation().is_barrier();
        let list = if is_barrier { &mut stages[stage].barriers } else { &mut stages[stage].steps };
        list.push(NodeId(index as u32));
        for result in &node.results {
            readable[result.0 as usize] = stage + usize::from(is_barrier);
        }
    }
    // A barrier that nothing reads still needs a stage after it to act between.
    if stages.last().is_some_and(|stage| !stage.barriers.is_empty()) {
        stages.push(Stage::default());
    }
    stages
}

/// Every node with its position, stage by stage: the order in which memory is used.
pub(super) fn order(stages: &[Stage]) -> Vec<NodeId> {
    stages.iter().flat_map(|stage| stage.steps.iter().chain(&stage.barriers)).copied().collect()
}
