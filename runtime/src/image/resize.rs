//! Resizing: averages by area where an axis shrinks, linear interpolation where it grows.

/// Where in an input the resized image goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

/// An image that is read row by row.
pub(super) trait Source {
    /// Height and width in pixels.
    fn size(&self) -> (usize, usize);
    /// Values per pixel.
    fn channels(&self) -> usize;
    /// Writes row `y`: width x channels values.
    fn row(&self, y: usize, out: &mut [f32]);
}

/// What one pixel of the result is made of along one axis.
struct Tap {
    /// The first pixel of the source.
    first: usize,
    /// Weights of that pixel and those after it; they sum to one.
    weights: Vec<f32>,
}

/// Resizes to `height` x `width`: the values in row-major order, channels last.
///
/// The axes are independent. One row of the source and the result are held in memory, nothing else.
pub(super) fn resize(source: &impl Source, height: usize, width: usize) -> Vec<f32> {
    let ((source_height, source_width), channels) = (source.size(), source.channels());
    let (rows, columns) = (taps(source_height, height), taps(source_width, width));
    let mut result = vec![0.0; height * width * channels];
    let mut wide = vec![0.0; source_width * channels];
    let mut narrow = vec![0.0; width * channels];
    // The rows of the result that a row of the source counts for lie side by side, and move on with it.
    let mut start = 0;
    for y in 0..source_height {
        while rows.get(start).is_some_and(|tap| tap.first + tap.weights.len() <= y) {
            start += 1;
        }
        source.row(y, &mut wide);
        for (out, tap) in narrow.chunks_exact_mut(channels).zip(&columns) {
            out.fill(0.0);
            for (pixel, weight) in wide.chunks_exact(channels).skip(tap.first).zip(&tap.weights) {
                out.iter_mut().zip(pixel).for_each(|(out, value)| *out += weight * value);
            }
        }
        let touched = rows.iter().zip(result.chunks_exact_mut(width * channels)).skip(start);
        for (tap, out) in touched.take_while(|(tap, _)| tap.first <= y) {
            if let Some(weight) = y.checked_sub(tap.first).and_then(|idx| tap.weights.get(idx)) {
                out.iter_mut().zip(&narrow).for_each(|(out, value)| *out += weight * value);
            }
        }
    }
    result
}

/// The taps of each of `to` pixels over `from` pixels; both are at least one.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    (0..to)
        .map(|idx| {
            if from <= to {
                // Between the middles of the two nearest pixels; past the outermost ones their values go on.
                let place = ((idx as f64 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f64);
                let first = place as usize;
                let along = (place - first as f64) as f32;
                let weights = if along > 0.0 { vec![1.0 - along, along] } else { vec![1.0] };
                return Tap { first, weights };
            }
            let (low, high) = (idx as f64 * scale, (idx + 1) as f64 * scale);
            let first = low as usize;
            let last = (high.ceil() as usize).clamp(first + 1, from);
            let covered = |pixel: usize| (high.min((pixel + 1) as f64) - low.max(pixel as f64)).max(0.0);
            Tap { first, weights: (first..last).map(|pixel| (covered(pixel) / scale) as f32).collect() }
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]
mod tests {
    use super::*;

    struct Grey(Vec<Vec<f32>>);

    impl Source for Grey {
        fn size(&self) -> (usize, usize) {
            (self.0.len(), self.0[0].len())
        }

        fn channels(&self) -> usize {
            1
        }

        fn row(&self, y: usize, out: &mut [f32]) {
            out.copy_from_slice(&self.0[y]);
        }
    }

    fn close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} is not {expected:?}");
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let image = Grey(vec![vec![0.1, 0.2, 0.3], vec![0.4, 0.5, 0.6]]);
        assert_eq!(resize(&image, 2, 3), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    }

    #[test]
    fn shrinking_averages_by_area() {
        let image = Grey(vec![vec![0.0, 1.0, 0.5], vec![1.0, 0.0, 0.5]]);
        // Each result pixel covers one and a half columns.
        close(&resize(&image, 1, 2), &[0.5, 0.5]);
        close(&resize(&image, 2, 2), &[1.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0]);
        close(&resize(&image, 1, 1), &[0.5]);
    }

    #[test]
    fn growing_interpolates_between_middles() {
        let image = Grey(vec![vec![0.0, 1.0]]);
        close(&resize(&image, 2, 4), &[0.0, 0.25, 0.75, 1.0, 0.0, 0.25, 0.75, 1.0]);
        close(&resize(&Grey(vec![vec![0.7]]), 2, 3), &[0.7; 6]);
    }

    #[test]
    fn weights_sum_to_one_whatever_the_sizes() {
        for from in 1..40 {
            for to in 1..40 {
                for tap in taps(from, to) {
                    let sum: f32 = tap.weights.iter().sum();
                    assert!((sum - 1.0).abs() < 1e-5 && tap.first + tap.weights.len() <= from, "{from} to {to}");
                }
            }
        }
    }

    #[test]
    fn an_even_image_stays_even() {
        for (height, width) in [(3, 50), (50, 3), (7, 7), (64, 64)] {
            close(&resize(&Grey(vec![vec![0.25; 13]; 29]), height, width), &vec![0.25; height * width]);
        }
    }
}
