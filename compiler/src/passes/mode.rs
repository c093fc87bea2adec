//! Gives layers that behave otherwise in training the form of the mode, and adds the loss.

use super::{Mode, Unit, replace};
use crate::ir::{Graph, NewNode, Node, ValueId};
use crate::ops::{BatchNormApply, BatchNormMerge, BatchNormPartial, LossSum, MaxPoolIndexed, Op, Part, loss};
use crate::recipe::Loss;

/// Dropout goes, or stays in training; max pooling keeps the places in training; batch normalisation is taken apart.
pub(super) fn run(unit: &mut Unit) {
    if unit.mode != Mode::Inference {
        // What is trained is the loss: outputs beyond it are of no use.
        unit.graph.outputs.clear();
    }
    let nodes = std::mem::take(&mut unit.graph.nodes);
    let mut replaced: Vec<(ValueId, ValueId)> = Vec::new();
    for mut node in nodes {
        for arg in &mut node.args {
            if let Some((_, new)) = replaced.iter().find(|(old, _)| old == arg) {
                *arg = *new;
            }
        }
        let is_training = unit.mode == Mode::Training;
        match &node.op {
            Op::Dropout(_) if !is_training => replaced.push((node.results[0], node.args[0])),
            Op::MaxPool(pool) if is_training => {
                node.op = MaxPoolIndexed(*pool).into();
                let result = add_like(&mut unit.graph, &node, node.op.clone(), node.args.clone(), "");
                replaced.push((node.results[0], result));
            }
            // A frozen one keeps its running statistics and normalises with them.
            Op::BatchNorm(norm) if is_training && is_trained(&unit.graph, &node) => {
                let norm = *norm;
                let x = node.args[0];
                let partial = add_like(&mut unit.graph, &node, BatchNormPartial(norm).into(), vec![x], "_partial");
                let merge = BatchNormMerge(norm).into();
                let mut of_state = node.clone();
                of_state.parameters = node.parameters[2..].to_vec();
                let stats = add_like(&mut unit.graph, &of_state, merge, vec![partial], "_stats");
                let mut of_trained = node.clone();
                of_trained.parameters.truncate(2);
                let result = add_like(&mut unit.graph, &of_trained, BatchNormApply(norm).into(), vec![x, stats], "");
                replaced.push((node.results[0], result));
            }
            _ => unit.graph.nodes.push(node),
        }
    }
    for (old, new) in replaced {
        replace(unit, old, new);
    }
}

/// Whether training changes a layer.
fn is_trained(graph: &Graph, node: &Node) -> bool {
    node.parameters.iter().any(|id| super::is_trained(graph, id))
}

/// Adds a node that takes another's place: its layer, span and parameters.
fn add_like(graph: &mut Graph, like: &Node, op: Op, args: Vec<ValueId>, suffix: &str) -> ValueId {
    let parameters = if op.extent() == crate::ir::Extent::Chunk { Vec::new() } else { like.parameters.clone() };
    let name = format!("{}{suffix}", graph.value(like.results[0]).name);
    // The value of the replaced node is dead: its name is free for the new one.
    if suffix.is_empty() {
        graph.release_name(like.results[0]);
    }
    graph.add_node(NewNode { op, args, parameters, name: &name, layer: &like.layer, span: like.span })
}

/// Adds the losses and their sum, in the modes that have them.
pub(super) fn add_loss(unit: &mut Unit) {
    if unit.mode == Mode::Inference {
        return;
    }
    let (is_sum, gradient) = (unit.is_sum, unit.mode == Mode::Training);
    let mut terms = Vec::new();
    for (index, Loss { kind, of, weight, .. }) in unit.losses.clone().into_iter().enumerate() {
        let op = loss(kind, Part { gradient, weight, term: is_sum.then_some(index) });
        let value = unit.graph.value(of);
        let (name, span) = (format!("d_{}", value.name), value.span);
        unit.graph.add_node(NewNode { op, args: vec![of], parameters: Vec::new(), name: &name, layer: "loss", span });
        terms.extend(unit.graph.nodes.last().and_then(|node| node.results.last()).copied());
    }
    if let Some(Loss { span, .. }) = unit.losses.first().filter(|_| is_sum) {
        let weights = unit.losses.iter().map(|loss| loss.weight).collect();
        let (op, span) = (LossSum { weights }.into(), *span);
        unit.graph.add_node(NewNode { op, args: terms, parameters: Vec::new(), name: "loss", layer: "loss", span });
    }
}
