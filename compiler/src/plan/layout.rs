//! Where parameters stand in the stored vector: trained ones first, then state, each aligned.

use std::ops::Range;

use crate::ir::{Graph, ParameterId};

/// The stored vector of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// The order in which parameters stand.
    pub order: Vec<ParameterId>,
    /// Where each parameter stands, by its id.
    pub ranges: Vec<Range<usize>>,
    /// Floats of the trained part, which comes first.
    pub trained: usize,
    /// Floats of everything.
    pub stored: usize,
}

impl Parameters {
    /// Lays out the parameters of a graph; `None` if they overflow.
    #[must_use]
    pub fn of(graph: &Graph) -> Option<Self> {
        let ids = || (0..graph.parameters.len() as u32).map(ParameterId);
        let order: Vec<ParameterId> = ids()
            .filter(|&id| graph.parameter(id).trained)
            .chain(ids().filter(|&id| !graph.parameter(id).trained))
            .collect();
        let mut ranges = vec![0..0; graph.parameters.len()];
        let (mut offset, mut trained) = (0_usize, 0);
        for &id in &order {
            let end = offset.checked_add(graph.parameter(id).layout.stored()?)?;
            ranges[id.0 as usize] = offset..end;
            offset = end;
            if graph.parameter(id).trained {
                trained = end;
            }
        }
        Some(Self { order, ranges, trained, stored: offset })
    }

    /// Where a parameter stands.
    #[must_use]
    pub fn range(&self, id: ParameterId) -> Range<usize> {
        self.ranges.get(id.0 as usize).cloned().unwrap_or(0..0)
    }
}
