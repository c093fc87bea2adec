//! Huber's loss (1964), with its gradient: squares of small differences, absolute values of large ones.

use crate::check;
use crate::isa::dispatch;
use crate::simd::Simd;
use crate::value_loss::{ValueLoss, check_common, means, slopes};

/// Writes each image's loss and the gradient of the prediction.
///
/// `losses[i] = mean over len of d^2 / 2` where `|d| <= delta`, `delta (|d| - delta / 2)` elsewhere, with `d = y - target`;
/// `dy = scale / len * d`, with `d` cut off at `delta`.
/// `scale` is one over the batch size for a mean. `y`, `target` and `dy` are `[n, len]`, `losses` is `[n]`.
///
/// # Panics
/// Where a slice has another length.
pub fn forward_gradient(
    n: usize,
    len: usize,
    scale: f32,
    delta: f32,
    y: &[f32],
    target: &[f32],
    losses: &mut [f32],
    dy: &mut [f32],
) {
    check_common(n, len, y, target, losses);
    check::images("dy", dy, n, len);
    if len > 0 {
        let loss = Huber(delta);
        dispatch!(gradient_body(
            loss: Huber, len: usize, scale: f32, y: &[f32], target: &[f32], losses: &mut [f32], dy: &mut [f32]
        ));
    }
}

/// Writes each image's loss, as [`forward_gradient`] does.
///
/// # Panics
/// Where a slice has another length.
pub fn forward(n: usize, len: usize, delta: f32, y: &[f32], target: &[f32], losses: &mut [f32]) {
    check_common(n, len, y, target, losses);
    if len > 0 {
        let loss = Huber(delta);
        dispatch!(forward_body(loss: Huber, len: usize, y: &[f32], target: &[f32], losses: &mut [f32]));
    }
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, loss: Huber, len: usize, y: &[f32], target: &[f32], losses: &mut [f32]) {
    means(s, loss, len, y, target, losses);
}

#[inline(always)]
fn gradient_body<S: Simd>(
    s: S,
    loss: Huber,
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
struct Huber(f32);

impl ValueLoss for Huber {
    /// With `m` as `|d|` cut off at delta, `m (|d| - m / 2)` is both.
    #[inline(always)]
    fn loss<S: Simd>(self, s: S, y: S::V, target: S::V) -> S::V {
        let size = s.abs(s.sub(y, target));
        let small = s.min(s.splat(self.0), size);
        s.mul(small, s.sub(size, s.mul(s.splat(0.5), small)))
    }
    #[inline(always)]
    fn slope<S: Simd>(self, s: S, y: S::V, target: S::V) -> S::V {
        s.max(s.splat(-self.0), s.min(s.splat(self.0), s.sub(y, target)))
    }
}
