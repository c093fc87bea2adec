//! What the losses over values share: each image's mean of a function of the output and the target, and its gradient.

use crate::check;
use crate::simd::{LANES, Simd};

/// The loss of one value and its slope.
pub(crate) trait ValueLoss: Copy {
    fn loss<S: Simd>(self, s: S, y: S::V, target: S::V) -> S::V;
    fn slope<S: Simd>(self, s: S, y: S::V, target: S::V) -> S::V;
}

#[track_caller]
pub(crate) fn check_common(n: usize, len: usize, y: &[f32], target: &[f32], losses: &[f32]) {
    check::images("y", y, n, len);
    check::images("target", target, n, len);
    check::len("losses", losses, n);
}

/// Each image's mean; images of `len` values, at least one.
#[inline(always)]
pub(crate) fn means<S: Simd, L: ValueLoss>(s: S, loss: L, len: usize, y: &[f32], target: &[f32], losses: &mut [f32]) {
    for ((y, target), mean) in y.chunks_exact(len).zip(target.chunks_exact(len)).zip(losses) {
        let (ys, y_tail) = y.as_chunks::<LANES>();
        let (targets, target_tail) = target.as_chunks::<LANES>();
        let mut sum = s.splat(0.0);
        for (y, target) in ys.iter().zip(targets) {
            sum = s.add(sum, loss.loss(s, s.load(y), s.load(target)));
        }
        // What lanes beyond the end come to is not stored, and so not counted.
        let mut last = [0.0; LANES];
        let tail = loss.loss(s, s.load_head(y_tail), s.load_head(target_tail));
        s.store_head(tail, &mut last[..y_tail.len()]);
        *mean = s.sum(s.add(sum, s.load(&last))) / len as f32;
    }
}

/// `dy = factor * slope`.
#[inline(always)]
pub(crate) fn slopes<S: Simd, L: ValueLoss>(s: S, loss: L, factor: f32, y: &[f32], target: &[f32], dy: &mut [f32]) {
    let factor = s.splat(factor);
    let (ys, y_tail) = y.as_chunks::<LANES>();
    let (targets, target_tail) = target.as_chunks::<LANES>();
    let (dys, dy_tail) = dy.as_chunks_mut::<LANES>();
    for ((y, target), dy) in ys.iter().zip(targets).zip(dys) {
        s.store(s.mul(factor, loss.slope(s, s.load(y), s.load(target))), dy);
    }
    let tail = loss.slope(s, s.load_head(y_tail), s.load_head(target_tail));
    s.store_head(s.mul(factor, tail), dy_tail);
}
