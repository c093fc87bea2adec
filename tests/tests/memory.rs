//! What training a network holds in memory, by the allocator, against what its budget says: `training_bytes`.
//!
//! A test binary of its own with one test: the allocator is the whole process's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use netwright::Trainable;
use netwright::engine::{self, Core, Gradients, Targets};
use netwright::train::{Optimizer, OptimizerState};
use netwright_compiler::diagnostic::{Sink, short};
use netwright_compiler::source::SourceMap;
use netwright_compiler::{NoSources, Settings, compile};
use netwright_tests::allocator::{Counting, lent};
use rayon::ThreadPoolBuilder;

netwright::model!("../nets/layers/batch_norm.net");
netwright::model!("../nets/layers/small_lenet.net");

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that a network, its gradients and an optimiser's state hold after a step with `n` images.
fn held<N: Trainable>(optimizer: &Optimizer, n: usize) -> usize {
    let images: Vec<f32> = (0..n * N::SPEC.inputs[0].len()).map(|index| (index % 7) as f32 / 7.0).collect();
    let labels: Vec<u32> = (0..n).map(|index| (index % N::TRAINING.classes) as u32).collect();
    let before = lent();
    let mut network = N::from_core(Core::new(N::SPEC, 1));
    let mut gradients = Gradients::new::<N>().unwrap();
    let mut state = OptimizerState::new(optimizer, N::SPEC.trained).unwrap();
    let loss = engine::loss_and_gradients(&mut network, &images, Targets::Classes(&labels), &mut gradients).unwrap();
    assert!(loss.loss.is_finite());
    state.step(optimizer, optimizer.lr(), network.core_mut().parameters_mut().trained_mut(), gradients.values());
    let after = lent();
    drop((network, gradients, state));
    after - before
}

/// What the compiler counts for a batch of `n`, from its own message about a budget that is too small.
fn budget(text: &str, optimizer: &str, n: usize) -> usize {
    let text = text.replacen(
        "train {",
        &format!("budget {{ training_bytes(batch: {n}) <= 1; }} train {{ optimizer: {optimizer};"),
        1,
    );
    let (mut map, mut sink) = (SourceMap::new(), Sink::new());
    let source = map.add("n.net", text);
    assert!(compile(source, &mut map, &Settings::default(), &mut NoSources, &mut sink).is_none());
    let message = sink.diagnostics().into_iter().map(|found| short(found, &map)).collect::<Vec<_>>().join("\n");
    let (_, rest) = message.split_once("the network takes ").unwrap_or_else(|| panic!("{message}"));
    let (bytes, _) = rest.split_once(" bytes to train on a batch").unwrap_or_else(|| panic!("{message}"));
    bytes.replace('_', "").parse().unwrap()
}

#[test]
fn a_budget_is_what_training_holds() {
    let adam = Optimizer::Adam { lr: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.0 };
    let optimizers = [
        ("sgd(lr: 0.1)", Optimizer::Sgd { lr: 0.1, momentum: 0.0, nesterov: false, weight_decay: 0.0 }),
        ("rmsprop(lr: 0.1)", Optimizer::RmsProp { lr: 0.1, rho: 0.9, epsilon: 1e-7, momentum: 0.0 }),
        ("adam(lr: 0.001)", adam),
    ];
    let n = 4096;
    let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| {
        // What threads keep for themselves is not a network's.
        held::<BatchNorm>(&adam, n);
        // A loss and a hit for each image, and what stands around the arrays.
        let beside = n * 5 + 4096;
        for (written, optimizer) in &optimizers {
            // Every chunk keeps an arena of its own, from barrier to barrier.
            let text = include_str!("../nets/layers/batch_norm.net");
            let (held_bytes, most) = (held::<BatchNorm>(optimizer, n), budget(text, written, n));
            assert!(held_bytes <= most + beside, "{written}: {held_bytes} bytes are held, {most} were promised");
            assert!(held_bytes >= most, "{written}: {held_bytes} bytes are held, {most} were promised");
            // Without barriers two threads have an arena each, and what there is of lanes is at most the promise.
            let text = include_str!("../nets/layers/small_lenet.net");
            let (held_bytes, most) = (held::<SmallLeNet>(optimizer, n), budget(text, written, n));
            assert!(held_bytes <= most + beside, "{written}: {held_bytes} bytes are held, {most} were promised");
        }
    });
}
