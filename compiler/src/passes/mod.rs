//! The passes: from the checked graph to the three graphs that are planned, one for each way of running a network.
//!
//! Their order is written once, in [`prepare`]; the verifier runs after each.

mod backward;
mod dead;
mod fuse;
mod mode;
mod reorder;

use crate::ir::{Graph, ParameterId, ValueId, verify};
use crate::recipe::{Loss, Recipe};

pub use backward::Backward;

/// A way of running a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Inputs to outputs.
    Inference,
    /// Inputs to losses, with the running statistics and without dropout.
    Evaluation,
    /// Inputs to losses and gradients.
    Training,
}

/// A graph on its way through the passes, with what they must know besides it.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The graph.
    pub graph: Graph,
    /// How it is going to run.
    pub mode: Mode,
    /// The losses whose sum training makes small; of no concern to inference.
    pub losses: Vec<Loss>,
    /// Whether each is computed for itself before they are added.
    pub is_sum: bool,
}

/// A pass with its name and what holds from it on.
pub struct Pass {
    /// For messages about bugs.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&mut Unit),
}

/// The order of the passes; [`verify`] runs after each.
pub const PIPELINE: &[Pass] = &[
    Pass { name: "mode", run: mode::run }, // from here on: no layer behaves otherwise in another mode
    Pass { name: "dead", run: dead::run }, // from here on: every node reaches an output or a loss
    Pass { name: "reorder", run: reorder::run }, // from here on: no max pooling directly follows a relu
    Pass { name: "fuse", run: fuse::run }, // from here on: no relu alone follows a convolution or dense layer
    Pass { name: "loss", run: mode::add_loss }, // from here on: the losses are nodes
    Pass { name: "grad", run: backward::run }, // from here on: every gradient asked for is a node
    Pass { name: "dead", run: dead::run }, // from here on: every node reaches an output, a loss or a gradient
];

/// Takes a checked graph through the passes.
///
/// # Errors
///
/// If the verifier finds a bug of a pass: its name and what is wrong.
pub fn prepare(graph: &Graph, mode: Mode, recipe: Option<&Recipe>) -> Result<Unit, String> {
    let losses = recipe.map_or_else(Vec::new, |recipe| recipe.losses().cloned().collect());
    let is_sum = recipe.is_some_and(Recipe::is_sum);
    let mut unit = Unit { graph: graph.clone(), mode, losses, is_sum };
    for pass in PIPELINE {
        (pass.run)(&mut unit);
        verify(&unit.graph).map_err(|problem| format!("after pass `{}`: {problem}", pass.name))?;
    }
    Ok(unit)
}

/// Replaces a value everywhere it is read.
fn replace(unit: &mut Unit, old: ValueId, new: ValueId) {
    let swap = |id: &mut ValueId| {
        if *id == old {
            *id = new;
        }
    };
    unit.graph.nodes.iter_mut().flat_map(|node| &mut node.args).for_each(swap);
    unit.graph.outputs.iter_mut().map(|output| &mut output.value).for_each(swap);
    unit.losses.iter_mut().map(|loss| &mut loss.of).for_each(swap);
}

/// How often each value is read, by nodes, outputs and the loss.
fn uses(unit: &Unit) -> Vec<usize> {
    let mut uses = unit.graph.uses();
    for Loss { of, .. } in unit.losses.iter().filter(|_| unit.mode != Mode::Inference) {
        uses[of.0 as usize] += 1;
    }
    uses
}

/// Whether a parameter is read with a gradient wanted.
fn is_trained(graph: &Graph, id: &ParameterId) -> bool {
    graph.parameter(*id).trained
}
