//! The bundled LeNets: probabilities, loss and gradients of a batch of eight, ten steps of their own recipes, and how
//! LeNet starts.

use netwright::Trainable;
use netwright::engine::{Gradients, predict_into};
use netwright::spec::Init;

use crate::reference::{F32, FRAMEWORKS, Tolerance};
use crate::steps::{Batch, Rule, ten};
use crate::{assert_same_names, formula, start};

netwright::model!(<lenet>);
netwright::model!(<lenet5>);
netwright::model!(<lenet_caffe>);

const BATCH: usize = 8;

/// Norms, projections and means: sums over up to 1,024 products and eight images round in another order than the
/// reference, which is in f64.
const GRADIENT: Tolerance = Tolerance { relative: 1e-5, absolute: 1e-5 };

/// A gradient's single element, in units of their root mean square.
const GRADIENT_SPREAD: f64 = 2e-5;

/// Ten steps: an error of the first is in all that follow, and a way of a thousandth is the difference of two f32 near a
/// twentieth, good to some 1e-6 of it.
const STEPS: Tolerance = Tolerance { relative: 1e-4, absolute: 1e-6 };

/// Keras rounds Adam's `beta2` to f32, but not one minus it, so that its steps differ by 6e-6 of their length; enough to
/// have one relu after the second convolution fall to the other side of zero in the seventh step of `lenet`. PyTorch in
/// f64, told to take the same epsilons, ends as far from Keras as Netwright does.
const KERAS_STEPS: Tolerance = Tolerance { relative: 1e-3, absolute: 1e-6 };

/// Adam divides by the size of the gradient: where that is hardly larger than its rounding error, an element may go
/// another way altogether, so single elements have more room than norms.
const STEPS_SPREAD: f64 = 3e-3;

fn batch(name: &str, step: u64) -> Batch {
    Batch::Classes(
        formula::uniform(&format!("{name}/images{step}"), BATCH * 28 * 28, 0.0, 1.0),
        formula::labels(&format!("{name}/labels{step}"), BATCH, 10),
    )
}

fn one_batch_agrees<N: Trainable>(name: &str) {
    let mut net = start::<N>(name);
    let Batch::Classes(images, labels) = batch(name, 0) else { unreachable!() };
    let mut output = vec![f32::NAN; BATCH * 10];
    predict_into(&net, &images, &mut output).unwrap();
    let mut gradients = Gradients::new::<N>().unwrap();
    let loss = Batch::Classes(images, labels).gradients(&mut net, &mut gradients);
    for (framework, reference) in FRAMEWORKS.iter() {
        let reference = &reference.lenets[name];
        F32.assert_close(&format!("{name}, {framework}: the output"), output.iter().copied(), &reference.output);
        F32.assert_number(&format!("{name}, {framework}: the loss"), loss, reference.loss);
        assert_same_names::<N, _>(name, &reference.gradients);
        for (parameter, expected) in &reference.gradients {
            let found: Vec<f32> = gradients.get(parameter).unwrap().into_iter().collect();
            let what = format!("{name}, {framework}: gradient of {parameter}");
            GRADIENT.assert_summary(&what, &found, expected, GRADIENT_SPREAD);
        }
    }
}

fn ten_steps_agree<N: Trainable>(name: &str) {
    for (framework, reference) in FRAMEWORKS.iter() {
        let reference = &reference.lenets[name];
        let mut net = start::<N>(name);
        let (rule, tolerance, rate): (_, _, &dyn Fn(u64) -> f32) = match *framework {
            // Keras's velocity holds the rate, so its momentum is compared at a constant one.
            "keras" => (Rule::Keras, KERAS_STEPS, &|_| N::RECIPE.optimizer.lr()),
            _ => (Rule::Ours, STEPS, &|step| N::RECIPE.rate(step, 938)),
        };
        let (losses, moved) = ten(&mut net, rule, rate, |step| batch(name, step));
        assert_eq!(losses.len(), reference.losses.len());
        for (step, (&found, &expected)) in losses.iter().zip(&reference.losses).enumerate() {
            STEPS.assert_number(&format!("{name}, {framework}: the loss of step {step}"), found, expected);
        }
        assert_same_names::<N, _>(name, &reference.moved);
        for (parameter, expected) in &reference.moved {
            let what = format!("{name}, {framework}: the way of {parameter}");
            tolerance.assert_summary(&what, &moved[parameter], expected, STEPS_SPREAD);
        }
    }
}

macro_rules! lenets {
    ($($name:ident: $network:ident, $count:literal;)*) => {
        $(
            mod $name {
                #[test]
                fn one_batch_agrees() {
                    assert_eq!(super::$network::PARAMETERS, $count);
                    super::one_batch_agrees::<super::$network>(stringify!($name));
                }

                #[test]
                fn ten_steps_agree() {
                    super::ten_steps_agree::<super::$network>(stringify!($name));
                }
            }
        )*
    };
}

lenets! {
    lenet: LeNet, 184_586;
    lenet5: LeNet5, 61_706;
    lenet_caffe: LeNetCaffe, 431_080;
}

/// Keras's defaults for `Conv2D` and `Dense`: weights uniform in `±sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio, 2010),
/// where the pixels of a window count on both sides; biases zero.
#[test]
fn lenet_starts_as_keras_has_it() {
    let fans = [("conv1", 25, 25 * 32), ("conv2", 25 * 32, 25 * 64), ("dense1", 1024, 128), ("dense2", 128, 10)];
    let spec = LeNet::spec();
    assert_eq!(spec.parameters.len(), 2 * fans.len());
    for (net, (layer, fan_in, fan_out)) in [0, 1, 77].map(LeNet::new).iter().flat_map(|net| fans.map(|fan| (net, fan)))
    {
        let named = |part: &str| {
            let name = format!("{layer}.{part}");
            let parameter = spec.parameters.iter().find(|parameter| parameter.name == name).unwrap();
            (parameter.init, net.param(&name).unwrap().mapv(f64::from))
        };
        let (init, weight) = named("weight");
        let (limit, n) = ((6.0 / f64::from(fan_in + fan_out)).sqrt(), weight.len() as f64);
        assert_eq!(init, Init::GlorotUniform);
        let largest = weight.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        // The chance that none of them is so near to the limit is that of e^-10.
        assert!(largest <= limit * (1.0 + 1e-6) && largest > limit * (1.0 - 10.0 / n), "{layer}: {largest}, {limit}");
        // Four standard errors, of the mean and of the deviation of uniform numbers.
        let (mean, deviation) = (weight.mean().unwrap(), weight.std(0.0));
        let expected = limit / 3.0_f64.sqrt();
        assert!(mean.abs() < 4.0 * expected / n.sqrt(), "{layer}: {mean}");
        assert!((deviation / expected - 1.0).abs() < 4.0 * (0.2 / n).sqrt(), "{layer}: {deviation}, {expected}");
        let (init, bias) = named("bias");
        assert_eq!(init, Init::Zeros);
        assert!(bias.iter().all(|&value| value == 0.0), "{layer}: {bias}");
    }
}
