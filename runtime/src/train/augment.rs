//! Augmentation: random changes of training images, drawn anew for each image in each epoch.
//!
//! What is drawn for an image follows from the run's seed, the epoch and the image's index in the training data alone:
//! neither the size of a batch, nor the number of threads, nor a run that was stopped in between changes a bit of it.

mod draw;
mod pixels;
mod warp;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::recipe::{Number, check};
use crate::error::Error;

pub(super) use draw::{Draw, Key};

/// The most changes of one augmentation.
pub const MAX_CHANGES: usize = 8;

/// Changes of a training image, one after the other. Targets stay as they are.
///
/// Inputs of three axes are images, `[height, width, channels]`; others are left alone. Of several images of a sample each
/// is changed by the same draw, but for noise.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Augmentation([Option<Change>; MAX_CHANGES]);

/// A random change of an image. Numbers are drawn evenly from their ranges.
///
/// Shifts, turns, sizes, shears and flips that follow each other are one map of the plane, about the image's centre, so
/// that the image is resampled once: bilinear, as in Keras and torchvision, without smoothing where it shrinks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Moves by a whole number of pixels, up to so many each way, rows and columns apart.
    Shift {
        /// The most pixels.
        pixels: u32,
        /// What comes in from outside.
        fill: Fill,
    },
    /// Turns by up to so many degrees each way.
    Rotate {
        /// The largest angle, above 0 and up to 180.
        degrees: f32,
        /// What comes in from outside.
        fill: Fill,
    },
    /// Makes the content larger by a factor, the same for height and width; the image keeps its size.
    Scale {
        /// The smallest factor, from 0.1 up.
        low: f32,
        /// The largest factor, up to 10.
        high: f32,
        /// What comes in from outside.
        fill: Fill,
    },
    /// Moves rows sideways in proportion to their distance from the centre: columns lean by up to so many degrees each way.
    Shear {
        /// The largest angle, above 0 and up to 60.
        degrees: f32,
        /// What comes in from outside.
        fill: Fill,
    },
    /// Mirrors every other image, by chance.
    Flip {
        /// Which way.
        axis: Axis,
    },
    /// Adds one number, up to so much each way, to all values.
    Brightness {
        /// The largest number.
        by: f32,
    },
    /// Multiplies the distance of all values from the image's mean by a factor between `1 - by` and `1 + by`.
    Contrast {
        /// Above 0, up to 1.
        by: f32,
    },
    /// Adds a normal number of this standard deviation to each value.
    Noise {
        /// The standard deviation.
        deviation: f32,
    },
    /// Sets a square of the image to zero (DeVries and Taylor, 2017). Its centre is any pixel, so that a part of it may lie
    /// outside.
    Cutout {
        /// Pixels of a side.
        size: u32,
    },
}

/// What stands where a change looks outside of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// Zeros.
    #[default]
    Zero,
    /// The nearest pixel of the image.
    Edge,
}

/// The way of a flip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Left and right change places.
    Horizontal,
    /// Top and bottom change places.
    Vertical,
}

impl Augmentation {
    /// Images stay as they are.
    pub const NONE: Self = Self([None; MAX_CHANGES]);

    /// These changes, in this order; `None` leaves its place out.
    #[must_use]
    pub const fn new(changes: [Option<Change>; MAX_CHANGES]) -> Self {
        Self(changes)
    }

    /// The changes, in order.
    pub fn changes(&self) -> impl Iterator<Item = Change> + use<> {
        self.0.into_iter().flatten()
    }

    /// Whether images stay as they are.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.changes().next().is_none()
    }

    /// Whether an image's values are moved, which takes room for a second one.
    pub(super) fn warps(&self) -> bool {
        let warps = |change| match change {
            Change::Shift { .. }
            | Change::Rotate { .. }
            | Change::Scale { .. }
            | Change::Shear { .. }
            | Change::Flip { .. } => true,
            Change::Brightness { .. } | Change::Contrast { .. } | Change::Noise { .. } | Change::Cutout { .. } => false,
        };
        self.changes().any(warps)
    }

    /// Checks every change's numbers.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.changes().try_for_each(Change::check)
    }
}

/// The changes in order, as many as there is room for.
///
/// # Errors
///
/// [`Error::Setting`] if there are more than [`MAX_CHANGES`].
impl TryFrom<&[Change]> for Augmentation {
    type Error = Error;

    fn try_from(changes: &[Change]) -> Result<Self, Error> {
        let mut all = [None; MAX_CHANGES];
        if changes.len() > all.len() {
            let found = changes.len().to_string();
            return Err(Error::Setting { setting: "augment", expected: "at most 8 changes", found });
        }
        all.iter_mut().zip(changes).for_each(|(place, change)| *place = Some(*change));
        Ok(Self(all))
    }
}

impl Change {
    fn check(self) -> Result<(), Error> {
        let whole = |setting, found: u32| {
            let error = || Error::Setting { setting, expected: "at least 1", found: found.to_string() };
            (found > 0).then_some(()).ok_or_else(error)
        };
        match self {
            Change::Shift { pixels, .. } => whole("augment: shift", pixels),
            Change::Rotate { degrees, .. } => {
                let valid = degrees > 0.0 && degrees <= 180.0;
                check("augment: rotate", degrees, valid, "degrees above 0, up to 180")
            }
            Change::Scale { low, high, .. } => {
                check(
                    "augment: scale",
                    low,
                    low >= 0.1 && low <= high,
                    "a smallest factor from 0.1 up to the largest",
                )?;
                check("augment: scale", high, high <= 10.0, "a largest factor up to 10")
            }
            Change::Shear { degrees, .. } => {
                let valid = degrees > 0.0 && degrees <= 60.0;
                check("augment: shear", degrees, valid, "degrees above 0, up to 60")
            }
            Change::Flip { .. } => Ok(()),
            Change::Brightness { by } => check("augment: brightness", by, by > 0.0, "a number above 0"),
            Change::Contrast { by } => {
                check("augment: contrast", by, by > 0.0 && by <= 1.0, "a number above 0, up to 1")
            }
            Change::Noise { deviation } => check("augment: noise", deviation, deviation > 0.0, "a number above 0"),
            Change::Cutout { size } => whole("augment: cutout", size),
        }
    }
}

impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, change) in self.changes().enumerate() {
            if index > 0 {
                f.write_str(" -> ")?;
            }
            change.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Change::Shift { pixels, fill } => write!(f, "shift({pixels}{fill})"),
            Change::Rotate { degrees, fill } => write!(f, "rotate({}{fill})", Number(degrees)),
            Change::Scale { low, high, fill } => write!(f, "scale({}, {}{fill})", Number(low), Number(high)),
            Change::Shear { degrees, fill } => write!(f, "shear({}{fill})", Number(degrees)),
            Change::Flip { axis: Axis::Horizontal } => f.write_str("flip(horizontal)"),
            Change::Flip { axis: Axis::Vertical } => f.write_str("flip(vertical)"),
            Change::Brightness { by } => write!(f, "brightness({})", Number(by)),
            Change::Contrast { by } => write!(f, "contrast({})", Number(by)),
            Change::Noise { deviation } => write!(f, "noise({})", Number(deviation)),
            Change::Cutout { size } => write!(f, "cutout({size})"),
        }
    }
}

/// The argument that says so; nothing for zeros, which need not be written.
impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fill::Zero => "",
            Fill::Edge => ", fill: edge",
        })
    }
}

#[cfg(test)]
mod tests;
