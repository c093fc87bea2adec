//! Mean absolute error, with its gradient.

use crate::check;
use crate::isa::dispatch;
use crate::simd::Simd;
use crate::value_loss::{ValueLoss, check_common, means, slopes};

/// Writes each image's loss and the gradient of the prediction.
///
/// `losses[i] = mean over len of |y - target|`; `dy = scale / len * sign(y - target)`, zero where they are the same.
/// `scale` is one over the batch size for a mean. `y`, `target` and `dy` are `[n, len]`, `losses` is `[n]`.
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
        let loss = Absolute;
        dispatch!(gradient_body(
            loss: Absolute, len: usize, scale: f32, y: &[f32], target: &[f32], losses: &mut [f32], dy: &mut [f32]
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
        let loss = Absolute;
        dispatch!(forward_body(loss: Absolute, len: usize, y: &[f32], target: &[f32], losses: &mut [f32]));
    }
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, loss: Absolute, len: usize, y: &[f32], target: &[f32], losses: &mut [f32]) {
    means(s, loss, len, y, target, losses);
}

#[inline(always)]
fn gradient_body<S: Simd>(
    s: S,
    loss: Absolute,
    len: usize,
    scale: f32,
    y: &[f32],
    target: &[f32],
    losses: &mut [f32],
    dy: &mut [f32],
) {
    means(s, loss, len, y, target, losses);
    slopes(s, loss, scale / len as f32, y, target, dy);
}

#[derive(Clone, Copy)]
struct Absolute;

impl ValueLoss for Absolute {
    #[inline(always)]
    fn loss<S: Simd>(self, s: S, y: S::V, target: S::V) -> S::V {
        s.abs(s.sub(y, target))
    }
    #[inline(always)]
    fn slope<S: Simd>(self, s: S, y: S::V, target: S::V) -> S::V {
        let (zero, d) = (s.splat(0.0), s.sub(y, target));
        // Neither above nor below zero: zero, or a NaN.
        let rest = s.select(s.gt(zero, d), s.splat(-1.0), d);
        s.select(s.gt(d, zero), s.splat(1.0), rest)
    }
}
