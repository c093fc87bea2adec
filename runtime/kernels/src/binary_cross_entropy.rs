//! Binary cross entropy from logits, each value by itself, with its gradient.

use crate::check;
use crate::isa::dispatch;
use crate::math;
use crate::simd::Simd;
use crate::value_loss::{ValueLoss, check_common, means, slopes};

/// Writes each image's loss and the gradient of the prediction.
///
/// `losses[i] = mean over len of ln(1 + e^y) - target * y`, computed so that nothing overflows; `dy = scale / len *
/// (sigmoid(y) - target)`. Targets are probabilities of the class that a large logit speaks for: 0, 1 or between.
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
        let loss = Logits;
        dispatch!(gradient_body(
            loss: Logits, len: usize, scale: f32, y: &[f32], target: &[f32], losses: &mut [f32], dy: &mut [f32]
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
        let loss = Logits;
        dispatch!(forward_body(loss: Logits, len: usize, y: &[f32], target: &[f32], losses: &mut [f32]));
    }
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, loss: Logits, len: usize, y: &[f32], target: &[f32], losses: &mut [f32]) {
    means(s, loss, len, y, target, losses);
}

#[inline(always)]
fn gradient_body<S: Simd>(
    s: S,
    loss: Logits,
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
struct Logits;

impl ValueLoss for Logits {
    /// `max(y, 0) - target y + ln(1 + e^-|y|)`
    #[inline(always)]
    fn loss<S: Simd>(self, s: S, y: S::V, target: S::V) -> S::V {
        let zero = s.splat(0.0);
        let small = math::exp(s, s.min(s.sub(zero, y), y));
        let linear = s.sub(s.max(zero, y), s.mul(target, y));
        s.add(linear, math::ln_one_plus(s, small))
    }
    #[inline(always)]
    fn slope<S: Simd>(self, s: S, y: S::V, target: S::V) -> S::V {
        s.sub(math::sigmoid(s, y), target)
    }
}
