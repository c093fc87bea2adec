//! Ten steps of every optimiser, from a description's `train` section to the parameters, on a small dense network.

use netwright::Trainable;

use crate::reference::{FRAMEWORKS, Tolerance};
use crate::steps::{Batch, Rule, ten};
use crate::{assert_same_names, formula, start};

/// Parameters of about a half are stored to 3e-8, so that ways of a hundredth are good to some 1e-5 of the longest; and
/// one minus an f32 of 0.999 is a thousandth to 1.3e-5 of it. Another epsilon, or the same in another place, shifts the
/// ways by 1e-3 and more.
const STEPS: Tolerance = Tolerance { relative: 3e-5, absolute: 3e-5 };

fn compare<N: Trainable>(name: &str) {
    let references: Vec<_> = FRAMEWORKS.iter().filter_map(|(_, all)| all.optimizers.get(name)).collect();
    let [reference] = references[..] else { panic!("`{name}` has {} references", references.len()) };
    let mut net = start::<N>(name);
    let rule = if name.starts_with("keras") { Rule::Keras } else { Rule::Ours };
    let batch = |step| {
        Batch::Values(
            formula::uniform(&format!("{name}/x{step}"), 6 * 5, -1.0, 1.0),
            formula::uniform(&format!("{name}/values{step}"), 6 * 3, -2.0, 2.0),
        )
    };
    let (losses, moved) = ten(&mut net, rule, |step| N::RECIPE.rate(step, 100), batch);
    assert_eq!(losses.len(), reference.losses.len());
    for (step, (&found, &expected)) in losses.iter().zip(&reference.losses).enumerate() {
        STEPS.assert_number(&format!("{name}: the loss of step {step}"), found, expected);
    }
    assert_same_names::<N, _>(name, &reference.moved);
    for (parameter, expected) in &reference.moved {
        STEPS.assert_close(&format!("{name}: the way of {parameter}"), moved[parameter].iter().copied(), expected);
    }
}

macro_rules! optimizers {
    ($($name:ident: $optimizer:ident($($settings:tt)*), $schedule:ident $(($($every:tt)*))?;)*) => {
        $(
            mod $name {
                netwright::model! {
                    network Case {
                        input x: [5];
                        output y = x -> dense(7) -> tanh -> dense(3);
                        train {
                            loss: mean_squared_error(y);
                            optimizer: $optimizer($($settings)*);
                            schedule: $schedule $(($($every)*))?;
                        }
                    }
                }

                #[test]
                fn agrees() {
                    super::compare::<Case>(stringify!($name));
                }
            }
        )*

        #[test]
        fn every_reference_is_compared() {
            let names = [$(stringify!($name)),*];
            for (framework, reference) in FRAMEWORKS.iter() {
                let mut cases = reference.optimizers.keys();
                assert!(cases.all(|name| names.contains(&name.as_str())), "{framework} has a case that is not tested");
            }
        }
    };
}

optimizers! {
    sgd: sgd(lr: 0.1, weight_decay: 0.05), constant;
    momentum: sgd(lr: 0.05, momentum: 0.9), step(steps: 3, factor: 0.5);
    nesterov: sgd(lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 0.05), step(steps: 3, factor: 0.5);
    adam: adam(lr: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 0.01, weight_decay: 0.05), step(steps: 3, factor: 0.5);
    adamw: adamw(lr: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 0.01, weight_decay: 0.2), step(steps: 3, factor: 0.5);
    rmsprop: rmsprop(lr: 0.01, rho: 0.95, epsilon: 0.01), constant;
    rmsprop_momentum: rmsprop(lr: 0.005, rho: 0.95, epsilon: 0.01, momentum: 0.8), step(steps: 3, factor: 0.5);
    keras_sgd: sgd(lr: 0.1), constant;
    keras_momentum: sgd(lr: 0.05, momentum: 0.9), constant;
    keras_nesterov: sgd(lr: 0.05, momentum: 0.9, nesterov: true), constant;
    keras_adam: adam(lr: 0.01, epsilon: 0.01), step(steps: 3, factor: 0.5);
    keras_adamw: adamw(lr: 0.01, epsilon: 0.01, weight_decay: 0.2), step(steps: 3, factor: 0.5);
    keras_rmsprop: rmsprop(lr: 0.01, rho: 0.95, epsilon: 0.000000000001), constant;
}
