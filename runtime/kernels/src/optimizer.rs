//! Optimisers' updates, as loops over equally long parts of parameters, gradients and state.
//!
//! State starts as zeros. The results have the same bits under every instruction set. Padding, zero in parameters,
//! gradients and state, stays zero.

use crate::check;
use crate::isa::dispatch;
use crate::simd::Simd;

/// Stochastic gradient descent, with momentum (Sutskever et al., 2013, for Nesterov's).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// The learning rate.
    pub lr: f32,
    /// What stays of the velocity.
    pub momentum: f32,
    /// Whether the gradient is looked up ahead, as Nesterov has it.
    pub nesterov: bool,
    /// What of the parameter is added to its gradient.
    pub weight_decay: f32,
}

/// Adam (Kingma and Ba, 2015) and AdamW (Loshchilov and Hutter, 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// The learning rate.
    pub lr: f32,
    /// What stays of the mean of gradients.
    pub beta1: f32,
    /// What stays of the mean of squared gradients.
    pub beta2: f32,
    /// Added to the root of the mean square.
    pub epsilon: f32,
    /// Whether epsilon is added before the bias of the mean square is corrected ("epsilon hat" in the paper, and
    /// Keras); after it, as PyTorch does, otherwise.
    pub epsilon_hat: bool,
    /// Weight decay; see [`Adam::decoupled`].
    pub weight_decay: f32,
    /// Whether decay shrinks the parameter by `lr * weight_decay` of itself (AdamW); it joins the gradient otherwise.
    pub decoupled: bool,
}

/// RMSprop (Hinton, Coursera lecture 6e, 2012), with momentum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// The learning rate.
    pub lr: f32,
    /// What stays of the mean of squared gradients.
    pub rho: f32,
    /// Added to the root of the mean square.
    pub epsilon: f32,
    /// What stays of the velocity.
    pub momentum: f32,
    /// What of the parameter is added to its gradient.
    pub weight_decay: f32,
}

/// One step: `v = momentum * v + g; p -= lr * v`, or with Nesterov `p -= lr * (g + momentum * v)`.
///
/// `velocity` may be empty where the momentum is zero.
///
/// # Panics
/// Where the slices differ in length.
pub fn sgd(rule: &Sgd, p: &mut [f32], g: &[f32], velocity: &mut [f32]) {
    check::len("g", g, p.len());
    if rule.momentum == 0.0 && velocity.is_empty() {
        dispatch!(plain_sgd_body(rule: &Sgd, p: &mut [f32], g: &[f32]));
    } else {
        check::len("velocity", velocity, p.len());
        dispatch!(sgd_body(rule: &Sgd, p: &mut [f32], g: &[f32], velocity: &mut [f32]));
    }
}

/// Step number `step`, counted from one.
///
/// `m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2; p -= lr * m' / (sqrt(v') + epsilon)`, where `m'`
/// and `v'` are `m / (1 - beta1^step)` and `v / (1 - beta2^step)`.
///
/// # Panics
/// Where the slices differ in length or `step` is zero.
pub fn adam(rule: &Adam, step: u64, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    check::len("g", g, p.len());
    check::len("m", m, p.len());
    check::len("v", v, p.len());
    assert!(step > 0, "steps are counted from one");
    let correction1 = 1.0 - power(rule.beta1, step);
    let root2 = (1.0 - power(rule.beta2, step)).sqrt();
    let lr = f64::from(rule.lr);
    let scaled = if rule.epsilon_hat {
        AdamStep { size: (lr * root2 / correction1) as f32, root: 1.0 }
    } else {
        AdamStep { size: (lr / correction1) as f32, root: (1.0 / root2) as f32 }
    };
    dispatch!(adam_body(rule: &Adam, scaled: AdamStep, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]))
}

/// One step: `v = rho * v + (1 - rho) * g^2; u = momentum * u + g / (sqrt(v) + epsilon); p -= lr * u`.
///
/// `velocity`, which is `u`, may be empty where the momentum is zero.
///
/// # Panics
/// Where the slices differ in length.
pub fn rmsprop(rule: &RmsProp, p: &mut [f32], g: &[f32], v: &mut [f32], velocity: &mut [f32]) {
    check::len("g", g, p.len());
    check::len("v", v, p.len());
    if rule.momentum == 0.0 && velocity.is_empty() {
        dispatch!(plain_rmsprop_body(rule: &RmsProp, p: &mut [f32], g: &[f32], v: &mut [f32]));
    } else {
        check::len("velocity", velocity, p.len());
        dispatch!(rmsprop_body(rule: &RmsProp, p: &mut [f32], g: &[f32], v: &mut [f32], velocity: &mut [f32]));
    }
}

/// `base^exponent` by squaring: the same bits on every machine.
fn power(base: f32, mut exponent: u64) -> f64 {
    let (mut square, mut power) = (f64::from(base), 1.0);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    power
}

/// The bias corrections of a step: of the learning rate, and of the root of the mean square.
#[derive(Clone, Copy)]
struct AdamStep {
    size: f32,
    root: f32,
}

#[inline(always)]
fn plain_sgd_body<S: Simd>(_s: S, rule: &Sgd, p: &mut [f32], g: &[f32]) {
    for (p, g) in p.iter_mut().zip(g) {
        *p -= rule.lr * (g + rule.weight_decay * *p);
    }
}

#[inline(always)]
fn sgd_body<S: Simd>(_s: S, rule: &Sgd, p: &mut [f32], g: &[f32], velocity: &mut [f32]) {
    for ((p, g), velocity) in p.iter_mut().zip(g).zip(velocity) {
        let g = g + rule.weight_decay * *p;
        *velocity = rule.momentum * *velocity + g;
        *p -= rule.lr * if rule.nesterov { g + rule.momentum * *velocity } else { *velocity };
    }
}

#[inline(always)]
fn adam_body<S: Simd>(_s: S, rule: &Adam, step: AdamStep, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    let (new1, new2) = (1.0 - rule.beta1, 1.0 - rule.beta2);
    let (joined, shrink) = if rule.decoupled { (0.0, rule.lr * rule.weight_decay) } else { (rule.weight_decay, 0.0) };
    for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
        let g = g + joined * *p;
        *m = rule.beta1 * *m + new1 * g;
        *v = rule.beta2 * *v + new2 * (g * g);
        *p -= shrink * *p;
        *p -= step.size * *m / (v.sqrt() * step.root + rule.epsilon);
    }
}

#[inline(always)]
fn plain_rmsprop_body<S: Simd>(_s: S, rule: &RmsProp, p: &mut [f32], g: &[f32], v: &mut [f32]) {
    let new = 1.0 - rule.rho;
    for ((p, g), v) in p.iter_mut().zip(g).zip(v) {
        let g = g + rule.weight_decay * *p;
        *v = rule.rho * *v + new * (g * g);
        *p -= rule.lr * (g / (v.sqrt() + rule.epsilon));
    }
}

#[inline(always)]
fn rmsprop_body<S: Simd>(_s: S, rule: &RmsProp, p: &mut [f32], g: &[f32], v: &mut [f32], velocity: &mut [f32]) {
    let new = 1.0 - rule.rho;
    for (((p, g), v), velocity) in p.iter_mut().zip(g).zip(v).zip(velocity) {
        let g = g + rule.weight_decay * *p;
        *v = rule.rho * *v + new * (g * g);
        *velocity = rule.momentum * *velocity + g / (v.sqrt() + rule.epsilon);
        *p -= rule.lr * *velocity;
    }
}
