//! The parameters of a network by the layers and blocks that have them.

use crate::ir::Graph;

/// Indices of parameters, in the order of their names.
pub(super) struct Layers {
    sorted: Vec<(String, usize)>,
}

impl Layers {
    /// Those of a graph.
    pub(super) fn of(graph: &Graph) -> Self {
        let names = graph.parameters.iter().map(|parameter| parameter.name.clone());
        let mut sorted: Vec<(String, usize)> = names.zip(0..).collect();
        sorted.sort();
        Self { sorted }
    }

    /// The parameters of a layer, or of a block with all in it.
    pub(super) fn inside(&self, name: &str) -> impl Iterator<Item = usize> {
        let start = format!("{name}.");
        let first = self.sorted.partition_point(|(name, _)| *name < start);
        let rest = self.sorted.get(first..).unwrap_or_default();
        rest.iter().take_while(move |(name, _)| name.starts_with(&start)).map(|(_, index)| *index)
    }

    /// The parameter of that name.
    pub(super) fn parameter(&self, name: &str) -> Option<usize> {
        let at = self.sorted.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok()?;
        self.sorted.get(at).map(|(_, index)| *index)
    }
}
