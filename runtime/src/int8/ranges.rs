//! The range of each tensor: from the smallest and largest number that calibration sees, clipped where that makes the mean
//! squared error smaller.

use netwright_kernels::conv::Among;
use netwright_kernels::int8::Scale;

use super::{Observer, Point};

/// Bins of a histogram.
const BINS: usize = 2048;

/// How much of the range is kept is chosen among so many hundredths and all above.
const LEAST_KEPT: usize = 40;

/// The smallest and the largest number of each tensor; zero is among them.
pub(super) struct Extremes {
    points: &'static [Point],
    pub(super) of: Vec<(f32, f32)>,
}

impl Extremes {
    pub(super) fn new(points: &'static [Point], n_tensors: usize) -> Self {
        Self { points, of: vec![(0.0, 0.0); n_tensors] }
    }
}

impl Observer for Extremes {
    fn floats(&mut self, index: usize, x: &[f32]) {
        let tensor = self.points.get(index).and_then(|point| self.of.get_mut(point.tensor?));
        if let Some((low, high)) = tensor {
            for &x in x.iter().filter(|x| x.is_finite()) {
                *low = low.min(x);
                *high = high.max(x);
            }
        }
    }

    /// Never called: the network is one of floats.
    fn bytes_among(&mut self, _: usize, _: usize, _: usize, _: Among, _: &[f32]) {}
}

/// How often the numbers of each tensor occur.
pub(super) struct Histograms {
    points: &'static [Point],
    of: Vec<Histogram>,
}

struct Histogram {
    low: f32,
    high: f32,
    counts: Vec<u64>,
}

impl Histograms {
    pub(super) fn new(points: &'static [Point], extremes: &[(f32, f32)]) -> Self {
        let histogram = |&(low, high): &(f32, f32)| Histogram { low, high, counts: vec![0; BINS] };
        Self { points, of: extremes.iter().map(histogram).collect() }
    }

    /// The scale of each tensor.
    pub(super) fn scales(&self) -> Vec<Scale> {
        self.of.iter().map(Histogram::scale).collect()
    }
}

impl Observer for Histograms {
    fn floats(&mut self, index: usize, x: &[f32]) {
        let tensor = self.points.get(index).and_then(|point| self.of.get_mut(point.tensor?));
        if let Some(histogram) = tensor {
            x.iter().for_each(|&x| histogram.count(x));
        }
    }

    /// Never called: the network is one of floats.
    fn bytes_among(&mut self, _: usize, _: usize, _: usize, _: Among, _: &[f32]) {}
}

impl Histogram {
    fn width(&self) -> f32 {
        (self.high - self.low) / BINS as f32
    }

    /// Zero is always exact, and so counts for nothing.
    fn count(&mut self, x: f32) {
        let width = self.width();
        if x == 0.0 || !x.is_finite() || !width.is_normal() {
            return;
        }
        let bin = ((x - self.low) / width) as usize;
        if let Some(count) = self.counts.get_mut(bin.min(BINS - 1)) {
            *count += 1;
        }
    }

    /// The scale of the least mean squared error; of equal ones that of the widest range.
    fn scale(&self) -> Scale {
        let mut best = (f64::INFINITY, Scale::of_range(self.low, self.high));
        for kept in (LEAST_KEPT..=100).rev() {
            let part = kept as f32 / 100.0;
            let scale = Scale::of_range(self.low * part, self.high * part);
            let error = self.error(scale);
            if error < best.0 {
                best = (error, scale);
            }
        }
        best.1
    }

    /// The sum of the squared errors.
    fn error(&self, scale: Scale) -> f64 {
        let width = self.width();
        let counted = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        counted
            .map(|(bin, &count)| {
                let x = self.low + (bin as f32 + 0.5) * width;
                let off = f64::from(scale.number(scale.byte(x)) - x);
                count as f64 * off * off
            })
            .sum()
    }
}

/// The scale of a channel's weights, of the least squared error: a number in -127..=127 stands for its multiple.
pub(super) fn channel_scale(weights: impl Iterator<Item = f32> + Clone) -> f32 {
    let largest = weights.clone().map(f32::abs).fold(0.0, f32::max);
    let widest = largest / 127.0;
    if !(widest.is_normal() && widest.recip().is_finite()) {
        return 1.0;
    }
    let mut best = (f64::INFINITY, widest);
    for kept in (LEAST_KEPT_OF_WEIGHTS..=100).rev() {
        let scale = widest * kept as f32 / 100.0;
        let squared = |x: f32| f64::from(integer(x, scale) * scale - x).powi(2);
        let error: f64 = weights.clone().map(squared).sum();
        if error < best.0 {
            best = (error, scale);
        }
    }
    best.1
}

/// As [`LEAST_KEPT`], of a channel's weights.
const LEAST_KEPT_OF_WEIGHTS: usize = 80;

/// A weight as a multiple of its channel's scale.
pub(super) fn integer(x: f32, scale: f32) -> f32 {
    (x / scale).round_ties_even().clamp(-127.0, 127.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(numbers: impl Iterator<Item = f32> + Clone) -> Histogram {
        let (low, high) = numbers.clone().fold((0.0_f32, 0.0_f32), |(low, high), x| (low.min(x), high.max(x)));
        let mut histogram = Histogram { low, high, counts: vec![0; BINS] };
        numbers.for_each(|x| histogram.count(x));
        histogram
    }

    #[test]
    fn an_even_tensor_keeps_its_range() {
        let scale = histogram((0..10_000).map(|i| i as f32 / 1000.0)).scale();
        assert!(scale.zero == 0 && (scale.scale * 127.0 - 9.999).abs() < 0.11, "{scale:?}");
    }

    /// One number far out, of many: to clip it costs less than to be coarse everywhere.
    #[test]
    fn a_rare_outlier_is_clipped() {
        let numbers = (0..200_000).map(|i| (i % 1000) as f32 / 1000.0).chain([2.0]);
        let scale = histogram(numbers).scale();
        assert!(scale.scale * 127.0 < 1.5, "{scale:?}");
        let balanced = (0..2000).map(|i| i as f32 / 1000.0 - 1.0);
        let scale = histogram(balanced).scale();
        assert!((60..=67).contains(&scale.zero), "{scale:?}");
    }

    #[test]
    fn nothing_to_see_is_no_trouble() {
        assert!(histogram(std::iter::empty()).scale().is_valid());
        assert!(
            histogram([f32::NAN, f32::INFINITY, 0.0, -0.0].into_iter().filter(|x| !x.is_finite())).scale().is_valid()
        );
        assert_eq!(channel_scale([0.0, -0.0].into_iter()), 1.0);
        assert_eq!(channel_scale([1e-44].into_iter()), 1.0);
        assert_eq!(channel_scale([12.7, -1.0].into_iter()), 12.7 / 127.0);
    }

    #[test]
    fn integers_stay_in_their_range() {
        assert_eq!([1e9, -1e9, 0.25, 0.75].map(|x| integer(x, 0.5)), [127.0, -127.0, 0.0, 2.0]);
    }
}
