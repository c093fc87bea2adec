//! A network's layers with their shapes and costs.

use crate::ir::{Graph, NodeId};

/// One layer of the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name: `conv1`.
    pub name: String,
    /// Its kind, as the language spells it.
    pub kind: String,
    /// The shape of its first operand.
    pub input: Vec<usize>,
    /// The shape of its result.
    pub output: Vec<usize>,
    /// Trained parameters, padding not counted.
    pub parameters: u64,
    /// Multiply-adds for one image, without biases.
    pub macs: u64,
}

/// The layers of a checked graph, in order.
#[must_use]
pub fn layers(graph: &Graph) -> Vec<Layer> {
    (0..graph.nodes.len() as u32).map(|index| layer(graph, NodeId(index))).collect()
}

fn layer(graph: &Graph, id: NodeId) -> Layer {
    let node = &graph.nodes[id.0 as usize];
    let trained =
        node.parameters.iter().map(|&id| graph.parameter(id)).filter(|parameter| parameter.trained || parameter.frozen);
    // The kind is the first word of the operation's text form.
    let text = node.op.to_string();
    let kind = match text.split(' ').next().unwrap_or_default() {
        "reshape" if graph.shape(node.results[0]).rank() == 1 => "flatten",
        "scale" => "multiply",
        other => other,
    };
    Layer {
        name: node.layer.clone(),
        kind: kind.to_owned(),
        input: node.args.first().map_or_else(Vec::new, |&arg| graph.shape(arg).dims().to_vec()),
        output: node.results.first().map_or_else(Vec::new, |&result| graph.shape(result).dims().to_vec()),
        parameters: trained.map(|parameter| parameter.shape.elements() as u64).sum(),
        macs: node.op.operation().macs(),
    }
}
