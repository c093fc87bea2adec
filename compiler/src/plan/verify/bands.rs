//! Checks the bands of a plan, by going through them: every row is made once and read while it is at hand.

use std::collections::HashMap;

use crate::ir::{Node, ValueId};
use crate::ops::Storage;
use crate::plan::{Bands, Plan};

/// Checks every run of bands.
pub(super) fn check(plan: &Plan) -> Result<(), String> {
    let mut end = 0;
    for bands in &plan.bands {
        let steps = plan.stages.first().and_then(|stage| stage.steps.get(bands.steps.clone()));
        let (Some(steps), 1, 1) = (steps, plan.chunk, plan.stages.len()) else {
            return Err("bands of several images, stages, or no steps".to_owned());
        };
        if bands.steps.start < end || steps.is_empty() {
            return Err("runs of bands are out of order".to_owned());
        }
        end = bands.steps.end;
        let nodes: Vec<&Node> = steps.iter().map(|id| &plan.graph.nodes[id.0 as usize]).collect();
        let none = vec![0; bands.buffers.len()];
        Walk { plan, bands, made: HashMap::new(), over: HashMap::new(), bases: none.clone(), ends: none }
            .run(&nodes)?;
    }
    Ok(())
}

/// A way through the bands of a run.
struct Walk<'a> {
    plan: &'a Plan,
    bands: &'a Bands,
    /// The rows of each value that steps of the run have made so far.
    made: HashMap<ValueId, usize>,
    /// What is written over a value.
    over: HashMap<ValueId, ValueId>,
    /// The first row that each buffer holds.
    bases: Vec<usize>,
    /// The row after the last that bands before have made of each buffer.
    ends: Vec<usize>,
}

impl Walk<'_> {
    fn run(mut self, nodes: &[&Node]) -> Result<(), String> {
        for node in nodes {
            self.check_wholes(node, nodes)?;
        }
        for band in &self.bands.table {
            let mut is_kept = vec![false; self.bands.buffers.len()];
            for node in nodes {
                self.step(node, band, &mut is_kept)?;
            }
            self.ends = band.iter().map(|&[_, end]| end).collect();
        }
        for node in nodes {
            // A buffer that only the run uses need not be made to its end, unless its rows are summed or come with other results.
            let needs_all = node.results.len() != 1;
            let has_buffer = |&&value: &&ValueId| self.buffer(value).is_some();
            let Some(&value) = node.results.first().or(node.args.iter().find(has_buffer)) else { continue };
            let Some(index) = self.buffer(value) else { continue };
            let (buffer, made) = (&self.bands.buffers[index], self.made.get(&value).unwrap_or(&self.ends[index]));
            if (needs_all || !buffer.is_cut()) && *made < buffer.rows {
                return Err(format!("{made} of {} rows of `{}` are made", buffer.rows, self.name(value)));
            }
        }
        Ok(())
    }

    fn step(&mut self, node: &Node, band: &[[usize; 2]], is_kept: &mut [bool]) -> Result<(), String> {
        let operation = node.op.operation();
        let Some(result) = node.results.first() else { return self.sum(node, band) };
        let index = self.buffer(*result).ok_or_else(|| format!("`{}` has no buffer", self.name(*result)))?;
        let (&[base, end], buffer) = (&band[index], &self.bands.buffers[index]);
        let first = self.made.get(result).copied().unwrap_or(0);
        let dims = |value: ValueId| self.plan.graph.shape(value).dims().get(..2);
        if dims(*result) != dims(buffer.value) {
            return Err(format!("`{}` has other rows than its buffer", self.name(*result)));
        }
        if !std::mem::replace(&mut is_kept[index], true) {
            if base < self.bases[index] || end.saturating_sub(base) > buffer.capacity || end > buffer.rows {
                return Err(format!(
                    "rows {base} to {end} of `{}` in a buffer of {}",
                    self.name(*result),
                    buffer.capacity
                ));
            }
            self.bases[index] = base;
        }
        if end < first || base > first {
            return Err(format!("row {first} of `{}` is not made", self.name(*result)));
        }
        for (operand, &arg) in node.args.iter().enumerate() {
            let Some(reach) = operation.reach_of(operand) else { continue };
            let rows = self.plan.graph.shape(arg).dims().first().copied().unwrap_or(0);
            let (start, seen) = (reach.start(first), if end > first { reach.end(end, rows) } else { 0 });
            let at = self.buffer(arg);
            let made = self.made.get(&arg).copied();
            // What the run does not make is there as a whole.
            let (low, high) = match (at, made) {
                (Some(at), Some(made)) => (self.bases[at], made),
                (_, None) => (0, rows),
                (None, Some(made)) => (0, made),
            };
            if end > first && (start.min(seen) < low || seen > high) {
                return Err(format!(
                    "`{}` reads rows {start} to {seen} of `{}`, of which {low} to {high} are at hand",
                    node.op,
                    self.name(arg)
                ));
            }
            let is_over = at == Some(index) && operation.storage() == Storage::InPlace(operand);
            let written = self.over.get(&arg).filter(|other| *other != result).and_then(|other| self.made.get(other));
            if end > first && written.is_some_and(|&rows| start < rows) {
                return Err(format!("`{}` reads rows of `{}` that are written over", node.op, self.name(arg)));
            }
            if is_over {
                self.over.insert(arg, *result);
            }
            if is_over && reach != crate::ops::Reach::SAME {
                return Err(format!("`{}` writes over rows that it reads", node.op));
            }
        }
        self.made.insert(*result, end);
        Ok(())
    }

    /// Every step can go in bands, and operands that it needs as a whole, and its results after the first, are not made by rows.
    fn check_wholes(&self, node: &Node, nodes: &[&Node]) -> Result<(), String> {
        let operation = node.op.operation();
        if operation.reach().is_none() {
            return Err(format!("`{}` cannot go in bands", node.op));
        }
        let wholes = node.args.iter().enumerate().filter(|(operand, _)| operation.reach_of(*operand).is_none());
        for (_, &arg) in wholes {
            if self.buffer(arg).is_some() || nodes.iter().any(|node| node.results.contains(&arg)) {
                return Err(format!("`{}` needs all of `{}` in bands", node.op, self.name(arg)));
            }
        }
        let mut later = node.results.iter().skip(1);
        match later.find(|&&result| nodes.iter().any(|node| node.args.contains(&result))) {
            Some(&result) => Err(format!("`{}` is read by rows", self.name(result))),
            None => Ok(()),
        }
    }

    /// A step without a result: it takes the rows that the band has made of its operands.
    fn sum(&self, node: &Node, band: &[[usize; 2]]) -> Result<(), String> {
        let operation = node.op.operation();
        let mut by_rows = node.args.iter().enumerate().filter(|(operand, _)| operation.reach_of(*operand).is_some());
        let Some((_, &arg)) = by_rows.next().filter(|_| by_rows.next().is_none()) else {
            return Err(format!("`{}` has other than one operand to go by", node.op));
        };
        let index = self.buffer(arg).ok_or_else(|| format!("`{}` has no buffer", self.name(arg)))?;
        let [base, end] = band[index];
        let made = self.made.get(&arg).copied().unwrap_or(if base == 0 { end } else { 0 });
        if base > self.ends[index] || made < end {
            return Err(format!(
                "`{}` takes rows {} to {end} of `{}`, of which {base} to {made} are at hand",
                node.op,
                self.ends[index],
                self.name(arg)
            ));
        }
        Ok(())
    }

    fn buffer(&self, value: ValueId) -> Option<usize> {
        self.plan.buffer_in(self.bands, value)
    }

    fn name(&self, value: ValueId) -> &str {
        &self.plan.graph.value(value).name
    }
}
