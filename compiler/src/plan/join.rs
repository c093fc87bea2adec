//! Which values stand among the channels of another: what a `concat` joins is written where the joined tensor has it, and
//! what a `slice` takes out is read there, so that neither copies anything.

use crate::ir::{Graph, NodeId, ValueId};
use crate::ops::{Concat, Op, Slice, Storage};

/// Where a value stands in another's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Joined {
    /// The root of the other.
    pub(super) whole: ValueId,
    /// Elements of a pixel before the value's own.
    pub(super) first: usize,
    /// Elements of a pixel of the other.
    pub(super) total: usize,
}

/// For each root, the memory of which other root it stands in, if it does; that one never does so itself.
pub(super) fn joined(graph: &Graph, order: &[NodeId], roots: &[ValueId]) -> Vec<Option<Joined>> {
    let mut joining = Joining {
        graph,
        order,
        roots,
        uses: uses(graph, order, roots),
        joined: vec![None; graph.values.len()],
        is_whole: vec![false; graph.values.len()],
    };
    for (position, &id) in order.iter().enumerate() {
        let node = &graph.nodes[id.0 as usize];
        match &node.op {
            Op::Concat(concat) => joining.concat(position, concat, &node.args, node.results[0]),
            Op::Slice(slice) => joining.slice(position, slice, node.args[0], node.results[0]),
            _ => {}
        }
    }
    joining.joined
}

/// A step that reads or writes the memory of a root.
#[derive(Clone, Copy)]
struct Use {
    position: usize,
    is_write: bool,
}

/// The steps that use each root's memory, in order; an alias is none.
fn uses(graph: &Graph, order: &[NodeId], roots: &[ValueId]) -> Vec<Vec<Use>> {
    let mut uses = vec![Vec::new(); graph.values.len()];
    for (position, &id) in order.iter().enumerate() {
        let node = &graph.nodes[id.0 as usize];
        if is_alias(node.op.operation().storage()) {
            continue;
        }
        for (values, is_write) in [(&node.args, false), (&node.results, true)] {
            for value in values {
                uses[roots[value.0 as usize].0 as usize].push(Use { position, is_write });
            }
        }
    }
    uses
}

fn is_alias(storage: Storage) -> bool {
    match storage {
        Storage::Alias(_) => true,
        Storage::Fresh | Storage::InPlace(_) => false,
    }
}

struct Joining<'a> {
    graph: &'a Graph,
    order: &'a [NodeId],
    roots: &'a [ValueId],
    uses: Vec<Vec<Use>>,
    joined: Vec<Option<Joined>>,
    is_whole: Vec<bool>,
}

impl Joining<'_> {
    /// Joins those operands of a concatenation that can be written where it would copy them.
    fn concat(&mut self, position: usize, concat: &Concat, args: &[ValueId], result: ValueId) {
        let total = self.channels(result);
        if concat.axis + 1 != self.graph.shape(result).rank() || !self.is_free(result) {
            return;
        }
        let mut first = 0;
        for (&arg, &part) in args.iter().zip(&concat.parts) {
            let is_once = args.iter().filter(|&&other| other == arg).count() == 1;
            if is_once && self.can_write_there(position, arg, result) {
                self.joined[arg.0 as usize] = Some(Joined { whole: result, first, total });
                self.is_whole[result.0 as usize] = true;
            }
            first += part;
        }
    }

    /// Whether an operand of the concatenation at `position` is made once, and by a step that can write it there.
    fn can_write_there(&self, position: usize, value: ValueId, whole: ValueId) -> bool {
        if !self.is_free(value) || self.is_whole[value.0 as usize] {
            return false;
        }
        let uses = &self.uses[value.0 as usize];
        let last = uses.iter().map(|other| other.position).max().unwrap_or(position);
        // Made by one step, which is before the concatenation, and read by others.
        let is_made_once = uses.iter().filter(|other| other.is_write).count() == 1;
        is_made_once
            && uses
                .iter()
                .filter(|other| other.position != position)
                .all(|other| self.fits(other.position, value, whole))
            && !self.is_written(whole, position + 1, last)
    }

    /// Makes the result of a slice a view of what it is taken from, if everyone who uses it can read it there.
    fn slice(&mut self, position: usize, slice: &Slice, arg: ValueId, result: ValueId) {
        let whole = self.roots[arg.0 as usize];
        let is_of_channels = slice.axis + 1 == self.graph.shape(arg).rank();
        if !is_of_channels || !self.is_free(whole) || !self.is_free(result) || self.is_whole[result.0 as usize] {
            return;
        }
        let uses = &self.uses[result.0 as usize];
        let last = uses.iter().map(|other| other.position).max().unwrap_or(position);
        let fits = uses
            .iter()
            .filter(|other| other.position != position)
            .all(|other| self.fits(other.position, result, whole));
        let overwritten = uses.iter().find(|other| other.is_write && other.position != position);
        // Who writes over the slice's part of the whole must not be in the way of who reads the whole, nor of a part that
        // was joined to it.
        let is_alone = match overwritten {
            None => true,
            Some(_) if self.is_whole_of_concat(whole) => false,
            Some(write) => self.uses[whole.0 as usize].iter().filter(|other| !other.is_write).all(|other| {
                other.position == position || self.reads_other_channels(other.position, slice, write.position)
            }),
        };
        if fits && is_alone && !self.is_written(whole, position + 1, last) {
            let total = self.channels(arg);
            self.joined[result.0 as usize] = Some(Joined { whole, first: slice.start, total });
            self.is_whole[whole.0 as usize] = true;
        }
    }

    /// Whether a step that reads the whole is done before `write`, or a slice of other channels than `slice`.
    fn reads_other_channels(&self, position: usize, slice: &Slice, write: usize) -> bool {
        let node = &self.graph.nodes[self.order[position].0 as usize];
        match &node.op {
            Op::Slice(other) if other.axis == slice.axis && self.graph.shape(node.args[0]).rank() == slice.axis + 1 => {
                other.start + other.part <= slice.start || slice.start + slice.part <= other.start
            }
            Op::Slice(_) => false,
            _ => position < write,
        }
    }

    /// Whether a step can read and write a value among the channels of `whole`, which it does not use otherwise.
    fn fits(&self, position: usize, value: ValueId, whole: ValueId) -> bool {
        let node = &self.graph.nodes[self.order[position].0 as usize];
        let operation = node.op.operation();
        let is = |other: ValueId, root: ValueId| self.roots[other.0 as usize] == root;
        // Under another shape, as after `flatten`, its channels would be others.
        let is_own = |other: ValueId| self.graph.shape(other) == self.graph.shape(value);
        let reads = node
            .args
            .iter()
            .enumerate()
            .all(|(operand, &arg)| !is(arg, value) || (is_own(arg) && operation.reads_among(operand)));
        let writes = node
            .results
            .iter()
            .enumerate()
            .all(|(port, &result)| !is(result, value) || (port == 0 && is_own(result) && operation.writes_among()));
        let is_apart = !node.args.iter().chain(&node.results).any(|&other| is(other, whole));
        // Another part of the whole would be in the same memory.
        let parts = node.args.iter().chain(&node.results).filter(|other| !is(**other, value));
        let mut others = parts.filter_map(|other| self.joined[self.roots[other.0 as usize].0 as usize]);
        reads && writes && is_apart && !others.any(|other| other.whole == whole)
    }

    /// Whether a root is written from one position to another.
    fn is_written(&self, root: ValueId, from: usize, to: usize) -> bool {
        self.uses[root.0 as usize].iter().any(|other| other.is_write && (from..=to).contains(&other.position))
    }

    fn is_whole_of_concat(&self, root: ValueId) -> bool {
        let is_concat = |&id: &NodeId| {
            let node = &self.graph.nodes[id.0 as usize];
            matches!(node.op, Op::Concat(_)) && node.results[0] == root
        };
        self.is_whole[root.0 as usize] && self.order.iter().any(is_concat)
    }

    /// Whether a value is a root of its own in the arena, for each image, and stands in no other.
    fn is_free(&self, value: ValueId) -> bool {
        let is_output = self.graph.outputs.iter().any(|output| self.roots[output.value.0 as usize] == value);
        self.roots[value.0 as usize] == value
            && !is_output
            && !self.graph.inputs.contains(&value)
            && self.graph.value(value).extent.is_per_image()
            && self.joined[value.0 as usize].is_none()
    }

    /// The size of a value's last axis.
    fn channels(&self, value: ValueId) -> usize {
        self.graph.shape(value).dims().last().copied().unwrap_or(0)
    }
}
