//! Concatenation along an axis: copies between a part and its place in the joined tensor.

use crate::check;

/// Copies a part into the joined tensor.
///
/// `outer` is the number of images times the sizes before the axis; `part` and `total` are the part's and the joined
/// tensor's floats from the axis on, `offset` the floats before the part. `x` is `[outer, part]`, `y` is
/// `[outer, total]`, of which only the part is written.
///
/// # Panics
/// Where a slice has another length, or the part reaches past the joined tensor.
pub fn copy_in(outer: usize, part: usize, total: usize, offset: usize, x: &[f32], y: &mut [f32]) {
    check_part(part, total, offset);
    check::images("x", x, outer, part);
    check::images("y", y, outer, total);
    if part > 0 {
        for (x, y) in x.chunks_exact(part).zip(y.chunks_exact_mut(total)) {
            y[offset..][..part].copy_from_slice(x);
        }
    }
}

/// Copies a part out of the joined tensor, which is the gradient of [`copy_in`]: `y` is `[outer, total]`, `x` is
/// `[outer, part]`.
///
/// # Panics
/// Where a slice has another length, or the part reaches past the joined tensor.
pub fn copy_out(outer: usize, part: usize, total: usize, offset: usize, y: &[f32], x: &mut [f32]) {
    check_part(part, total, offset);
    check::images("x", x, outer, part);
    check::images("y", y, outer, total);
    if part > 0 {
        for (x, y) in x.chunks_exact_mut(part).zip(y.chunks_exact(total)) {
            x.copy_from_slice(&y[offset..][..part]);
        }
    }
}

/// Adds a part to its place in the joined tensor: `y` is `[outer, total]`, of which only the part changes, `x` is
/// `[outer, part]`.
///
/// # Panics
/// Where a slice has another length, or the part reaches past the joined tensor.
pub fn add_in(outer: usize, part: usize, total: usize, offset: usize, x: &[f32], y: &mut [f32]) {
    check_part(part, total, offset);
    check::images("x", x, outer, part);
    check::images("y", y, outer, total);
    if part > 0 {
        for (x, y) in x.chunks_exact(part).zip(y.chunks_exact_mut(total)) {
            for (y, x) in y[offset..][..part].iter_mut().zip(x) {
                *y += x;
            }
        }
    }
}

/// Copies a part into its place in a tensor that is zero elsewhere, which is the gradient of [`copy_out`].
///
/// # Panics
/// Where a slice has another length, or the part reaches past the joined tensor.
pub fn copy_among_zeros(outer: usize, part: usize, total: usize, offset: usize, x: &[f32], y: &mut [f32]) {
    check_part(part, total, offset);
    check::images("x", x, outer, part);
    check::images("y", y, outer, total);
    if part == 0 {
        return y.fill(0.0);
    }
    for (x, y) in x.chunks_exact(part).zip(y.chunks_exact_mut(total)) {
        y[..offset].fill(0.0);
        y[offset..][..part].copy_from_slice(x);
        y[offset + part..].fill(0.0);
    }
}

#[track_caller]
fn check_part(part: usize, total: usize, offset: usize) {
    assert!(
        offset.checked_add(part).is_some_and(|end| end <= total),
        "a part of {part} floats at {offset} reaches past {total}"
    );
}
