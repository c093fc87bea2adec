//! Joining along an axis, and taking apart again.

use netwright_compiler::ops::Slice;

/// Joins operands along `axis` to `[n, ...shape]`.
pub(super) fn join(n: usize, shape: &[usize], axis: usize, parts: &[usize], operands: &[&[f64]]) -> Vec<f64> {
    let (outer, inner) = (n * shape[..axis].iter().product::<usize>(), shape[axis + 1..].iter().product::<usize>());
    let mut joined = Vec::new();
    for row in 0..outer {
        for (part, operand) in parts.iter().zip(operands) {
            joined.extend_from_slice(&operand[row * part * inner..][..part * inner]);
        }
    }
    joined
}

/// `whole`, `[n, ...shape]`, with `part` added to the part that a slice names.
pub(super) fn add_slice(shape: &[usize], slice: &Slice, mut whole: Vec<f64>, part: &[f64]) -> Vec<f64> {
    let inner = shape[slice.axis + 1..].iter().product::<usize>();
    for (index, part) in part.iter().enumerate() {
        let (row, rest) = (index / (slice.part * inner), index % (slice.part * inner));
        whole[(row * shape[slice.axis] + slice.start) * inner + rest] += part;
    }
    whole
}

/// The part of `x`, `[n, ...shape]`, that a slice names.
pub(super) fn slice(n: usize, shape: &[usize], slice: &Slice, x: &[f64]) -> Vec<f64> {
    let outer = n * shape[..slice.axis].iter().product::<usize>();
    let inner = shape[slice.axis + 1..].iter().product::<usize>();
    let mut part = Vec::new();
    for row in 0..outer {
        let start = (row * shape[slice.axis] + slice.start) * inner;
        part.extend_from_slice(&x[start..][..slice.part * inner]);
    }
    part
}
