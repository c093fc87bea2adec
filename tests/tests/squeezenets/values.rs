//! Probabilities, loss and gradients of a batch, and ten SGD steps, of generated code in f32 against PyTorch in f64.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use netwright::engine::{Core, Gradients, predict_into};
use netwright::ndarray::ArrayView;
use netwright::{Network, Trainable};
use serde::Deserialize;

use crate::formula;
use crate::reference::{Arrays, Summary, Tolerance};
use crate::steps::{Batch, Rule, ten};

netwright::model!(<squeezenet> as V10At64, version = "1.0", size = 64, dropout = 0.0);
netwright::model!(<squeezenet> as V11At64, version = "1.1", size = 64, dropout = 0.0);
netwright::model!(<squeezenet> as V10At224, version = "1.0", size = 224, dropout = 0.0);
netwright::model!(<squeezenet> as V11At224, version = "1.1", size = 224, dropout = 0.0);

/// Output and loss of a batch, for images of any size: sums of thousands of products, through 18 layers, rounded in another
/// order than the reference, which is in f64.
const FORWARD: Tolerance = Tolerance { relative: 5e-6, absolute: 0.0 };

/// A single element of the output, in units of their root mean square.
const FORWARD_SPREAD: f64 = 5e-5;

/// How close is close enough for images of a size.
struct Closeness {
    /// Gradients of a batch: the same on the way back, and a relu or a maximum that falls to the other side.
    gradients: Tolerance,
    /// A single element of these, in units of their root mean square.
    gradients_spread: f64,
    /// The losses of ten steps: in some of them a relu or a maximum falls to the other side.
    losses: Tolerance,
    /// The ways of parameters, for the same reason.
    steps: Tolerance,
    /// The way of a single parameter, in units of their root mean square: ways are as short as some roundings.
    steps_spread: f64,
}

/// PyTorch in f32 ends ten steps 1.5e-5 from itself in f64 in the losses, and 3e-4 in the ways.
const AT_64: Closeness = Closeness {
    gradients: Tolerance { relative: 2e-5, absolute: 2e-5 },
    gradients_spread: 2e-4,
    losses: Tolerance { relative: 1e-4, absolute: 1e-6 },
    steps: Tolerance { relative: 5e-3, absolute: 1e-6 },
    steps_spread: 1e-1,
};

/// Twelve times as many pixels, in one or other of which the two largest values of a pooling are equal but for rounding; one
/// that falls to the other side moves the gradient of `conv1` by a thousandth, and no output. PyTorch in f32 ends ten steps
/// 8e-5 from itself in f64 in the losses, and 9e-3 in the ways.
const AT_224: Closeness = Closeness {
    gradients: Tolerance { relative: 5e-3, absolute: 2e-5 },
    gradients_spread: 5e-2,
    losses: Tolerance { relative: 5e-4, absolute: 1e-6 },
    steps: Tolerance { relative: 3e-2, absolute: 1e-6 },
    steps_spread: 2e-1,
};

/// The constant rate of the reference.
const RATE: f32 = 0.0001;

const CLASSES: u32 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    #[serde(rename = "versions")]
    _versions: BTreeMap<String, String>,
    cases: Arrays<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    output: Summary,
    gradients: Arrays<Summary>,
    losses: Vec<f64>,
    moved: Arrays<Summary>,
}

static REFERENCE: LazyLock<Reference> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../parity/reference/squeezenets.json")).unwrap());

fn agrees<N: Trainable>(key: &str, size: usize, n: usize, closeness: &Closeness) {
    let Closeness { gradients: one, gradients_spread, losses: close, steps, steps_spread } = closeness;
    let case = &REFERENCE.cases[&format!("{key}_{size}")];
    let name = format!("{key}/{size}");
    let mut net = N::from_core(Core::new(N::SPEC, 0));
    for parameter in N::SPEC.parameters {
        let values = formula::scaled(&format!("{key}/{}", parameter.name), parameter.shape, 6.0);
        let array = ArrayView::from_shape(parameter.shape, &values).unwrap();
        net.core_mut().parameters_mut().set(parameter.name, array).unwrap();
    }
    let batch = |step: u64| {
        Batch::Classes(
            formula::uniform(&format!("{name}/images{step}"), n * size * size * 3, -1.0, 1.0),
            formula::labels(&format!("{name}/labels{step}"), n, CLASSES),
        )
    };

    let Batch::Classes(images, _) = batch(0) else { unreachable!() };
    let mut output = vec![f32::NAN; n * CLASSES as usize];
    predict_into(&net, &images, &mut output).unwrap();
    FORWARD.assert_summary(&format!("{name}: the output"), &output, &case.output, FORWARD_SPREAD);

    let mut gradients = Gradients::new::<N>().unwrap();
    let loss = batch(0).gradients(&mut net, &mut gradients);
    FORWARD.assert_number(&format!("{name}: the loss"), loss, case.losses[0]);
    let names: Vec<&str> = case.gradients.keys().map(String::as_str).collect();
    assert_eq!(names.len(), N::SPEC.parameters.len(), "{name}: {names:?}");
    for (parameter, expected) in &case.gradients {
        let found: Vec<f32> = gradients.get(parameter).unwrap().into_iter().collect();
        let what = format!("{name}: gradient of {parameter}");
        one.assert_summary(&what, &found, expected, *gradients_spread);
    }

    let (losses, moved) = ten(&mut net, Rule::Ours, |_| RATE, batch);
    assert_eq!(losses.len(), case.losses.len());
    for (step, (&found, &expected)) in losses.iter().zip(&case.losses).enumerate() {
        close.assert_number(&format!("{name}: the loss of step {step}"), found, expected);
    }
    for (parameter, expected) in &case.moved {
        steps.assert_summary(&format!("{name}: the way of {parameter}"), &moved[parameter], expected, *steps_spread);
    }
}

#[test]
fn version_1_0_at_64() {
    agrees::<V10At64>("squeezenet1_0", 64, 4, &AT_64);
}

#[test]
fn version_1_1_at_64() {
    agrees::<V11At64>("squeezenet1_1", 64, 4, &AT_64);
}

#[test]
#[ignore = "slow: part of .ci/nightly"]
fn version_1_0_at_224() {
    agrees::<V10At224>("squeezenet1_0", 224, 2, &AT_224);
}

#[test]
#[ignore = "slow: part of .ci/nightly"]
fn version_1_1_at_224() {
    agrees::<V11At224>("squeezenet1_1", 224, 2, &AT_224);
}

/// What the generated code tells of photographs and classes.
#[test]
fn photographs_and_classes_are_imagenets() {
    let photo = V11At224::PHOTOS[0].unwrap();
    assert_eq!((photo.resize, photo.mean, photo.std), (256, &[0.485, 0.456, 0.406][..], &[0.229, 0.224, 0.225][..]));
    assert_eq!((V11At224::LABELS.len(), V11At224::LABELS[0], V11At224::LABELS[999]), (1000, "tench", "toilet tissue"));
}
