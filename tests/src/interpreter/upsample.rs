//! Upsampling: every output pixel as a weighted sum of input pixels.

use netwright_compiler::ops::Upsample;

use super::conv::pairs;

/// The larger images.
pub(super) fn forward(upsample: &Upsample, n: usize, x: &[f64]) -> Vec<f64> {
    let [fh, fw] = upsample.factor;
    let mut y = vec![0.0; x.len() * fh * fw];
    each_share(upsample, n, |x_idx, y_idx, weight| y[y_idx] += weight * x[x_idx]);
    y
}

/// The gradient of the smaller images.
pub(super) fn gradient(upsample: &Upsample, n: usize, dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; n * upsample.input.iter().product::<usize>()];
    each_share(upsample, n, |x_idx, y_idx, weight| dx[x_idx] += weight * dy[y_idx]);
    dx
}

/// Which inputs an output of an axis is made of, and in which shares: by the distance of its centre from theirs.
fn shares(output: usize, size: usize, factor: usize, is_bilinear: bool) -> Vec<(usize, f64)> {
    if !is_bilinear {
        return vec![(output / factor, 1.0)];
    }
    let centre = (output as f64 + 0.5) / factor as f64 - 0.5;
    let nearness = |input: usize| (1.0 - (centre.clamp(0.0, (size - 1) as f64) - input as f64).abs()).max(0.0);
    (0..size).map(|input| (input, nearness(input))).filter(|&(_, share)| share > 0.0).collect()
}

/// Calls `share` with the indices of input and output and the weight of every share.
fn each_share(upsample: &Upsample, n: usize, mut share: impl FnMut(usize, usize, f64)) {
    let ([h, w, c], [fh, fw]) = (upsample.input, upsample.factor);
    for ((image, channel), (oy, ox)) in pairs(n, c).flat_map(|first| pairs(h * fh, w * fw).map(move |out| (first, out)))
    {
        for (y, row_share) in shares(oy, h, fh, upsample.is_bilinear) {
            for (x, col_share) in shares(ox, w, fw, upsample.is_bilinear) {
                let x_idx = ((image * h + y) * w + x) * c + channel;
                let y_idx = ((image * h * fh + oy) * w * fw + ox) * c + channel;
                share(x_idx, y_idx, row_share * col_share);
            }
        }
    }
}
