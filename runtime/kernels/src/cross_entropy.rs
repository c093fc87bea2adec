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

/// What a target is, where it is more than the class alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Targets<'a> {
    /// How much of a target is spread evenly over all classes (Szegedy et al., 2016), from 0 to 1.
    pub smoothing: f32,
    /// How much each class counts; none where all count the same.
    pub weights: &'a [f32],
}

impl Targets<'_> {
    #[track_caller]
    fn check(self, classes: usize) {
        assert!((0.0..=1.0).contains(&self.smoothing), "the smoothing must be from 0 to 1 and is {}", self.smoothing);
        if !self.weights.is_empty() {
            check::len("weights", self.weights, classes);
        }
    }

    /// The weight of a class.
    #[inline(always)]
    fn weight(self, class: usize) -> f32 {
        self.weights.get(class).copied().unwrap_or(1.0)
    }
}

/// [`forward_gradient`] for targets `t = (1 - smoothing) * onehot + smoothing / classes`, each class with its weight.
///
/// `losses[i] = sum over classes of weight * t * (log(sum of e^logits) - logit)`, as PyTorch has it; `dlogits = scale *
/// (softmax * sum of weight * t - weight * t)`. Where classes have weights, `scale` is one over the sum of the weights of
/// the batch's labels for their weighted mean.
///
/// # Panics
/// As [`forward_gradient`], where there is another number of weights than classes, or where the smoothing is not in
/// `0..=1`.
pub fn target_forward_gradient(
    n: usize,
    classes: usize,
    scale: f32,
    targets: Targets<'_>,
    logits: &[f32],
    labels: &[u32],
    losses: &mut [f32],
    correct: &mut [u8],
    dlogits: &mut [f32],
) {
    check_common(n, classes, logits, labels, losses, correct);
    check::images("dlogits", dlogits, n, classes);
    targets.check(classes);
    if classes > 0 {
        dispatch!(target_gradient_body(
            classes: usize, scale: f32, targets: Targets, logits: &[f32], labels: &[u32], losses: &mut [f32],
            correct: &mut [u8], dlogits: &mut [f32]
        ));
    }
}

/// Writes each image's loss and whether its label has the largest logit, as [`target_forward_gradient`] does.
///
/// # Panics
/// As [`target_forward_gradient`].
pub fn target_forward(
    n: usize,
    classes: usize,
    targets: Targets<'_>,
    logits: &[f32],
    labels: &[u32],
    losses: &mut [f32],
    correct: &mut [u8],
) {
    check_common(n, classes, logits, labels, losses, correct);
    targets.check(classes);
    if classes > 0 {
        dispatch!(target_forward_body(
            classes: usize, targets: Targets, logits: &[f32], labels: &[u32], losses: &mut [f32], correct: &mut [u8]
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

/// A row's loss for its target, and the sum of its weighted targets; `log` is the logarithm of the sum of exponentials.
#[inline(always)]
fn weigh(targets: Targets<'_>, logits: &[f32], label: u32, max: f32, log: f32) -> (f32, f32) {
    let label = label as usize;
    let logit = logits.get(label).copied().unwrap_or(f32::NAN);
    let sharp = (1.0 - targets.smoothing) * targets.weight(label);
    let (mut loss, mut sum) = (sharp * ((max - logit) + log), sharp);
    // Not where nothing is smoothed: a logit of minus infinity would count zero times infinity.
    if targets.smoothing > 0.0 {
        let share = f64::from(targets.smoothing) / logits.len() as f64;
        let (mut spread, mut weights) = (0.0_f64, 0.0_f64);
        for (class, logit) in logits.iter().enumerate() {
            let weight = targets.weight(class);
            spread += f64::from(weight * ((max - logit) + log));
            weights += f64::from(weight);
        }
        loss += (share * spread) as f32;
        sum += (share * weights) as f32;
    }
    (loss, sum)
}

#[inline(always)]
fn target_gradient_body<S: Simd>(
    s: S,
    classes: usize,
    scale: f32,
    targets: Targets<'_>,
    logits: &[f32],
    labels: &[u32],
    losses: &mut [f32],
    correct: &mut [u8],
    dlogits: &mut [f32],
) {
    let share = scale * targets.smoothing / classes as f32;
    let rows = logits.chunks_exact(classes).zip(dlogits.chunks_exact_mut(classes));
    let results = losses.iter_mut().zip(correct);
    for (((logits, dlogits), &label), (loss, correct)) in rows.zip(labels).zip(results) {
        let max = row_max(s, logits);
        let sum = exp_row(s, max, logits, dlogits);
        let of_targets;
        (_, *correct) = judge(logits, label, max, sum);
        (*loss, of_targets) = weigh(targets, logits, label, max, sum.ln());
        scale_row(s, scale * of_targets / sum, dlogits);
        if let Some(dlogit) = dlogits.get_mut(label as usize) {
            *dlogit -= scale * (1.0 - targets.smoothing) * targets.weight(label as usize);
        }
        if share > 0.0 {
            for (class, dlogit) in dlogits.iter_mut().enumerate() {
                *dlogit -= share * targets.weight(class);
            }
        }
    }
}

#[inline(always)]
fn target_forward_body<S: Simd>(
    s: S,
    classes: usize,
    targets: Targets<'_>,
    logits: &[f32],
    labels: &[u32],
    losses: &mut [f32],
    correct: &mut [u8],
) {
    let results = losses.iter_mut().zip(correct);
    for ((logits, &label), (loss, correct)) in logits.chunks_exact(classes).zip(labels).zip(results) {
        let max = row_max(s, logits);
        let sum = exp_sum(s, max, logits);
        (_, *correct) = judge(logits, label, max, sum);
        (*loss, _) = weigh(targets, logits, label, max, sum.ln());
    }
}
