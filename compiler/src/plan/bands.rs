//! Bands: runs of steps that take an image a few rows at a time, and the rows that each of their buffers holds.
//!
//! Where the values of an image do not fit into a core's cache, a layer waits for the memory that the one before it has
//! written. So steps whose rows depend on a few rows of their operands go through the image in bands: in each, a step makes the
//! rows that the steps after it are about to read, in a buffer that holds what is still read and no more; what training keeps for
//! its gradients is there as a whole, and read while it is in the cache. No row is computed twice, and none differs from what it is
//! without bands; what is summed over an image, the gradients of weights, is summed band by band.

use std::collections::HashMap;
use std::ops::Range;

use super::place::Memory;
use crate::ir::{Extent, ValueId};
use crate::ops::{Op, Reach, Storage};

/// How many times a core's cache the buffers of a run may take together, and no more than which a value by itself is let go
/// through memory. They need not fit: what counts is that they come back from the last level of caches, which cores share, and that
/// there are few bands. Measured with a half, one, two, three, four and six times on a second-level cache of 512 KiB.
const ROOM: usize = 2;

/// The part of the cache that a run must keep from going through memory, to be one.
const WORTH: usize = 4;

/// Steps of a run.
const MOST_STEPS: usize = 64;

/// Bands of a run.
const MOST_BANDS: usize = 256;

/// Steps of bands that are tried for a network, so that planning takes little time whatever the network is; a quarter of what is left
/// of them for the runs from one position on.
const PATIENCE: u64 = 4_000_000;

/// How often a weight is read, as it were, by a convolution of Winograd's, which transforms it for each band.
const TRANSFORMED: usize = 16;

/// A run of steps that go through an image in bands of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bands {
    /// The positions of the steps in their stage.
    pub steps: Range<usize>,
    /// What the steps write.
    pub buffers: Vec<Buffer>,
    /// For each band and buffer, the first row that the buffer holds and the row after the last.
    pub table: Vec<Vec<[usize; 2]>>,
}

/// What some steps of a run write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buffer {
    /// The value whose memory it is.
    pub value: ValueId,
    /// Rows of the image.
    pub rows: usize,
    /// Floats of a row.
    pub row: usize,
    /// Rows that it has room for: all, where other steps read or write it, too.
    pub capacity: usize,
}

impl Buffer {
    /// Whether it has room for some rows only.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.capacity < self.rows
    }
}

/// The runs of a stage that are worth going through in bands, in order.
pub(super) fn choose(memory: &Memory<'_>) -> Vec<Bands> {
    // From each position on, the end of the last run that may be worth it: where a large value is used for the last time.
    let mut ends = vec![0; memory.order.len()];
    for (index, live) in memory.lives.iter().enumerate() {
        if let Some((first, last)) = *live
            && memory.is_large(ValueId(index as u32))
        {
            ends[first] = ends[first].max(last + 1);
        }
    }
    // While it lives, and for what is before it.
    for position in 1..ends.len() {
        let before = Some(ends[position - 1]).filter(|&end| end > position);
        ends[position] = ends[position].max(before.unwrap_or(0));
    }
    for position in (1..ends.len()).rev() {
        ends[position - 1] = ends[position - 1].max(ends[position]);
    }
    let mut found = Vec::new();
    let mut patience = PATIENCE;
    let mut start = 0;
    while start < memory.order.len() {
        let mut share = patience / 4;
        patience -= share;
        let found_here = longest(memory, start..ends[start], &mut share);
        patience += share;
        match found_here {
            Some(bands) => {
                start = bands.steps.end;
                found.push(bands);
            }
            None => start += 1,
        }
    }
    found
}

/// Of the runs from the first of some positions on, the one that keeps most from memory.
fn longest(memory: &Memory<'_>, positions: Range<usize>, patience: &mut u64) -> Option<Bands> {
    let mut best: Option<(usize, Bands)> = None;
    let mut steps: Vec<Step> = Vec::new();
    let start = positions.start;
    for position in positions.take(MOST_STEPS) {
        let Some(step) = Step::of(memory, &steps, start, position) else { break };
        if steps.is_empty() && step.floats < memory.worth() {
            break;
        }
        let run = start..position + 1;
        let keeps_more = step.homes().any(|home| memory.is_kept(home, &run) || memory.is_again(home, &run, &steps));
        steps.push(step);
        // A longer run reads no fewer weights again: it is no better unless it keeps more, of a value that ends or that is read again.
        if !keeps_more {
            continue;
        }
        match fit(memory, run, &steps, best.as_ref().map_or(memory.worth(), |(most, _)| most + 1), patience) {
            Some(Fit::Worth(saved, bands)) => best = Some((saved, bands)),
            Some(Fit::Worthless) => {}
            None => break,
        }
    }
    best.map(|(_, bands)| bands)
}

/// A step of a run.
struct Step {
    /// The memory that it reads by rows, each once, without its own result's.
    reads: Vec<ValueId>,
    /// That of its result, if it has one.
    writes: Option<ValueId>,
    reach: Reach,
    /// Rows of what it reads.
    rows: usize,
    /// Floats that it reads and writes, by their memory.
    moves: Vec<(ValueId, usize)>,
    /// Those of all of it.
    floats: usize,
    /// Weights, as often as they are read in a band.
    weights: usize,
}

impl Step {
    /// The step at `position`, if it can be one of a run of these `before` it, from `start` on.
    fn of(memory: &Memory<'_>, before: &[Step], start: usize, position: usize) -> Option<Step> {
        let node = memory.node(position);
        let operation = node.op.operation();
        let reach = operation.reach()?;
        let image = |value: ValueId| {
            let info = memory.graph.value(value);
            let dims: [usize; 3] = info.shape.dims().try_into().ok()?;
            // Under another shape, its rows would be others.
            let is_own = memory.rows(value) == memory.rows(memory.home(value));
            (info.extent == Extent::Image && is_own && dims[1] * dims[2] > 0).then_some(dims)
        };
        let operands = |by_rows: bool| {
            let args = node.args.iter().copied().enumerate();
            args.filter(move |&(operand, _)| operation.reach_of(operand).is_some() == by_rows).map(|(_, arg)| arg)
        };
        let is_made_in = |home: ValueId| before.iter().any(|step| step.writes == Some(home));
        let is_there = |value: ValueId| {
            let home = memory.home(value);
            memory.lives[home.0 as usize].is_none_or(|(first, _)| first < start) && !is_made_in(home)
        };
        if !operands(false).all(is_there) {
            return None;
        }
        let images: Vec<[usize; 3]> = operands(true).map(image).collect::<Option<_>>()?;
        let rows = images.first().map_or(0, |operand| operand[0]);
        if images.iter().any(|operand| operand[0] != rows) {
            return None;
        }
        let writes = match node.results.first() {
            Some(&result) => {
                image(result)?;
                let writes = memory.home(result);
                if let Storage::InPlace(operand) = operation.storage()
                    && memory.home(node.args[operand]) == writes
                    && memory.is_read(result, start..position)
                {
                    return None;
                }
                Some(writes)
            }
            // What a step without a result goes by is made in the run.
            None if operands(true).any(|arg| is_made_in(memory.home(arg))) => None,
            None => return None,
        };
        let mut reads: Vec<ValueId> = Vec::new();
        for home in operands(true).map(|arg| memory.home(arg)) {
            if Some(home) != writes && !reads.contains(&home) {
                reads.push(home);
            }
        }
        let tile = if memory.trains { 1 } else { reach.tile };
        let weights =
            node.parameters.iter().map(|&id| memory.graph.parameter(id).layout.stored().unwrap_or(usize::MAX));
        let weights = weights.fold(0_usize, usize::saturating_add);
        let moves: Vec<(ValueId, usize)> = memory.moves(node).collect();
        Some(Step {
            reads,
            writes,
            reach: Reach { tile, ..reach },
            rows,
            floats: moves.iter().fold(0_usize, |sum, (_, floats)| sum.saturating_add(*floats)),
            moves,
            weights: weights.saturating_mul(if tile > 1 { TRANSFORMED } else { 1 }),
        })
    }

    /// The memory that it reads and writes.
    fn homes(&self) -> impl Iterator<Item = ValueId> {
        self.reads.iter().copied().chain(self.writes)
    }
}

impl Memory<'_> {
    /// Whether a large value is used for the last time at the end of a run, which makes it.
    fn is_kept(&self, home: ValueId, run: &Range<usize>) -> bool {
        let ends = self.lives[home.0 as usize].is_some_and(|(_, last)| last + 1 == run.end);
        ends && !self.is_used_outside(home, run) && self.is_large(home)
    }

    /// Whether steps read what is written over, other than to write over it themselves: one may still want its rows.
    fn is_read(&self, over: ValueId, mut steps: Range<usize>) -> bool {
        let is_there = |&value: &ValueId| self.is_shared(value, over);
        steps.any(|position| {
            let node = self.node(position);
            let reads_on = node.args.iter().any(is_there) && !node.results.iter().any(is_there);
            reads_on && self.moves(node).next().is_some()
        })
    }

    /// Whether a large value that other steps use, too, is used a second time at the end of a run.
    fn is_again(&self, home: ValueId, run: &Range<usize>, steps: &[Step]) -> bool {
        self.is_used_outside(home, run) && self.is_large(home) && steps.iter().any(|step| step.writes == Some(home))
    }

    /// The floats that a step reads and writes, by their memory; none where a value is a part of another, or made of its parts.
    fn moves(&self, node: &crate::ir::Node) -> impl Iterator<Item = (ValueId, usize)> {
        let is_part = matches!(node.op, Op::Concat(_) | Op::Slice(_));
        let homes = |values: &[ValueId]| values.iter().map(|&value| self.home(value)).collect::<Vec<_>>();
        let (read, made) = (homes(&node.args), homes(&node.results));
        let moved = move |home: &ValueId, others: &[ValueId]| !(is_part && others.contains(home));
        let (args, results) = (node.args.iter().zip(read.clone()), node.results.iter().zip(made.clone()));
        let args = args.filter(move |(_, home)| moved(home, &made));
        let results = results.filter(move |(_, home)| moved(home, &read));
        args.chain(results).map(|(&value, home)| (home, self.graph.value(value).floats()))
    }

    /// Whether a value goes through memory where it is not kept from it.
    fn is_large(&self, home: ValueId) -> bool {
        self.graph.value(home).floats() >= self.room()
    }

    /// Floats that the buffers of a run may take.
    fn room(&self) -> usize {
        self.cache.saturating_mul(ROOM)
    }

    /// Floats that a run must keep from going through memory.
    fn worth(&self) -> usize {
        (self.cache / WORTH).max(1)
    }

    /// Rows and columns of an image.
    fn rows(&self, value: ValueId) -> Option<&[usize]> {
        self.graph.shape(value).dims().get(..2)
    }

    fn node(&self, position: usize) -> &crate::ir::Node {
        &self.graph.nodes[self.order[position].0 as usize]
    }

    fn home(&self, value: ValueId) -> ValueId {
        self.homes[value.0 as usize]
    }

    /// Whether steps outside of a run use a value, so that it must be there as a whole.
    fn is_used_outside(&self, home: ValueId, run: &Range<usize>) -> bool {
        let is_elsewhere = |(first, last): (usize, usize)| first < run.start || last >= run.end;
        self.is_callers[home.0 as usize] || self.lives[home.0 as usize].is_none_or(is_elsewhere)
    }
}

/// What comes of a run whose buffers have room in some number of bands.
enum Fit {
    /// The floats that it keeps from going through memory, less those of weights that are read again, and its bands.
    Worth(usize, Bands),
    /// It keeps fewer than are asked for.
    Worthless,
}

/// A run in the fewest bands in which its buffers have room, if it keeps `least` floats or more; `None` if there is no room.
fn fit(memory: &Memory<'_>, run: Range<usize>, steps: &[Step], least: usize, patience: &mut u64) -> Option<Fit> {
    let mut buffers: Vec<Buffer> = Vec::new();
    let mut index: HashMap<ValueId, usize> = HashMap::new();
    let mut tiles = Vec::new();
    for (step, writes) in steps.iter().filter_map(|step| Some((step, step.writes?))) {
        let at = *index.entry(writes).or_insert(buffers.len());
        if at == buffers.len() {
            let dims = memory.graph.shape(writes).dims();
            let &[rows, w, c] = dims else { return None };
            buffers.push(Buffer { value: writes, rows, row: w.checked_mul(c)?, capacity: rows });
            tiles.push(1);
        }
        tiles[at] = tiles[at].max(step.reach.tile);
    }
    let is_whole: Vec<bool> = buffers.iter().map(|buffer| memory.is_used_outside(buffer.value, &run)).collect();
    let room = memory.room();
    let mut moved = vec![0_usize; buffers.len()];
    for (home, floats) in steps.iter().flat_map(|step| &step.moves) {
        if let Some(&at) = index.get(home) {
            moved[at] = moved[at].saturating_add(*floats);
        }
    }
    // What other steps use, too, is written to memory or read from it once.
    let all_of = |at: usize| buffers[at].rows.saturating_mul(buffers[at].row);
    let kept: Vec<usize> =
        (0..buffers.len()).map(|at| moved[at].saturating_sub(if is_whole[at] { all_of(at) } else { 0 })).collect();
    let large = kept.iter().enumerate().filter(|(at, _)| all_of(*at) >= room);
    let saved = large.fold(0_usize, |sum, (_, floats)| sum.saturating_add(*floats));
    let weights = steps.iter().fold(0_usize, |sum, step| sum.saturating_add(step.weights));
    let kept_of = |count: usize| saved.saturating_sub(weights.saturating_mul(count - 1));
    // In one band nothing would stay in the cache that does not anyway; and each holds as many rows as the average, or more.
    let is_held: Vec<bool> = (0..buffers.len()).map(|at| !is_whole[at] || kept[at] > 0).collect();
    let held = (0..buffers.len()).filter(|&at| is_held[at]);
    let fewest = held.fold(0_usize, |sum, at| sum.saturating_add(all_of(at))).div_ceil(room.max(1)).max(2);
    if kept_of(fewest) < least {
        return Some(Fit::Worthless);
    }
    let links: Vec<Link> = steps
        .iter()
        .filter_map(|step| {
            Some(Link {
                reads: step.reads.iter().filter_map(|home| index.get(home).copied()).collect(),
                writes: index[&step.writes?],
                reach: step.reach,
                rows: step.rows,
            })
        })
        .collect();
    let is_read = |at: usize| links.iter().any(|link| link.reads.contains(&at));
    let is_last: Vec<bool> = (0..buffers.len()).map(|at| is_whole[at] || !is_read(at)).collect();
    let all = buffers.iter().map(|buffer| buffer.rows).max()?;
    let mut try_bands = |count: usize| {
        *patience = patience.checked_sub((count * (steps.len() + buffers.len())) as u64)?;
        let mut table = schedule(&links, &buffers, &tiles, &is_last, count);
        let mut capacities: Vec<usize> = buffers.iter().map(|buffer| buffer.rows).collect();
        let mut floats = 0_usize;
        for (at, buffer) in buffers.iter().enumerate().filter(|(at, _)| is_held[*at]) {
            let held = table.iter().map(|band| band[at][1] - band[at][0]).max().unwrap_or(0);
            floats = floats.checked_add(held.checked_mul(buffer.row)?)?;
            if !is_whole[at] {
                capacities[at] = held;
            }
        }
        for (at, _) in is_whole.iter().enumerate().filter(|(_, is_whole)| **is_whole) {
            table.iter_mut().for_each(|band| band[at][0] = 0);
        }
        Some((table, capacities, floats))
    };
    let most = all.min(MOST_BANDS);
    let (mut few, mut enough) = (fewest - 1, fewest);
    if enough > most {
        return None;
    }
    let (mut table, mut capacities) = loop {
        let (table, capacities, floats) = try_bands(enough)?;
        if floats <= room {
            break (table, capacities);
        }
        if enough >= most {
            return None;
        }
        (few, enough) = (enough, (2 * enough).min(most));
    };
    while enough - few > 1 {
        let middle = few + (enough - few) / 2;
        let (other, rooms, floats) = try_bands(middle)?;
        if floats <= room {
            (table, capacities, enough) = (other, rooms, middle);
        } else {
            few = middle;
        }
    }
    if kept_of(enough) < least {
        return Some(Fit::Worthless);
    }
    for (buffer, capacity) in buffers.iter_mut().zip(capacities) {
        buffer.capacity = capacity;
    }
    Some(Fit::Worth(kept_of(enough), Bands { steps: run, buffers, table }))
}

/// A step with the indices of its buffers.
struct Link {
    reads: Vec<usize>,
    writes: usize,
    reach: Reach,
    /// Rows of what it reads.
    rows: usize,
}

/// The rows that each buffer holds in each of `count` bands: those that the steps of this band and of later ones read. Those that are
/// read by no step, or by others, too, are made evenly.
fn schedule(
    links: &[Link],
    buffers: &[Buffer],
    tiles: &[usize],
    is_last: &[bool],
    count: usize,
) -> Vec<Vec<[usize; 2]>> {
    let mut made = vec![0; buffers.len()];
    let mut table = Vec::with_capacity(count);
    for band in 1..=count {
        let mut ends = made.clone();
        // In the last, those rows too that nobody reads: who looks at values on their way sees all of them.
        for (at, buffer) in buffers.iter().enumerate().filter(|(at, _)| is_last[*at] || band == count) {
            ends[at] = ends[at].max((buffer.rows * band).div_ceil(count));
        }
        // Once is enough, since of the steps that write a part of a buffer each, none reads what another has written.
        for link in links.iter().rev() {
            let at = link.writes;
            // Rows that are computed together are made together.
            ends[at] = ends[at].next_multiple_of(tiles[at]).min(buffers[at].rows);
            if ends[at] > made[at] {
                let seen = link.reach.end(ends[at], link.rows);
                for &read in &link.reads {
                    ends[read] = ends[read].max(seen);
                }
            }
        }
        let mut bases = made.clone();
        for link in links.iter().filter(|link| made[link.writes] < buffers[link.writes].rows) {
            for &read in &link.reads {
                bases[read] = bases[read].min(link.reach.start(made[link.writes]));
            }
        }
        table.push(bases.into_iter().zip(&ends).map(|(base, &end)| [base, end]).collect());
        made = ends;
    }
    table
}
