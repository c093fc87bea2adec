//! Constraints, and pruning as one of them.

use super::*;
use crate::parameters::Parameters;
use crate::spec::Spec;
use crate::testing::ARRAYS;
use crate::train::prune::{Keep, Kept, Mask, Method, Pace, Pruning, kept};

const PRUNING: Pruning<'_> = Pruning {
    method: Method::Magnitude,
    keep: Some(0.5),
    layers: &[],
    pace: Pace::OneShot,
    epochs: 4,
    lr_factor: 0.1,
    scale_dropout: false,
};

const GRADUAL: Pruning<'_> =
    Pruning { keep: Some(0.2), pace: Pace::Gradual { total: Span::Epochs(3), every: 2 }, ..PRUNING };

/// Every kind of optimiser, with everything that could move a weight without a gradient.
const OPTIMIZERS: [Optimizer; 7] = [
    Optimizer::Sgd { lr: 0.05, momentum: 0.0, nesterov: false, weight_decay: 0.01 },
    Optimizer::Sgd { lr: 0.05, momentum: 0.9, nesterov: false, weight_decay: 0.01 },
    Optimizer::Sgd { lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 0.0 },
    Optimizer::Adam { lr: 0.05, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.01 },
    Optimizer::AdamW { lr: 0.05, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.1 },
    Optimizer::RmsProp { lr: 0.05, rho: 0.9, epsilon: 1e-7, momentum: 0.0 },
    Optimizer::RmsProp { lr: 0.05, rho: 0.9, epsilon: 1e-7, momentum: 0.9 },
];

/// Notes after every step which stored weights are zero; otherwise a mask.
struct Watched {
    mask: Mask,
    zeros: Vec<Vec<usize>>,
}

impl Constraint for Watched {
    fn describe(&self) -> String {
        self.mask.describe()
    }

    fn begin(&mut self, spec: &'static Spec, parameters: &mut [f32]) -> Result<(), Error> {
        self.mask.begin(spec, parameters)
    }

    fn before_step(&mut self, at: Moment, parameters: &[f32], gradients: &mut [f32]) {
        self.mask.before_step(at, parameters, gradients);
        let masked = self.mask.slot(0);
        assert!(gradients.iter().zip(masked).all(|(gradient, kept)| *kept == 1.0 || *gradient == 0.0));
    }

    fn after_step(&mut self, at: Moment, parameters: &mut [f32], state: &mut OptimizerState) {
        self.mask.after_step(at, parameters, state);
        let zeros = (0..96).filter(|idx| idx % 16 < 3 && parameters[*idx].to_bits() == 0).collect();
        self.zeros.push(zeros);
        let masked = self.mask.slot(0);
        for slot in state.slots_mut() {
            assert!(slot.iter().zip(masked).all(|(value, kept)| *kept == 1.0 || *value == 0.0));
        }
    }

    fn restore(&mut self, spec: &'static Spec, parameters: &[f32], slots: &[&[f32]]) -> Result<(), String> {
        self.mask.restore(spec, parameters, slots)
    }
}

#[test]
fn no_optimizer_revives_a_pruned_weight() {
    // Six steps an epoch; a warmed-up start, so that momentum is there when weights go.
    let train = toy(43, 1, false);
    for optimizer in OPTIMIZERS {
        for pace in [Pace::OneShot, Pace::Iterative { rounds: 3 }, Pace::Gradual { total: Span::Epochs(2), every: 1 }] {
            let pruning = Pruning { keep: Some(0.25), pace, ..PRUNING };
            let mut network = Classifier::new(3);
            let mut watched = Watched { mask: Mask::new(Classifier::SPEC, &pruning).unwrap(), zeros: Vec::new() };
            let recipe = Recipe { optimizer, epochs: 4, clip_norm: Some(1.0), ..Classifier::RECIPE };
            Trainer::from_recipe(recipe).constraint(&mut watched).fit(&mut network, &train, None).unwrap();
            assert_eq!(watched.zeros.len(), 24);
            for pair in watched.zeros.windows(2) {
                assert!(pair[0].iter().all(|idx| pair[1].contains(idx)), "{optimizer} {pace}: {pair:?}");
            }
            // 18 weights, of which a quarter stays: 4.5, rounded up.
            assert_eq!(watched.zeros[23].len(), 13, "{optimizer} {pace}");
            let parameters = network.core().parameters();
            assert!(parameters.values()[..96].iter().enumerate().all(|(idx, value)| idx % 16 < 3 || *value == 0.0));
            let expected = [("dense1.weight", 18, 5), ("dense1.bias", 3, 3)];
            let expected = expected.map(|(name, weights, kept)| Kept { name: name.to_owned(), weights, kept });
            assert_eq!(kept(parameters), expected);
        }
    }
}

#[test]
fn the_smallest_weights_go_and_the_others_are_trained_on() {
    let mut network = Classifier::new(3);
    let before = network.core().parameters().get("dense1.weight").unwrap();
    let mut sorted: Vec<f32> = before.iter().map(|value| value.abs()).collect();
    sorted.sort_by(f32::total_cmp);
    let mut mask = Mask::new(Classifier::SPEC, &PRUNING).unwrap();
    let recipe = PRUNING.retraining(&Classifier::RECIPE);
    assert_eq!((recipe.epochs, recipe.optimizer.lr()), (4, Classifier::RECIPE.optimizer.lr() * 0.1));
    Trainer::from_recipe(recipe).constraint(&mut mask).fit(&mut network, &toy(43, 1, false), None).unwrap();
    assert_eq!(mask.density(), 0.5);
    let after = network.core().parameters().get("dense1.weight").unwrap();
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.abs() < sorted[9], *after == 0.0);
        assert!(*after == 0.0 || after != before);
    }
}

#[test]
fn without_a_constraint_nothing_is_different() {
    let train = toy(43, 1, false);
    let (mut free, mut kept) = (Classifier::new(3), Classifier::new(3));
    trainer().fit(&mut free, &train, None).unwrap();
    let mut mask = Mask::new(Classifier::SPEC, &Pruning { keep: Some(1.0), ..PRUNING }).unwrap();
    trainer().constraint(&mut mask).fit(&mut kept, &train, None).unwrap();
    assert_eq!(bits(&free), bits(&kept));
}

#[test]
fn layers_have_fractions_of_their_own_and_the_rest_is_compared() {
    let masked = |pruning: &Pruning<'_>| {
        let mut parameters = Parameters::initialised(&ARRAYS, 3);
        let mut mask = Mask::new(&ARRAYS, pruning).unwrap();
        mask.begin(&ARRAYS, parameters.trained_mut()).unwrap();
        (kept(&parameters).iter().map(|kept| kept.kept).collect::<Vec<_>>(), parameters)
    };
    // 90 weights, 5 biases that are zero at first, 60 weights.
    let (counts, parameters) = masked(&PRUNING);
    assert_eq!(counts, [45, 0, 30]);
    assert_eq!(parameters.state(), [0.5; 5]);
    let layers = [Keep { layer: "conv1", fraction: 0.66 }, Keep { layer: "dense1", fraction: 0.08 }];
    assert_eq!(masked(&Pruning { keep: None, layers: &layers, ..PRUNING }).0, [59, 0, 5]);
    assert_eq!(masked(&Pruning { keep: None, layers: &layers[..1], ..PRUNING }).0, [59, 0, 60]);
    assert_eq!(masked(&Pruning { keep: Some(1e-6), ..PRUNING }).0, [1, 0, 1]);

    let global = Pruning { method: Method::GlobalMagnitude, keep: Some(0.4), ..PRUNING };
    let (counts, parameters) = masked(&global);
    assert_eq!(counts[0] + counts[2], 60);
    let magnitudes = |parameters: &Parameters| {
        let arrays = ["conv1.weight", "dense1.weight"].map(|name| parameters.get(name).unwrap());
        arrays.iter().flatten().map(|value| value.abs()).filter(|value| *value != 0.0).collect::<Vec<_>>()
    };
    let mut all = magnitudes(&Parameters::initialised(&ARRAYS, 3));
    all.sort_by(f32::total_cmp);
    assert!(magnitudes(&parameters).iter().all(|value| *value >= all[90]));
    let (counts, _) = masked(&Pruning { layers: &layers[..1], ..global });
    assert_eq!(counts, [59, 0, 24]);
}

#[test]
fn weights_go_when_their_time_has_come() {
    let zeros = |pruning: &Pruning<'_>| {
        let mut watched = Watched { mask: Mask::new(Classifier::SPEC, pruning).unwrap(), zeros: Vec::new() };
        let mut network = Classifier::new(3);
        trainer().epochs(4).constraint(&mut watched).fit(&mut network, &toy(43, 1, false), None).unwrap();
        watched.zeros.iter().map(Vec::len).collect::<Vec<_>>()
    };
    // Four epochs of six steps, and 4.5 weights are 5. Rounds of eight steps each keep the cube root of 1/8 of what is left.
    let iterative = zeros(&Pruning { keep: Some(0.125), pace: Pace::Iterative { rounds: 3 }, ..PRUNING });
    let expected = |step: usize| [9, 13, 16][(step / 8).min(2)];
    assert_eq!(iterative, (1..=24).map(expected).collect::<Vec<_>>());
    // Every two steps of eighteen: 0.8 (1 - (1 - t / 18)^3) of the weights.
    let gradual = zeros(&GRADUAL);
    let expected = |step: usize| {
        let left = 1.0 - (step / 2 * 2).min(18) as f64 / 18.0;
        18 - ((1.0 - 0.8 * (1.0 - left.powi(3))) * 18.0).round() as usize
    };
    assert_eq!(gradual, (1..=24).map(expected).collect::<Vec<_>>());
    assert_eq!((gradual[0], gradual[23]), (0, 14));
}

#[test]
fn a_run_under_a_mask_goes_on_bit_for_bit() {
    let train = toy(43, 1, false);
    let run = |folder: &std::path::Path, pruning: Option<&Pruning<'_>>, stop_at: u64| {
        let mut network = Classifier::new(3);
        let mut mask = pruning.map(|pruning| Mask::new(Classifier::SPEC, pruning).unwrap());
        let flag = Arc::new(AtomicBool::new(false));
        let raise = Arc::clone(&flag);
        let mut trainer = trainer()
            .epochs(4)
            .out(folder)
            .resume(true)
            .stop_flag(flag)
            .on_batch(move |at| raise.store(at.step == stop_at, Ordering::Relaxed));
        if let Some(mask) = &mut mask {
            trainer = trainer.constraint(mask);
        }
        let report = trainer.fit(&mut network, &train, None)?;
        drop(trainer);
        Ok::<_, Error>((bits(&network), timeless(report), mask.map(|mask| mask.slot(0).to_vec())))
    };
    let whole = tempfile::tempdir().unwrap();
    let expected = run(whole.path(), Some(&GRADUAL), 0).unwrap();
    for stop in [1, 6, 11, 17, 20] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(run(folder.path(), Some(&GRADUAL), stop).unwrap().1.steps, stop);
        assert_eq!(run(folder.path(), Some(&GRADUAL), 0).unwrap(), expected, "stopped at {stop}");
    }
    let refused = |pruning: Option<&Pruning<'_>>| run(whole.path(), pruning, 0).unwrap_err().to_string();
    let none = refused(None);
    assert!(none.contains("constraint: expected none, found prune {"), "{none}");
    let other = refused(Some(&PRUNING));
    assert!(other.contains("constraint: expected prune {") && other.contains("keep: 0.5;"), "{other}");
    let plain = tempfile::tempdir().unwrap();
    run(plain.path(), None, 0).unwrap();
    let unconstrained = run(plain.path(), Some(&PRUNING), 0).unwrap_err().to_string();
    assert!(unconstrained.contains("found none"), "{unconstrained}");
}

#[test]
fn a_mask_that_does_not_fit_is_refused() {
    let mut network = Classifier::new(3);
    let mut mask = Mask::new(Classifier::SPEC, &PRUNING).unwrap();
    let parameters = network.core_mut().parameters_mut().trained_mut();
    mask.begin(Classifier::SPEC, parameters).unwrap();
    let parameters = parameters.to_vec();
    let saved = mask.slot(0).to_vec();
    let mut fresh = Mask::new(Classifier::SPEC, &PRUNING).unwrap();
    fresh.restore(Classifier::SPEC, &parameters, &[&saved]).unwrap();
    assert_eq!((fresh.slot(0), fresh.density()), (&saved[..], 0.5));
    let here = (0..96).find(|idx| saved[*idx] == 1.0).unwrap();
    let gone = (0..96).find(|idx| idx % 16 < 3 && saved[*idx] == 0.0).unwrap();
    // A weight that is there and masked, one of a bias, and what is neither 0 nor 1.
    for (idx, value) in [(here, 0.0), (96, 0.0), (here, 0.5), (gone, f32::NAN)] {
        let mut damaged = saved.clone();
        damaged[idx] = value;
        let reason = fresh.restore(Classifier::SPEC, &parameters, &[&damaged]).unwrap_err();
        assert!(reason.contains("does not fit it"), "{reason}");
    }
    assert!(fresh.restore(Classifier::SPEC, &parameters, &[]).is_err());
    let other = fresh.begin(&ARRAYS, &mut [0.0; 624]).unwrap_err().to_string();
    assert!(other.starts_with("`mask` has the wrong shape"), "{other}");
}

#[test]
fn settings_and_names_are_checked() {
    let refused = |pruning: Pruning<'_>| Mask::new(&ARRAYS, &pruning).unwrap_err().to_string();
    let fraction = "`keep` is 0; expected a fraction above 0, up to 1";
    assert_eq!(refused(Pruning { keep: Some(0.0), ..PRUNING }), fraction);
    assert_eq!(refused(Pruning { layers: &[Keep { layer: "conv1", fraction: 0.0 }], ..PRUNING }), fraction);
    assert!(refused(Pruning { keep: Some(f32::NAN), ..PRUNING }).starts_with("`keep` is NaN"));
    assert_eq!(refused(Pruning { epochs: 0, ..PRUNING }), "`epochs` is 0; expected at least 1");
    assert!(refused(Pruning { lr_factor: 0.0, ..PRUNING }).starts_with("`lr_factor` is 0"));
    assert!(refused(Pruning { pace: Pace::Iterative { rounds: 101 }, ..PRUNING }).contains("from 1 to 100"));
    let late = Pace::Gradual { total: Span::Epochs(5), every: 1 };
    assert!(refused(Pruning { pace: late, ..PRUNING }).contains("at most the `epochs`"));
    for layer in ["conv2", "conv", "conv1.weight", "norm", ""] {
        let error = refused(Pruning { layers: &[Keep { layer, fraction: 0.5 }], ..PRUNING });
        assert_eq!(error, format!("`Arrays` has no layer with weights to prune named `{layer}`; it has conv1, dense1"));
    }
    let text = Pruning { layers: &[Keep { layer: "conv1", fraction: 0.66 }], ..GRADUAL }.to_string();
    assert_eq!(
        text,
        "prune {\n    method: magnitude;\n    keep: 0.2;\n    keep(conv1): 0.66;\n    \
         schedule: gradual(epochs: 3, every: 2);\n    epochs: 4;\n    lr_factor: 0.1;\n    scale_dropout: false;\n}\n"
    );
}

#[test]
fn dropout_shrinks_with_the_network_where_that_is_asked_for() {
    let mut parameters = Parameters::initialised(&ARRAYS, 3);
    let mut factor = |scale_dropout| {
        let mut mask = Mask::new(&ARRAYS, &Pruning { scale_dropout, keep: Some(0.25), ..PRUNING }).unwrap();
        assert_eq!(mask.dropout(), 1.0);
        mask.begin(&ARRAYS, parameters.trained_mut()).unwrap();
        mask.dropout()
    };
    assert_eq!(factor(false), 1.0);
    // 23 of 90 weights, rounded, and 15 of 60.
    assert_eq!(factor(true), (38.0_f64 / 150.0).sqrt() as f32);
}
