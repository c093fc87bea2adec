//! Local response normalisation across channels (Krizhevsky et al., 2012), with PyTorch's `alpha / size`.

use crate::check;
use crate::isa::dispatch;
use crate::simd::{LANES, Simd};

/// The sizes and constants of a normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lrn {
    /// Channels.
    pub c: usize,
    /// Channels in a window: `size / 2` before a channel, itself, and `(size - 1) / 2` after it.
    pub size: usize,
    /// What the mean of the squares counts. The window's mean is over `size`, even where it leaves the channels.
    pub alpha: f32,
    /// The power.
    pub beta: f32,
    /// What is added to the mean, above zero.
    pub k: f32,
}

/// Writes `y[i] = x[i] / (k + alpha / size * sum over the window of x^2)^beta` for each of `rows` rows of `c` channels.
///
/// # Panics
/// Where a slice has not `rows * c` floats or a size is zero.
pub fn forward(lrn: &Lrn, rows: usize, x: &[f32], y: &mut [f32]) {
    check_common(lrn, rows, x);
    check::len("y", y, x.len());
    dispatch!(forward_body(lrn: &Lrn, x: &[f32], y: &mut [f32]));
}

/// Writes `dx[i] = dy[i] s[i]^-beta - 2 alpha beta / size x[i] t[i]`, where `s` is what [`forward`] raises to the power and
/// `t[i]` the sum of `dy x s^(-beta - 1)` over the channels whose windows hold `i`. `work` has at least `c` floats, and
/// no meaning after the call.
///
/// # Panics
/// Where a slice has another length or a size is zero.
pub fn gradient(lrn: &Lrn, rows: usize, x: &[f32], dy: &[f32], work: &mut [f32], dx: &mut [f32]) {
    check_common(lrn, rows, x);
    check::len("dy", dy, x.len());
    check::len("dx", dx, x.len());
    assert!(work.len() >= lrn.c, "`work` must hold at least {} floats and holds {}", lrn.c, work.len());
    let work = &mut work[..lrn.c];
    dispatch!(gradient_body(lrn: &Lrn, x: &[f32], dy: &[f32], work: &mut [f32], dx: &mut [f32]));
}

#[track_caller]
fn check_common(lrn: &Lrn, rows: usize, x: &[f32]) {
    assert!(lrn.c > 0 && lrn.size > 0, "channels and window must not be empty");
    check::images("x", x, rows, lrn.c);
}

/// Adds to each `out[i]` the squares of `x[i - before ..= i + after]`, as far as there are such channels.
#[inline(always)]
fn add_square_windows(before: usize, after: usize, x: &[f32], out: &mut [f32]) {
    let c = x.len();
    for shift in (1..=before.min(c - 1)).rev() {
        for (out, x) in out[shift..].iter_mut().zip(x) {
            *out += x * x;
        }
    }
    for shift in 0..=after.min(c - 1) {
        for (out, x) in out.iter_mut().zip(&x[shift..]) {
            *out += x * x;
        }
    }
}

/// Writes what is raised to the power for a row, `k + alpha / size * sum of squares`.
#[inline(always)]
fn scales<S: Simd>(s: S, lrn: &Lrn, x: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    add_square_windows(lrn.size / 2, (lrn.size - 1) / 2, x, out);
    let (factor, k) = (s.splat(lrn.alpha / lrn.size as f32), s.splat(lrn.k));
    let (outs, tail) = out.as_chunks_mut::<LANES>();
    for out in outs {
        s.store(s.mul_add(s.load(out), factor, k), out);
    }
    s.store_head(s.mul_add(s.load_head(tail), factor, k), tail);
}

/// `scale^-beta`: roots where `beta` is 3/4, as it mostly is, or 1/2.
#[inline(always)]
fn power<S: Simd>(s: S, beta: f32, scale: S::V) -> S::V {
    let one = s.splat(1.0);
    if beta == 0.75 {
        let root = s.sqrt(scale);
        return s.div(one, s.mul(root, s.sqrt(root)));
    }
    if beta == 0.5 {
        return s.div(one, s.sqrt(scale));
    }
    let mut lanes = s.lanes(scale);
    for lane in &mut lanes {
        *lane = lane.powf(-beta);
    }
    s.load(&lanes)
}

#[inline(always)]
fn forward_body<S: Simd>(s: S, lrn: &Lrn, x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks_exact(lrn.c).zip(y.chunks_exact_mut(lrn.c)) {
        scales(s, lrn, x, y);
        let (xs, x_tail) = x.as_chunks::<LANES>();
        let (ys, y_tail) = y.as_chunks_mut::<LANES>();
        for (x, y) in xs.iter().zip(ys) {
            s.store(s.mul(s.load(x), power(s, lrn.beta, s.load(y))), y);
        }
        let scale = s.load_head_or(y_tail, 1.0);
        s.store_head(s.mul(s.load_head(x_tail), power(s, lrn.beta, scale)), y_tail);
    }
}

#[inline(always)]
fn gradient_body<S: Simd>(s: S, lrn: &Lrn, x: &[f32], dy: &[f32], work: &mut [f32], dx: &mut [f32]) {
    let c = lrn.c;
    let factor = s.splat(-2.0 * lrn.alpha * lrn.beta / lrn.size as f32);
    for ((x, dy), dx) in x.chunks_exact(c).zip(dy.chunks_exact(c)).zip(dx.chunks_exact_mut(c)) {
        scales(s, lrn, x, dx);
        // `work` becomes dy x s^(-beta - 1), and `dx` first s, then the sums of that over the windows.
        for (((x, dy), scale), work) in
            x.chunks(LANES).zip(dy.chunks(LANES)).zip(dx.chunks(LANES)).zip(work.chunks_mut(LANES))
        {
            let scale = s.load_head_or(scale, 1.0);
            let share = s.div(power(s, lrn.beta, scale), scale);
            s.store_head(s.mul(s.mul(s.load_head(dy), s.load_head(x)), share), work);
        }
        sum_and_finish(s, lrn, factor, x, dy, work, dx);
    }
}

/// Turns a row of scales into the gradient.
#[inline(always)]
fn sum_and_finish<S: Simd>(s: S, lrn: &Lrn, factor: S::V, x: &[f32], dy: &[f32], work: &[f32], dx: &mut [f32]) {
    for (dy, dx) in dy.chunks(LANES).zip(dx.chunks_mut(LANES)) {
        let scale = s.load_head_or(dx, 1.0);
        s.store_head(s.mul(s.load_head(dy), power(s, lrn.beta, scale)), dx);
    }
    // A channel counts in the windows of those that lie as far after it as a window reaches before.
    let (before, after) = ((lrn.size - 1) / 2, lrn.size / 2);
    for (at, (x, dx)) in x.chunks(LANES).zip(dx.chunks_mut(LANES)).enumerate() {
        let mut sums = [0.0; LANES];
        for (lane, sum) in sums.iter_mut().enumerate().take(x.len()) {
            let i = at * LANES + lane;
            let end = i.saturating_add(after).saturating_add(1).min(work.len());
            *sum = work[i.saturating_sub(before)..end].iter().sum();
        }
        let term = s.mul(s.mul(factor, s.load_head(x)), s.load(&sums));
        s.store_head(s.add(s.load_head(dx), term), dx);
    }
}
