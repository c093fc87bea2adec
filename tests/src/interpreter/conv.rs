//! Convolution: every product of an input element with a weight, counted towards its output.

use netwright_compiler::ops::Conv;

/// `[n, OH, OW, F]` from `[n, H, W, C]` and the weight `[KH, KW, C / groups, F]`.
pub(super) fn forward(conv: &Conv, n: usize, x: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
    let [oh, ow] = outputs(conv);
    let mut y = vec![0.0; n * oh * ow * conv.f];
    each_product(conv, n, |x_idx, w_idx, y_idx| y[y_idx] += x[x_idx] * weight[w_idx]);
    if let Some(bias) = bias {
        y.iter_mut().enumerate().for_each(|(index, y)| *y += bias[index % conv.f]);
    }
    y
}

/// The gradient of the input.
pub(super) fn input_gradient(conv: &Conv, n: usize, dy: &[f64], weight: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; n * conv.h * conv.w * conv.c];
    each_product(conv, n, |x_idx, w_idx, y_idx| dx[x_idx] += dy[y_idx] * weight[w_idx]);
    dx
}

/// The gradients of weight and bias.
pub(super) fn weight_gradient(conv: &Conv, n: usize, x: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let [kh, kw] = conv.window.kernel;
    let mut weight = vec![0.0; kh * kw * (conv.c / conv.groups) * conv.f];
    each_product(conv, n, |x_idx, w_idx, y_idx| weight[w_idx] += x[x_idx] * dy[y_idx]);
    let mut bias = vec![0.0; conv.f];
    dy.iter().enumerate().for_each(|(index, dy)| bias[index % conv.f] += dy);
    (weight, bias)
}

/// `(size + 2 pad - (dilation (kernel - 1) + 1)) / stride + 1`, rounded down.
fn outputs(conv: &Conv) -> [usize; 2] {
    let axis = |size: usize, i: usize| {
        let window = &conv.window;
        (size + 2 * window.pad[i] - (window.dilation[i] * (window.kernel[i] - 1) + 1)) / window.stride[i] + 1
    };
    [axis(conv.h, 0), axis(conv.w, 1)]
}

/// Calls `product` with the indices of input, weight and output of every product that the convolution sums.
fn each_product(conv: &Conv, n: usize, mut product: impl FnMut(usize, usize, usize)) {
    let Conv { h, w, c, f, window, groups, .. } = *conv;
    let ([oh, ow], [kh, kw]) = (outputs(conv), window.kernel);
    let (c_of_group, f_of_group) = (c / groups, f / groups);
    for image in 0..n {
        for (oy, ox) in pairs(oh, ow) {
            for (ky, kx) in pairs(kh, kw) {
                // The place in the image; in the padding where it lies outside.
                let y = (oy * window.stride[0] + ky * window.dilation[0]).checked_sub(window.pad[0]);
                let x = (ox * window.stride[1] + kx * window.dilation[1]).checked_sub(window.pad[1]);
                let (Some(y), Some(x)) = (y.filter(|&y| y < h), x.filter(|&x| x < w)) else { continue };
                for filter in 0..f {
                    for channel in 0..c_of_group {
                        let group = filter / f_of_group;
                        product(
                            ((image * h + y) * w + x) * c + group * c_of_group + channel,
                            ((ky * kw + kx) * c_of_group + channel) * f + filter,
                            ((image * oh + oy) * ow + ox) * f + filter,
                        );
                    }
                }
            }
        }
    }
}

/// Every pair below two bounds.
pub(super) fn pairs(a: usize, b: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..a).flat_map(move |i| (0..b).map(move |j| (i, j)))
}
