//! Changes of an image's values where they stand.

use crate::random::Stream;

/// Multiplies the distance of all values from their mean.
pub(super) fn contrast(image: &mut [f32], factor: f32) {
    let sum: f64 = image.iter().map(|&x| f64::from(x)).sum();
    let mean = (sum / image.len() as f64) as f32;
    image.iter_mut().for_each(|x| *x = mean + factor * (*x - mean));
}

/// Adds a normal number to each value.
pub(super) fn noise(image: &mut [f32], deviation: f32, stream: &mut Stream) {
    image.iter_mut().for_each(|x| *x += deviation * stream.normal() as f32);
}

/// Sets a square to zero, as far as it lies inside; `centre` is in fractions of height and width.
pub(super) fn cutout([h, w, c]: [usize; 3], image: &mut [f32], size: usize, centre: [f64; 2]) {
    let span = |fraction: f64, length: usize| {
        let middle = ((fraction * length as f64) as usize).min(length - 1);
        let start = middle.saturating_sub(size / 2);
        start..(middle + size - size / 2).min(length)
    };
    let columns = span(centre[1], w);
    for row in image.chunks_exact_mut(w * c).skip(span(centre[0], h).start).take(span(centre[0], h).len()) {
        row[columns.start * c..columns.end * c].fill(0.0);
    }
}
