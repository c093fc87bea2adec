//! Maps of the plane, and an image seen through one.
//!
//! Only operations that IEEE 754 rounds exactly, so that an image comes out the same on every machine.

use std::f64::consts::{FRAC_PI_2, PI};

use super::Fill;

/// Where a pixel of the result looks in the image: `from = matrix * to + offset`, rows and columns counted from the image's
/// centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Map {
    matrix: [[f64; 2]; 2],
    offset: [f64; 2],
}

impl Map {
    pub(super) const IDENTITY: Self = Self::diagonal(1.0, 1.0);
    pub(super) const FLIP_HORIZONTAL: Self = Self::diagonal(1.0, -1.0);
    pub(super) const FLIP_VERTICAL: Self = Self::diagonal(-1.0, 1.0);

    const fn diagonal(rows: f64, columns: f64) -> Self {
        Self { matrix: [[rows, 0.0], [0.0, columns]], offset: [0.0, 0.0] }
    }

    /// Moves the content down and to the right by so many rows and columns.
    pub(super) const fn shift(by: [f64; 2]) -> Self {
        Self { offset: [-by[0], -by[1]], ..Self::IDENTITY }
    }

    /// Turns the content anticlockwise by so many degrees, of which there are at most 180.
    pub(super) fn rotation(degrees: f64) -> Self {
        let (sin, cos) = sin_cos(degrees * (PI / 180.0));
        // Rows run downwards: seen so, the content turns from the columns' axis towards lower rows.
        Self { matrix: [[cos, sin], [-sin, cos]], offset: [0.0, 0.0] }
    }

    /// Makes the content larger by a factor.
    pub(super) fn scale(factor: f64) -> Self {
        Self::diagonal(1.0 / factor, 1.0 / factor)
    }

    /// Moves the upper half to the right, each row in proportion to its height over the centre: columns lean by so many
    /// degrees.
    pub(super) fn shear(degrees: f64) -> Self {
        let (sin, cos) = sin_cos(degrees * (PI / 180.0));
        Self { matrix: [[1.0, 0.0], [sin / cos, 1.0]], offset: [0.0, 0.0] }
    }

    /// This one, and then another on what it leaves.
    pub(super) fn then(self, next: Self) -> Self {
        let Self { matrix: [[a, b], [c, d]], .. } = self;
        let [[e, f], [g, h]] = next.matrix;
        Self { matrix: [[a * e + b * g, a * f + b * h], [c * e + d * g, c * f + d * h]], offset: self.at(next.offset) }
    }

    fn at(&self, [row, column]: [f64; 2]) -> [f64; 2] {
        let [[a, b], [c, d]] = self.matrix;
        [a * row + b * column + self.offset[0], c * row + d * column + self.offset[1]]
    }
}

/// Writes what is seen of `image` through `map`, both `[height, width, channels]`: between pixels bilinear, outside of the
/// image what `fill` says.
pub(super) fn warp([h, w, c]: [usize; 3], map: &Map, fill: Fill, image: &[f32], out: &mut [f32]) {
    let centre = [(h as f64 - 1.0) / 2.0, (w as f64 - 1.0) / 2.0];
    for (index, pixel) in out.chunks_exact_mut(c).enumerate() {
        let to = [(index / w) as f64 - centre[0], (index % w) as f64 - centre[1]];
        let from = map.at(to);
        let (rows, row_weights) = taps(from[0] + centre[0], h, fill);
        let (columns, column_weights) = taps(from[1] + centre[1], w, fill);
        pixel.fill(0.0);
        for (row, row_weight) in rows.into_iter().zip(row_weights) {
            for (column, column_weight) in columns.into_iter().zip(column_weights) {
                let weight = row_weight * column_weight;
                // A pixel that does not count is not looked at: it may lie outside.
                if weight > 0.0 {
                    let start = (row * w + column) * c;
                    pixel.iter_mut().zip(&image[start..start + c]).for_each(|(sum, x)| *sum += weight * x);
                }
            }
        }
    }
}

/// The two places of an axis that a point lies between, with their weights; weights of 0 where they lie outside.
fn taps(at: f64, size: usize, fill: Fill) -> ([usize; 2], [f32; 2]) {
    let last = (size - 1) as f64;
    let at = match fill {
        // Beyond one pixel from the image there is nothing of it.
        Fill::Zero => at.clamp(-1.0, last + 1.0),
        Fill::Edge => at.clamp(0.0, last),
    };
    let floor = at.floor();
    let after = (at - floor) as f32;
    let inside =
        |place: f64, weight: f32| if (0.0..=last).contains(&place) { (place as usize, weight) } else { (0, 0.0) };
    let (first, second) = (inside(floor, 1.0 - after), inside(floor + 1.0, after));
    ([first.0, second.0], [first.1, second.1])
}

/// Sine and cosine of an angle of at most two right angles either way, within a few units in the last place: from the series
/// about the nearest multiple of a right angle.
fn sin_cos(angle: f64) -> (f64, f64) {
    let quarter = (angle / FRAC_PI_2).round();
    let x = angle - quarter * FRAC_PI_2;
    let square = x * x;
    // |x| < 0.786, so that the first terms left out, x^18 / 18! and x^19 / 19!, are below 1e-17.
    let series = |first: u32| {
        (0..8).rev().fold(1.0, |sum, term| {
            let n = f64::from(2 * term + first);
            1.0 - sum * square / (n * (n + 1.0))
        })
    };
    let (sin, cos) = (x * series(2), series(1));
    match quarter as i32 {
        1 => (cos, -sin),
        -1 => (-cos, sin),
        0 => (sin, cos),
        _ => (-sin, -cos),
    }
}
