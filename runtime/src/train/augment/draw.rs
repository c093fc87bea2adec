//! What an augmentation comes to for one image: numbers drawn, maps of the plane put together.

use super::warp::{self, Map};
use super::{Augmentation, Axis, Change, Fill, MAX_CHANGES, pixels};
use crate::random::Stream;

/// Which numbers are drawn: the same key, the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::train) struct Key {
    /// The run's seed.
    pub(in crate::train) seed: u64,
    /// The epoch, from 0.
    pub(in crate::train) epoch: u64,
    /// The sample's index in the training data.
    pub(in crate::train) sample: u32,
}

/// One image's changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::train) struct Draw {
    steps: [Option<Step>; MAX_CHANGES],
}

/// A change with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// The fill is none where nothing outside is looked at.
    Warp {
        map: Map,
        fill: Option<Fill>,
    },
    Add {
        value: f32,
    },
    Contrast {
        factor: f32,
    },
    Noise {
        deviation: f32,
        seed: u64,
    },
    /// The square's side, and its centre as fractions of height and width.
    Cutout {
        size: usize,
        centre: [f64; 2],
    },
}

impl Draw {
    /// Draws an image's changes. Each takes its numbers from the image's own stream, in order.
    pub(in crate::train) fn new(augmentation: &Augmentation, key: Key) -> Self {
        // Samples are counted in 32 bits, and no run has 2^32 epochs.
        let mut stream = Stream::numbered(key.seed, "augment", key.epoch << 32 | u64::from(key.sample));
        let mut steps: [Option<Step>; MAX_CHANGES] = [None; MAX_CHANGES];
        let mut n = 0_usize;
        for change in augmentation.changes() {
            let step = Step::draw(change, &mut stream);
            let before = n.checked_sub(1).and_then(|last| steps.get_mut(last)).and_then(Option::as_mut);
            match (before, step) {
                // The plane is mapped by both at once.
                (Some(Step::Warp { map, fill }), Step::Warp { map: next, fill: next_fill })
                    if fill.is_none() || next_fill.is_none() || *fill == next_fill =>
                {
                    *map = map.then(next);
                    *fill = fill.or(next_fill);
                }
                _ => {
                    if let Some(place) = steps.get_mut(n) {
                        *place = Some(step);
                    }
                    n += 1;
                }
            }
        }
        Self { steps }
    }

    /// Changes an image of `[height, width, channels]`, the sample's input number `input`. `other` is room for another,
    /// which is not used, and may be empty, where nothing moves.
    pub(in crate::train) fn apply(&self, input: usize, shape: [usize; 3], image: &mut [f32], other: &mut [f32]) {
        for step in self.steps.iter().flatten() {
            match *step {
                Step::Warp { map, .. } if map == Map::IDENTITY => {}
                Step::Warp { map, fill } => {
                    other.copy_from_slice(image);
                    warp::warp(shape, &map, fill.unwrap_or_default(), other, image);
                }
                Step::Add { value } => image.iter_mut().for_each(|x| *x += value),
                Step::Contrast { factor } => pixels::contrast(image, factor),
                Step::Noise { deviation, seed } => {
                    pixels::noise(image, deviation, &mut Stream::numbered(seed, "augment noise", input as u64));
                }
                Step::Cutout { size, centre } => pixels::cutout(shape, image, size, centre),
            }
        }
    }
}

impl Step {
    fn draw(change: Change, stream: &mut Stream) -> Self {
        let mut around = |middle: f64, by: f64| middle + by * (2.0 * stream.uniform() - 1.0);
        match change {
            Change::Shift { pixels, fill } => {
                let mut whole =
                    || f64::from(stream.below(pixels.saturating_mul(2).saturating_add(1))) - f64::from(pixels);
                Step::Warp { map: Map::shift([whole(), whole()]), fill: Some(fill) }
            }
            Change::Rotate { degrees, fill } => {
                Step::Warp { map: Map::rotation(around(0.0, f64::from(degrees))), fill: Some(fill) }
            }
            Change::Scale { low, high, fill } => {
                let (low, high) = (f64::from(low), f64::from(high));
                Step::Warp { map: Map::scale(low + (high - low) * stream.uniform()), fill: Some(fill) }
            }
            Change::Shear { degrees, fill } => {
                Step::Warp { map: Map::shear(around(0.0, f64::from(degrees))), fill: Some(fill) }
            }
            Change::Flip { axis } => {
                let is_flipped = stream.below(2) == 1;
                let map = match axis {
                    _ if !is_flipped => Map::IDENTITY,
                    Axis::Horizontal => Map::FLIP_HORIZONTAL,
                    Axis::Vertical => Map::FLIP_VERTICAL,
                };
                Step::Warp { map, fill: None }
            }
            Change::Brightness { by } => Step::Add { value: around(0.0, f64::from(by)) as f32 },
            Change::Contrast { by } => Step::Contrast { factor: around(1.0, f64::from(by)) as f32 },
            Change::Noise { deviation } => Step::Noise { deviation, seed: stream.next_u64() },
            Change::Cutout { size } => {
                Step::Cutout { size: size as usize, centre: [stream.uniform(), stream.uniform()] }
            }
        }
    }
}
