//! Padding: the places of an image's elements in a larger one.

use netwright_compiler::ops::Pad;

/// Zeros around each image.
pub(super) fn forward(pad: &Pad, n: usize, x: &[f64]) -> Vec<f64> {
    let ([h, w, c], [top, bottom, left, right]) = (pad.input, pad.sides);
    let mut y = vec![0.0; n * (top + h + bottom) * (left + w + right) * c];
    x.iter().enumerate().for_each(|(index, x)| y[place(pad, index)] = *x);
    y
}

/// What stands at the images' places.
pub(super) fn gradient(pad: &Pad, n: usize, dy: &[f64]) -> Vec<f64> {
    (0..n * pad.input.iter().product::<usize>()).map(|index| dy[place(pad, index)]).collect()
}

/// Where an element of the smaller images stands in the larger ones.
fn place(pad: &Pad, index: usize) -> usize {
    let ([h, w, c], [top, bottom, left, right]) = (pad.input, pad.sides);
    let (image, row, col, channel) = (index / c / w / h, index / c / w % h, index / c % w, index % c);
    ((image * (top + h + bottom) + top + row) * (left + w + right) + left + col) * c + channel
}
