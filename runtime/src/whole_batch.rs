//! Batch normalisation around the kernels: statistics of chunks merged in order, in the forms that steps hand over.

#![allow(clippy::too_many_arguments, reason = "a kernel's arguments are its tensors and their sizes")]

use netwright_kernels::batch_norm;

/// Normalises with running statistics; parameters come with their padding.
///
/// `x` and `y` are `[n, pixels, c]`.
///
/// # Panics
///
/// If the slices are shorter than the sizes say, as all kernels do.
pub fn infer(
    n: usize,
    pixels: usize,
    c: usize,
    epsilon: f32,
    x: &[f32],
    mean: &[f32],
    variance: &[f32],
    scale: &[f32],
    shift: &[f32],
    y: &mut [f32],
) {
    batch_norm::infer(n, pixels, c, epsilon, x, &mean[..c], &variance[..c], &scale[..c], &shift[..c], y);
}

#[cfg(feature = "train")]
pub use training::*;

#[cfg(feature = "train")]
mod training {
    use std::ops::Range;

    use netwright_kernels::{Slot, batch_norm};

    use crate::engine::Barrier;

    /// The gradient of the input of [`infer`](super::infer), from that of its output.
    ///
    /// # Panics
    ///
    /// If the slices are shorter than the sizes say, as all kernels do.
    pub fn frozen_gradient(
        n: usize,
        pixels: usize,
        c: usize,
        epsilon: f32,
        dy: &[f32],
        variance: &[f32],
        scale: &[f32],
        dx: &mut [f32],
    ) {
        batch_norm::frozen_gradient(n, pixels, c, epsilon, dy, &variance[..c], &scale[..c], dx);
    }

    /// A chunk's `[mean | sum of squared deviations]` of each channel; see the kernel.
    pub use batch_norm::partial;

    /// Merges the chunks' statistics into `[mean | inverse standard deviation]`, and updates the running ones.
    ///
    /// # Panics
    ///
    /// If slots or ranges lie outside, which the plan's verifier rules out.
    pub fn merge_statistics(
        barrier: &mut Barrier<'_>,
        partial: Slot,
        result: Range<usize>,
        pixels: usize,
        c: usize,
        epsilon: f32,
        momentum: f32,
        unbiased: bool,
        mean: Range<usize>,
        variance: Range<usize>,
    ) {
        let mut count = 0;
        let partials = barrier.partials(partial);
        let stats = &mut barrier.shared[result];
        for (images, part) in partials {
            if count == 0 {
                stats.copy_from_slice(part);
            } else {
                batch_norm::merge(count, stats, images * pixels, part);
            }
            count += images * pixels;
        }
        let rule = batch_norm::Running { momentum, unbiased };
        if let Ok([mean, variance]) = barrier.parameters.get_disjoint_mut([mean, variance]) {
            batch_norm::running(rule, count, stats, &mut mean[..c], &mut variance[..c]);
        }
        batch_norm::finish(count, epsilon, stats);
    }

    /// `scale (x - mean) inverse + shift` with the batch's `stats`.
    pub fn normalise(
        n: usize,
        pixels: usize,
        c: usize,
        x: &[f32],
        stats: &[f32],
        scale: &[f32],
        shift: &[f32],
        y: &mut [f32],
    ) {
        batch_norm::apply(n, pixels, c, x, &stats[..c], &stats[c..], &scale[..c], &shift[..c], y);
    }

    /// A chunk's `[sum of dy | sum of dy times the normalised x]` of each channel.
    pub fn gradient_partial(n: usize, pixels: usize, c: usize, x: &[f32], stats: &[f32], dy: &[f32], out: &mut [f32]) {
        batch_norm::gradient_partial(n, pixels, c, x, &stats[..c], &stats[c..], dy, out);
    }

    /// Sums the chunks' sums in order; they are also the gradients of shift and scale.
    ///
    /// # Panics
    ///
    /// If slots or ranges lie outside, which the plan's verifier rules out.
    pub fn merge_gradients(
        barrier: &mut Barrier<'_>,
        partial: Slot,
        result: Range<usize>,
        c: usize,
        scale: Range<usize>,
        shift: Range<usize>,
    ) {
        let partials = barrier.partials(partial);
        let sums = &mut barrier.shared[result];
        sums.fill(0.0);
        for (_, part) in partials {
            netwright_kernels::binary::add_into(part, sums);
        }
        netwright_kernels::binary::add_into(&sums[..c], &mut barrier.gradients[shift][..c]);
        netwright_kernels::binary::add_into(&sums[c..], &mut barrier.gradients[scale][..c]);
    }

    /// The gradient of the input, `[n, pixels, c]`, in a batch of so many images.
    pub fn gradient(
        n: usize,
        batch: usize,
        pixels: usize,
        c: usize,
        x: &[f32],
        stats: &[f32],
        sums: &[f32],
        scale: &[f32],
        dy: &[f32],
        dx: &mut [f32],
    ) {
        let count = batch * pixels;
        batch_norm::gradient(n, pixels, c, count, x, &stats[..c], &stats[c..], &scale[..c], sums, dy, dx);
    }
}
