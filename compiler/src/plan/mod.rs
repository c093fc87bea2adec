//! The plan: a graph's nodes as steps in stages, and a place in memory for every value.
//!
//! A chunk of images goes through the steps of a stage depth-first in one arena. Where a step needs the whole batch, a
//! stage ends, and barriers act on what all chunks left. Values whose lifetimes do not meet share memory.

mod bands;
mod chunk;
mod join;
mod layout;
mod place;
mod stage;
mod text;
mod verify;

use std::collections::HashSet;

use crate::ir::{Graph, Node, NodeId, ParameterId, ValueId};
use crate::ops::Op;
use crate::passes::{Mode, Unit};

pub use bands::{Bands, Buffer};
pub use chunk::CACHE;
pub use layout::Parameters;
pub use stage::Stage;
pub use verify::verify;

/// Where a value lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the caller's input: an index into [`Graph::inputs`].
    Input(usize),
    /// In the caller's output: an index into [`Graph::outputs`].
    Output(usize),
    /// In the arena: an index into [`Plan::slots`].
    Slot(usize),
    /// Among the channels of what another value has in the arena.
    Among {
        /// An index into [`Plan::slots`].
        slot: usize,
        /// Channels of a pixel before the value's own.
        first: usize,
        /// Channels of a pixel of the whole.
        total: usize,
    },
    /// In the memory that barriers leave for later stages.
    Shared {
        /// Floats before it.
        offset: usize,
        /// Its floats.
        len: usize,
    },
}

/// A part of the arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The value that it is made for.
    pub value: ValueId,
    /// Floats before it, in the arena of a full chunk.
    pub offset: usize,
    /// Floats of one image, or of the chunk.
    pub len: usize,
    /// Whether `len` counts for each image.
    pub per_image: bool,
    /// The first and the last position at which it is in use.
    pub live: (usize, usize),
}

/// A transposed copy of a weight, made once for each training step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The weight.
    pub parameter: ParameterId,
    /// A node that reads the copy and knows how to make it.
    pub node: NodeId,
    /// Floats before it among all copies.
    pub offset: usize,
    /// Its floats.
    pub len: usize,
}

/// A graph with an order and a memory map.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is planned.
    pub graph: Graph,
    /// How it runs.
    pub mode: Mode,
    /// The steps, in stages.
    pub stages: Vec<Stage>,
    /// Where each value lives; `None` of a value that no step makes.
    pub places: Vec<Option<Place>>,
    /// The parts of the arena.
    pub slots: Vec<Slot>,
    /// Transposed weights.
    pub derived: Vec<Derived>,
    /// Runs of steps of the only stage that go through an image in bands of rows, in order; there are chunks of one image then.
    pub bands: Vec<Bands>,
    /// Images of a full chunk.
    pub chunk: usize,
    /// Floats of the arena of a full chunk.
    pub arena: usize,
    /// Floats that barriers leave.
    pub shared: usize,
    /// Multiply-adds of one image.
    pub macs: u64,
}

impl Plan {
    /// Where a value lives.
    #[must_use]
    pub fn place(&self, value: ValueId) -> Option<Place> {
        self.places.get(value.0 as usize).copied().flatten()
    }

    /// Whether a concatenation or a slice has everything in its place already.
    #[must_use]
    pub fn moves_nothing(&self, node: &Node) -> bool {
        let is_among = |&value: &ValueId| matches!(self.place(value), Some(Place::Among { .. }));
        match node.op {
            Op::Concat(_) => node.args.iter().enumerate().all(|(operand, _)| self.is_joined(node, operand)),
            Op::Slice(_) => node.results.iter().all(is_among),
            _ => false,
        }
    }

    /// Whether an operand of a concatenation stands in its result.
    #[must_use]
    pub fn is_joined(&self, node: &Node, operand: usize) -> bool {
        let place = |value: Option<&ValueId>| value.and_then(|&value| self.place(value));
        match (&node.op, place(node.args.get(operand)), place(node.results.first())) {
            (Op::Concat(_), Some(Place::Among { slot, .. }), Some(Place::Slot(whole))) => slot == whole,
            _ => false,
        }
    }

    /// The buffer that a slot is, where it has room for some rows of its value only.
    #[must_use]
    pub fn cut(&self, slot: usize) -> Option<&Buffer> {
        let value = self.slots.get(slot)?.value;
        self.bands.iter().flat_map(|bands| &bands.buffers).find(|buffer| buffer.value == value && buffer.is_cut())
    }

    /// The index of the buffer of a run in whose memory a value stands.
    #[must_use]
    pub fn buffer_in(&self, bands: &Bands, value: ValueId) -> Option<usize> {
        let memory = |value: ValueId| match self.place(value)? {
            Place::Among { slot, .. } => Some(Place::Slot(slot)),
            place @ (Place::Slot(_) | Place::Output(_)) => Some(place),
            Place::Input(_) | Place::Shared { .. } => None,
        };
        let own = memory(value)?;
        bands.buffers.iter().position(|buffer| memory(buffer.value) == Some(own))
    }

    /// Floats of all derived arrays.
    #[must_use]
    pub fn derived_len(&self) -> usize {
        self.derived.iter().map(|derived| derived.len).sum()
    }
}

/// Plans a graph that the passes have prepared, for cores with a cache of so many bytes.
///
/// # Errors
///
/// If the network is too large for an arena, or the verifier finds a bug of the planner; the message says which.
pub fn plan(unit: Unit, cache: usize) -> Result<Plan, String> {
    let Unit { mut graph, mode, .. } = unit;
    place::separate_outputs(&mut graph);
    let stages = stage::stages(&graph);
    let derived = derived(&graph);
    let macs = graph.nodes.iter().fold(0_u64, |sum, node| sum.saturating_add(node.op.operation().macs()));
    let map = chunk::choose(&graph, &stages, macs, mode, cache)?;
    let place::Map { places, slots, arena, shared, bands } = map.map;
    let plan = Plan { graph, mode, stages, places, slots, derived, bands, chunk: map.chunk, arena, shared, macs };
    verify(&plan)?;
    Ok(plan)
}

/// One transposed copy for each weight that a step reads in that form.
fn derived(graph: &Graph) -> Vec<Derived> {
    let mut all: Vec<Derived> = Vec::new();
    let mut known = HashSet::new();
    let mut offset = 0;
    for (index, node) in graph.nodes.iter().enumerate() {
        let (Some(len), Some(&parameter)) = (node.op.operation().derived(), node.parameters.first()) else { continue };
        if !known.insert(parameter) {
            continue;
        }
        all.push(Derived { parameter, node: NodeId(index as u32), offset, len });
        offset += len;
    }
    all
}
