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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Layout;
    use crate::testing::ARRAYS;

    fn filled(name: &'static str, shape: &'static [usize], init: Init, seed: u64) -> Vec<f32> {
        let layout = Layout::Plain { len: shape.iter().product() };
        let parameter = ParameterSpec { name, shape, offset: 0, layout, init, trained: true };
        let mut out = vec![f32::NAN; parameter.count()];
        fill(&parameter, seed, &mut out);
        out
    }

    /// Computed once by other code, in Python; a change would make every earlier run unrepeatable.
    #[test]
    fn values_never_change() {
        let start = |parameter: &ParameterSpec| {
            let mut out = vec![0.0; parameter.count()];
            fill(parameter, 42, &mut out);
            out[..4].to_vec()
        };
        assert_eq!(start(&ARRAYS.parameters[0]), [0.030_989_565, -0.212_236_8, -0.010_921_443, 0.124_817_72]);
        assert_eq!(start(&ARRAYS.parameters[2]), [0.376_155_47, -0.519_472_4, -0.277_460_34, 0.049_882_658]);
    }

    #[test]
    fn fans_are_counted_as_keras_does() {
        assert_eq!(fans(&[5, 3, 8, 32]), (120.0, 480.0));
        assert_eq!(fans(&[300, 100]), (300.0, 100.0));
        assert_eq!(fans(&[7]), (7.0, 7.0));
        assert_eq!(fans(&[]), (1.0, 1.0));
    }

    #[test]
    fn distributions_have_their_spread() {
        // fan_in 500, fan_out 1000, half a million values: the sample deviation is right to about 0.1 %.
        const SHAPE: &[usize] = &[5, 5, 20, 40];
        let deviation = |values: &[f32]| {
            let (n, sum) = (values.len() as f64, values.iter().map(|&value| f64::from(value)).sum::<f64>());
            let square = values.iter().map(|&value| (f64::from(value) - sum / n).powi(2)).sum::<f64>();
            assert!((sum / n).abs() < 6.0 * (square / n).sqrt() / n.sqrt(), "the mean is {}", sum / n);
            (square / n).sqrt()
        };
        let largest = |values: &[f32]| values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let close = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 0.02, "{found}, {expected}");
        for (init, expected, limit) in [
            (Init::GlorotUniform, (2.0 / 1500.0_f64).sqrt(), (6.0 / 1500.0_f32).sqrt()),
            (Init::HeUniform, (2.0 / 500.0_f64).sqrt(), (6.0 / 500.0_f32).sqrt()),
            (Init::Uniform(0.3), 0.3 / 3.0_f64.sqrt(), 0.3),
            (Init::GlorotNormal, (2.0 / 1500.0_f64).sqrt(), 2.0 * (2.0 / 1500.0_f32).sqrt() / 0.879_625_7),
            (Init::HeNormal, (2.0 / 500.0_f64).sqrt(), 2.0 * (2.0 / 500.0_f32).sqrt() / 0.879_625_7),
        ] {
            let values = filled("w", SHAPE, init, 9);
            close(deviation(&values), expected);
            let most = largest(&values);
            assert!(most <= limit * 1.000_001 && most > 0.98 * limit, "{init:?}: {most}, limit {limit}");
        }
        let normal = filled("w", SHAPE, Init::Normal(0.02), 9);
        close(deviation(&normal), 0.02);
        assert!(largest(&normal) > 0.02 * 3.0);
        assert_eq!(filled("b", &[3], Init::Zeros, 9), [0.0; 3]);
        assert_eq!(filled("b", &[3], Init::Ones, 9), [1.0; 3]);
        assert_eq!(filled("b", &[3], Init::Constant(-0.25), 9), [-0.25; 3]);
    }

    #[test]
    fn streams_are_the_parameters_own() {
        let base = filled("a", &[4, 4], Init::HeUniform, 1);
        assert_eq!(base, filled("a", &[4, 4], Init::HeUniform, 1));
        assert_ne!(base, filled("b", &[4, 4], Init::HeUniform, 1));
        assert_ne!(base, filled("a", &[4, 4], Init::HeUniform, 2));
    }
}
