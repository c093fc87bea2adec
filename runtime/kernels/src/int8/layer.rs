//! A layer's integers as the kernels read them: panels of sixteen channels, four weights of a channel together.

use super::{LEVELS, LONGEST, MOST};
use crate::layout::PANEL;
use std::fmt;

/// How the bytes of a tensor stand for its numbers: `scale * (byte - zero)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The distance between two neighbouring numbers; positive and finite.
    pub scale: f32,
    /// The byte that stands for zero, at most [`LEVELS`].
    pub zero: u8,
}

impl Scale {
    /// The scale for numbers from `low` to `high`; zero is among them, and exact.
    #[must_use]
    pub fn of_range(low: f32, high: f32) -> Scale {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let scale = (high - low) / f32::from(LEVELS);
        // A tensor that is always zero, or a range that does not fit.
        let scale = if scale.is_normal() { scale } else { 1.0 };
        let zero = (-low / scale).round_ties_even().clamp(0.0, f32::from(LEVELS)) as u8;
        Scale { scale, zero }
    }

    /// Whether it is one: a file may say anything.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.scale.is_normal() && self.scale > 0.0 && self.scale.recip().is_finite() && self.zero <= LEVELS
    }

    /// The byte for a number; the nearest where it is beyond the range, that of zero or below for what is no number.
    #[must_use]
    pub fn byte(&self, x: f32) -> u8 {
        super::lanes::byte(x, self.scale.recip(), f32::from(self.zero), 0.0)
    }

    /// The number that a byte stands for.
    #[must_use]
    pub fn number(&self, byte: u8) -> f32 {
        (i32::from(byte) - i32::from(self.zero)) as f32 * self.scale
    }
}

/// The weights of a convolution or dense layer with what is done with their sums.
#[derive(Clone, Debug)]
pub struct Layer {
    /// For each group and panel `[quads][16][4]`, the last run of a row filled with zeros.
    pub(super) weights: Vec<i8>,
    /// For each group, a value for each channel, filled to whole panels: the bias less what the zero of the input adds.
    pub(super) bias: Vec<i32>,
    /// The same for what a sum is multiplied by.
    pub(super) scale: Vec<f32>,
    /// The byte of the input that stands for zero.
    pub(super) input_zero: u8,
    /// The byte of the output that stands for zero.
    pub(super) output_zero: u8,
    /// Bytes of a run that are read one after another, before they are filled to a multiple of four.
    pub(super) run: usize,
    /// Runs of a window.
    pub(super) runs: usize,
    pub(super) groups: usize,
    /// Output channels of a group.
    pub(super) f: usize,
}

/// Why a layer cannot be computed in integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackError {
    /// A weight is no integer from -127 to 127.
    Weight,
    /// A scale is not positive, or the numbers are too large or too small for floats.
    Scale,
    /// An array has another length than the layer's sizes say, or a channel has too many weights.
    Size,
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weight => "a weight is no integer from -127 to 127",
            Self::Scale => "a scale is not positive, or too large or too small",
            Self::Size => "an array has another size than the layer",
        })
    }
}

impl std::error::Error for PackError {}

impl Layer {
    /// Packs a layer of `groups * f` output channels, each with `runs * run` weights: `weights` are integers from -127 to
    /// 127, `[runs, run, groups * f]`, which `scales` multiply by channel; `bias` has a float for each, or nothing.
    /// `output` is how the result is stored; without it, it is floats.
    ///
    /// # Errors
    ///
    /// If lengths do not agree, or something is not in its range: nothing is taken for granted of the numbers.
    pub fn pack(
        [groups, f, runs, run]: [usize; 4],
        weights: &[f32],
        scales: &[f32],
        bias: &[f32],
        input: Scale,
        output: Option<Scale>,
    ) -> Result<Layer, PackError> {
        let channels = groups.checked_mul(f).ok_or(PackError::Size)?;
        let k = runs.checked_mul(run).filter(|&k| k <= LONGEST).ok_or(PackError::Size)?;
        let fits = channels.checked_mul(k) == Some(weights.len()) && scales.len() == channels;
        if !fits || !(bias.is_empty() || bias.len() == channels) {
            return Err(PackError::Size);
        }
        if !input.is_valid() || output.is_some_and(|output| !output.is_valid()) {
            return Err(PackError::Scale);
        }
        let (panels, quads) = (f.div_ceil(PANEL), runs * run.div_ceil(4));
        let stored = groups * panels * PANEL;
        let mut layer = Layer {
            weights: vec![0; stored * quads * 4],
            bias: vec![0; stored],
            scale: vec![0.0; stored],
            input_zero: input.zero,
            output_zero: output.map_or(0, |output| output.zero),
            run,
            runs,
            groups,
            f,
        };
        for (channel, &scale) in scales.iter().enumerate() {
            let (group, within) = (channel / f, channel % f);
            let (panel, lane) = (group * panels + within / PANEL, within % PANEL);
            let mut sum = 0_i64;
            for tap in 0..k {
                let weight = weights[tap * channels + channel];
                if weight.fract() != 0.0 || weight.abs() > f32::from(MOST) {
                    return Err(PackError::Weight);
                }
                sum += weight as i64;
                let (quad, byte) = (tap / run * run.div_ceil(4) + tap % run / 4, tap % run % 4);
                layer.weights[((panel * quads + quad) * PANEL + lane) * 4 + byte] = weight as i8;
            }
            let unit = input.scale * scale;
            let factor = output.map_or(unit, |output| unit / output.scale);
            if !(scale > 0.0 && unit.is_normal() && factor.is_finite()) {
                return Err(PackError::Scale);
            }
            let bias = bias.get(channel).map_or(0.0, |bias| (bias / unit).round_ties_even());
            // What is beyond is beyond the range of a byte, too.
            let bias = bias.clamp(-(1_i64 << 30) as f32, (1_i64 << 30) as f32) as i64;
            // Sums wrap on their way; their ends fit.
            layer.bias[panel * PANEL + lane] = (bias - i64::from(input.zero) * sum) as i32;
            layer.scale[panel * PANEL + lane] = factor;
        }
        Ok(layer)
    }

    /// Runs of four weights of a channel.
    pub(super) fn quads(&self) -> usize {
        self.runs * self.run.div_ceil(4)
    }

    /// Bytes that the layer takes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.weights.len() + 4 * self.bias.len() + 4 * self.scale.len()
    }
}
