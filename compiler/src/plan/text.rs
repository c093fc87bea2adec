//! The plan's stable text form, for snapshots.

use std::fmt;

use super::{Place, Plan};
use crate::ir::{Node, NodeId, ValueId};
use crate::ops::Storage;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "plan {} {:?}: chunks of {}, arena {} floats, {} multiply-adds for an image",
            self.graph.name, self.mode, self.chunk, self.arena, self.macs
        )?;
        for derived in &self.derived {
            let name = &self.graph.parameter(derived.parameter).name;
            writeln!(f, "  derive {name} transposed: {} floats", derived.len)?;
        }
        for (index, stage) in self.stages.iter().enumerate() {
            writeln!(f, "  stage {index}")?;
            for (position, &id) in stage.steps.iter().enumerate() {
                if let Some(bands) = self.bands.iter().find(|bands| bands.steps.start == position) {
                    writeln!(f, "    in {} bands of rows, {} steps:", bands.table.len(), bands.steps.len())?;
                }
                self.fmt_step(id, f)?;
            }
            for &id in &stage.barriers {
                write!(f, "    barrier")?;
                self.fmt_step(id, f)?;
            }
        }
        Ok(())
    }
}

impl Plan {
    fn fmt_step(&self, id: NodeId, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = &self.graph.nodes[id.0 as usize];
        let list = |ids: &[ValueId]| ids.iter().map(|&id| self.placed(id)).collect::<Vec<_>>().join(", ");
        write!(f, "    {}({})", node.op, list(&node.args))?;
        if !node.results.is_empty() {
            write!(f, " -> {}", list(&node.results))?;
        }
        writeln!(f, "{}", self.note(node))
    }

    fn note(&self, node: &Node) -> &'static str {
        let same =
            |arg: usize| node.results.first().is_some_and(|&result| self.place(result) == self.place(node.args[arg]));
        match node.op.operation().storage() {
            Storage::Alias(_) => "  free",
            Storage::Fresh if self.moves_nothing(node) => "  free",
            Storage::InPlace(arg) if same(arg) => "  in place",
            Storage::InPlace(_) | Storage::Fresh => "",
        }
    }

    fn placed(&self, id: ValueId) -> String {
        let name = &self.graph.value(id).name;
        match self.place(id) {
            None => format!("{name} nowhere"),
            Some(Place::Input(_)) if self.graph.inputs.len() == 1 => format!("{name} in the input"),
            Some(Place::Input(index)) => format!("{name} in input {index}"),
            Some(Place::Output(_)) if self.graph.outputs.len() == 1 => format!("{name} in the output"),
            Some(Place::Output(index)) => format!("{name} in output {index}"),
            Some(Place::Shared { offset, .. }) => format!("{name} shared at {offset}"),
            Some(Place::Among { slot, first, total }) => {
                format!("{name} at {} from channel {first} of {total}", self.slots[slot].offset)
            }
            Some(Place::Slot(slot)) => match self.cut(slot) {
                Some(buffer) => format!("{name} at {}, {} rows", self.slots[slot].offset, buffer.capacity),
                None => format!("{name} at {}", self.slots[slot].offset),
            },
        }
    }
}
