//! Mean squared error, with its gradient.

use crate::check;
use crate::isa::dispatch;
use crate::simd::{LANES, Simd};

/// Writes each image's loss and the gradient of the prediction.
///
/// `losses[i] = mean over len of (y - target)^2`, `dy = scale * 2 / len * (y - target)`, where `scale` is one over the
/// batch size for a mean. `y`, `target` and `dy` are `[n, len]`, `losses` is `[n]`.
///
/// # Panics
/// Where a slice has another length.
pub fn forward_gradient(
    n: usize,
    len: usize,
    scale: f32,
    y: &[f32],
    target: &[f32],
    losses: &mut [f32],
    dy: &mut [f32],
) {
    check_common(n, len, y, target, losses);
    check::images("dy", dy, n, len);
    if len > 0 {
        dispatch!(gradient_body(
            len: usize, scale: f32, y: &[f32], target: &[f32], losses: &mut [f32], dy: &mut [f32]
        ));
    }
}

/// Writes each image's loss, as [`forward_gradient`] does.
///
/// # Panics
/// Where a slice has another length.
pub fn forward(n: usize, len: usize, y: &[f32], target: &[f32], losses: &mut [f32]) {
    check_common(n, len, y, target, losses);
    if len > 0 {
        dispatch!(forward_body(len: usize, y: &[f32], target: &[f32], losses: &mut [f32]));
    }
}

#[track_caller]
fn check_common(n: usize, len: usize, y: &[f32], target: &[f32], losses: &[f32]) {
    check::images("y", y, n, len);
    check::images("target", target, n, len);
    check::len("losses", losses, n);
}

#[inline(always)]
fn mean_square<S: Simd>(s: S, y: &[f32], target: &[f32]) -> f32 {
    let (ys, y_tail) = y.as_chunks::<LANES>();
    let (targets, target_tail) = target.as_chunks::<LANES>();
    let d = s.sub(s.load_head(y_tail), s.load_head(target_tail));
    let mut sum = s.mul(d, d);
    for (y, target) in ys.iter().zip(targets) {
        let d = s.sub(s.load(y), s.load(target));
        sum = s.mul_add(d, d, sum);
    }
    s.sum(sum) / y.len() as f32
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, len: usize, y: &[f32], target: &[f32], losses: &mut [f32]) {
    for ((y, target), loss) in y.chunks_exact(len).zip(target.chunks_exact(len)).zip(losses) {
        *loss = mean_square(s, y, target);
    }
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, len: usize, scale: f32, y: &[f32], target: &[f32], losses: &mut [f32], dy: &mut [f32]) {
    forward_body(s, len, y, target, losses);
    let factor = scale * 2.0 / len as f32;
    for ((y, target), dy) in y.iter().zip(target).zip(dy) {
        *dy = factor * (y - target);
    }
}
