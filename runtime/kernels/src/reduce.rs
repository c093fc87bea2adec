//! Sums in a fixed order: the same bits for any number of threads and under every instruction set.

use crate::check;
use crate::isa::dispatch;
use crate::simd::Simd;

/// Floats of the result that are summed over all lanes before the next: they stay in the first cache level.
const BLOCK: usize = 2048;

/// Writes `out = scale * (lanes[0] + lanes[1] + …)`, adding from the first lane to the last; zeros without lanes.
///
/// # Panics
/// Where a lane has not the length of `out`.
pub fn sum_in_order(lanes: &[&[f32]], scale: f32, out: &mut [f32]) {
    for lane in lanes {
        check::len("lane", lane, out.len());
    }
    dispatch!(sum_in_order_body(lanes: &[&[f32]], scale: f32, out: &mut [f32]))
}

/// The sum of squares, in double precision.
pub fn sum_squares(x: &[f32]) -> f64 {
    dispatch!(sum_squares_body(x: &[f32]) -> f64)
}

#[inline(always)]
fn sum_in_order_body<S: Simd>(_s: S, lanes: &[&[f32]], scale: f32, out: &mut [f32]) {
    let Some((first, rest)) = lanes.split_first() else {
        out.fill(0.0);
        return;
    };
    let mut start = 0;
    for out in out.chunks_mut(BLOCK) {
        let here = start..start + out.len();
        start = here.end;
        out.copy_from_slice(&first[here.clone()]);
        for lane in rest {
            for (out, x) in out.iter_mut().zip(&lane[here.clone()]) {
                *out += x;
            }
        }
        for out in out {
            *out *= scale;
        }
    }
}

#[inline(always)]
fn sum_squares_body<S: Simd>(_s: S, x: &[f32]) -> f64 {
    let (chunks, tail) = x.as_chunks::<16>();
    let mut sums = [0.0_f64; 16];
    for x in chunks {
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum += f64::from(*x) * f64::from(*x);
        }
    }
    for (sum, x) in sums.iter_mut().zip(tail) {
        *sum += f64::from(*x) * f64::from(*x);
    }
    sums.into_iter().sum()
}
