//! Shared values: clusters, masks that are never revived, and training that is the same on all threads.

use std::collections::BTreeSet;

use super::*;
use crate::parameters::Parameters;
use crate::spec::ParameterSpec;
use crate::testing::ARRAYS;
use crate::train::share::Sharing;

/// Two bits for matrices.
fn two_bits(parameter: &ParameterSpec) -> Option<u32> {
    (parameter.shape.len() > 1).then_some(2)
}

/// A classifier with every third weight pruned.
fn pruned() -> Classifier {
    let mut network = Classifier::new(3);
    let parameters = network.core_mut().parameters_mut();
    let mut weight = parameters.get("dense1.weight").unwrap();
    weight.iter_mut().step_by(3).for_each(|value| *value = -0.0);
    parameters.set("dense1.weight", weight.view()).unwrap();
    network
}

/// The different numbers of an array, as bits.
fn values(network: &Classifier, name: &str) -> BTreeSet<u32> {
    network.core().parameters().get(name).unwrap().iter().map(|value| value.to_bits()).collect()
}

/// Every kind of optimiser, with everything that could move a weight without a gradient.
const OPTIMIZERS: [Optimizer; 4] = [
    Optimizer::Sgd { lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 0.01 },
    Optimizer::Adam { lr: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.01 },
    Optimizer::AdamW { lr: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.1 },
    Optimizer::RmsProp { lr: 0.01, rho: 0.9, epsilon: 1e-7, momentum: 0.9 },
];

#[test]
fn values_are_trained_together_and_no_pruned_weight_comes_back() {
    for optimizer in OPTIMIZERS {
        let mut network = pruned();
        let mut sharing = Sharing::new(network.core_mut().parameters_mut(), two_bits).unwrap();
        let before = values(&network, "dense1.weight");
        // Zero is one of the four values.
        assert!(before.len() <= 4 && before.contains(&0), "{before:?}");
        let recipe = Recipe { optimizer, epochs: 3, clip_norm: Some(1.0), ..Classifier::RECIPE };
        let clusters = network.core().parameters().get("dense1.weight").unwrap();
        Trainer::from_recipe(recipe).constraint(&mut sharing).fit(&mut network, &toy(43, 1, false), None).unwrap();
        let after = network.core().parameters().get("dense1.weight").unwrap();
        assert_eq!(values(&network, "dense1.weight").len(), before.len(), "{optimizer}");
        for (nth, (before, after)) in clusters.iter().zip(&after).enumerate() {
            if nth % 3 == 0 {
                assert_eq!(after.to_bits(), 0, "{optimizer}: pruned weight {nth}");
            } else {
                assert_ne!(before, after, "{optimizer}: weight {nth} was not trained");
            }
        }
        // A weight follows its cluster.
        let pairs: BTreeSet<(u32, u32)> =
            clusters.iter().zip(&after).map(|(before, after)| (before.to_bits(), after.to_bits())).collect();
        assert_eq!(pairs.len(), before.len());
        // Biases have values of their own, and no padding is touched.
        assert!(network.core().parameters().get("dense1.bias").unwrap().iter().all(|value| *value != 0.0));
        let stored = network.core().parameters().values();
        assert!(stored[..96].iter().enumerate().all(|(idx, value)| idx % 16 < 3 || *value == 0.0));
    }
}

#[test]
fn a_value_takes_the_sum_of_its_weights_gradients() {
    let mut network = pruned();
    let mut sharing = Sharing::new(network.core_mut().parameters_mut(), two_bits).unwrap();
    let parameters = network.core().parameters().trained().to_vec();
    let mut gradients: Vec<f32> =
        (0..parameters.len()).map(|idx| if idx % 16 < 3 { idx as f32 } else { 0.0 }).collect();
    let raw = gradients.clone();
    let at = crate::train::Moment { step: 0, steps_per_epoch: 1 };
    sharing.before_step(at, &parameters, &mut gradients);
    for idx in (0..96).filter(|idx| idx % 16 < 3) {
        let same = (0..96).filter(|other| other % 16 < 3 && parameters[*other] == parameters[idx]);
        let expected = if parameters[idx] == 0.0 { 0.0 } else { same.map(|other| raw[other]).sum() };
        assert_eq!(gradients[idx], expected);
    }
    assert_eq!(gradients[96..99], raw[96..99], "a bias has its own");
}

#[test]
fn training_is_the_same_on_all_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut network = pruned();
            let mut sharing = Sharing::new(network.core_mut().parameters_mut(), two_bits).unwrap();
            trainer().epochs(2).constraint(&mut sharing).fit(&mut network, &toy(43, 1, false), None).unwrap();
            bits(&network)
        })
    };
    let expected = run(1);
    assert!([2, 3].iter().all(|&threads| run(threads) == expected));
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut parameters = Parameters::initialised(&ARRAYS, 3);
    let refused = |parameters: &mut Parameters, bits| Sharing::new(parameters, |_| Some(bits)).unwrap_err().to_string();
    for bits in [0, 13, 32] {
        let message = format!("`bits` is {bits}; expected a number from 1 to 12");
        assert_eq!(refused(&mut parameters, bits), message);
    }
    let mut sharing = Sharing::new(&mut parameters, |_| Some(3)).unwrap();
    let other = sharing.begin(Classifier::SPEC, &mut [0.0; 112]).unwrap_err().to_string();
    assert!(other.starts_with("`shared values` has the wrong shape"), "{other}");
    sharing.restore(&ARRAYS, parameters.trained(), &[]).unwrap();
    parameters.trained_mut()[0] += 1.0;
    let changed = sharing.restore(&ARRAYS, parameters.trained(), &[]);
    assert!(changed.is_err() || parameters.trained()[0] == 0.0);
    parameters.trained_mut()[0] = f32::NAN;
    assert!(refused(&mut parameters, 3).contains("`conv1.weight` became NaN"));
}
