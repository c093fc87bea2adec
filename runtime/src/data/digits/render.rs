//! Drawing with a round pen of varying width, antialiased.

use super::SIDE;

/// A place that the pen passes, in pixels, and half the pen's width there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dot {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) radius: f32,
}

/// Ink per pixel, from 0 to 1.
pub(super) struct Canvas {
    ink: [f32; SIDE * SIDE],
    softness: f32,
}

impl Canvas {
    /// An empty canvas; ink fades over `softness` pixels at the pen's edge.
    pub(super) fn new(softness: f32) -> Self {
        Self { ink: [0.0; SIDE * SIDE], softness }
    }

    /// Draws a straight piece; where pieces overlap the darker ink stays.
    pub(super) fn line(&mut self, from: Dot, to: Dot) {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length_squared = dx * dx + dy * dy;
        let reach = from.radius.max(to.radius) + self.softness;
        let rows = covered(from.y.min(to.y) - reach, from.y.max(to.y) + reach);
        let columns = covered(from.x.min(to.x) - reach, from.x.max(to.x) + reach);
        for row in rows {
            for column in columns.clone() {
                // Distance from the pixel's middle to the nearest place of the piece.
                let (px, py) = (column as f32 + 0.5 - from.x, row as f32 + 0.5 - from.y);
                let along = if length_squared > 0.0 { (px * dx + py * dy) / length_squared } else { 0.0 };
                let along = along.clamp(0.0, 1.0);
                let (ex, ey) = (px - along * dx, py - along * dy);
                let distance = (ex * ex + ey * ey).sqrt();
                let radius = from.radius + along * (to.radius - from.radius);
                let ink = ((radius - distance) / self.softness + 0.5).clamp(0.0, 1.0);
                let pixel = &mut self.ink[row * SIDE + column];
                *pixel = pixel.max(ink);
            }
        }
    }

    /// The pixels in row-major order, full ink at 255.
    pub(super) fn pixels(&self) -> [u8; SIDE * SIDE] {
        self.ink.map(|ink| (ink * 255.0 + 0.5) as u8)
    }
}

/// The rows or columns whose middles may lie between two places.
fn covered(low: f32, high: f32) -> std::ops::Range<usize> {
    // Casts from f32 stop at the ends of the integer's range.
    let clip = |place: f32| (place.max(0.0) as usize).min(SIDE);
    clip(low)..clip(high + 1.0)
}
