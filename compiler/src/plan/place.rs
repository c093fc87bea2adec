//! Gives every value a place: caller's memory, or a part of the arena that no other living value has.

use std::collections::{BTreeMap, HashMap};

use super::bands::{self, Bands};
use super::join::{Joined, joined};
use super::stage::{Stage, order};
use super::{Place, Slot};
use crate::ir::{Extent, Graph, NewNode, NodeId, PANEL, ValueId};
use crate::ops::{Copy, Storage};
use crate::passes::Mode;

/// Where values live, for one chunk size.
pub(super) struct Map {
    pub(super) places: Vec<Option<Place>>,
    pub(super) slots: Vec<Slot>,
    pub(super) arena: usize,
    pub(super) shared: usize,
    pub(super) bands: Vec<Bands>,
}

/// Copies an output that is an input or an earlier output under another name, so that each is written by a step of its
/// own.
pub(super) fn separate_outputs(graph: &mut Graph) {
    let mut written = graph.inputs.clone();
    for index in 0..graph.outputs.len() {
        let value = graph.outputs[index].value;
        let root = alias_root(graph, value);
        if !written.contains(&root) {
            written.push(root);
            continue;
        }
        let (name, span) = (format!("{}_copy", graph.value(value).name), graph.value(value).span);
        let new =
            NewNode { op: Copy.into(), args: vec![value], parameters: Vec::new(), name: &name, layer: "output", span };
        graph.outputs[index].value = graph.add_node(new);
    }
}

/// The value that an alias stands for.
fn alias_root(graph: &Graph, mut value: ValueId) -> ValueId {
    while let Some(node) = graph.producer(value) {
        match node.op.operation().storage() {
            Storage::Alias(arg) => value = node.args[arg],
            Storage::Fresh | Storage::InPlace(_) => break,
        }
    }
    value
}

/// What holds of the memory of a graph's values whatever the size of a chunk is.
pub(super) struct Memory<'a> {
    pub(super) graph: &'a Graph,
    pub(super) order: Vec<NodeId>,
    /// For each value, the one whose memory it has: its own, or that of an operand it aliases or overwrites.
    roots: Vec<ValueId>,
    joined: Vec<Option<Joined>>,
    /// For each value, the one whose memory it is in: its root's, or that of what the root is a part of.
    pub(super) homes: Vec<ValueId>,
    /// For each of those, the first and the last position at which it is in use.
    pub(super) lives: Vec<Option<(usize, usize)>>,
    /// Whether inputs or outputs of the network are in its memory.
    pub(super) is_callers: Vec<bool>,
    /// Floats of a core's cache.
    pub(super) cache: usize,
    /// Whether it is that of training.
    pub(super) trains: bool,
}

impl<'a> Memory<'a> {
    pub(super) fn of(graph: &'a Graph, stages: &[Stage], mode: Mode, cache: usize) -> Self {
        let order = order(stages);
        let roots = roots(graph, &order);
        let joined = joined(graph, &order, &roots);
        let mut lives = lives(graph, &order, &roots);
        for (index, part) in joined.iter().enumerate() {
            // The whole lives as long as its parts do.
            let Some(part) = part else { continue };
            let Some(own) = lives[index].take() else { continue };
            let whole = lives[part.whole.0 as usize].get_or_insert(own);
            *whole = (whole.0.min(own.0), whole.1.max(own.1));
        }
        let home = |&root: &ValueId| joined[root.0 as usize].map_or(root, |part| part.whole);
        let homes: Vec<ValueId> = roots.iter().map(home).collect();
        let mut is_callers = vec![false; graph.values.len()];
        for &value in graph.inputs.iter().chain(graph.outputs.iter().map(|output| &output.value)) {
            is_callers[homes[value.0 as usize].0 as usize] = true;
        }
        Self { graph, order, roots, joined, homes, lives, is_callers, cache, trains: mode == Mode::Training }
    }

    /// Whether two values have memory in common.
    pub(super) fn is_shared(&self, one: ValueId, other: ValueId) -> bool {
        let channels = |value: ValueId| {
            let part = self.joined[self.roots[value.0 as usize].0 as usize]?;
            Some(part.first..part.first + self.graph.shape(value).channels())
        };
        let is_apart = match (channels(one), channels(other)) {
            (Some(one), Some(other)) => one.end <= other.start || other.end <= one.start,
            _ => false,
        };
        self.homes[one.0 as usize] == self.homes[other.0 as usize] && !is_apart
    }

    /// Floats that no arena for chunks of so many images is smaller than: what is in use at one time.
    pub(super) fn least(&self, chunk: usize) -> usize {
        let mut changes = vec![(0_usize, 0_usize); self.order.len() + 1];
        for (index, value) in self.graph.values.iter().enumerate() {
            let Some((first, last)) = self.lives[index] else { continue };
            if self.roots[index].0 as usize != index || self.is_callers[index] || value.extent == Extent::Batch {
                continue;
            }
            let images = if value.extent.is_per_image() { chunk } else { 1 };
            let floats = value.floats().saturating_mul(images);
            changes[first].0 = changes[first].0.saturating_add(floats);
            changes[last + 1].1 = changes[last + 1].1.saturating_add(floats);
        }
        let in_use = changes.iter().scan(0_usize, |in_use, &(more, less)| {
            *in_use = in_use.saturating_add(more).saturating_sub(less);
            Some(*in_use)
        });
        in_use.max().unwrap_or(0)
    }
}

/// Maps the values of a graph for chunks of so many images, `in_bands` of rows where that is worth it. `None` if sizes
/// overflow.
pub(super) fn map(memory: &Memory<'_>, chunk: usize, in_bands: bool) -> Option<Map> {
    let Memory { graph, order, roots, joined, homes, .. } = memory;
    let bands = if in_bands { bands::choose(memory) } else { Vec::new() };
    let mut lives = memory.lives.clone();
    for run in &bands {
        // Each band uses all of it.
        for &id in &order[run.steps.clone()] {
            let node = &graph.nodes[id.0 as usize];
            for value in node.args.iter().chain(&node.results) {
                if let Some(live) = &mut lives[homes[value.0 as usize].0 as usize] {
                    *live = (live.0.min(run.steps.start), live.1.max(run.steps.end - 1));
                }
            }
        }
    }
    let rooms: HashMap<ValueId, &bands::Buffer> = bands
        .iter()
        .flat_map(|run| &run.buffers)
        .filter(|buffer| buffer.is_cut())
        .map(|buffer| (buffer.value, buffer))
        .collect();
    let mut places: Vec<Option<Place>> = vec![None; graph.values.len()];
    for (index, &input) in graph.inputs.iter().enumerate() {
        places[input.0 as usize] = Some(Place::Input(index));
    }
    for (index, output) in graph.outputs.iter().enumerate() {
        places[roots[output.value.0 as usize].0 as usize] = Some(Place::Output(index));
    }
    let mut shared = 0_usize;
    let mut slots = Vec::new();
    for (index, value) in graph.values.iter().enumerate() {
        let Some(live) = lives[index].filter(|_| places[index].is_none() && roots[index].0 as usize == index) else {
            continue;
        };
        let room = rooms.get(&ValueId(index as u32));
        let len = room.map_or(Some(value.floats()), |buffer| buffer.capacity.checked_mul(buffer.row))?;
        if value.extent == Extent::Batch {
            places[index] = Some(Place::Shared { offset: shared, len });
            shared = shared.checked_add(len.checked_next_multiple_of(PANEL)?)?;
            continue;
        }
        places[index] = Some(Place::Slot(slots.len()));
        let per_image = value.extent.is_per_image() && room.is_none();
        slots.push(Slot { value: ValueId(index as u32), offset: 0, len, per_image, live });
    }
    let arena = assign_offsets(&mut slots, chunk)?;
    for (index, part) in joined.iter().enumerate() {
        if let Some(Joined { whole, first, total }) = *part
            && let Some(Place::Slot(slot)) = places[whole.0 as usize]
        {
            places[index] = Some(Place::Among { slot, first, total });
        }
    }
    for index in 0..places.len() {
        if lives[roots[index].0 as usize].is_some() || places[roots[index].0 as usize].is_some() {
            places[index] = places[roots[index].0 as usize];
        }
    }
    Some(Map { places, slots, arena, shared, bands })
}

/// Which value's memory each value has: links to an operand that is aliased or overwritten, followed to the end.
struct Roots(Vec<ValueId>);

impl Roots {
    /// The value whose memory a value has; the links on the way are shortened, so that long chains stay cheap.
    fn of(&mut self, value: ValueId) -> ValueId {
        let mut root = value;
        while self.0[root.0 as usize] != root {
            root = self.0[root.0 as usize];
        }
        let mut next = value;
        while next != root {
            next = std::mem::replace(&mut self.0[next.0 as usize], root);
        }
        root
    }
}

/// For each value, the value whose memory it has: its own, or that of an operand it aliases or overwrites.
fn roots(graph: &Graph, order: &[NodeId]) -> Vec<ValueId> {
    let mut roots = Roots((0..graph.values.len() as u32).map(ValueId).collect());
    let mut last_read = vec![0; graph.values.len()];
    // Aliases first: reading an alias reads its root.
    for &id in order {
        let node = &graph.nodes[id.0 as usize];
        if let Storage::Alias(arg) = node.op.operation().storage() {
            roots.0[node.results[0].0 as usize] = roots.of(node.args[arg]);
        }
    }
    for (position, &id) in order.iter().enumerate() {
        for &arg in &graph.nodes[id.0 as usize].args {
            last_read[roots.of(arg).0 as usize] = position;
        }
    }
    for (position, &id) in order.iter().enumerate() {
        let node = &graph.nodes[id.0 as usize];
        let Storage::InPlace(index) = node.op.operation().storage() else { continue };
        let (arg, result) = (node.args[index], node.results[0]);
        let root = roots.of(arg);
        let is_output = graph.outputs.iter().any(|output| roots.of(output.value) == root);
        let is_read_later = last_read[root.0 as usize] > position || is_output;
        let is_read_twice = node.args.iter().enumerate().any(|(other, id)| other != index && roots.of(*id) == root);
        if is_read_later || is_read_twice || graph.inputs.contains(&root) {
            continue;
        }
        if graph.shape(arg).elements() != graph.shape(result).elements() {
            continue;
        }
        // Everything that stood for the result, its aliases included, now stands for the operand's memory.
        roots.0[result.0 as usize] = root;
        last_read[root.0 as usize] = last_read[result.0 as usize].max(position);
    }
    (0..graph.values.len() as u32).map(|value| roots.of(ValueId(value))).collect()
}

/// The positions between which each root is in use; `None` of values that are no roots or never made by a step.
fn lives(graph: &Graph, order: &[NodeId], roots: &[ValueId]) -> Vec<Option<(usize, usize)>> {
    let mut lives: Vec<Option<(usize, usize)>> = vec![None; graph.values.len()];
    for (position, &id) in order.iter().enumerate() {
        let node = &graph.nodes[id.0 as usize];
        for &value in node.args.iter().chain(&node.results) {
            let root = roots[value.0 as usize];
            if graph.inputs.contains(&root) {
                continue;
            }
            let live = lives[root.0 as usize].get_or_insert((position, position));
            live.1 = position;
        }
    }
    lives
}

/// Places slots in the arena, the largest first, each at the lowest offset that no slot alive at the same time has.
/// Returns the arena's size; `None` if it overflows.
fn assign_offsets(slots: &mut [Slot], chunk: usize) -> Option<usize> {
    let size =
        |slot: &Slot| slot.len.checked_mul(if slot.per_image { chunk } else { 1 })?.checked_next_multiple_of(PANEL);
    let sizes: Vec<usize> = slots.iter().map(size).collect::<Option<_>>()?;
    if slots.len() > MANY_SLOTS {
        return assign_in_order(slots, &sizes);
    }
    let mut by_size: Vec<usize> = (0..slots.len()).collect();
    by_size.sort_by_key(|&index| (std::cmp::Reverse(sizes[index]), index));
    let mut placed: Vec<usize> = Vec::new();
    let mut arena = 0_usize;
    for index in by_size {
        let meets =
            |other: usize| slots[other].live.0 <= slots[index].live.1 && slots[index].live.0 <= slots[other].live.1;
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .copied()
            .filter(|&other| meets(other))
            .map(|other| (slots[other].offset, sizes[other]))
            .collect();
        taken.sort_unstable();
        let mut offset = 0_usize;
        for (start, len) in taken {
            if offset.checked_add(sizes[index])? <= start {
                break;
            }
            offset = offset.max(start.checked_add(len)?);
        }
        slots[index].offset = offset;
        arena = arena.max(offset.checked_add(sizes[index])?);
        placed.push(index);
    }
    Some(arena)
}

/// Slots beyond which they are placed in the order of their lives, which takes little time and somewhat more memory.
const MANY_SLOTS: usize = 2000;

/// Places slots as they come to life, each at the lowest offset where it fits; what dies leaves a hole.
fn assign_in_order(slots: &mut [Slot], sizes: &[usize]) -> Option<usize> {
    let mut births: Vec<usize> = (0..slots.len()).collect();
    births.sort_by_key(|&index| (slots[index].live.0, std::cmp::Reverse(sizes[index]), index));
    let mut deaths = births.clone();
    deaths.sort_by_key(|&index| (slots[index].live.1, index));
    let mut deaths = deaths.into_iter().peekable();
    // Holes by offset, never side by side; above `top` everything is free.
    let mut holes: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut top, mut arena) = (0_usize, 0_usize);
    for index in births {
        while let Some(dead) = deaths.next_if(|&dead| slots[dead].live.1 < slots[index].live.0) {
            let (mut start, mut end) = (slots[dead].offset, slots[dead].offset + sizes[dead]);
            if let Some((&before, &len)) = holes.range(..start).next_back()
                && before + len == start
            {
                holes.remove(&before);
                start = before;
            }
            if let Some(len) = holes.remove(&end) {
                end += len;
            }
            if end == top {
                top = start;
            } else {
                holes.insert(start, end - start);
            }
        }
        let size = sizes[index];
        let fitting = holes.iter().find(|&(_, &len)| len >= size).map(|(&start, &len)| (start, len));
        slots[index].offset = match fitting {
            Some((start, len)) => {
                holes.remove(&start);
                if len > size {
                    holes.insert(start + size, len - size);
                }
                start
            }
            None => {
                let start = top;
                top = top.checked_add(size)?;
                arena = arena.max(top);
                start
            }
        };
    }
    Some(arena)
}

#[cfg(test)]
mod tests {
    use super::{Memory, map};
    use crate::driver::{Compiled, Settings, compile};
    use crate::program::NoSources;
    use crate::source::SourceMap;

    const TEXT: &str = "block Twice(x: [H, W, C]) -> [H, W, C + C] {
        y = x -> conv(C, kernel: 3, pad: 1) -> batch_norm -> relu;
        return concat(x, y);
    }

    network N {
        input x: [8, 8, 16];
        x = x -> conv(32, kernel: 1) -> relu -> Twice -> max_pool(2) -> Twice -> dropout(0.5) -> Twice;
        logits = x -> global_avg_pool -> dense(3);
        output y = softmax(logits);
        train { loss: cross_entropy(logits); }
    }";

    fn compiled(text: &str) -> Compiled {
        let (mut sources, mut sink) = (SourceMap::new(), crate::diagnostic::Sink::new());
        let id = sources.add("a.net", text);
        compile(id, &mut sources, &Settings::default(), &mut NoSources, &mut sink).unwrap()
    }

    #[test]
    fn no_arena_is_smaller_than_the_least() {
        let compiled = compiled(TEXT);
        for plan in compiled.plans() {
            let memory = Memory::of(&plan.graph, &plan.stages, plan.mode, 1);
            for chunk in (0..7).map(|power| 1 << power) {
                let (least, arena) = (memory.least(chunk), map(&memory, chunk, false).unwrap().arena);
                assert!(least <= arena, "{:?}, {chunk} images: {least} floats at least, {arena} planned", plan.mode);
                // And not much larger: gaps between values and padding of some.
                assert!(
                    arena <= 2 * least,
                    "{:?}, {chunk} images: {least} floats at least, {arena} planned",
                    plan.mode
                );
            }
        }
    }

    #[test]
    fn the_least_of_a_chain_is_its_largest_pair() {
        let text = "network N {
            input x: [4, 4, 16];
            y = x -> conv(32, kernel: 1) -> sigmoid -> conv(16, kernel: 1) -> max_pool(2) -> flatten;
            output y = y;
        }";
        let compiled = compiled(text);
        let plan = &compiled.inference;
        // 4 x 4 pixels of 32 channels, and of 16.
        assert_eq!(Memory::of(&plan.graph, &plan.stages, plan.mode, 1).least(3), 3 * 16 * (32 + 16));
    }
}
