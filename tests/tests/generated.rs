//! Generated code in single precision against the reference interpreter in double precision: predictions, losses,
//! gradients of every parameter and running statistics, for batches smaller and larger than a chunk.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use std::fmt::Debug;
use std::process::Command;

use ndarray::{ArrayViewD, IxDyn};
use netwright::Trainable;
use netwright::engine::{self, Core, Gradients, Targets};
use netwright::train::{Optimizer, OptimizerState};
use netwright_compiler::ir::Output;
use netwright_compiler::lower::Lowered;
use netwright_tests::interpreter::{self, Example, Manner};

const RELATIVE: f64 = 1e-4;
/// In units of the largest number that plays a part.
const ABSOLUTE: f64 = 1e-5;

/// Compiles each description of `tests/nets/layers` twice: by the macro, and for the interpreter.
macro_rules! networks {
    ($($module:ident $file:literal;)*) => {
        $(
            mod $module {
                netwright::model!($file as Net);
            }

            #[test]
            fn $module() {
                agrees::<$module::Net>(include_str!($file));
            }
        )*

        /// Padding stays zero, whatever the optimiser.
        #[test]
        fn padding_stays_zero() {
            $(padding::<$module::Net>(include_str!($file));)*
        }
    };
}

networks! {
    activations "../nets/layers/activations.net";
    avg_pool "../nets/layers/avg_pool.net";
    bends "../nets/layers/bends.net";
    binary "../nets/layers/binary.net";
    batch_norm "../nets/layers/batch_norm.net";
    batch_norm_branches "../nets/layers/batch_norm_branches.net";
    blocks "../nets/layers/blocks.net";
    composite "../nets/layers/composite.net";
    concat "../nets/layers/concat.net";
    conv "../nets/layers/conv.net";
    conv_1x1 "../nets/layers/conv_1x1.net";
    conv_groups "../nets/layers/conv_groups.net";
    conv_options "../nets/layers/conv_options.net";
    conv_transpose "../nets/layers/conv_transpose.net";
    decoder "../nets/layers/decoder.net";
    depthwise "../nets/layers/depthwise.net";
    dropout "../nets/layers/dropout.net";
    frozen "../nets/layers/frozen.net";
    gate "../nets/layers/gate.net";
    huber "../nets/layers/huber.net";
    image_to_image "../nets/layers/image_to_image.net";
    inputs_outputs "../nets/layers/inputs_outputs.net";
    inputs_stages "../nets/layers/inputs_stages.net";
    l1 "../nets/layers/l1.net";
    loss_sum "../nets/layers/loss_sum.net";
    lrn "../nets/layers/lrn.net";
    max_pool "../nets/layers/max_pool.net";
    mlp "../nets/layers/mlp.net";
    numbers "../nets/layers/numbers.net";
    norms "../nets/layers/norms.net";
    parameterless "../nets/layers/parameterless.net";
    residual "../nets/layers/residual.net";
    rows "../nets/layers/rows.net";
    shapes "../nets/layers/shapes.net";
    small_lenet "../nets/layers/small_lenet.net";
    smoothed "../nets/layers/smoothed.net";
    unread "../nets/layers/unread.net";
    upsample "../nets/layers/upsample.net";
    varied "../nets/layers/varied.net";
    weighted "../nets/layers/weighted.net";
}

/// Every file of `tests/nets/layers` stands in the list above.
#[test]
fn every_file_is_tested() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("nets/layers");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(include_str!("generated.rs").contains(&format!("\"../nets/layers/{name}\";")), "{name} is not tested");
    }
}

/// The same tests on the instruction set that every machine has.
#[test]
fn portable() {
    if std::env::var_os("NETWRIGHT_ISA").is_some() {
        return;
    }
    let tests = std::env::current_exe().unwrap();
    let output = Command::new(tests).env("NETWRIGHT_ISA", "portable").args(["--skip", "portable"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("agrees_with_its_name"), "{text}");
}

/// The variable has been heeded: else the child above would test the same code again.
#[test]
fn instruction_set_agrees_with_its_name() {
    if let Ok(name) = std::env::var("NETWRIGHT_ISA") {
        assert_eq!(netwright_kernels::isa().name(), name);
    }
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

fn singles(arrays: &[Vec<f64>]) -> Vec<Vec<f32>> {
    arrays.iter().map(|array| single(array)).collect()
}

fn slices(arrays: &[Vec<f32>]) -> Vec<&[f32]> {
    arrays.iter().map(Vec::as_slice).collect()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// Compares an array within the tolerances; terms of the size of `scale` may have cancelled on the way to it.
fn close(what: &str, found: impl IntoIterator<Item = f32>, expected: &[f64], scale: f64) {
    let found: Vec<f32> = found.into_iter().collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = largest(expected).max(scale);
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let bound = RELATIVE * expected.abs() + ABSOLUTE * largest;
        let error = (f64::from(found) - expected).abs();
        assert!(error <= bound, "{what}[{index}]: found {found}, expected {expected}, off by {error:e} of {bound:e}");
    }
}

/// A network with an example's parameters.
fn network<N: Trainable>(lowered: &Lowered, example: &Example) -> N {
    let mut network = N::from_core(Core::new(N::SPEC, 1));
    for parameter in &lowered.graph.parameters {
        let values = single(&example.parameters[&parameter.name]);
        let view = ArrayViewD::from_shape(IxDyn(parameter.shape.dims()), &values).unwrap();
        let parameters = network.core_mut().parameters_mut();
        parameters.set(&parameter.name, view.clone()).unwrap();
        assert_eq!(parameters.get(&parameter.name).unwrap(), view);
    }
    network
}

fn agrees<N: Trainable + Debug>(text: &str) {
    let lowered = interpreter::compile(text).unwrap();
    describes::<N>(&lowered);
    let chunk = N::TRAINING.chunk;
    let several_lanes = chunk * N::TRAINING.lanes + chunk / 2 + 1;
    let mut sizes: Vec<usize> = (1..=9).collect();
    sizes.extend([chunk, chunk + 1, 2 * chunk + 1, N::INFERENCE.chunk + 1]);
    if several_lanes * (N::TRAINING.macs as usize) < 6_000_000 {
        sizes.push(several_lanes);
    }
    sizes.sort_unstable();
    sizes.dedup();
    for n in sizes {
        let example = Example::new(&lowered, n, n as u64 + 17);
        inference::<N>(&lowered, &example);
        training::<N>(&lowered, &example);
    }
}

/// The generated description names the graph's parameters, trained ones first.
fn describes<N: Trainable>(lowered: &Lowered) {
    let (trained, state): (Vec<_>, Vec<_>) = lowered.graph.parameters.iter().partition(|parameter| parameter.trained);
    let expected: Vec<_> = trained.iter().chain(&state).map(|p| (p.name.as_str(), p.shape.dims(), p.trained)).collect();
    let found: Vec<_> = N::SPEC.parameters.iter().map(|p| (p.name, p.shape, p.trained)).collect();
    assert_eq!(found, expected);
    let count: usize = trained.iter().map(|parameter| parameter.shape.elements()).sum();
    assert_eq!(Core::new(N::SPEC, 0).parameters().count(), count);
}

fn inference<N: Trainable>(lowered: &Lowered, example: &Example) {
    let network: N = network(lowered, example);
    let (n, inputs) = (example.n, singles(&example.inputs));
    let recipe = lowered.recipe.as_ref().unwrap();
    let expected =
        interpreter::run_with_loss(&lowered.graph, recipe, Manner::Inference, &example.parameters, &example.batch());
    let outputs = &lowered.graph.outputs;
    let room = |output: &Output| vec![f32::NAN; n * lowered.graph.shape(output.value).elements()];
    let mut found: Vec<_> = outputs.iter().map(room).collect();
    let mut rooms: Vec<&mut [f32]> = found.iter_mut().map(Vec::as_mut_slice).collect();
    engine::predict_all_into(&network, &slices(&inputs), &mut rooms).unwrap();
    for (output, found) in outputs.iter().zip(found) {
        close(&format!("output {} of {n}", output.name), found, expected.value(output.value), 0.0);
    }
    let values = single(&example.values);
    let found = engine::evaluate_all(&network, &slices(&inputs), targets(example, &values)).unwrap();
    close(&format!("evaluated loss of {n}"), [found.loss as f32], &[expected.loss()], 1.0);
    assert_eq!((found.correct, found.images), (expected.correct, n));
}

fn training<N: Trainable>(lowered: &Lowered, example: &Example) {
    let mut network: N = network(lowered, example);
    let (n, inputs, values) = (example.n, singles(&example.inputs), single(&example.values));
    let inputs = slices(&inputs);
    let unit = interpreter::prepared(lowered, netwright_compiler::passes::Mode::Training).unwrap();
    let expected = interpreter::run(&unit.graph, Manner::Training, &example.parameters, &example.batch());
    let before = network.core().parameters().trained().to_vec();
    let mut gradients = Gradients::new::<N>().unwrap();
    // A step before this one, of another key, leaves nothing behind.
    let state = network.core().parameters().state().to_vec();
    gradients.set_key(7, 7);
    engine::loss_and_gradients_all(&mut network, &inputs, targets(example, &values), &mut gradients).unwrap();
    network.core_mut().parameters_mut().split_mut().1.copy_from_slice(&state);

    gradients.set_key(example.seed, example.step);
    let found =
        engine::loss_and_gradients_all(&mut network, &inputs, targets(example, &values), &mut gradients).unwrap();
    close(&format!("loss of {n}"), [found.loss as f32], &[expected.loss()], 1.0);
    assert_eq!((found.correct, found.images), (expected.correct, n));
    assert_eq!(network.core().parameters().trained(), before, "gradients change no parameter");
    // A bias before a normalisation has the gradient zero: a sum of gradients of the usual size that cancel.
    let scale = 0.1 * expected.gradients.values().map(|gradient| largest(gradient)).fold(0.0, f64::max);
    for parameter in &lowered.graph.parameters {
        let name = &parameter.name;
        if parameter.trained {
            let found = gradients.get(name).unwrap();
            assert_eq!(found.shape(), parameter.shape.dims());
            let none = vec![0.0; parameter.shape.elements()];
            let expected = expected.gradients.get(name).unwrap_or(&none);
            close(&format!("gradient of {name}, batch of {n}"), found, expected, scale);
        } else {
            let found = network.core().parameters().get(name).unwrap();
            let kept = &example.parameters[name];
            close(&format!("{name} after a batch of {n}"), found, expected.state.get(name).unwrap_or(kept), 0.0);
        }
    }
}

fn targets<'a>(example: &'a Example, values: &'a [f32]) -> Targets<'a> {
    if values.is_empty() { Targets::Classes(&example.labels) } else { Targets::Values(values) }
}

fn padding<N: Trainable>(text: &str) {
    let lowered = interpreter::compile(text).unwrap();
    let example = Example::new(&lowered, 5, 3);
    let (inputs, values) = (singles(&example.inputs), single(&example.values));
    let inputs = slices(&inputs);
    for optimizer in [
        Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01 },
        Optimizer::Adam { lr: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.01 },
        Optimizer::AdamW { lr: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.01 },
        Optimizer::RmsProp { lr: 0.1, rho: 0.9, epsilon: 1e-7, momentum: 0.9 },
    ] {
        let mut network: N = network(&lowered, &example);
        let mut gradients = Gradients::new::<N>().unwrap();
        let mut state = OptimizerState::new(&optimizer, N::SPEC.trained).unwrap();
        for step in 0..3 {
            gradients.set_key(1, step);
            engine::loss_and_gradients_all(&mut network, &inputs, targets(&example, &values), &mut gradients).unwrap();
            let parameters = network.core_mut().parameters_mut().trained_mut();
            state.step(&optimizer, optimizer.lr(), parameters, gradients.values());
        }
        let stored = network.core().parameters().values();
        for parameter in N::SPEC.parameters {
            for index in (0..parameter.layout.len()).filter(|&index| !parameter.layout.is_real(index)) {
                let index = parameter.offset + index;
                assert_eq!(stored[index], 0.0, "padding of {} after {optimizer}", parameter.name);
                assert!(gradients.values().get(index).is_none_or(|&gradient| gradient == 0.0));
            }
        }
    }
}
