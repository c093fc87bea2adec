//! How parameters start: fills an array as its [`Init`] says.

use crate::random::{Stream, TRUNCATED_DEVIATION};
use crate::spec::{Init, ParameterSpec};

/// Fills `out`, the parameter's elements in logical order.
///
/// The numbers depend on the seed and the parameter's name, so that adding a layer changes no other. They are drawn and
/// scaled in f64 and rounded once.
pub(crate) fn fill(parameter: &ParameterSpec, seed: u64, out: &mut [f32]) {
    let (fan_in, fan_out) = fans(parameter.shape);
    let mut stream = Stream::new(seed, parameter.name);
    match parameter.init {
        Init::Zeros => out.fill(0.0),
        Init::Ones => out.fill(1.0),
        Init::Constant(value) => out.fill(value),
        Init::GlorotUniform => uniform(&mut stream, (6.0 / (fan_in + fan_out)).sqrt(), out),
        Init::GlorotNormal => truncated(&mut stream, (2.0 / (fan_in + fan_out)).sqrt(), out),
        Init::HeUniform => uniform(&mut stream, (6.0 / fan_in).sqrt(), out),
        Init::HeNormal => truncated(&mut stream, (2.0 / fan_in).sqrt(), out),
        Init::Normal(deviation) => draw(out, || stream.normal() * f64::from(deviation)),
        Init::Uniform(limit) => uniform(&mut stream, f64::from(limit), out),
    }
}

/// The number of inputs that one output sums, and of outputs that one input reaches, as Keras counts them.
///
/// The last axis of a weight counts outputs, the one before it inputs, axes in front of those are the receptive field.
/// An array with one axis counts as both.
fn fans(shape: &[usize]) -> (f64, f64) {
    match shape {
        [] => (1.0, 1.0),
        [n] => (*n as f64, *n as f64),
        [field @ .., inputs, outputs] => {
            let field: f64 = field.iter().map(|&size| size as f64).product();
            (field * *inputs as f64, field * *outputs as f64)
        }
    }
}

fn uniform(stream: &mut Stream, limit: f64, out: &mut [f32]) {
    draw(out, || (2.0 * stream.uniform() - 1.0) * limit);
}

/// The truncated normal, widened so that `deviation` is what remains after the truncation.
fn truncated(stream: &mut Stream, deviation: f64, out: &mut [f32]) {
    draw(out, || stream.truncated_normal() * (deviation / TRUNCATED_DEVIATION));
}

fn draw(out: &mut [f32], mut next: impl FnMut() -> f64) {
    for value in out {
        *value = next() as f32;
    }
}
