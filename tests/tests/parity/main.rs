//! The same numbers as PyTorch and Keras: every layer forward and backward, the three LeNets, every optimiser, every
//! schedule. `tests/parity/generate.py` computes the references; inputs and weights are a formula on both sides.

// The list of layers is read one at a time.
#![recursion_limit = "1024"]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests, where a panic is a finding"
)]

mod formula;
mod layers;
mod lenets;
mod optimizers;
mod reference;
mod schedules;
mod steps;

use netwright::Network;
use netwright::engine::Core;

use crate::reference::Arrays;

/// Sets every parameter and state array of a network to the formula's value for `case`.
fn fill<N: Network>(network: &mut N, case: &str) {
    for parameter in N::SPEC.parameters {
        let values = formula::parameter(&format!("{case}/{}", parameter.name), parameter.shape);
        let array = ndarray::ArrayView::from_shape(parameter.shape, &values).unwrap();
        network.core_mut().parameters_mut().set(parameter.name, array).unwrap();
    }
}

/// The network of a case, before training.
fn start<N: Network>(case: &str) -> N {
    let mut net = N::from_core(Core::new(N::SPEC, 0));
    fill(&mut net, case);
    net
}

/// Asserts that the reference has exactly the network's trained parameters.
fn assert_same_names<N: Network, T>(case: &str, reference: &Arrays<T>) {
    let mut names: Vec<&str> = N::SPEC.parameters.iter().filter(|p| p.trained).map(|p| p.name).collect();
    names.sort_unstable();
    assert_eq!(names, reference.keys().map(String::as_str).collect::<Vec<_>>(), "{case}: the parameters");
}
