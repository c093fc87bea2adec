//! Reverse-mode differentiation: every layer, from the loss back, hands its gradient on to its operands.

use std::collections::HashMap;

use super::{Mode, Unit, is_trained};
use crate::ir::{Graph, NewNode, Node, ParameterId, Shape, ValueId};
use crate::ops::{Accumulate, Op, RELU_GRADIENT};

/// Adds the backward pass, in training.
pub(super) fn run(unit: &mut Unit) {
    if unit.mode != Mode::Training {
        return;
    }
    // The losses, and their sum, come last.
    let n_losses = unit.losses.len() + usize::from(unit.is_sum);
    let (forward, losses) = unit.graph.nodes.split_at(unit.graph.nodes.len().saturating_sub(n_losses));
    let (forward, losses) = (forward.to_vec(), losses.to_vec());
    let wanted = wanted(&unit.graph, &forward);
    let mut backward = Backward { graph: &mut unit.graph, gradients: HashMap::new(), wanted };
    for loss in losses.iter().take(unit.losses.len()) {
        backward.add(loss.args[0], loss.results[0]);
    }
    for node in forward.iter().rev() {
        let Some(&result) = node.results.first() else { continue };
        if let Some(upstream) = backward.gradients.get(&result).copied() {
            node.op.operation().differentiate(&mut backward, node, upstream);
        }
    }
}

/// Which values depend on a trained parameter, so that a gradient must pass through them.
fn wanted(graph: &Graph, forward: &[Node]) -> Vec<bool> {
    let mut wanted = vec![false; graph.values.len()];
    for node in forward {
        let depends = node.parameters.iter().any(|id| is_trained(graph, id))
            || node.args.iter().any(|arg| wanted[arg.0 as usize]);
        for result in &node.results {
            wanted[result.0 as usize] = depends;
        }
    }
    wanted
}

/// The backward pass while it is being built: what a layer's `differentiate` works with.
pub struct Backward<'a> {
    graph: &'a mut Graph,
    gradients: HashMap<ValueId, ValueId>,
    wanted: Vec<bool>,
}

impl Backward<'_> {
    /// Whether the gradient of a value is wanted: whether it depends on a trained parameter.
    #[must_use]
    pub fn wants(&self, value: ValueId) -> bool {
        self.wanted.get(value.0 as usize).copied().unwrap_or(false)
    }

    /// The shape of a value.
    #[must_use]
    pub fn shape(&self, value: ValueId) -> &Shape {
        self.graph.shape(value)
    }

    /// Counts `gradient` towards the gradient of `of`; the sum of all that are counted is handed on.
    pub fn add(&mut self, of: ValueId, gradient: ValueId) {
        if !self.wants(of) {
            return;
        }
        let sum = match self.gradients.get(&of) {
            None => gradient,
            Some(&earlier) => {
                let value = self.graph.value(of);
                let (name, span) = (format!("d_{}_sum", value.name), value.span);
                let layer = self.graph.producer(of).map_or_else(|| value.name.clone(), |node| node.layer.clone());
                let args = vec![earlier, gradient];
                let new =
                    NewNode { op: Accumulate.into(), args, parameters: Vec::new(), name: &name, layer: &layer, span };
                self.graph.add_node(new)
            }
        };
        self.gradients.insert(of, sum);
    }

    /// What has been counted towards the gradient of a value so far.
    #[must_use]
    pub fn gradient(&self, of: ValueId) -> Option<ValueId> {
        self.gradients.get(&of).copied()
    }

    /// Replaces what has been counted towards the gradient of a value, of which `gradient` has been made.
    pub fn replace(&mut self, of: ValueId, gradient: ValueId) {
        if self.wants(of) {
            self.gradients.insert(of, gradient);
        }
    }

    /// Adds a node of a layer's backward pass that makes a gradient of `of`.
    pub fn node(
        &mut self,
        layer: &Node,
        op: Op,
        args: Vec<ValueId>,
        parameters: Vec<ParameterId>,
        of: ValueId,
    ) -> ValueId {
        let name = format!("d_{}", self.graph.value(of).name);
        self.named(layer, op, args, parameters, &name)
    }

    /// Adds a node of a layer's backward pass, its result named so.
    pub fn named(
        &mut self,
        layer: &Node,
        op: Op,
        args: Vec<ValueId>,
        parameters: Vec<ParameterId>,
        name: &str,
    ) -> ValueId {
        // A frozen layer has no gradients to add to.
        let is_frozen = !parameters.is_empty() && !parameters.iter().any(|id| is_trained(self.graph, id));
        if is_frozen && op.operation().has_effects() {
            return ValueId(u32::MAX);
        }
        self.graph.add_node(NewNode { op, args, parameters, name, layer: &layer.layer, span: layer.span })
    }

    /// Carries the gradient through a layer with weights: before its relu, where it took one in; to its parameters; and to
    /// its input, where that is wanted.
    pub fn through_weights(&mut self, layer: &Node, upstream: ValueId, relu: bool, weight: Op, input: Op) {
        let before = if relu { self.through_relu(layer, upstream) } else { upstream };
        let name = format!("d_{}_weight", layer.layer);
        self.named(layer, weight, vec![layer.args[0], before], layer.parameters.clone(), &name);
        if self.wants(layer.args[0]) {
            let gradient = self.node(layer, input, vec![before], vec![layer.parameters[0]], layer.args[0]);
            self.add(layer.args[0], gradient);
        }
    }

    /// The gradient before the relu that a layer took in, from the gradient after it.
    fn through_relu(&mut self, layer: &Node, upstream: ValueId) -> ValueId {
        let result = layer.results[0];
        let name = format!("d_{}_relu", self.graph.value(result).name);
        self.named(layer, RELU_GRADIENT.into(), vec![result, upstream], Vec::new(), &name)
    }
}
