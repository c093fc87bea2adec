//! Between floats and bytes, and what only moves bytes.

use super::lanes::{Lanes, dispatch};
use super::layer::Scale;
use super::{bytes, bytes_mut, check, stride};
use crate::conv::Among;
use crate::simd::LANES;

/// Floats as bytes: `x` holds `n` images of `len` floats.
///
/// # Panics
/// Where a slice has another length.
pub fn quantize(n: usize, len: usize, x: &[f32], scale: Scale, y: &mut [f32]) {
    crate::check::images("x", x, n, len);
    check("y", y, n, len);
    let images = x.chunks_exact(len.max(1));
    for (x, y) in images.zip(bytes_mut(y).chunks_exact_mut(stride(len).max(1))) {
        let (by, zero) = (scale.scale.recip(), f32::from(scale.zero));
        dispatch_to_bytes(x, &mut y[..len], by, zero);
    }
}

fn dispatch_to_bytes(x: &[f32], y: &mut [u8], by: f32, zero: f32) {
    dispatch!(to_bytes(x: &[f32], y: &mut [u8], by: f32, zero: f32))
}

#[inline(always)]
fn to_bytes<L: Lanes>(lanes: L, x: &[f32], y: &mut [u8], by: f32, zero: f32) {
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks_mut::<LANES>();
    for (x, y) in x.iter().zip(y) {
        *y = lanes.quantize(x, by, zero);
    }
    for (&x, y) in x_rest.iter().zip(y_rest) {
        *y = super::lanes::byte(x, by, zero, 0.0);
    }
}

/// Bytes as floats: `y` has room for `n` images of `pixels * channels` floats. The bytes may stand among the channels of
/// a larger tensor.
///
/// # Panics
/// Where a slice has another length, or the channels are not there.
pub fn dequantize(n: usize, pixels: usize, channels: usize, among: Among, x: &[f32], scale: Scale, y: &mut [f32]) {
    let (image, total) = (crate::check::product(&[pixels, channels]), crate::check::product(&[pixels, among.total]));
    assert!(among.first + channels <= among.total, "channels are not among {}", among.total);
    check("x", x, n, total);
    crate::check::images("y", y, n, image);
    let images = bytes(x).chunks_exact(stride(total).max(1));
    for (x, y) in images.zip(y.chunks_exact_mut(image.max(1))) {
        for (x, y) in x.chunks_exact(among.total).zip(y.chunks_exact_mut(channels)) {
            for (&x, y) in x[among.first..].iter().zip(y) {
                *y = scale.number(x);
            }
        }
    }
}

/// Bytes with nothing under that of zero: `n` images of `len` bytes.
///
/// # Panics
/// Where a slice has another length.
pub fn relu(n: usize, len: usize, x: &[f32], scale: Scale, y: &mut [f32]) {
    check("x", x, n, len);
    check("y", y, n, len);
    for (&x, y) in bytes(x).iter().zip(bytes_mut(y)) {
        *y = x.max(scale.zero);
    }
}

/// Copies a part into a joined tensor of bytes: for each of `n` images `outer` times `part` bytes to `offset` among `total`.
///
/// # Panics
/// Where a slice has another length, or the part reaches past the joined tensor.
pub fn concat(n: usize, outer: usize, part: usize, total: usize, offset: usize, x: &[f32], y: &mut [f32]) {
    let (from, to) = (crate::check::product(&[outer, part]), crate::check::product(&[outer, total]));
    assert!(offset + part <= total, "a part of {part} at {offset} reaches past {total}");
    check("x", x, n, from);
    check("y", y, n, to);
    let images = bytes(x).chunks_exact(stride(from).max(1));
    for (x, y) in images.zip(bytes_mut(y).chunks_exact_mut(stride(to).max(1))) {
        for (x, y) in x.chunks_exact(part.max(1)).take(outer).zip(y.chunks_exact_mut(total.max(1))) {
            y[offset..][..part].copy_from_slice(x);
        }
    }
}
