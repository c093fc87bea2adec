//! Cross entropy from logits, fused with softmax, with its gradient.

use crate::check;
use crate::isa::dispatch;
use crate::simd::Simd;
use crate::softmax::{exp_row, exp_sum, row_max, scale_row};

/// Writes each image's loss, whether its label has the largest logit, and the gradient of the logits.
///
/// `losses[i] = log(sum of e^logits) - logits[label]`, computed around the largest logit; `dlogits = scale * (softmax -
/// onehot)`, where `scale` is one over the batch size for a mean. `correct[i]` is 1 where the label is the first of the
/// largest logits, else 0. `logits` and `dlogits` are `[n, classes]`, the others `[n]`.
///
/// # Panics
/// Where a slice has another length or a label is no class.
pub fn forward_gradient(
    n: usize,
    classes: usize,
    scale: f32,
    logits: &[f32],
    labels: &[u32],
    losses: &mut [f32],
    correct: &mut [u8],
    dlogits: &mut [f32],
) {
    check_common(n, classes, logits, labels, losses, correct);
    check::images("dlogits", dlogits, n, classes);
    if classes > 0 {
        dispatch!(gradient_body(
            classes: usize, scale: f32, logits: &[f32], labels: &[u32], losses: &mut [f32], correct: &mut [u8],
            dlogits: &mut [f32]
        ));
    }
}

/// Writes each image's loss and whether its label has the largest logit, as [`forward_gradient`] does.
///
/// # Panics
/// Where a slice has another length or a label is no class.
pub fn forward(n: usize, classes: usize, logits: &[f32], labels: &[u32], losses: &mut [f32], correct: &mut [u8]) {
    check_common(n, classes, logits, labels, losses, correct);
    if classes > 0 {
        dispatch!(forward_body(
            classes: usize, logits: &[f32], labels: &[u32], losses: &mut [f32], correct: &mut [u8]
        ));
    }
}

#[track_caller]
fn check_common(n: usize, classes: usize, logits: &[f32], labels: &[u32], losses: &[f32], correct: &[u8]) {
    check::images("logits", logits, n, classes);
    check::len("losses", losses, n);
    assert!(labels.len() == n, "`labels` must hold {n} labels and holds {}", labels.len());
    assert!(correct.len() == n, "`correct` must hold {n} bytes and holds {}", correct.len());
    assert!(labels.iter().all(|&label| (label as usize) < classes), "a label is not below the {classes} classes");
}

/// The loss of a row, and whether its label is the first of the largest logits.
#[inline(always)]
fn judge(logits: &[f32], label: u32, max: f32, sum: f32) -> (f32, u8) {
    let (before, rest) = logits.split_at(label as usize);
    let logit = rest.first().copied().unwrap_or(f32::NAN);
    let loss = (max - logit) + sum.ln();
    let correct = logit == max && !loss.is_nan() && before.iter().all(|&x| x < max);
    (loss, u8::from(correct))
}

#[inline(always)]
fn gradient_body<S: Simd>(
    s: S,
    classes: usize,
    scale: f32,
    logits: &[f32],
    labels: &[u32],
    losses: &mut [f32],
    correct: &mut [u8],
    dlogits: &mut [f32],
) {
    let rows = logits.chunks_exact(classes).zip(dlogits.chunks_exact_mut(classes));
    let results = losses.iter_mut().zip(correct);
    for (((logits, dlogits), &label), (loss, correct)) in rows.zip(labels).zip(results) {
        let max = row_max(s, logits);
        let sum = exp_row(s, max, logits, dlogits);
        (*loss, *correct) = judge(logits, label, max, sum);
        scale_row(s, scale / sum, dlogits);
        if let Some(dlogit) = dlogits.get_mut(label as usize) {
            *dlogit -= scale;
        }
    }
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, classes: usize, logits: &[f32], labels: &[u32], losses: &mut [f32], correct: &mut [u8]) {
    let results = losses.iter_mut().zip(correct);
    for ((logits, &label), (loss, correct)) in logits.chunks_exact(classes).zip(labels).zip(results) {
        let max = row_max(s, logits);
        (*loss, *correct) = judge(logits, label, max, exp_sum(s, max, logits));
    }
}
