//! Transposed convolution: every input pixel adds the kernel, times its channels, to a window of the output.

use netwright_compiler::ops::ConvTranspose;

use super::conv::pairs;

/// `[n, OH, OW, F]` from `[n, H, W, C]` and the weight `[KH, KW, C, F]`.
pub(super) fn forward(conv: &ConvTranspose, n: usize, x: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
    let [oh, ow] = outputs(conv);
    let mut y = vec![0.0; n * oh * ow * conv.f];
    each_product(conv, n, |x_idx, w_idx, y_idx| y[y_idx] += x[x_idx] * weight[w_idx]);
    if let Some(bias) = bias {
        y.iter_mut().enumerate().for_each(|(index, y)| *y += bias[index % conv.f]);
    }
    y
}

/// The gradient of the input.
pub(super) fn input_gradient(conv: &ConvTranspose, n: usize, dy: &[f64], weight: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; n * conv.h * conv.w * conv.c];
    each_product(conv, n, |x_idx, w_idx, y_idx| dx[x_idx] += dy[y_idx] * weight[w_idx]);
    dx
}

/// The gradients of weight and bias.
pub(super) fn weight_gradient(conv: &ConvTranspose, n: usize, x: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut weight = vec![0.0; conv.kernel[0] * conv.kernel[1] * conv.c * conv.f];
    each_product(conv, n, |x_idx, w_idx, y_idx| weight[w_idx] += x[x_idx] * dy[y_idx]);
    let mut bias = vec![0.0; conv.f];
    dy.iter().enumerate().for_each(|(index, dy)| bias[index % conv.f] += dy);
    (weight, bias)
}

fn outputs(conv: &ConvTranspose) -> [usize; 2] {
    let axis =
        |size: usize, i: usize| (size - 1) * conv.stride[i] + conv.kernel[i] + conv.output_pad[i] - 2 * conv.pad[i];
    [axis(conv.h, 0), axis(conv.w, 1)]
}

/// Calls `product` with the indices of input, weight and output of every product.
fn each_product(conv: &ConvTranspose, n: usize, mut product: impl FnMut(usize, usize, usize)) {
    let ConvTranspose { h, w, c, f, kernel: [kh, kw], .. } = *conv;
    let [oh, ow] = outputs(conv);
    for image in 0..n {
        for (iy, ix) in pairs(h, w) {
            for (ky, kx) in pairs(kh, kw) {
                let y = (iy * conv.stride[0] + ky).checked_sub(conv.pad[0]).filter(|&y| y < oh);
                let x = (ix * conv.stride[1] + kx).checked_sub(conv.pad[1]).filter(|&x| x < ow);
                let (Some(y), Some(x)) = (y, x) else { continue };
                for (channel, filter) in pairs(c, f) {
                    product(
                        ((image * h + iy) * w + ix) * c + channel,
                        ((ky * kw + kx) * c + channel) * f + filter,
                        ((image * oh + y) * ow + x) * f + filter,
                    );
                }
            }
        }
    }
}
