//! Inference in integers: activations as bytes, weights as signed bytes with a scale for each output channel, sums in 32
//! bits.
//!
//! A byte `q` of an activation stands for `scale * (q - zero)`, with `q` in `0..=127`: of seven bits, so that two products
//! with weights in `-127..=127` fit the sixteen bits in which AVX2 adds them, and nothing saturates. Sums are exact, and
//! what follows them is one multiplication, one addition and one rounding (to nearest, ties to even) of floats, the same
//! on every machine: results have the same bits with every instruction set and any number of threads.
//!
//! Bytes live in arenas of floats: an image of `len` bytes takes [`floats`]`(len)` of them, and the next one starts after
//! that. What the bytes between hold does not matter. See Jacob et al., "Quantization and Training of Neural Networks for
//! Efficient Integer-Arithmetic-Only Inference" (CVPR 2018), for the scheme.

mod conv;
mod convert;
mod lanes;
mod layer;
mod pool;
mod product;
#[cfg(test)]
mod tests;

pub use conv::{conv, conv_among, conv_floats, dense, dense_floats};
pub use convert::{concat, dequantize, quantize, relu};
pub use layer::{Layer, PackError, Scale};
pub use pool::{avg_pool, global_avg_pool, max_pool, max_pool_among};

/// The largest byte of an activation.
pub const LEVELS: u8 = 127;

/// The largest magnitude of a weight.
pub const MOST: i8 = 127;

/// Most weights of one output channel: sums of so many products fit 32 bits, with a bias.
pub const LONGEST: usize = 1 << 16;

/// Floats of an arena that an image of so many bytes takes.
#[must_use]
pub const fn floats(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

/// Bytes from one image to the next.
const fn stride(bytes: usize) -> usize {
    floats(bytes) * 4
}

/// The bytes behind floats.
#[must_use]
pub fn bytes(floats: &[f32]) -> &[u8] {
    // SAFETY: the same memory; any bits are a byte, which needs no alignment.
    unsafe { std::slice::from_raw_parts(floats.as_ptr().cast(), std::mem::size_of_val(floats)) }
}

/// The bytes behind floats, to be written.
pub fn bytes_mut(floats: &mut [f32]) -> &mut [u8] {
    // SAFETY: the same memory, borrowed exclusively; any bits are a byte and any four bytes a float.
    unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast(), std::mem::size_of_val(floats)) }
}

/// Checks that a slice holds `n` images of so many bytes each.
///
/// # Panics
/// Where it does not.
#[track_caller]
fn check(what: &str, slice: &[f32], n: usize, len: usize) {
    crate::check::images(what, slice, n, floats(len));
}
