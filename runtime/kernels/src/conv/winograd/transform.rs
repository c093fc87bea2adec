//! The transforms of Winograd's F(4x4, 3x3): of a weight, of a tile of the input, and back to a tile of the output.
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), section 4.3: the matrices `G`, `B^T` and
//! `A^T` for the points 0, 1, -1, 2, -2 and infinity. Each is applied along one axis, then along the other.

use super::{IN, OUT};
use crate::layout::PANEL;
use crate::simd::{LANES, Simd};

/// Positions of a transformed tile.
pub(super) const POSITIONS: usize = IN * IN;

/// `G g` for the three weights of a row or column.
#[inline(always)]
fn weight<S: Simd>(s: S, [g0, g1, g2]: [S::V; 3]) -> [S::V; IN] {
    let (sixth, twelfth) = (s.splat(-1.0 / 6.0), s.splat(1.0 / 12.0));
    let outer = s.mul(s.add(g0, g2), sixth);
    let middle = s.mul(g1, sixth);
    let far = s.mul_add(g2, s.splat(1.0 / 6.0), s.mul(g0, s.splat(1.0 / 24.0)));
    let near = s.mul(g1, twelfth);
    [s.mul(g0, s.splat(0.25)), s.add(outer, middle), s.sub(outer, middle), s.add(far, near), s.sub(far, near), g2]
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
fn output<S: Simd>(s: S, [m0, m1, m2, m3, m4, m5]: [S::V; IN]) -> [S::V; OUT] {
    let (sum, difference) = (s.add(m1, m2), s.sub(m1, m2));
    let (far_sum, far_difference) = (s.add(m3, m4), s.sub(m3, m4));
    [
        s.add(s.add(m0, sum), far_sum),
        s.mul_add(s.splat(2.0), far_difference, difference),
        s.mul_add(s.splat(4.0), far_sum, sum),
        s.add(s.mul_add(s.splat(8.0), far_difference, difference), m5),
    ]
}

/// Transforms the weights `[3, 3, inputs, 16]` of a panel: `u[position][input][16]`, positions `stride` floats apart.
///
/// # Safety
/// `w` is valid for the panel, and `u` for writing `[inputs, 16]` at each of 36 positions.
#[inline(always)]
pub(super) unsafe fn weights<S: Simd>(s: S, inputs: usize, w: *const f32, u: *mut f32, stride: usize) {
    for at in (0..inputs * PANEL).step_by(LANES) {
        let mut columns = [[s.splat(0.0); IN]; 3];
        for kx in 0..3 {
            let mut g = [s.splat(0.0); 3];
            for ky in 0..3 {
                // SAFETY: the caller vouches for the panel, of which this is a vector.
                g[ky] = unsafe { s.load_at(w.wrapping_add((ky * 3 + kx) * inputs * PANEL + at)) };
            }
            columns[kx] = weight(s, g);
        }
        for i in 0..IN {
            let row = weight(s, [columns[0][i], columns[1][i], columns[2][i]]);
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
    let whole = inputs / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        // SAFETY: the caller's contract; eight channels follow.
        let pixels = from.map(|from| unsafe { s.load_at(from.wrapping_add(at)) });
        // SAFETY: the caller's contract.
        unsafe { tile_vector(s, pixels, v.wrapping_add(at), stride) };
    }
    if whole < inputs {
        let mask = s.mask(inputs - whole);
        // SAFETY: the caller's contract; the mask shows the channels that follow.
        let pixels = from.map(|from| unsafe { s.load_masked(from.wrapping_add(whole), mask) });
        // SAFETY: the caller's contract.
        unsafe { tile_vector(s, pixels, v.wrapping_add(whole), stride) };
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
pub(super) unsafe fn outputs<S: Simd>(s: S, m: *const f32, stride: usize) -> [[S::V; OUT]; OUT] {
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
