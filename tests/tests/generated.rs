//! Generated code in single precision against the reference interpreter in double precision: predictions, losses,
//! gradients of every parameter and running statistics, for batches smaller and larger than a chunk; of every layer, and of
//! a dozen random networks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use std::path::Path;
use std::process::Command;

use netwright::Trainable;
use netwright::engine::{self, Gradients};
use netwright::train::{Optimizer, OptimizerState};
use netwright_tests::agreement::{agrees, network, random_agrees, single, singles, slices, targets};
use netwright_tests::interpreter::{self, Example};

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
    bands "../nets/layers/bands.net";
    bands_in_place "../nets/layers/bands_in_place.net";
    bands_strides "../nets/layers/bands_strides.net";
    bands_training "../nets/layers/bands_training.net";
    bands_ways "../nets/layers/bands_ways.net";
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
    joined "../nets/layers/joined.net";
    l1 "../nets/layers/l1.net";
    loss_sum "../nets/layers/loss_sum.net";
    lrn "../nets/layers/lrn.net";
    max_pool "../nets/layers/max_pool.net";
    mlp "../nets/layers/mlp.net";
    numbers "../nets/layers/numbers.net";
    norms "../nets/layers/norms.net";
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

/// Every file of `tests/nets/layers` and `tests/nets/random` stands in one of the lists.
#[test]
fn every_file_is_tested() {
    for name in ["layers", "random"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("nets").join(name);
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let is_tested = include_str!("generated.rs").contains(&format!("\"../nets/{name}/{file}\";"));
            assert!(is_tested, "{name}/{file} is not tested");
        }
    }
}

/// Compiles random networks, each named after its seed.
macro_rules! random {
    ($($module:ident $seed:literal $file:literal;)*) => {
        $(
            mod $module {
                netwright::model!($file as Net);
            }

            #[test]
            fn $module() {
                let text = include_str!($file);
                let tally = random_agrees::<$module::Net>(text, $seed).unwrap_or_else(|why| panic!("{why}\n{text}"));
                assert!(tally.unsteady <= tally.agreed, "{tally:?}\n{text}");
            }
        )*
    };
}

random! {
    seed_1 1 "../nets/random/seed_1.net";
    seed_2 2 "../nets/random/seed_2.net";
    seed_3 3 "../nets/random/seed_3.net";
    seed_4 4 "../nets/random/seed_4.net";
    seed_5 5 "../nets/random/seed_5.net";
    seed_6 6 "../nets/random/seed_6.net";
    seed_7 7 "../nets/random/seed_7.net";
    seed_8 8 "../nets/random/seed_8.net";
    seed_9 9 "../nets/random/seed_9.net";
    seed_10 10 "../nets/random/seed_10.net";
    seed_11 11 "../nets/random/seed_11.net";
    seed_12 12 "../nets/random/seed_12.net";
}

/// What a run that goes on compares: every setting of a loss, and every loss of a sum.
#[test]
fn losses_are_spelt_out() {
    assert_eq!(l1::Net::LOSS, "l1");
    assert_eq!(huber::Net::LOSS, "huber(delta: 0.6)");
    assert_eq!(
        loss_sum::Net::LOSS,
        "0.75 * cross_entropy(late) + 0.375 * cross_entropy(early, smoothing: 0.2) + 0.125 * cross_entropy(early)"
    );
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
