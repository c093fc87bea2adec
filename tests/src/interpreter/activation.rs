//! Functions of one number.

use netwright_compiler::ops::Function;

/// The function.
pub(super) fn apply(function: Function, x: f64) -> f64 {
    match function {
        Function::Relu => x.max(0.0),
        Function::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                slope * x
            }
        }
        Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Function::Tanh => x.tanh(),
        Function::Elu(alpha) => {
            if x > 0.0 {
                x
            } else {
                alpha * (x.exp() - 1.0)
            }
        }
        Function::Gelu => x * normal_below(x),
        Function::Silu => x / (1.0 + (-x).exp()),
        Function::HardSigmoid => (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Function::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Function::Relu6 => x.clamp(0.0, 6.0),
    }
}

/// The slope where the function's value is `y`; at a kink, the left one.
pub(super) fn slope_at_output(function: Function, y: f64) -> f64 {
    match function {
        Function::Relu => f64::from(u8::from(y > 0.0)),
        Function::LeakyRelu(slope) => {
            if y > 0.0 {
                1.0
            } else {
                slope
            }
        }
        Function::Sigmoid => y * (1.0 - y),
        Function::Tanh => 1.0 - y * y,
        Function::Elu(alpha) => {
            if y > 0.0 {
                1.0
            } else {
                y + alpha
            }
        }
        Function::HardSigmoid => f64::from(u8::from(y > 0.0 && y < 1.0)) / 6.0,
        Function::Relu6 => f64::from(u8::from(y > 0.0 && y < 6.0)),
        Function::Gelu | Function::Silu | Function::HardSwish => panic!("the value does not tell the slope"),
    }
}

/// The slope where the function's argument is `x`, of functions whose value does not tell it.
pub(super) fn slope_at_input(function: Function, x: f64) -> f64 {
    match function {
        Function::Gelu => normal_below(x) + x * normal_density(x),
        Function::Silu => {
            let sigmoid = 1.0 / (1.0 + (-x).exp());
            sigmoid * (1.0 + x * (1.0 - sigmoid))
        }
        Function::HardSwish if x <= -3.0 => 0.0,
        Function::HardSwish if x < 3.0 => x / 3.0 + 0.5,
        Function::HardSwish => 1.0,
        other => slope_at_output(other, apply(other, x)),
    }
}

/// The number of the smooth piece of the function that `x` is on.
pub(super) fn piece(function: Function, x: f64) -> u64 {
    let above = |bounds: &[f64]| bounds.iter().filter(|&&bound| x > bound).count() as u64;
    match function {
        Function::Relu | Function::LeakyRelu(_) | Function::Elu(_) => above(&[0.0]),
        Function::HardSigmoid | Function::HardSwish => above(&[-3.0, 3.0]),
        Function::Relu6 => above(&[0.0, 6.0]),
        Function::Sigmoid | Function::Tanh | Function::Gelu | Function::Silu => 0,
    }
}

/// The density of the standard normal distribution.
fn normal_density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

/// The probability that a standard normal variable is below `x`: `1/2 + density (x + x^3 / 3 + x^5 / (3 5) + …)`
/// (Marsaglia, "Evaluating the Normal Distribution", 2004).
fn normal_below(x: f64) -> f64 {
    if x.abs() > 30.0 {
        return f64::from(u8::from(x > 0.0));
    }
    let (mut sum, mut term, mut odd) = (0.0, x, 1.0);
    while sum + term != sum {
        sum += term;
        odd += 2.0;
        term *= x * x / odd;
    }
    0.5 + normal_density(x) * sum
}
