//! A training step after the first allocates nothing, and neither does a prediction.
//!
//! A test binary of its own, of one test: the allocator is the whole process's, and counts for all threads, those of the
//! pool and those of the crew. Threads of an earlier pool are exempt, which end when they like.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use netwright::dataset::Dataset;
use netwright::engine::{self, Core, Gradients, Targets};
use netwright::ndarray::{Array2, Array4, ArrayView4};
use netwright::train::prune::{Mask, Method, Pace, Pruning};
use netwright::train::{
    Augmentation, Axis, Change, Constraint, Fill, Moment, Optimizer, OptimizerState, Recipe, Span, Trainer,
};
use netwright::{Network, Trainable};
use netwright_tests::allocator::{Counting, calls, count_calls, exempt_this_thread};
use netwright_tests::interpreter::Random;
use rayon::ThreadPoolBuilder;

netwright::model!(<lenet> as LeNet);
netwright::model!(<squeeze_excite> as SqueezeExcite);
netwright::model!(<squeezenet> as SqueezeNet, size = 64, classes = 10);
netwright::model!("../nets/layers/composite.net");
// In bands of rows, as `bands.rs` sees to.
netwright::model!("../nets/layers/bands_training.net", cache = 1500);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts no longer, and never again what this pool's threads do, which end when they like once the pool is gone.
fn end() {
    count_calls(false);
    rayon::broadcast(|_| exempt_this_thread());
}

/// A worker of rayon's registers itself, once, when it first takes over another's job; that is not the step's affair.
fn wait_until_every_thread_has_stolen(threads: usize) {
    let seen: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
    while seen.iter().any(|seen| seen.load(Ordering::Relaxed) == 0) {
        rayon::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|_| {
                    std::thread::sleep(Duration::from_millis(1));
                    seen[rayon::current_thread_index().unwrap()].fetch_add(1, Ordering::Relaxed);
                });
            }
        });
    }
}

/// Allocations of each of some steps, the first included, in a pool of so many threads.
fn allocations<N: Trainable>(optimizer: Optimizer, threads: usize, n: usize) -> Vec<usize> {
    let mut random = Random::new(1);
    let images: Vec<f32> =
        random.array(n * N::SPEC.inputs[0].len(), 0.0, 1.0).into_iter().map(|value| value as f32).collect();
    let labels: Vec<u32> = (0..n).map(|_| random.below(N::TRAINING.classes) as u32).collect();
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    // Measured inside of the pool: handing a job in from outside is rayon's affair.
    pool.install(|| {
        let mut network = N::from_core(Core::new(N::SPEC, 1));
        let mut gradients = Gradients::new::<N>().unwrap();
        let mut state = OptimizerState::new(&optimizer, N::SPEC.trained).unwrap();
        // More goes with every step.
        let pruning = Pruning {
            method: Method::GlobalMagnitude,
            keep: Some(0.1),
            layers: &[],
            pace: Pace::Gradual { total: Span::Epochs(1), every: 1 },
            epochs: 1,
            lr_factor: 1.0,
            scale_dropout: false,
        };
        let mut mask = Mask::new(N::SPEC, &pruning).unwrap();
        mask.begin(N::SPEC, network.core_mut().parameters_mut().trained_mut()).unwrap();
        wait_until_every_thread_has_stolen(threads);
        count_calls(true);
        let mut counts = Vec::with_capacity(16);
        for step in 0..10 {
            let before = calls();
            gradients.set_key(1, step);
            // The last steps have fewer images, as at the end of an epoch.
            let n = if step < 8 { n } else { n / 3 };
            let images = &images[..n * N::SPEC.inputs[0].len()];
            let targets = Targets::Classes(&labels[..n]);
            let loss = engine::loss_and_gradients(&mut network, images, targets, &mut gradients).unwrap();
            assert!(loss.loss.is_finite());
            let at = Moment { step, steps_per_epoch: 10 };
            let density = mask.density();
            mask.before_step(at, network.core().parameters().trained(), gradients.values_mut());
            let parameters = network.core_mut().parameters_mut().trained_mut();
            state.step_parts(&optimizer, optimizer.lr(), N::RATES, parameters, gradients.values());
            mask.after_step(at, parameters, &mut state);
            assert!(mask.density() < density);
            counts.push(calls() - before);
        }
        end();
        counts
    })
}

fn a_step_after_the_first_allocates_nothing(threads: usize) {
    let adam = Optimizer::Adam { lr: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.0 };
    let sgd = Optimizer::Sgd { lr: 0.001, momentum: 0.9, nesterov: false, weight_decay: 1e-4 };
    for (name, counts) in [
        ("lenet", allocations::<LeNet>(adam, threads, 32)),
        ("composite", allocations::<Composite>(adam, threads, 64)),
        ("bands_training", allocations::<BandsTraining>(adam, threads, 6)),
        ("squeeze_excite", allocations::<SqueezeExcite>(adam, threads, 16)),
        ("squeezenet", allocations::<SqueezeNet>(sgd, threads, 6)),
    ] {
        assert!(counts[0] > 0, "the first step reserves memory: is the allocator in use?");
        assert_eq!(counts[1..], [0; 9], "{name} with {threads} threads");
    }
}

const PREDICTIONS: usize = 40;

/// Allocations of each of so many predictions, the first included, in a pool of so many threads.
fn allocations_of_predictions(threads: usize, n: usize) -> Vec<usize> {
    let mut random = Random::new(2);
    let images: Vec<f32> =
        random.array(n * LeNet::SPEC.inputs[0].len(), 0.0, 1.0).into_iter().map(|value| value as f32).collect();
    let images = ArrayView4::from_shape((n, 28, 28, 1), &images).unwrap();
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let network = LeNet::new(1);
        let mut outputs = Array2::zeros((n, 10));
        wait_until_every_thread_has_stolen(threads);
        count_calls(true);
        let mut counts = Vec::with_capacity(PREDICTIONS);
        for _ in 0..PREDICTIONS {
            let before = calls();
            network.forward(images, outputs.view_mut()).unwrap();
            counts.push(calls() - before);
        }
        end();
        counts
    })
}

fn a_prediction_after_the_first_two_allocates_nothing(threads: usize) {
    // One image has its steps shared among a crew, which is started by the second prediction; eight are a chunk for each of two
    // threads, and so are 64 for more.
    for n in [1, 8, 64] {
        let counts = allocations_of_predictions(threads, n);
        assert!(counts[0] > 0, "the first prediction reserves memory: is the allocator in use?");
        // Each member of the crew reserves its room, and registers what frees it, when it first comes to do a part, which may
        // be later.
        let later: usize = counts[2..].iter().sum();
        assert!(later <= 2 * (threads - 1), "{n} images with {threads} threads: {counts:?}");
    }
}

/// Allocations between batches of a run, from the third batch on.
fn trainer_allocations(threads: usize, augment: Augmentation) -> Vec<usize> {
    let mut random = Random::new(1);
    let images = random.array(96 * 28 * 28, 0.0, 1.0).into_iter().map(|value| value as f32).collect();
    let images = Array4::from_shape_vec((96, 28, 28, 1), images).unwrap();
    let data = Dataset::from_classes(images, (0..96).map(|_| random.below(10) as u32).collect(), 10).unwrap();
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut network = LeNet::from_core(Core::new(LeNet::SPEC, 1));
        wait_until_every_thread_has_stolen(threads);
        count_calls(true);
        let (mut counts, mut before) = (Vec::with_capacity(16), 0);
        let recipe = Recipe { batch: 8, epochs: 1, augment, ..LeNet::RECIPE };
        Trainer::from_recipe(recipe)
            .on_batch(|_| {
                let now = calls();
                counts.push(now - before);
                before = now;
            })
            .fit(&mut network, &data, None)
            .unwrap();
        end();
        counts.split_off(2)
    })
}

fn a_batch_of_a_run_allocates_nothing(threads: usize) {
    let fill = Fill::Zero;
    let changes = [
        Change::Shift { pixels: 2, fill },
        Change::Rotate { degrees: 10.0, fill },
        Change::Noise { deviation: 0.1 },
        Change::Flip { axis: Axis::Horizontal },
        Change::Scale { low: 0.9, high: 1.1, fill: Fill::Edge },
        Change::Shear { degrees: 5.0, fill },
        Change::Contrast { by: 0.1 },
        Change::Cutout { size: 4 },
    ];
    let augment = Augmentation::try_from(changes.as_slice()).unwrap();
    assert_eq!(trainer_allocations(threads, Augmentation::NONE), [0; 10], "{threads} threads");
    assert_eq!(trainer_allocations(threads, augment), [0; 10], "augmented, {threads} threads");
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn steps_and_predictions_allocate_nothing() {
    for threads in [1, 2, 4] {
        a_step_after_the_first_allocates_nothing(threads);
        a_prediction_after_the_first_two_allocates_nothing(threads);
        a_batch_of_a_run_allocates_nothing(threads);
    }
}
