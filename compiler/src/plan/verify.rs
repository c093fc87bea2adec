//! Checks what must hold of a plan. What it finds is a bug in the planner, never in a description.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};

mod bands;

use super::stage::order;
use super::{Bands, Place, Plan, Slot};
use crate::ir::{Extent, Node, NodeId, ValueId};
use crate::ops::Storage;

/// Checks a plan: every node runs once and after what it reads, every value has a place of its size, and no two living
/// values share memory.
///
/// # Errors
///
/// A sentence about the first thing that does not hold.
pub fn verify(plan: &Plan) -> Result<(), String> {
    let order = order(&plan.stages);
    if order.len() != plan.graph.nodes.len() {
        return Err(format!("{} nodes, but {} planned", plan.graph.nodes.len(), order.len()));
    }
    let mut is_planned = vec![false; order.len()];
    let mut made: HashSet<ValueId> = plan.graph.inputs.iter().copied().collect();
    for id in &order {
        let node = plan.graph.nodes.get(id.0 as usize).ok_or("a step names no node")?;
        if is_planned.get_mut(id.0 as usize).is_none_or(|is_planned| std::mem::replace(is_planned, true)) {
            return Err(format!("`{}` is planned twice", node.op));
        }
        if let Some(&arg) = node.args.iter().find(|arg| !made.contains(arg)) {
            return Err(format!("`{}` reads `{}` before it is made", node.op, plan.graph.value(arg).name));
        }
        for &result in &node.results {
            made.insert(result);
            check_place(plan, result)?;
        }
        check_overlap(plan, node)?;
    }
    check_slots(plan)?;
    bands::check(plan)?;
    check_lives(plan, &order)
}

/// A slot lives while steps use it, all through a run of bands; what has room for some rows is used in its run only.
fn check_lives(plan: &Plan, order: &[NodeId]) -> Result<(), String> {
    let mut runs = plan.bands.iter().peekable();
    for (position, id) in order.iter().enumerate() {
        while runs.next_if(|bands| bands.steps.end <= position).is_some() {}
        let run = runs.peek().filter(|bands| bands.steps.contains(&position));
        let (first, last) = run.map_or((position, position), |bands| (bands.steps.start, bands.steps.end - 1));
        let node = &plan.graph.nodes[id.0 as usize];
        for &value in node.args.iter().chain(&node.results) {
            let Some((index, slot)) = slot_of(plan, value).and_then(|index| Some((index, plan.slots.get(index)?)))
            else {
                continue;
            };
            let name = &plan.graph.value(value).name;
            if slot.live.0 > first || slot.live.1 < last {
                return Err(format!(
                    "`{name}` is used by steps {first} to {last}, and lives from {} to {}",
                    slot.live.0, slot.live.1
                ));
            }
            let is_own = |bands: &&Bands| bands.buffers.iter().any(|buffer| buffer.value == slot.value);
            if plan.cut(index).is_some() && !run.is_some_and(is_own) {
                return Err(format!("`{name}` is used outside of its bands"));
            }
        }
    }
    Ok(())
}

fn check_place(plan: &Plan, id: ValueId) -> Result<(), String> {
    let value = plan.graph.value(id);
    let len = value.floats();
    match plan.place(id) {
        None => Err(format!("`{}` has no place", value.name)),
        // Under another name.
        Some(Place::Input(_)) => Ok(()),
        Some(Place::Output(index)) => {
            let output = plan.graph.outputs.get(index).ok_or_else(|| format!("`{}` is in no output", value.name))?;
            let fits = plan.graph.shape(output.value).elements() == len;
            fits.then_some(()).ok_or_else(|| format!("`{}` does not fit into its output", value.name))
        }
        Some(Place::Shared { offset, len: room }) => {
            let fits = room == len && offset + room <= plan.shared && value.extent == Extent::Batch;
            fits.then_some(()).ok_or_else(|| format!("`{}` does not fit into what barriers leave", value.name))
        }
        Some(Place::Among { slot, first, total }) => {
            let whole = plan.slots.get(slot).ok_or_else(|| format!("`{}` is in no slot", value.name))?;
            let channels = value.shape.dims().last().copied().unwrap_or(0);
            let all = plan.graph.shape(whole.value).elements();
            let fits = first.checked_add(channels).is_some_and(|end| end <= total)
                && value.shape.elements().checked_mul(total) == all.checked_mul(channels)
                && (whole.per_image || plan.cut(slot).is_some())
                && value.extent.is_per_image()
                && value.extent == plan.graph.value(whole.value).extent;
            fits.then_some(()).ok_or_else(|| format!("`{}` does not fit among the channels of its slot", value.name))
        }
        Some(Place::Slot(index)) => {
            let slot = plan.slots.get(index).ok_or_else(|| format!("`{}` is in no slot", value.name))?;
            let len = plan.cut(index).map_or(len, |buffer| buffer.capacity * buffer.row);
            let fits = slot.len == len && end(slot, plan.chunk) <= plan.arena && value.extent != Extent::Batch;
            fits.then_some(()).ok_or_else(|| format!("`{}` does not fit into its slot", value.name))
        }
    }
}

/// A step may write over an operand only where its operation says so.
fn check_overlap(plan: &Plan, node: &Node) -> Result<(), String> {
    let allowed = match node.op.operation().storage() {
        Storage::Fresh => None,
        Storage::InPlace(arg) | Storage::Alias(arg) => Some(arg),
    };
    if plan.moves_nothing(node) {
        return Ok(());
    }
    for (port, &result) in node.results.iter().enumerate() {
        for (index, &arg) in node.args.iter().enumerate() {
            if plan.is_joined(node, index) {
                continue;
            }
            let is_same = plan.place(result) == plan.place(arg);
            if !is_same && slot_of(plan, result).is_some_and(|slot| slot_of(plan, arg) == Some(slot)) {
                return Err(format!(
                    "`{}` writes into memory of which it reads `{}`",
                    node.op,
                    plan.graph.value(arg).name
                ));
            }
            if is_same && !(port == 0 && allowed == Some(index)) {
                return Err(format!("`{}` writes over `{}`", node.op, plan.graph.value(arg).name));
            }
        }
    }
    Ok(())
}

/// The slot that a value stands in, by itself or among others.
fn slot_of(plan: &Plan, value: ValueId) -> Option<usize> {
    match plan.place(value)? {
        Place::Slot(slot) | Place::Among { slot, .. } => Some(slot),
        Place::Input(_) | Place::Output(_) | Place::Shared { .. } => None,
    }
}

/// No two slots that live at the same time share memory: slots come to life in order, beside those that still live.
fn check_slots(plan: &Plan) -> Result<(), String> {
    let mut births: Vec<&Slot> = plan.slots.iter().collect();
    births.sort_by_key(|slot| slot.live.0);
    let mut deaths: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::new();
    let mut living: BTreeMap<usize, &Slot> = BTreeMap::new();
    for slot in births {
        while let Some(&Reverse((_, offset))) = deaths.peek().filter(|Reverse((last, _))| *last < slot.live.0) {
            living.remove(&offset);
            deaths.pop();
        }
        let below = living.range(..=slot.offset).next_back().filter(|(_, other)| end(other, plan.chunk) > slot.offset);
        let above = living.range(slot.offset..end(slot, plan.chunk)).next();
        if let Some((_, other)) = below.or(above) {
            let name = |slot: &Slot| plan.graph.value(slot.value).name.clone();
            return Err(format!("`{}` and `{}` share memory while both live", name(other), name(slot)));
        }
        living.insert(slot.offset, slot);
        deaths.push(Reverse((slot.live.1, slot.offset)));
    }
    Ok(())
}

fn end(slot: &Slot, chunk: usize) -> usize {
    slot.offset + slot.len * if slot.per_image { chunk } else { 1 }
}
