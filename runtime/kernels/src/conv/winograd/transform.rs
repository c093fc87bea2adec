//! The transforms of Winograd's F(4x4, 3x3) and F(2x2, 5x5): of a weight, of a tile of the input, and back to a tile of the
//! output.
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), section 4.3: the matrices `G`, `B^T` and
//! `A^T` for the points 0, 1, -1, 2, -2 and infinity. Each is applied along one axis, then along the other. The points are
//! as many as a tile sees inputs, so both forms share `B^T`; a row of `G` or `A^T` has powers of its point, up to the size of
//! the kernel or of the tile.

use super::IN;
use crate::layout::PANEL;
use crate::simd::{LANES, Simd};

/// Positions of a transformed tile.
pub(super) const POSITIONS: usize = IN * IN;

/// `G g` for the weights of a row or column.
#[inline(always)]
fn weight<S: Simd, const KERNEL: usize>(s: S, g: [S::V; KERNEL]) -> [S::V; IN] {
    // Polynomials in the points 1 and 2, even and odd powers apart: -1 and -2 differ in the sign of the odd ones.
    let (mut even, mut odd) = (g[0], g[1]);
    let (mut far_even, mut far_odd) = (g[0], s.mul(s.splat(2.0), g[1]));
    for k in 2..KERNEL {
        let power = s.splat((1 << k) as f32);
        if k % 2 == 0 {
            (even, far_even) = (s.add(even, g[k]), s.mul_add(power, g[k], far_even));
        } else {
            (odd, far_odd) = (s.add(odd, g[k]), s.mul_add(power, g[k], far_odd));
        }
    }
    let (near, far) = (s.splat(-1.0 / 6.0), s.splat(1.0 / 24.0));
    let (even, odd) = (s.mul(near, even), s.mul(near, odd));
    let (far_even, far_odd) = (s.mul(far, far_even), s.mul(far, far_odd));
    let first = s.mul(s.splat(0.25), g[0]);
    [first, s.add(even, odd), s.sub(even, odd), s.add(far_even, far_odd), s.sub(far_even, far_odd), g[KERNEL - 1]]
}

/// `B^T d` for the six inputs of a row or column.
#[inline(always)]
fn input<S: Simd>(s: S, [d0, d1, d2, d3, d4, d5]: [S::V; IN]) -> [S::V; IN] {
    let (two, four, minus_four, minus_five) = (s.splat(2.0), s.splat(4.0), s.splat(-4.0), s.splat(-5.0));
    let (a, b) = (s.mul_add(minus_four, d2, d4), s.mul_add(minus_four, d1, d3));
    let (c, d) = (s.sub(d4, d2), s.mul(two, s.sub(d3, d1)));
    let first = s.mul_add(four, d0, s.mul_add(minus_five, d2, d4));
    let last = s.mul_add(four, d1, s.mul_add(minus_five, d3, d5));
    [first, s.add(a, b), s.sub(a, b), s.add(c, d), s.sub(c, d), last]
}

/// `A^T m` for the six products of a row or column.
#[inline(always)]
fn output<S: Simd, const OUT: usize>(s: S, [m0, m1, m2, m3, m4, m5]: [S::V; IN]) -> [S::V; OUT] {
    let (sum, difference) = (s.add(m1, m2), s.sub(m1, m2));
    let (far_sum, far_difference) = (s.add(m3, m4), s.sub(m3, m4));
    let mut y = [s.splat(0.0); OUT];
    y[0] = s.add(s.add(m0, sum), far_sum);
    for k in 1..OUT {
        let (near, far) = if k % 2 == 0 { (sum, far_sum) } else { (difference, far_difference) };
        y[k] = s.mul_add(s.splat((1 << k) as f32), far, near);
    }
    y[OUT - 1] = s.add(y[OUT - 1], m5);
    y
}

/// Transforms the weights `[KERNEL, KERNEL, inputs, 16]` of a panel: `u[position][input][16]`, positions `stride` floats
/// apart.
///
/// # Safety
/// `w` is valid for the panel, and `u` for writing `[inputs, 16]` at each of 36 positions.
#[inline(always)]
pub(super) unsafe fn weights<S: Simd, const KERNEL: usize>(
    s: S,
    inputs: usize,
    w: *const f32,
    u: *mut f32,
    stride: usize,
) {
    for at in (0..inputs * PANEL).step_by(LANES) {
        let mut columns = [[s.splat(0.0); IN]; KERNEL];
        for kx in 0..KERNEL {
            let mut g = [s.splat(0.0); KERNEL];
            for ky in 0..KERNEL {
                // SAFETY: the caller vouches for the panel, of which this is a vector.
                g[ky] = unsafe { s.load_at(w.wrapping_add((ky * KERNEL + kx) * inputs * PANEL + at)) };
            }
            columns[kx] = weight(s, g);
        }
        for i in 0..IN {
            let mut g = [s.splat(0.0); KERNEL];
            for kx in 0..KERNEL {
                g[kx] = columns[kx][i];
            }
            let row = weight(s, g);
            for j in 0..IN {
                // SAFETY: the caller vouches for the position's inputs.
                unsafe { s.store_at(row[j], u.wrapping_add((i * IN + j) * stride + at)) };
            }
        }
    }
}

/// Transforms a tile's 36 pixels `from` of `inputs` channels: `v[position][channel]`, positions `stride` floats apart.
///
/// # Safety
/// Each of `from` is valid for `inputs` floats, and `v` for writing `inputs` floats, rounded up to a multiple of eight, at
/// each of 36 positions.
#[inline(always)]
pub(super) unsafe fn tile<S: Simd>(s: S, inputs: usize, from: &[*const f32; POSITIONS], v: *mut f32, stride: usize) {
    let mut from = *from;
    let mut rest = [0.0; POSITIONS * LANES];
    for at in (0..inputs).step_by(LANES) {
        if inputs - at < LANES {
            // A copy, so that there is one form of the transform.
            let mask = s.mask(inputs - at);
            for (from, rest) in from.iter_mut().zip(rest.chunks_exact_mut(LANES)) {
                // SAFETY: the caller's contract; the mask shows the channels that follow.
                let pixel = unsafe { s.load_masked(from.wrapping_add(at), mask) };
                // SAFETY: the chunk has a place for each lane.
                unsafe { s.store_at(pixel, rest.as_mut_ptr()) };
                *from = rest.as_ptr().wrapping_sub(at);
            }
        }
        // SAFETY: the caller's contract, or the copy; eight channels follow.
        let pixels = from.map(|from| unsafe { s.load_at(from.wrapping_add(at)) });
        // SAFETY: the caller's contract.
        unsafe { tile_vector(s, pixels, v.wrapping_add(at), stride) };
    }
}

/// # Safety
/// `v` is valid for writing eight floats at each of 36 positions.
#[inline(always)]
unsafe fn tile_vector<S: Simd>(s: S, pixels: [S::V; POSITIONS], v: *mut f32, stride: usize) {
    let mut columns = [[s.splat(0.0); IN]; IN];
    for j in 0..IN {
        columns[j] = input(s, std::array::from_fn(|i| pixels[i * IN + j]));
    }
    for i in 0..IN {
        let row = input(s, std::array::from_fn(|j| columns[j][i]));
        for j in 0..IN {
            // SAFETY: the caller vouches for the position.
            unsafe { s.store_at(row[j], v.wrapping_add((i * IN + j) * stride)) };
        }
    }
}

/// The tile of the output for eight channels, from `m[position]`, positions `stride` floats apart.
///
/// # Safety
/// `m` is valid for eight floats at each of 36 positions.
#[inline(always)]
pub(super) unsafe fn outputs<S: Simd, const OUT: usize>(s: S, m: *const f32, stride: usize) -> [[S::V; OUT]; OUT] {
    let mut columns = [[s.splat(0.0); OUT]; IN];
    for j in 0..IN {
        let mut products = [s.splat(0.0); IN];
        for i in 0..IN {
            // SAFETY: the caller vouches for the position.
            products[i] = unsafe { s.load_at(m.wrapping_add((i * IN + j) * stride)) };
        }
        columns[j] = output(s, products);
    }
    let mut tile = [[s.splat(0.0); OUT]; OUT];
    for i in 0..OUT {
        let mut row = [s.splat(0.0); IN];
        for j in 0..IN {
            row[j] = columns[j][i];
        }
        tile[i] = output(s, row);
    }
    tile
}
