//! Sums and products of two tensors, of one tensor with a value per channel, and their gradients.

use crate::check::{self, product};
use crate::columns::{self, ColumnMap, Columns, Product, Value};
use crate::isa::dispatch;
use crate::map::{self, Map1, Map2};
use crate::mean;
use crate::simd::Simd;

/// Writes `y = x1 + x2`. Both gradients are `dy`.
///
/// # Panics
/// Where the slices differ in length.
pub fn add(x1: &[f32], x2: &[f32], y: &mut [f32]) {
    check::len("x2", x2, x1.len());
    check::len("y", y, x1.len());
    dispatch!(add_body(x1: &[f32], x2: &[f32], y: &mut [f32]))
}

/// Writes `y = y + x`.
///
/// # Panics
/// Where the slices differ in length.
pub fn add_into(x: &[f32], y: &mut [f32]) {
    check::len("y", y, x.len());
    dispatch!(add_into_body(x: &[f32], y: &mut [f32]))
}

/// Writes `y = x1 - x2`. The gradients are `dy` and its negative.
///
/// # Panics
/// Where the slices differ in length.
pub fn subtract(x1: &[f32], x2: &[f32], y: &mut [f32]) {
    check::len("x2", x2, x1.len());
    check::len("y", y, x1.len());
    dispatch!(subtract_body(x1: &[f32], x2: &[f32], y: &mut [f32]))
}

/// Writes `y = x1 * x2`, element by element. The gradients are `multiply(dy, x2)` and `multiply(dy, x1)`.
///
/// # Panics
/// Where the slices differ in length.
pub fn multiply(x1: &[f32], x2: &[f32], y: &mut [f32]) {
    check::len("x2", x2, x1.len());
    check::len("y", y, x1.len());
    dispatch!(multiply_body(x1: &[f32], x2: &[f32], y: &mut [f32]))
}

/// Writes `y = y * x`, element by element.
///
/// # Panics
/// Where the slices differ in length.
pub fn multiply_into(x: &[f32], y: &mut [f32]) {
    check::len("y", y, x.len());
    dispatch!(multiply_into_body(x: &[f32], y: &mut [f32]))
}

/// Writes `y[i, pixel, c] = x[i, pixel, c] * gate[i, c]`; `x` and `y` are `[n, pixels, c]`, `gate` is `[n, c]`.
///
/// A value for each pixel of `[H, W, C]` is the case of one channel, with `n * H * W` images of `C` pixels.
///
/// The gradient of `x` is `scale_channels` of `dy`, that of `gate` is [`scale_channels_gate_gradient`].
///
/// # Panics
/// Where a slice has another length.
pub fn scale_channels(n: usize, pixels: usize, c: usize, x: &[f32], gate: &[f32], y: &mut [f32]) {
    check_channels(n, pixels, c, x, gate);
    check::len("y", y, x.len());
    if !x.is_empty() {
        dispatch!(scale_channels_body(pixels: usize, c: usize, x: &[f32], gate: &[f32], y: &mut [f32]));
    }
}

/// Writes `dgate[i, c] = sum over pixels of dy[i, pixel, c] * x[i, pixel, c]`.
///
/// # Panics
/// Where a slice has another length.
pub fn scale_channels_gate_gradient(n: usize, pixels: usize, c: usize, x: &[f32], dy: &[f32], dgate: &mut [f32]) {
    check_channels(n, pixels, c, x, dgate);
    check::len("dy", dy, x.len());
    if x.is_empty() {
        dgate.fill(0.0);
    } else {
        dispatch!(products_body(pixels: usize, c: usize, x: &[f32], dy: &[f32], dgate: &mut [f32]));
    }
}

/// Writes `y[i, pixel, c] = x[i, pixel, c] + gate[i, c]`; `x` and `y` are `[n, pixels, c]`, `gate` is `[n, c]`.
///
/// The gradient of `x` is `dy`, that of `gate` is [`add_channels_gate_gradient`].
///
/// # Panics
/// Where a slice has another length.
pub fn add_channels(n: usize, pixels: usize, c: usize, x: &[f32], gate: &[f32], y: &mut [f32]) {
    check_channels(n, pixels, c, x, gate);
    check::len("y", y, x.len());
    if !x.is_empty() {
        dispatch!(add_channels_body(pixels: usize, c: usize, x: &[f32], gate: &[f32], y: &mut [f32]));
    }
}

/// Writes `dgate[i, c] = sum over pixels of dy[i, pixel, c]`.
///
/// # Panics
/// Where a slice has another length.
pub fn add_channels_gate_gradient(n: usize, pixels: usize, c: usize, dy: &[f32], dgate: &mut [f32]) {
    check_channels(n, pixels, c, dy, dgate);
    if dy.is_empty() {
        dgate.fill(0.0);
    } else {
        dispatch!(sums_body(pixels: usize, c: usize, dy: &[f32], dgate: &mut [f32]));
    }
}

/// Writes `y = x`.
///
/// # Panics
/// Where the slices differ in length.
pub fn copy(x: &[f32], y: &mut [f32]) {
    check::len("y", y, x.len());
    y.copy_from_slice(x);
}

/// Writes `y = value`.
pub fn fill(value: f32, y: &mut [f32]) {
    y.fill(value);
}

#[track_caller]
fn check_channels(n: usize, pixels: usize, c: usize, x: &[f32], gate: &[f32]) {
    check::images("x", x, n, product(&[pixels, c]));
    check::images("gate", gate, n, c);
}

#[inline(always)]
fn add_body<S: Simd>(s: S, x1: &[f32], x2: &[f32], y: &mut [f32]) {
    map::map2(s, Add, x1, x2, y);
}

#[inline(always)]
fn add_into_body<S: Simd>(s: S, x: &[f32], y: &mut [f32]) {
    map::map2_in_place(s, Add, x, y);
}

#[inline(always)]
fn subtract_body<S: Simd>(s: S, x1: &[f32], x2: &[f32], y: &mut [f32]) {
    map::map2(s, Subtract, x1, x2, y);
}

#[inline(always)]
fn multiply_body<S: Simd>(s: S, x1: &[f32], x2: &[f32], y: &mut [f32]) {
    map::map2(s, Multiply, x1, x2, y);
}

#[inline(always)]
fn multiply_into_body<S: Simd>(s: S, x: &[f32], y: &mut [f32]) {
    map::map2_in_place(s, Multiply, x, y);
}

#[inline(always)]
fn scale_channels_body<S: Simd>(s: S, pixels: usize, c: usize, x: &[f32], gate: &[f32], y: &mut [f32]) {
    let images = x.chunks_exact(pixels * c).zip(y.chunks_exact_mut(pixels * c));
    if c == 1 {
        for ((x, y), &gate) in images.zip(gate) {
            map::map1(s, Number(gate, Multiply), x, y);
        }
        return;
    }
    for ((x, y), gate) in images.zip(gate.chunks_exact(c)) {
        columns::map(s, Channel(gate, Multiply), c, x, x, y);
    }
}

#[inline(always)]
fn add_channels_body<S: Simd>(s: S, pixels: usize, c: usize, x: &[f32], gate: &[f32], y: &mut [f32]) {
    let images = x.chunks_exact(pixels * c).zip(y.chunks_exact_mut(pixels * c));
    if c == 1 {
        for ((x, y), &gate) in images.zip(gate) {
            map::map1(s, Number(gate, Add), x, y);
        }
        return;
    }
    for ((x, y), gate) in images.zip(gate.chunks_exact(c)) {
        columns::map(s, Channel(gate, Add), c, x, x, y);
    }
}

#[inline(always)]
fn products_body<S: Simd>(s: S, pixels: usize, c: usize, x: &[f32], dy: &[f32], dgate: &mut [f32]) {
    let images = x.chunks_exact(pixels * c).zip(dy.chunks_exact(pixels * c));
    if c == 1 {
        for ((x, dy), dgate) in images.zip(dgate) {
            *dgate = mean::row_product(s, x, dy);
        }
        return;
    }
    for ((x, dy), dgate) in images.zip(dgate.chunks_exact_mut(c)) {
        columns::sums(s, Product, c, x, dy, 1.0, false, dgate);
    }
}

#[inline(always)]
fn sums_body<S: Simd>(s: S, pixels: usize, c: usize, dy: &[f32], dgate: &mut [f32]) {
    if c == 1 {
        for (dy, dgate) in dy.chunks_exact(pixels).zip(dgate) {
            *dgate = mean::row_sum(s, dy);
        }
        return;
    }
    for (dy, dgate) in dy.chunks_exact(pixels * c).zip(dgate.chunks_exact_mut(c)) {
        columns::sums(s, Value, c, dy, dy, 1.0, false, dgate);
    }
}

#[derive(Clone, Copy)]
struct Add;

impl Map2 for Add {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V, z: S::V) -> S::V {
        s.add(x, z)
    }
}

#[derive(Clone, Copy)]
struct Subtract;

impl Map2 for Subtract {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V, z: S::V) -> S::V {
        s.sub(x, z)
    }
}

#[derive(Clone, Copy)]
struct Multiply;

impl Map2 for Multiply {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V, z: S::V) -> S::V {
        s.mul(x, z)
    }
}

/// A function of the value and one number.
#[derive(Clone, Copy)]
struct Number<F>(f32, F);

impl<F: Map2> Map1 for Number<F> {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, x: S::V) -> S::V {
        self.1.map(s, x, s.splat(self.0))
    }
}

/// A function of the value and the channel's.
#[derive(Clone, Copy)]
struct Channel<'a, F>(&'a [f32], F);

impl<F: Map2> ColumnMap for Channel<'_, F> {
    #[inline(always)]
    fn constants<S: Simd>(self, s: S, at: usize, len: usize) -> [S::V; 4] {
        [Columns { at, len }.load(s, self.0); 4]
    }
    #[inline(always)]
    fn map<S: Simd>(self, s: S, [gate, ..]: [S::V; 4], x: S::V, _z: S::V) -> S::V {
        self.1.map(s, x, gate)
    }
}
