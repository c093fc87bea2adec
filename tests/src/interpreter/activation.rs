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
    }
}

/// Whether the slope jumps at zero.
pub(super) fn has_kink(function: Function) -> bool {
    match function {
        Function::Relu | Function::LeakyRelu(_) => true,
        Function::Sigmoid | Function::Tanh => false,
    }
}
