//! The rectified linear unit with a slope for each channel.

/// `x`, or `slope x` where it is not positive.
pub(super) fn forward(slope: &[f64], x: &[f64]) -> Vec<f64> {
    x.iter().enumerate().map(|(at, &x)| if x > 0.0 { x } else { slope[at % slope.len()] * x }).collect()
}

/// The gradient of the input.
pub(super) fn gradient(slope: &[f64], x: &[f64], dy: &[f64]) -> Vec<f64> {
    let slope_at = |at: usize| if x[at] > 0.0 { 1.0 } else { slope[at % slope.len()] };
    dy.iter().enumerate().map(|(at, &dy)| slope_at(at) * dy).collect()
}

/// The gradient of the slopes of `c` channels.
pub(super) fn slope_gradient(c: usize, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut gradient = vec![0.0; c];
    for (at, (&x, &dy)) in x.iter().zip(dy).enumerate() {
        if x <= 0.0 {
            gradient[at % c] += x * dy;
        }
    }
    gradient
}
