//! Sums and products, element by element or by channel.

/// `a + b`.
pub(super) fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// `a - b`.
pub(super) fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// `a * b`.
pub(super) fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

/// One number per image and channel, repeated for every pixel of images of `len` elements.
pub(super) fn spread(n: usize, len: usize, c: usize, gate: &[f64]) -> Vec<f64> {
    (0..n * len).map(|i| gate[i / len * c + i % c]).collect()
}

/// The sum over the pixels of each channel of each image.
pub(super) fn gather(n: usize, len: usize, c: usize, x: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; n * c];
    x.iter().enumerate().for_each(|(i, x)| sums[i / len * c + i % c] += x);
    sums
}
