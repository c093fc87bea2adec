//! Every layer and setting, between a stem, whose gradients tell the layer's input gradient, and a dense head, which
//! gives each of the layer's outputs a gradient of its own; one batch, then ten steps. `tests/parity/layers.py` has the same
//! networks.

use netwright::engine::{Gradients, predict_into};
use netwright::{Trainable, train};

use crate::reference::{F32, FRAMEWORKS, Layer, Tolerance};
use crate::steps::{Batch, Rule, ten};
use crate::{assert_same_names, formula, start};

const BATCH: usize = 3;
const CLASSES: usize = 3;

/// Ten steps with momentum: errors of the first are in all that follow; and parameters of about one are stored to 6e-8, of
/// which each step loses some.
const STEPS: Tolerance = Tolerance { relative: 2e-5, absolute: 4e-7 };

/// The case's batch whose arrays have this suffix to their names.
fn batch<N: Trainable>(case: &str, suffix: &str) -> Batch {
    let images = formula::uniform(&format!("{case}/x{suffix}"), BATCH * N::SPEC.inputs[0].len(), -1.0, 1.0);
    let values = |low, high| formula::uniform(&format!("{case}/values{suffix}"), BATCH * CLASSES, low, high);
    match N::RECIPE.loss {
        train::Loss::Sum if N::TRAINING.classes == 0 => Batch::Values(images, values(-2.0, 2.0)),
        train::Loss::CrossEntropy | train::Loss::Sum => {
            Batch::Classes(images, formula::labels(&format!("{case}/labels{suffix}"), BATCH, CLASSES as u32))
        }
        train::Loss::BinaryCrossEntropy => Batch::Values(images, values(0.0, 1.0)),
        train::Loss::MeanSquaredError | train::Loss::L1 | train::Loss::Huber => {
            Batch::Values(images, values(-2.0, 2.0))
        }
    }
}

/// What each framework that has the case computed, at least one.
fn references(case: &str) -> Vec<(&'static str, &'static Layer)> {
    let references: Vec<_> = FRAMEWORKS.iter().filter_map(|(name, all)| Some((*name, all.layers.get(case)?))).collect();
    assert!(!references.is_empty(), "no framework has `{case}`");
    references
}

/// Compares prediction, loss, gradients and state.
fn one_batch_agrees<N: Trainable>(case: &str) {
    let mut net = start::<N>(case);
    let batch = batch::<N>(case, "");
    let mut output = vec![f32::NAN; BATCH * N::SPEC.outputs[0].len()];
    predict_into(&net, batch.images(), &mut output).unwrap();
    let mut gradients = Gradients::new::<N>().unwrap();
    let loss = batch.gradients(&mut net, &mut gradients);
    for (framework, reference) in references(case) {
        let what = |name: &str| format!("{case}, {framework}: {name}");
        F32.assert_close(&what("the output"), output.iter().copied(), &reference.output);
        F32.assert_number(&what("the loss"), loss, reference.loss);
        assert_same_names::<N, _>(case, &reference.gradients);
        for (name, expected) in &reference.gradients {
            F32.assert_close(&what(&format!("gradient of {name}")), gradients.get(name).unwrap(), expected);
        }
        let n_states = N::SPEC.parameters.iter().filter(|parameter| !parameter.trained).count();
        assert_eq!(reference.state.len(), n_states, "{case}, {framework}: the state arrays");
        for (name, expected) in &reference.state {
            F32.assert_close(&what(name), net.core().parameters().get(name).unwrap(), expected);
        }
    }
}

/// Compares the losses of ten steps, and how far parameters and state came.
fn ten_steps_agree<N: Trainable>(case: &str) {
    for (framework, reference) in references(case) {
        let mut net = start::<N>(case);
        let (losses, moved) = ten(&mut net, Rule::Ours, |_| reference.rate, |step| batch::<N>(case, &step.to_string()));
        assert_eq!((losses.len(), reference.losses.len()), (10, 10));
        for (step, (&found, &expected)) in losses.iter().zip(&reference.losses).enumerate() {
            F32.assert_number(&format!("{case}, {framework}: the loss of step {step}"), found, expected);
        }
        assert!(moved.keys().eq(reference.moved.keys()), "{case}, {framework}: the arrays");
        for (name, expected) in &reference.moved {
            STEPS.assert_brief(&format!("{case}, {framework}: the way of {name}"), &moved[name], expected);
        }
    }
}

/// Declares networks and their tests: `name: type = shape of the input, stem, statements that bind `y` from `h`;`.
macro_rules! cases {
    ($($name:ident = $input:tt [$($stem:tt)*] { $($layer:tt)* } [$($loss:tt)*];)*) => {
        $(
            mod $name {
                netwright::model! {
                    network Case {
                        input x: $input;
                        h = x -> $($stem)*;
                        $($layer)*
                        output layer = y;
                        scores = y -> flatten -> dense(3) as head;
                        train { loss: $($loss)*; optimizer: sgd(lr: 0.01, momentum: 0.9); }
                    }
                }

                #[test]
                fn one_batch_agrees() {
                    super::one_batch_agrees::<Case>(stringify!($name));
                }

                #[test]
                fn ten_steps_agree() {
                    super::ten_steps_agree::<Case>(stringify!($name));
                }
            }
        )*

        #[test]
        fn every_reference_is_compared() {
            let names = [$(stringify!($name)),*];
            for (framework, reference) in FRAMEWORKS.iter() {
                let missing: Vec<_> = reference.layers.keys().filter(|name| !names.contains(&name.as_str())).collect();
                assert!(missing.is_empty(), "{framework} has cases that are not tested: {missing:?}");
            }
        }

        #[test]
        fn every_layer_has_a_case() {
            let is_of = |case: &str, layer: &str| {
                case.strip_prefix(layer).is_some_and(|setting| setting.is_empty() || setting.starts_with('_'))
            };
            let names = [$(stringify!($name)),*];
            let layers = netwright_compiler::ops::SIGNATURES.iter().map(|signature| signature.name);
            let missing: Vec<_> = layers.filter(|layer| !names.iter().any(|case| is_of(case, layer))).collect();
            assert!(missing.is_empty(), "no case for {missing:?}");
        }
    };
}

/// [`cases`] over an image, with a stem of one pixel to four channels, unless the line says `flat`.
macro_rules! layers {
    (@ [$($done:tt)*]) => { cases! { $($done)* } };
    (@ [$($done:tt)*] $name:ident: $($rest:tt)*) => {
        layers! { @line [$($done)*] $name [[7, 6, 3] [conv(4, kernel: 1) as stem]] $($rest)* }
    };
    (@line [$($done:tt)*] $name:ident $old:tt flat $($rest:tt)*) => {
        layers! { @line [$($done)*] $name [[5] [dense(4) as stem]] $($rest)* }
    };
    (@line [$($done:tt)*] $name:ident [$input:tt $stem:tt] $body:tt; $($rest:tt)*) => {
        layers! { @ [$($done)* $name = $input $stem $body [mean_squared_error(scores)];] $($rest)* }
    };
    (@line [$($done:tt)*] $name:ident [$input:tt $stem:tt] $body:tt loss $loss:tt; $($rest:tt)*) => {
        layers! { @ [$($done)* $name = $input $stem $body $loss;] $($rest)* }
    };
    ($first:ident: $($rest:tt)*) => { layers! { @ [] $first: $($rest)* } };
}

layers! {
    conv: { y = h -> conv(5, kernel: 3) as layer; };
    conv_pixel: { y = h -> conv(5, kernel: 1) as layer; };
    conv_rectangle: { y = h -> conv(5, kernel: [3, 2]) as layer; };
    conv_pad: { y = h -> conv(5, kernel: 3, pad: [1, 2]) as layer; };
    conv_stride: { y = h -> conv(5, kernel: 3, stride: 2, pad: 1) as layer; };
    conv_strides: { y = h -> conv(5, kernel: [2, 3], stride: [3, 2], pad: [0, 1]) as layer; };
    conv_dilation: { y = h -> conv(5, kernel: 3, dilation: 2, pad: 1) as layer; };
    conv_groups: { y = h -> conv(6, kernel: 3, groups: 2, pad: 1) as layer; };
    conv_groups_stride: { y = h -> conv(6, kernel: 3, groups: 2, stride: 2) as layer; };
    conv_depthwise: { y = h -> conv(4, kernel: 3, groups: 4, pad: 1) as layer; };
    conv_depthwise_stride: { y = h -> conv(4, kernel: 3, groups: 4, stride: 2, pad: 1) as layer; };
    conv_no_bias: { y = h -> conv(5, kernel: 3, bias: false) as layer; };
    dense: flat { y = h -> dense(6) as layer; };
    dense_no_bias: flat { y = h -> dense(6, bias: false) as layer; };
    relu: { y = h -> relu; };
    leaky_relu: { y = h -> leaky_relu(0.2); };
    sigmoid: { y = h -> sigmoid; };
    tanh: { y = h -> tanh; };
    softmax: { y = h -> softmax; };
    softmax_flat: flat { y = h -> softmax; };
    max_pool: { y = h -> max_pool(2); };
    max_pool_overlap: { y = h -> max_pool(3, stride: [2, 1]); };
    max_pool_pad: { y = h -> max_pool(3, stride: 2, pad: 1); };
    max_pool_ceil: { y = h -> max_pool([3, 2], ceil: true); };
    max_pool_ceil_pad: { y = h -> max_pool([2, 3], stride: 2, pad: 1, ceil: true); };
    avg_pool: { y = h -> avg_pool(2); };
    avg_pool_overlap: { y = h -> avg_pool(3, stride: [2, 1]); };
    avg_pool_pad: { y = h -> avg_pool(3, stride: 2, pad: 1); };
    avg_pool_count: { y = h -> avg_pool(3, stride: 2, pad: 1, count_include_pad: true); };
    avg_pool_ceil: { y = h -> avg_pool([3, 2], ceil: true); };
    avg_pool_ceil_pad: { y = h -> avg_pool([2, 3], stride: 2, pad: 1, ceil: true); };
    avg_pool_ceil_count: { y = h -> avg_pool([2, 3], stride: 2, pad: 1, ceil: true, count_include_pad: true); };
    global_avg_pool: { y = h -> global_avg_pool; };
    flatten: { y = h -> flatten; };
    dropout: { y = h -> dropout(0.4); };
    batch_norm_torch: { y = h -> batch_norm(epsilon: 0.00001, momentum: 0.9, unbiased: true) as layer; };
    batch_norm_keras: { y = h -> batch_norm as layer; };
    batch_norm_flat: flat { y = h -> batch_norm(epsilon: 0.00001, momentum: 0.9, unbiased: true) as layer; };
    concat: { y = concat(h, h -> conv(3, kernel: 1) as side, h); };
    concat_rows: { y = concat(h, h -> conv(4, kernel: 1) as side, axis: 0); };
    add: { y = h + (h -> conv(4, kernel: 1) as side); };
    add_gate: { y = add(h, h -> global_avg_pool -> dense(4) as gate -> sigmoid); };
    multiply: { y = h * (h -> conv(4, kernel: 1) as side); };
    multiply_gate: { y = multiply(h, h -> global_avg_pool -> dense(4) as gate -> sigmoid); };
    depthwise_conv: { y = h -> depthwise_conv(3) as layer; };
    depthwise_conv_multiplier: { y = h -> depthwise_conv(3, multiplier: 3, pad: 1) as layer; };
    depthwise_conv_wide: {
        y = h -> depthwise_conv([2, 3], multiplier: 9, stride: [2, 1], dilation: [1, 2], bias: false) as layer;
    };
    separable_conv: { y = h -> separable_conv(5, kernel: 3, pad: 1) as layer; };
    separable_conv_multiplier: {
        y = h -> separable_conv(5, kernel: [3, 2], multiplier: 2, stride: 2, bias: false) as layer;
    };
    conv_transpose: { y = h -> conv_transpose(5, kernel: 3) as layer; };
    conv_transpose_stride: {
        y = h -> conv_transpose(5, kernel: [3, 2], stride: [2, 3], pad: [1, 0], output_pad: [1, 2]) as layer;
    };
    conv_transpose_gaps: { y = h -> conv_transpose(3, kernel: 1, stride: 2, bias: false) as layer; };
    global_max_pool: { y = h -> global_max_pool; };
    mean_pixels: { y = h -> mean([0, 1]); };
    mean_channels: { y = h -> mean(2); };
    mean_apart: { y = h -> mean([2, 0]); };
    mean_all: { y = h -> mean([0, 1, 2]); };
    pad: { y = h -> pad(1); };
    pad_sides: { y = h -> pad([0, 2, 1, 3]); };
    upsample: { y = h -> upsample([2, 3]); };
    upsample_bilinear: { y = h -> upsample(2, mode: "bilinear"); };
    upsample_bilinear_odd: { y = h -> upsample([3, 1], mode: "bilinear"); };
    reshape: { y = h -> reshape([12, 7, 2]) -> sigmoid; };
    slice: { y = h -> slice(1, 1, 4); };
    split: { a, b, rest = split(h, [1, 2, 1]); y = b * a; };
    affine: { y = 1.5 - 0.5 * (h / 2 + 0.25 -> tanh); };
    subtract: { y = h - (h -> conv(4, kernel: 1) as side); };
    subtract_gate: { y = (h -> global_avg_pool -> dense(4) as gate -> sigmoid) - h; };
    multiply_pixels: { y = h * (h -> conv(1, kernel: 1) as spot -> sigmoid); };
    add_pixels: { y = add(h, h -> conv(1, kernel: 1) as spot -> sigmoid); };
    subtract_pixels: { y = (h -> conv(1, kernel: 1) as spot -> sigmoid) - h; };
    multiply_channels: { y = h * (h -> avg_pool([7, 6])); };
    cross_entropy: { y = h -> tanh; } loss [cross_entropy(scores)];
    elu: { y = h -> elu; };
    elu_alpha: { y = h -> elu(0.4); };
    gelu: { y = h -> gelu; };
    silu: { y = h -> silu; };
    hard_sigmoid: { y = add(h, h, h, h, h, h) -> hard_sigmoid; };
    hard_swish: { y = add(h, h, h, h, h, h) -> hard_swish; };
    relu6: { y = add(h, h, h, h, h, h) -> relu6; };
    prelu: { y = h -> prelu as layer; };
    prelu_flat: flat { y = h -> prelu as layer; };
    log_softmax: { y = h -> log_softmax; };
    log_softmax_flat: flat { y = h -> log_softmax; };
    lrn: { y = add(h, h, h, h, h, h) -> lrn; };
    lrn_settings: { y = h -> lrn(2, alpha: 1.5, beta: 0.6, k: 0.5); };
    layer_norm: { y = h -> layer_norm as layer; };
    layer_norm_flat: flat { y = h -> layer_norm(epsilon: 0.01) as layer; };
    group_norm: { y = h -> group_norm(2) as layer; };
    group_norm_one: { y = h -> group_norm(1) as layer; };
    group_norm_each: { y = h -> group_norm(4, epsilon: 0.01) as layer; };
    cross_entropy_smoothing: { y = h -> tanh; } loss [cross_entropy(scores, smoothing: 0.1)];
    cross_entropy_weights: { y = h -> tanh; } loss [cross_entropy(scores, weights: [1.0, 2.5, 0.5])];
    cross_entropy_both: { y = h -> tanh; } loss [cross_entropy(scores, smoothing: 0.3, weights: [1.0, 2.5, 0.5])];
    binary_cross_entropy: { y = h -> tanh; } loss [binary_cross_entropy(scores)];
    l1: { y = h -> tanh; } loss [l1(scores)];
    huber: { y = h -> tanh; } loss [huber(scores, delta: 1.0)];
    loss_sum: { y = h -> tanh; } loss [cross_entropy(scores) + 0.3 * cross_entropy(scores, smoothing: 0.2)];
    huber_delta: { y = h -> tanh; } loss [huber(scores, delta: 0.5)];
}
