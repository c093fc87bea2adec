//! Dense layers whose weights are mostly zero, as pruning leaves them: only blocks that have a weight are read.
//!
//! A block is what one input gives to eight outputs that stand together: eight weights, of which one at least is not zero.
//! The blocks of eight outputs follow each other in the order of their inputs, so that the sums stay in registers and
//! every weight is read once, in order; nothing is gathered but the inputs, one number for a whole block. At a weight in
//! twelve about 45 of 100 blocks are left: weights that are pruned one by one leave more blocks than weights.

use crate::aligned::AlignedVec;
use crate::check;
use crate::conv::Activation;
use crate::crew::{self, Floats};
use crate::dense::{self, Dense};
use crate::isa::dispatch;
use crate::layout::PANEL;
use crate::simd::{LANES, Simd};
use std::ops::Range;

/// Of a hundred blocks, the most that may have a weight: with more of them a dense layer is faster, or as fast.
/// `benches/sparse.rs` measures it.
const MOST: usize = 60;

/// Sums of a row of eight outputs, each of every so many blocks: the latency of an addition is that of several blocks.
const SUMS: usize = 4;

/// Rows that are computed together, where there are so many: a block is read once for all of them.
const ROWS: usize = 3;

/// The weights of a dense layer without the blocks that are zero.
#[derive(Clone, Debug)]
pub struct Sparse {
    g: Dense,
    /// For each eight outputs the number of the first block, and the number of all.
    starts: Vec<usize>,
    /// The input of each block, below `g.inputs`.
    inputs: Vec<u32>,
    /// Eight weights for each block.
    weights: AlignedVec,
}

impl Sparse {
    /// The sparse form of weights in [`Dense::weight_layout`], where it is worth it: `None` if too many blocks have a
    /// weight, or the memory cannot be had.
    ///
    /// # Panics
    /// Where the weights have another length.
    pub fn of(g: &Dense, w: &[f32]) -> Option<Sparse> {
        check::len("w", w, g.weight_layout().len());
        let eights = g.outputs.div_ceil(LANES);
        // A panel has the weights of two times eight outputs for each input.
        let block = |eight: usize, input: usize| {
            let at = (eight / 2 * g.inputs + input) * PANEL + eight % 2 * LANES;
            &w[at..at + LANES]
        };
        // All bits but the signs: without a branch for each weight.
        let is_kept = |eight: usize, input: usize| {
            block(eight, input).iter().fold(0, |bits, weight| bits | weight.to_bits() << 1) != 0
        };
        let count =
            (0..eights).map(|eight| (0..g.inputs).filter(|&input| is_kept(eight, input)).count()).sum::<usize>();
        let (all, last) = (eights.checked_mul(g.inputs)?, u32::try_from(g.inputs).ok()?);
        if count.checked_mul(100)? > all.checked_mul(MOST)? {
            return None;
        }
        let mut sparse = Sparse {
            g: *g,
            starts: Vec::with_capacity(eights + 1),
            inputs: Vec::with_capacity(count),
            weights: AlignedVec::zeroed(count * LANES).ok()?,
        };
        let mut rooms = sparse.weights.chunks_exact_mut(LANES);
        for eight in 0..eights {
            sparse.starts.push(sparse.inputs.len());
            for (at, input) in (0..last).enumerate().filter(|&(at, _)| is_kept(eight, at)) {
                sparse.inputs.push(input);
                // There is a room for each block that was counted.
                rooms.next().into_iter().for_each(|room| room.copy_from_slice(block(eight, at)));
            }
        }
        sparse.starts.push(sparse.inputs.len());
        Some(sparse)
    }

    /// Blocks that are kept.
    pub fn blocks(&self) -> usize {
        self.inputs.len()
    }
}

/// Writes what [`dense::forward`] does, from the sparse form of the weights where there is one, else from `w`.
///
/// The result for a row does not depend, to the bit, on the other rows of the call. It differs from that of the dense form in
/// the order of its sums. An input that is not finite has no effect where all weights of a block are zero.
///
/// # Panics
/// Where a slice has another length, or the sparse form is one of another geometry.
pub fn forward(
    g: &Dense,
    activation: Activation,
    n: usize,
    x: &[f32],
    w: &[f32],
    b: &[f32],
    y: &mut [f32],
    sparse: Option<&Sparse>,
) {
    let Some(sparse) = sparse else { return dense::forward(g, activation, n, x, w, b, y) };
    assert!(sparse.g == *g, "the sparse form is that of another layer");
    check::images("x", x, n, g.inputs);
    check::images("y", y, n, g.outputs);
    if !b.is_empty() {
        check::len("b", b, g.bias_layout().len());
    }
    let eights = g.outputs.div_ceil(LANES);
    let work = (n as u64).saturating_mul(sparse.weights.len() as u64);
    let parts = crew::parts(work).min(eights);
    let relu = activation == Activation::Relu;
    let y = Floats::new(y);
    crew::share(parts, &|part| {
        let eights = eights * part / parts..eights * (part + 1) / parts;
        dispatch_run(sparse, eights, relu, n, x, b, y);
    });
}

fn dispatch_run(sparse: &Sparse, eights: Range<usize>, relu: bool, n: usize, x: &[f32], b: &[f32], y: Floats) {
    dispatch!(run(sparse: &Sparse, eights: Range<usize>, relu: bool, n: usize, x: &[f32], b: &[f32], y: Floats))
}

/// Computes some eights of outputs for all rows. The lengths are checked, and nobody else writes these outputs.
#[inline(always)]
fn run<S: Simd>(s: S, sparse: &Sparse, eights: Range<usize>, relu: bool, n: usize, x: &[f32], b: &[f32], y: Floats) {
    let Dense { inputs, outputs } = sparse.g;
    for eight in eights {
        let blocks = sparse.starts[eight]..sparse.starts[eight + 1];
        let output = eight * LANES;
        let eight = Eight::<S> {
            inputs: &sparse.inputs[blocks.clone()],
            weights: sparse.weights[blocks.start * LANES..blocks.end * LANES].as_chunks().0,
            bias: s.load_head(b.get(output..).map_or(&[], |b| &b[..LANES.min(b.len())])),
            columns: LANES.min(outputs - output),
            relu,
        };
        let mut row = 0;
        while row + ROWS <= n {
            let x = std::array::from_fn(|i| &x[(row + i) * inputs..][..inputs]);
            eight.rows::<ROWS>(s, x, std::array::from_fn(|i| y.at((row + i) * outputs + output)));
            row += ROWS;
        }
        for row in row..n {
            eight.rows::<1>(s, [&x[row * inputs..][..inputs]], [y.at(row * outputs + output)]);
        }
    }
}

/// Eight outputs, or the last of them.
struct Eight<'a, S: Simd> {
    inputs: &'a [u32],
    weights: &'a [[f32; LANES]],
    bias: S::V,
    columns: usize,
    relu: bool,
}

impl<S: Simd> Eight<'_, S> {
    /// Computes them for some rows; `y` is where each row's go.
    #[inline(always)]
    fn rows<const R: usize>(&self, s: S, x: [&[f32]; R], y: [*mut f32; R]) {
        let mut sums = [[s.splat(0.0); SUMS]; R];
        let (inputs, last_inputs) = self.inputs.as_chunks::<SUMS>();
        let (weights, last_weights) = self.weights.as_chunks::<SUMS>();
        for (inputs, weights) in inputs.iter().zip(weights) {
            for j in 0..SUMS {
                self.add(s, &mut sums, j, x, inputs[j], &weights[j]);
            }
        }
        for (&input, weights) in last_inputs.iter().zip(last_weights) {
            self.add(s, &mut sums, 0, x, input, weights);
        }
        for i in 0..R {
            let [a, b, c, d] = sums[i];
            let mut sum = s.add(s.add(s.add(a, b), s.add(c, d)), self.bias);
            if self.relu {
                sum = s.max(s.splat(0.0), sum);
            }
            // SAFETY: `y` is where the columns of the row stand, which only this part writes.
            unsafe { s.store_masked(sum, y[i], s.mask(self.columns)) };
        }
    }

    /// Adds a block to the sums `j` of all rows.
    #[inline(always)]
    fn add<const R: usize>(
        &self,
        s: S,
        sums: &mut [[S::V; SUMS]; R],
        j: usize,
        x: [&[f32]; R],
        input: u32,
        weights: &[f32; LANES],
    ) {
        let weights = s.load(weights);
        for i in 0..R {
            debug_assert!((input as usize) < x[i].len());
            // SAFETY: a block's input is one of the layer's, and a row has all of these.
            let x = unsafe { s.splat_at(x[i].as_ptr().wrapping_add(input as usize)) };
            sums[i][j] = s.mul_add(x, weights, sums[i][j]);
        }
    }
}
