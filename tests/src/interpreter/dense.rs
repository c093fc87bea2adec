//! Dense layers: `y = x W + b`.

use netwright_compiler::ops::Dense;

use super::conv::pairs;

/// `[n, outputs]` from `[n, inputs]` and the weight `[inputs, outputs]`.
pub(super) fn forward(dense: &Dense, n: usize, x: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
    let Dense { inputs, outputs, .. } = *dense;
    pairs(n, outputs)
        .map(|(image, output)| {
            let sum: f64 = (0..inputs).map(|input| x[image * inputs + input] * weight[input * outputs + output]).sum();
            sum + bias.map_or(0.0, |bias| bias[output])
        })
        .collect()
}

/// `dx = dy W^T`.
pub(super) fn input_gradient(dense: &Dense, n: usize, dy: &[f64], weight: &[f64]) -> Vec<f64> {
    let Dense { inputs, outputs, .. } = *dense;
    pairs(n, inputs)
        .map(|(image, input)| {
            (0..outputs).map(|output| dy[image * outputs + output] * weight[input * outputs + output]).sum()
        })
        .collect()
}

/// `dW = x^T dy`, `db` the sum of `dy` over the images.
pub(super) fn weight_gradient(dense: &Dense, n: usize, x: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let Dense { inputs, outputs, .. } = *dense;
    let weight = pairs(inputs, outputs)
        .map(|(input, output)| (0..n).map(|image| x[image * inputs + input] * dy[image * outputs + output]).sum())
        .collect();
    let bias = (0..outputs).map(|output| (0..n).map(|image| dy[image * outputs + output]).sum()).collect();
    (weight, bias)
}
