//! The embedded dataset: digits drawn from outlines with random distortion, for machines without a network and tests.
//!
//! Every image follows from the seed, its split and its index alone. The arithmetic is `+ - * /` and square roots in
//! f32, which IEEE 754 rounds exactly, so that every platform draws the same bytes.

mod outlines;
mod render;

use self::outlines::{HEIGHT, OUTLINES, Outline, WIDTH};
use self::render::{Canvas, Dot};
use super::folder::Splits;
use crate::dataset::{DataError, Dataset};
use crate::random::Stream;

/// Training samples of the dataset called `digits`.
pub const DEFAULT_TRAIN: usize = 4000;
/// Test samples of the dataset called `digits`.
pub const DEFAULT_TEST: usize = 1000;
/// Seed of the dataset called `digits`.
pub const DEFAULT_SEED: u64 = 0;

/// Images are `SIDE` x `SIDE` x 1, light ink on a dark ground.
pub const SIDE: usize = 28;

/// Straight pieces that a smooth stroke is drawn with between two of its points.
const PIECES: u32 = 6;

/// Draws `n_train` and `n_test` digits of 10 classes: inputs `[28, 28, 1]` with values from 0 to 1.
///
/// # Errors
/// [`DataError::NoSamples`] when a split would be empty, [`DataError::TooLarge`] when its bytes cannot be counted.
pub fn digits(n_train: usize, n_test: usize, seed: u64) -> Result<Splits, DataError> {
    Ok(Splits { train: draw(n_train, seed, "digits/train")?, test: draw(n_test, seed, "digits/test")? })
}

fn draw(n: usize, seed: u64, stream: &str) -> Result<Dataset, DataError> {
    let too_large = || DataError::TooLarge { what: "digits", shape: vec![n, SIDE, SIDE, 1] };
    let size = n.checked_mul(SIDE * SIDE).ok_or_else(too_large)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| too_large())?;
    let mut labels = Vec::with_capacity(n);
    for idx in 0..n as u64 {
        let mut random = Stream::numbered(seed, stream, idx);
        let label = random.below(OUTLINES.len() as u32);
        let variants = OUTLINES[label as usize];
        let variant = variants[random.below(variants.len() as u32) as usize];
        bytes.extend_from_slice(&draw_one(variant, &mut random));
        labels.push(label);
    }
    Dataset::from_bytes(&[SIDE, SIDE, 1], bytes, 1.0 / 255.0, 0.0, labels, OUTLINES.len())
}

/// Draws one digit with a hand of its own.
fn draw_one(outline: Outline, random: &mut Stream) -> [u8; SIDE * SIDE] {
    let hand = Hand::new(random);
    let mut canvas = Canvas::new(hand.softness);
    for stroke in outline {
        let dots: Vec<Dot> = stroke.points.iter().map(|&point| hand.place(point, random)).collect();
        if stroke.smooth {
            draw_smooth(&mut canvas, &dots, stroke.closed);
        } else {
            // A hand draws no line quite straight.
            for pair in dots.windows(2) {
                draw_smooth(&mut canvas, &[pair[0], bowed(pair[0], pair[1], random), pair[1]], false);
            }
        }
    }
    let mut pixels = canvas.pixels();
    for pixel in pixels.iter_mut().filter(|pixel| **pixel > 0) {
        // Uneven ink: a few grey levels either way.
        let grain = random.below(25) as i32 - 12;
        *pixel = (i32::from(*pixel) + grain).clamp(0, 255) as u8;
    }
    pixels
}

/// Draws a curve through all dots (Catmull and Rom, "A class of local interpolating splines", 1974).
fn draw_smooth(canvas: &mut Canvas, dots: &[Dot], closed: bool) {
    let n = dots.len();
    // Past an open end the curve goes on as it came.
    let at = |idx: isize| match closed {
        true => dots[idx.rem_euclid(n as isize) as usize],
        false => dots[idx.clamp(0, n as isize - 1) as usize],
    };
    let n_spans = if closed { n } else { n - 1 };
    for span in 0..n_spans as isize {
        let [a, b, c, d] = [at(span - 1), at(span), at(span + 1), at(span + 2)];
        let mut last = b;
        for piece in 1..=PIECES {
            let t = piece as f32 / PIECES as f32;
            let blend = |a: f32, b: f32, c: f32, d: f32| {
                let linear = c - a;
                let square = 2.0 * a - 5.0 * b + 4.0 * c - d;
                let cube = 3.0 * b - a - 3.0 * c + d;
                b + 0.5 * t * (linear + t * (square + t * cube))
            };
            let next = Dot {
                x: blend(a.x, b.x, c.x, d.x),
                y: blend(a.y, b.y, c.y, d.y),
                radius: b.radius + t * (c.radius - b.radius),
            };
            canvas.line(last, next);
            last = next;
        }
    }
}

/// The middle of a straight piece, moved aside by up to a tenth of its length.
fn bowed(from: Dot, to: Dot, random: &mut Stream) -> Dot {
    let bow = spread(random, 0.1);
    Dot {
        x: 0.5 * (from.x + to.x) - bow * (to.y - from.y),
        y: 0.5 * (from.y + to.y) + bow * (to.x - from.x),
        radius: 0.5 * (from.radius + to.radius),
    }
}

/// How one digit is written: slant, size, place, pen.
struct Hand {
    /// Pixels from outline units: `[x, y] = matrix * [u, v] + shift`, u and v counted from the outline's middle.
    matrix: [[f32; 2]; 2],
    shift: [f32; 2],
    /// How far points stray, in outline units.
    stray: f32,
    /// Half the width of the pen, in pixels.
    radius: f32,
    /// Width of the soft edge, in pixels.
    softness: f32,
}

impl Hand {
    fn new(random: &mut Stream) -> Self {
        // With t = tan(angle / 2) the rotation needs no trigonometric function; |t| <= 0.17 is up to 19 degrees.
        let t = spread(random, 0.17);
        let (cos, sin) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
        let shear = spread(random, 0.5);
        let size = 0.195 * between(random, 0.8, 1.08);
        let (scale_x, scale_y) = (size * between(random, 0.75, 1.3), size);
        // Rotation * shear * scale, written out.
        let matrix = [[cos * scale_x, (cos * shear - sin) * scale_y], [sin * scale_x, (sin * shear + cos) * scale_y]];
        let middle = SIDE as f32 / 2.0;
        Self {
            matrix,
            shift: [middle + spread(random, 2.0), middle + spread(random, 2.0)],
            stray: between(random, 1.0, 11.0),
            radius: between(random, 0.7, 1.75),
            softness: between(random, 0.8, 1.4),
        }
    }

    fn place(&self, (u, v): (i8, i8), random: &mut Stream) -> Dot {
        let u = f32::from(u) - WIDTH / 2.0 + spread(random, self.stray);
        let v = f32::from(v) - HEIGHT / 2.0 + spread(random, self.stray);
        Dot {
            x: self.matrix[0][0] * u + self.matrix[0][1] * v + self.shift[0],
            y: self.matrix[1][0] * u + self.matrix[1][1] * v + self.shift[1],
            radius: self.radius * between(random, 0.8, 1.2),
        }
    }
}

/// A number from 0 up to but not including 1, exact in f32.
fn unit(random: &mut Stream) -> f32 {
    (random.next_u32() >> 8) as f32 / (1_u32 << 24) as f32
}

fn between(random: &mut Stream, low: f32, high: f32) -> f32 {
    low + (high - low) * unit(random)
}

/// A number from `-limit` to `limit`, small ones more often: the mean of two even draws.
fn spread(random: &mut Stream, limit: f32) -> f32 {
    (unit(random) + unit(random) - 1.0) * limit
}

#[cfg(test)]
mod tests;
