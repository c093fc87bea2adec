use super::*;
use crate::random::Stream;

const SGD: Optimizer = Optimizer::Sgd { lr: 0.1, momentum: 0.0, nesterov: false, weight_decay: 0.0 };
const ADAM: Optimizer = Optimizer::Adam { lr: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };

/// Every rule, with each of its settings at work.
const ALL: [Optimizer; 10] = [
    SGD,
    Optimizer::Sgd { lr: 0.1, momentum: 0.0, nesterov: false, weight_decay: 0.01 },
    Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0.0 },
    Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01 },
    ADAM,
    Optimizer::Adam { lr: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weight_decay: 0.1 },
    Optimizer::AdamW { lr: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1 },
    Optimizer::RmsProp { lr: 0.01, rho: 0.9, epsilon: 1e-8, momentum: 0.0 },
    Optimizer::RmsProp { lr: 0.01, rho: 0.99, epsilon: 1e-2, momentum: 0.9 },
    Optimizer::AdamW { lr: 0.01, beta1: 0.0, beta2: 0.0, epsilon: 1e-3, weight_decay: 0.0 },
];

/// One parameter's history in f64, written as the papers have it.
#[derive(Default)]
struct Reference {
    first: f64,
    second: f64,
    step: i32,
}

impl Reference {
    fn step(&mut self, optimizer: &Optimizer, rate: f64, mut p: f64, mut g: f64) -> f64 {
        self.step += 1;
        let (optimizer, decay) = match *optimizer {
            Optimizer::Adam { lr, beta1, beta2, epsilon, weight_decay } => {
                g += f64::from(weight_decay) * p;
                (Optimizer::AdamW { lr, beta1, beta2, epsilon, weight_decay: 0.0 }, 0.0)
            }
            Optimizer::AdamW { weight_decay, .. } => (*optimizer, f64::from(weight_decay)),
            _ => (*optimizer, 0.0),
        };
        match optimizer {
            Optimizer::Sgd { momentum, nesterov, weight_decay, .. } => {
                g += f64::from(weight_decay) * p;
                self.first = f64::from(momentum) * self.first + g;
                p - rate * if nesterov { g + f64::from(momentum) * self.first } else { self.first }
            }
            Optimizer::Adam { beta1, beta2, epsilon, .. } | Optimizer::AdamW { beta1, beta2, epsilon, .. } => {
                p *= 1.0 - rate * decay;
                let (beta1, beta2) = (f64::from(beta1), f64::from(beta2));
                self.first = beta1 * self.first + (1.0 - beta1) * g;
                self.second = beta2 * self.second + (1.0 - beta2) * g * g;
                let mean = self.first / (1.0 - beta1.powi(self.step));
                let square = self.second / (1.0 - beta2.powi(self.step));
                p - rate * mean / (square.sqrt() + f64::from(epsilon))
            }
            Optimizer::RmsProp { rho, epsilon, momentum, .. } => {
                let rho = f64::from(rho);
                self.second = rho * self.second + (1.0 - rho) * g * g;
                self.first = f64::from(momentum) * self.first + g / (self.second.sqrt() + f64::from(epsilon));
                p - rate * self.first
            }
        }
    }
}

#[test]
fn steps_are_those_of_the_formulas() {
    for optimizer in &ALL {
        let mut stream = Stream::new(1, "optimizer");
        let mut parameters: Vec<f32> = (0..37).map(|_| stream.normal() as f32).collect();
        let mut expected: Vec<f64> = parameters.iter().map(|&p| f64::from(p)).collect();
        let mut references: Vec<Reference> = (0..37).map(|_| Reference::default()).collect();
        let mut state = OptimizerState::new(optimizer, 37).unwrap();
        for step in 0..20 {
            // From the second half on at half the rate, where the rules of PyTorch and Keras part.
            let rate = optimizer.lr() * if step < 10 { 1.0 } else { 0.5 };
            let gradients: Vec<f32> = (0..37).map(|_| stream.normal() as f32).collect();
            state.step(optimizer, rate, &mut parameters, &gradients);
            for ((p, &g), reference) in expected.iter_mut().zip(&gradients).zip(&mut references) {
                *p = reference.step(optimizer, f64::from(rate), *p, f64::from(g));
            }
        }
        assert_eq!(state.steps(), 20);
        for (found, expected) in parameters.iter().zip(&expected) {
            let error = (f64::from(*found) - expected).abs();
            assert!(error < 5e-6 * expected.abs().max(1.0), "{optimizer}: {found}, expected {expected}");
        }
    }
}

/// Worked out by hand.
#[test]
fn first_steps() {
    let two_steps = |optimizer: Optimizer| {
        let (mut parameters, mut state) = ([1.0, -2.0, 0.0], OptimizerState::new(&optimizer, 3).unwrap());
        state.step(&optimizer, optimizer.lr(), &mut parameters, &[0.5, 4.0, 0.0]);
        let first = parameters;
        state.step(&optimizer, optimizer.lr(), &mut parameters, &[0.5, 4.0, 0.0]);
        (first, parameters)
    };
    let close = |found: [f32; 3], expected: [f32; 3]| {
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6), "{found:?}");
    };
    let (first, second) = two_steps(SGD);
    close(first, [0.95, -2.4, 0.0]);
    close(second, [0.9, -2.8, 0.0]);
    let (first, second) = two_steps(Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0.0 });
    close(first, [0.95, -2.4, 0.0]);
    close(second, [0.855, -3.16, 0.0]);
    let (first, _) = two_steps(Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.0 });
    close(first, [0.905, -2.76, 0.0]);
    // While the gradient stays the same, Adam's steps are the learning rate, whatever the gradient's size.
    let (first, second) = two_steps(ADAM);
    close(first, [0.999, -2.001, 0.0]);
    close(second, [0.998, -2.002, 0.0]);
    // AdamW takes lr * weight_decay of the parameter besides.
    let (first, _) =
        two_steps(Optimizer::AdamW { lr: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.5 });
    close(first, [0.85, -2.0, 0.0]);
    // sqrt(0.1 g^2) is 0.316 g, so the first step is the learning rate over that.
    let (first, _) = two_steps(Optimizer::RmsProp { lr: 0.01, rho: 0.9, epsilon: 1e-8, momentum: 0.0 });
    close(first, [1.0 - 0.031_622_78, -2.031_623, 0.0]);
}

#[test]
fn padding_stays_zero_and_cuts_do_not_matter() {
    const N: usize = 100_003;
    let fill = |name| {
        let mut stream = Stream::new(2, name);
        (0..N).map(|i| if i % 3 == 0 { 0.0 } else { stream.normal() as f32 }).collect::<Vec<f32>>()
    };
    let (start, gradients) = (fill("start"), fill("gradients"));
    for optimizer in &ALL {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (mut parameters, mut state) = (start.clone(), OptimizerState::new(optimizer, N).unwrap());
            (0..3).for_each(|_| {
                pool.install(|| state.step(optimizer, optimizer.lr(), &mut parameters, &gradients));
            });
            let state = state.slots.iter().map(|slot| slot.to_vec()).collect::<Vec<_>>();
            (parameters, state)
        };
        let one = run(1);
        assert!(one.0.iter().step_by(3).all(|&padding| padding == 0.0));
        assert!(one.1.iter().all(|slot| slot.iter().step_by(3).all(|&padding| padding == 0.0)));
        assert_eq!(one, run(3));
        // In small pieces, as if each were a network of its own.
        let mut pieces = start.clone();
        for (parameters, gradients) in pieces.chunks_mut(1000).zip(gradients.chunks(1000)) {
            let mut state = OptimizerState::new(optimizer, gradients.len()).unwrap();
            (0..3).for_each(|_| state.step(optimizer, optimizer.lr(), parameters, gradients));
        }
        assert_eq!(one.0, pieces);
    }
}

#[test]
fn settings_are_checked() {
    assert!(ALL.iter().all(|optimizer| optimizer.check().is_ok()));
    let refused = |optimizer: Optimizer| optimizer.check().unwrap_err().to_string();
    assert_eq!(refused(SGD.with_lr(0.0)), "`lr` is 0; expected a number above 0");
    assert_eq!(refused(ADAM.with_lr(f32::NAN)), "`lr` is NaN; expected a number above 0");
    assert_eq!(
        refused(Optimizer::Sgd { lr: 0.1, momentum: 1.0, nesterov: false, weight_decay: 0.0 }),
        "`momentum` is 1; expected a number from 0 up and below 1"
    );
    assert_eq!(
        refused(Optimizer::Sgd { lr: 0.1, momentum: 0.0, nesterov: true, weight_decay: 0.0 }),
        "`momentum` is 0; expected a number above 0 with `nesterov`"
    );
    assert_eq!(
        refused(Optimizer::Sgd { lr: 0.1, momentum: 0.0, nesterov: false, weight_decay: f32::INFINITY }),
        "`weight_decay` is inf; expected a number from 0 up"
    );
    let adam = |beta1, beta2, epsilon| Optimizer::Adam { lr: 0.1, beta1, beta2, epsilon, weight_decay: 0.0 };
    for optimizer in [
        adam(1.0, 0.5, 1e-8),
        adam(0.5, -0.1, 1e-8),
        adam(0.5, 0.5, 0.0),
        Optimizer::RmsProp { lr: 0.1, rho: 1.0, epsilon: 1e-8, momentum: 0.0 },
        Optimizer::RmsProp { lr: 0.1, rho: 0.9, epsilon: 0.0, momentum: 0.0 },
        Optimizer::RmsProp { lr: 0.1, rho: 0.9, epsilon: 1e-8, momentum: -1.0 },
    ] {
        assert!(optimizer.check().is_err(), "{optimizer}");
    }
}

#[test]
fn it_reads_as_it_is_written() {
    let texts: Vec<String> = ALL.iter().map(Optimizer::to_string).collect();
    assert_eq!(texts[0], "sgd(lr: 0.1)");
    assert_eq!(texts[3], "sgd(lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01)");
    assert_eq!(texts[4], "adam(lr: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 0.00000001)");
    assert_eq!(texts[6], "adamw(lr: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 0.00000001, weight_decay: 0.1)");
    assert_eq!(texts[8], "rmsprop(lr: 0.01, rho: 0.99, epsilon: 0.01, momentum: 0.9)");
    for optimizer in ALL {
        let json = serde_json::to_string(&optimizer).unwrap();
        assert_eq!(serde_json::from_str::<Optimizer>(&json).unwrap(), optimizer, "{json}");
    }
    assert_eq!(
        serde_json::to_string(&SGD).unwrap(),
        r#"{"kind":"sgd","lr":0.1,"momentum":0.0,"nesterov":false,"weight_decay":0.0}"#
    );
}

/// Parts with a rate of their own change as they would by themselves; the others as if there were none.
#[test]
fn parts_have_their_own_rate() {
    for optimizer in [SGD, ADAM, Optimizer::RmsProp { lr: 0.01, rho: 0.9, epsilon: 1e-8, momentum: 0.9 }] {
        let start: Vec<f32> = (0..100_u8).map(|index| f32::from(index) / 7.0 - 5.0).collect();
        let gradients: Vec<f32> = start.iter().map(|value| (value * 3.0).sin()).collect();
        let run = |rate: f32, parts: &[Rate]| {
            let mut parameters = start.clone();
            let mut state = OptimizerState::new(&optimizer, 100).unwrap();
            for _ in 0..5 {
                state.step_parts(&optimizer, rate, parts, &mut parameters, &gradients);
            }
            parameters
        };
        let (plain, fast, slow) = (run(0.01, &[]), run(0.1, &[]), run(0.001, &[]));
        let parts = [
            Rate { start: 16, end: 32, factor: 10.0 },
            Rate { start: 32, end: 40, factor: 0.1 },
            Rate { start: 90, end: 1000, factor: 10.0 },
        ];
        let mixed = run(0.01, &parts);
        for (index, found) in mixed.iter().enumerate() {
            let expected = match index {
                16..32 | 90.. => fast[index],
                32..40 => slow[index],
                _ => plain[index],
            };
            assert!((found - expected).abs() < 1e-6, "{optimizer} at {index}: {found}, expected {expected}");
        }
    }
}
